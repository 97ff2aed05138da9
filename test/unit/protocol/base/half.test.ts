import { expect, test } from "@jest/globals";
import { encodeHalf, encodeHalves } from "../../../../protocol/base/half.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";

test("many at once are encoded as one by one", () => {
  const random = seededRandom(1);
  const words = Uint32Array.from({ length: 20_000 }, () => Math.floor(random.uniform() * 2 ** 32));
  const any = new Float32Array(words.buffer);
  const small = Float32Array.from({ length: 4_000 }, (_, index) => (index - 2_000) * 2 ** -25);
  const large = Float32Array.from({ length: 4_000 }, (_, index) => 65_400 + index / 10);
  for (const values of [any, small, large]) {
    expect([...encodeHalves(values)]).toEqual([...values].map((value) => encodeHalf(value)));
  }
});
