/** Model files that are cut, flipped or made of dice, through the driver's ABI: a failure with a code, or a program. */
import { describe, expect, test } from "@jest/globals";
import { InProcessDriver } from "../../../../cli/driver/in-process.ts";
import { zooModel } from "../../../../cli/models/zoo.ts";
import { createDriver } from "../../../../compiler/driver/main.ts";
import { RELEASES } from "../../../../compiler/releases/index.ts";
import { socNamed } from "../../../../device-agent/soc/index.ts";
import type { ModelSource } from "../../../../protocol/abi/index.ts";
import { present } from "../../../../protocol/base/assert.ts";
import { concatBytes, fromUtf8 } from "../../../../protocol/base/bytes.ts";
import { canonicalJson } from "../../../../protocol/base/canonical-json.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";
import type { Random } from "../../../../protocol/base/random.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { fc, property } from "../../../support/property.ts";
import { ints, onnxFile, onnxNode } from "../../compiler/frontend/onnx-file.ts";

const SOC = fromUtf8(canonicalJson(present(socNamed("sm8650"), "chip")));
const NEWEST = present([...RELEASES.values()].at(-1), "a release");
const FLOAT = 1;
const IMAGE = [1, 4, 8, 8] as const;
/** What changed dimensions may ask for is only compiled, not computed. */
const MACS_MAX = 1e7;

/** Every code that the three calls gave, in order; "OK" for success. */
function outcomes(bytes: Uint8Array, inputShapes: ModelSource["inputShapes"] = []): string[] {
  const driver = new InProcessDriver(createDriver(NEWEST));
  const model: ModelSource = { format: "onnx", sha256: driver.put(bytes), name: "m", inputShapes };
  const common = { model, soc: SOC, dumpAfter: undefined };
  const cpu = driver.compile({ ...common, backend: "cpu", encodings: undefined });
  if (!cpu.ok) return [`${cpu.code}: ${cpu.message}`];
  if (cpu.value.macs > MACS_MAX) return ["OK"];
  const image = Float32Array.from({ length: 256 }, (_, index) => Math.sin(index));
  const inputs = [driver.put(new Uint8Array(image.buffer))];
  const reference = driver.reference({ model, inputs, calibrate: true });
  if (!reference.ok) return ["OK", `${reference.code}: ${reference.message}`];
  const { encodings } = reference.value;
  const htp = driver.compile({ ...common, backend: "htp", encodings });
  return ["OK", "OK", htp.ok ? "OK" : `${htp.code}: ${htp.message}`];
}

const bugs = (bytes: Uint8Array, shapes?: ModelSource["inputShapes"]): string[] =>
  outcomes(bytes, shapes).filter((outcome) => outcome.startsWith("INTERNAL"));

function weights(name: string, dims: readonly number[], random: Random) {
  const count = dims.reduce((product, size) => product * size, 1);
  const values = Float32Array.from({ length: count }, () => random.normal());
  return { name, dims: [...dims], dataType: FLOAT, rawData: new Uint8Array(values.buffer) };
}

const PADS = [ints("kernel_shape", [3, 3]), ints("pads", [1, 1, 1, 1])];
const POOL = [ints("kernel_shape", [2, 2]), ints("strides", [2, 2])];
const NODES = [
  onnxNode("Conv", [["x", "w", "b"], ["c"]], PADS),
  onnxNode("Relu", [["c"], ["r"]]),
  onnxNode("MaxPool", [["r"], ["p"]], POOL),
  onnxNode("GlobalAveragePool", [["p"], ["a"]]),
  onnxNode("Flatten", [["a"], ["f"]]),
  onnxNode("MatMul", [["f", "g"], ["m"]]),
  onnxNode("Softmax", [["m"], ["y"]]),
];

function smallNetwork(random: Random): Uint8Array {
  const initializers = [
    weights("w", [6, 4, 3, 3], random),
    weights("b", [6], random),
    weights("g", [6, 5], random),
  ];
  return onnxFile({ nodes: NODES, initializers, inputs: { x: IMAGE }, outputs: ["y"] });
}

const DAMAGES = {
  cut: (bytes, random) => bytes.slice(0, random.below(bytes.length)),
  flipped: (bytes, random) => {
    const damaged = bytes.slice();
    for (let count = 1 + random.below(4); count > 0; count--) {
      damaged[random.below(damaged.length)]! ^= 1 << random.below(8);
    }
    return damaged;
  },
  overwritten: (bytes, random) => {
    const damaged = bytes.slice();
    const start = random.below(bytes.length);
    for (let at = start; at < start + 16 && at < bytes.length; at++)
      damaged[at] = random.below(256);
    return damaged;
  },
  spliced: (bytes, random) => {
    const [from, to] = [random.below(bytes.length), random.below(bytes.length)];
    return concatBytes([bytes.slice(0, to), bytes.slice(from, from + 64), bytes.slice(to)]);
  },
} satisfies Record<string, (bytes: Uint8Array, random: Random) => Uint8Array>;

const seeds = fc.integer({ min: 0, max: 0x7fffffff });

describe("a damaged model is refused with a code of its own, or compiles", () => {
  const whole = smallNetwork(seededRandom(1));
  // Nodes and shapes alone, so that damage does not mostly hit numbers.
  const lean = onnxFile({
    nodes: NODES,
    inputs: { x: IMAGE, w: [6, 4, 3, 3], b: [6], g: [6, 5] },
    outputs: ["y"],
  });

  test("undamaged, it compiles", () => {
    expect(outcomes(whole)).toEqual(["OK", "OK", "OK"]);
  });

  test.each(Object.entries(DAMAGES))("%s", (_name, damage) => {
    property(
      seeds,
      (seed) => expect(bugs(damage(seed % 3 === 0 ? whole : lean, seededRandom(seed)))).toEqual([]),
      60,
    );
  });

  test("made of dice", () => {
    property(fc.uint8Array({ maxLength: 400 }), (bytes) => expect(bugs(bytes)).toEqual([]), 60);
  });

  test("a real network that is cut", async () => {
    const { load, input, shape } = present(zooModel("ocr-classifier"), "zoo model");
    const bytes = unwrap(await load());
    const cut = (seed: number) => DAMAGES.cut(bytes, seededRandom(seed));
    property(seeds, (seed) => expect(bugs(cut(seed), [{ input, shape }])).toEqual([]), 8);
  });
});
