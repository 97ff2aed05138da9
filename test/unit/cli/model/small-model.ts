/** A file with one convolution and one function for the commands that look into models. */
import { floats, ints, onnxFile, onnxNode } from "../../compiler/frontend/onnx-file.ts";

/** x f32[1,3,16,16] -> y (3x3, 8 channels) -> z, the sigmoid of y. */
export function smallModel(batch: number | string = 1): Uint8Array {
  const weights = Array.from({ length: 8 * 3 * 9 }, (_, index) => ((index * 7) % 11) / 11 - 0.5);
  return onnxFile({
    nodes: [
      onnxNode("Conv", [["x", "w"], ["y"]], [ints("pads", [1, 1, 1, 1])]),
      onnxNode("Sigmoid", [["y"], ["z"]]),
    ],
    initializers: [floats("w", [8, 3, 3, 3], weights)],
    inputs: { x: [batch, 3, 16, 16] },
    outputs: ["z"],
  });
}
