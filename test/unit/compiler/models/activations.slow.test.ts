/** The builder's seeded weights keep a signal alive through the whole depth. */
import { expect, test } from "@jest/globals";
import { importOnnx } from "../../../../compiler/frontend/onnx/index.ts";
import { evaluate, numeric, tensorFrom } from "../../../../compiler/ir/index.ts";
import { buildModel } from "../../../../compiler/models/index.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";

test.each(["squeezenet1_1", "mobilenet_v2"] as const)(
  "activations neither vanish nor explode through %s",
  (name) => {
    const imported = importOnnx(buildModel(name, 1));
    if (!imported.ok) throw new Error(imported.message);
    const random = seededRandom(3);
    const type = { dtype: "f32" as const, shape: [1, 3, 224, 224] };
    const input = tensorFrom(type, () => random.normal());
    const levels: number[] = [];
    evaluate(imported.value, new Map([["input", input]]), {
      observe: (_, value) => {
        const data = numeric(value);
        let sum = 0;
        for (const each of data) sum += each * each;
        levels.push(Math.sqrt(sum / data.length));
      },
    });
    expect(Math.min(...levels)).toBeGreaterThan(0.05);
    expect(Math.max(...levels)).toBeLessThan(20);
  },
);
