/** Graphs of one recurrent layer of stored numbers, with seeded weights. */
import { graphBuilder, tensorFrom } from "../../compiler/ir/index.ts";
import type { DType, Graph, Quantization } from "../../compiler/ir/index.ts";
import { LSTM_OPERANDS } from "../../compiler/ir/ops/fixed/recurrent.ts";
import type { LstmOperand } from "../../compiler/ir/ops/fixed/recurrent.ts";
import { seededRandom } from "../../protocol/base/random.ts";

function draft(seed: number) {
  const random = seededRandom(seed);
  const builder = graphBuilder("recurrent");
  const encoding = (scale: number, zeroPoint = 0): Quantization => ({
    scales: [Math.fround(scale)],
    zeroPoints: [zeroPoint],
  });
  return {
    builder,
    encoding,
    constant(name: string, dtype: DType, [shape, quantization]: [number[], Quantization]): string {
      const half = { i8: 128, i16: 32768, i32: 20000 }[dtype as string] ?? 1;
      const type = { dtype, shape, quantization };
      return builder.constant(
        name,
        tensorFrom(type, () => random.below(2 * half) - half),
      );
    },
  };
}

export interface Svdf {
  readonly memory: "i8" | "i16";
  readonly rank: number;
  readonly steps: number;
  readonly low: number;
}

export function svdf({ memory, rank, steps, low }: Svdf): Graph {
  const { builder, encoding, constant } = draft(7);
  const [features, filters] = [20, 12];
  const isWide = memory === "i16";
  const remembered = isWide ? encoding(0.002) : encoding(0.4, -21);
  const shape = [1, filters * steps];
  const x = builder.input("x", {
    dtype: "i8",
    shape: [1, features],
    quantization: encoding(0.05, 9),
  });
  const state = builder.input("memory", { dtype: memory, shape, quantization: remembered });
  const inputs = [
    x,
    constant("feature", "i8", [[filters, features], encoding(0.01)]),
    constant("time", memory, [[filters, steps], encoding(isWide ? 0.00003 : 0.01)]),
    constant("bias", "i32", [[filters / rank], encoding(1)]),
    state,
  ];
  const outputs = ["y", "next"];
  const quantizations = [encoding(0.3, -17), remembered];
  const attributes = { rank, low };
  builder.node({ op: "fixed_svdf", name: "svdf", inputs, outputs, attributes, quantizations });
  return builder.finish(outputs);
}

export interface Lstm {
  readonly steps: number;
  readonly features: number;
  readonly units: number;
  /** Of the recurrent weights. */
  readonly scale: number;
  readonly cellScale: number;
  readonly clip: number;
  readonly timeMajor: 0 | 1;
}

export function lstm({ steps, features, units, scale, cellScale, clip, timeMajor }: Lstm): Graph {
  const { builder, encoding, constant } = draft(units);
  const hidden = encoding(1 / 127, -3);
  const operands = new Map<LstmOperand, string>();
  const put = (operand: LstmOperand, name: string): void => void operands.set(operand, name);
  const shape = timeMajor ? [steps, 1, features] : [1, steps, features];
  put("x", builder.input("x", { dtype: "i8", shape, quantization: encoding(0.02, 5) }));
  (["input", "forget", "cell", "output"] as const).forEach((gate, at) => {
    const weights = encoding(0.003 + at * 0.001);
    put(`${gate}Weights`, constant(`w${at}`, "i8", [[units, features], weights]));
    const recurrent = encoding(scale + at * 0.0001);
    put(`${gate}Recurrent`, constant(`r${at}`, "i8", [[units, units], recurrent]));
    put(`${gate}Bias`, constant(`b${at}`, "i32", [[units], encoding(1)]));
  });
  const state = [1, units];
  const cell = encoding(cellScale);
  put("hidden", builder.input("h", { dtype: "i8", shape: state, quantization: hidden }));
  put("cell", builder.input("c", { dtype: "i16", shape: state, quantization: cell }));
  const clips = { cell_clip: clip, projection_clip: 0 };
  const attributes = {
    ...clips,
    time_major: timeMajor,
    hidden_scale: 1 / 127,
    hidden_zero_point: -3,
  };
  builder.node({
    ...{ op: "fixed_lstm", name: "lstm", outputs: ["y", "nextHidden", "nextCell"], attributes },
    inputs: LSTM_OPERANDS.map((operand) => operands.get(operand) ?? ""),
    quantizations: [hidden, hidden, cell],
  });
  return builder.finish(["y", "nextHidden", "nextCell"]);
}
