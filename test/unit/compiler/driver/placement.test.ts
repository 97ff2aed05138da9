/** Models that are placed node by node: what comes out, and what is said about it. */
import { describe, expect, test } from "@jest/globals";
import { InProcessDriver } from "../../../../cli/driver/in-process.ts";
import { createDriver } from "../../../../compiler/driver/main.ts";
import { RELEASES } from "../../../../compiler/releases/index.ts";
import { socNamed } from "../../../../device-agent/soc/index.ts";
import { fromUtf8 } from "../../../../protocol/base/bytes.ts";
import { canonicalJson } from "../../../../protocol/base/canonical-json.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import type { Result } from "../../../../protocol/base/result.ts";
import { decodeProgram } from "../../../../protocol/program/index.ts";
import { floats, ints, onnxFile, onnxNode } from "../frontend/onnx-file.ts";

interface Layers {
  readonly channels: number;
  readonly size: number;
  /** Behind the convolution: the last step, which the HTP has or has not. */
  readonly last: string;
}

function modelOf({ channels, size, last }: Layers): Uint8Array {
  const random = seededRandom(1);
  const weights = (name: string, from: number) => {
    const values = Array.from({ length: channels * from * 9 }, () => random.normal() / (3 * from));
    return floats(name, [channels, from, 3, 3], values);
  };
  const windows = [ints("pads", [1, 1, 1, 1]), ints("strides", [2, 2])];
  const axes = last === "ReduceMax" ? [ints("axes", [1])] : [];
  return onnxFile({
    nodes: [
      onnxNode("Conv", [["x", "w"], ["a"]], windows),
      onnxNode("Conv", [["a", "v"], ["b"]], windows),
      onnxNode(last, [["b"], ["y"]], axes),
    ],
    initializers: [weights("w", 3), weights("v", channels)],
    inputs: { x: [1, 3, size, size] },
    outputs: ["y"],
  });
}

/** What the placement's dump says, and the kinds of the program's segments; or the refusal. */
function placed(layers: Layers, last = layers.last): Result<{ text: string; kinds: string[] }> {
  const driver = new InProcessDriver(createDriver(RELEASES.get("1.1.0")!));
  const sha256 = driver.put(modelOf({ ...layers, last }));
  const model = { format: "onnx", sha256, name: "layers", inputShapes: [] } as const;
  const random = seededRandom(2);
  const run = Float32Array.from({ length: 3 * layers.size ** 2 }, () => random.normal());
  const inputs = [driver.put(new Uint8Array(run.buffer))];
  const { encodings } = unwrap(driver.reference({ model, inputs, calibrate: true }));
  const compiled = driver.compile({
    ...{ model, encodings, backend: "htp", dumpAfter: "placement" },
    soc: fromUtf8(canonicalJson(socNamed("sm8650")!)),
  });
  if (!compiled.ok) return compiled;
  const { segments } = unwrap(decodeProgram(driver.get(compiled.value.program)));
  const text = fromUtf8(driver.get(compiled.value.dump!));
  return { ok: true, value: { text, kinds: segments.map(({ kind }) => kind) } };
}

const LARGE = { channels: 96, size: 48 };

describe("a model of two convolutions and a last step", () => {
  test("that the HTP has is one segment", () => {
    const { text, kinds } = unwrap(placed({ ...LARGE, last: "Relu" }));
    expect(kinds).toEqual(["htp"]);
    expect(text).toBe("segment 0 htp, 2 nodes: 2 conv\n");
  });

  test("that the HTP has not goes to the CPU, for a reason", () => {
    const { text, kinds } = unwrap(placed({ ...LARGE, last: "ReduceMax" }));
    expect(kinds).toEqual(["htp", "cpu"]);
    const [htp, cpu, ...nodes] = text.trimEnd().split("\n");
    expect(htp).toBe("segment 0 htp, 2 nodes: 2 conv");
    expect(cpu).toBe("segment 1 cpu, 2 nodes: 1 dequantize, 1 reduce_max");
    expect(nodes).toEqual([
      "  dequantize b/real: between stored and real numbers",
      expect.stringMatching(/^ {2}reduce_max y: .*operator reduce_max is not supported on the HTP/),
    ]);
  });

  test("that are small is refused with the HTP's reason: the CPU alone is no slower", () => {
    expect(placed({ channels: 2, size: 8, last: "ReduceMax" })).toMatchObject({ ok: false });
  });
});
