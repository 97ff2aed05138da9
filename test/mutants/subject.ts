/**
 * The programs that are damaged: a small residual network in int8, fp16 and int16, layer by layer and kept in VTCM, and
 * two steps of an imported recurrent layer.
 */
import { Programs, typedGraph } from "../../cli/fidelity/parity.ts";
import type { Precision } from "../../cli/fidelity/parity.ts";
import { graphBuilder, tensorFrom } from "../../compiler/ir/index.ts";
import type { Attribute, Graph } from "../../compiler/ir/index.ts";
import { adopt } from "../../compiler/passes/index.ts";
import { RELEASES } from "../../compiler/releases/index.ts";
import { socNamed } from "../../device-agent/soc/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { seededRandom } from "../../protocol/base/random.ts";
import type { Random } from "../../protocol/base/random.ts";
import { unwrap } from "../../protocol/base/result.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import type { Program } from "../../protocol/program/index.ts";
import { lstm } from "../support/recurrent-layers.ts";

/** A chip whose memory is small, so that it holds no more than the program needs. */
export const SOC: SocDescription = {
  ...present(socNamed("sm8650"), "sm8650"),
  vtcmBytes: 384 * 1024,
};

export interface Subject {
  readonly name: string;
  readonly program: Program;
}

export function subjects(seed: number): Subject[] {
  const graph = residualNetwork(seededRandom(seed));
  const precisions: readonly Precision[] = ["w8a8", "float", "w8a16"];
  const residual = precisions.map(
    (precision) => [precision, unwrap(typedGraph(graph, precision))] as const,
  );
  return [...residual, ["recurrent", unwrap(adopt(lstm(LAYER)))] as const].flatMap(
    ([name, typed]) =>
      [...RELEASES.values()].map((recipe) => ({
        name: `${name} by ${recipe.version}`,
        program: unwrap(new Programs(typed, recipe).for(SOC)),
      })),
  );
}

const LAYER = {
  ...({ steps: 2, features: 28, units: 20, timeMajor: 0 } as const),
  ...{ scale: 0.01, cellScale: 2 ** -12, clip: 0 },
};

type Attributes = Readonly<Record<string, Attribute>>;

function residualNetwork(random: Random): Graph {
  const builder = graphBuilder("residual");
  const constant = (name: string, shape: readonly number[]): string =>
    builder.constant(
      name,
      tensorFrom({ dtype: "f32", shape }, () => random.normal() * 0.3),
    );
  const conv = (
    name: string,
    from: string,
    shape: { readonly weights: readonly number[]; readonly attributes?: Attributes },
  ): string => {
    const { weights, attributes = {} } = shape;
    const inputs = [
      from,
      constant(`${name}_w`, weights),
      constant(`${name}_b`, weights.slice(0, 1)),
    ];
    return builder.node({ op: "conv", name, inputs, attributes });
  };
  const x = builder.input("x", { dtype: "f32", shape: [1, 24, 14, 18] });
  const wide = conv("wide", x, { weights: [40, 24, 1, 1] });
  const pads = [1, 1, 1, 1];
  const each = conv("each", wide, { weights: [40, 1, 3, 3], attributes: { group: 40, pads } });
  const full = conv("full", each, { weights: [24, 40, 3, 3], attributes: { pads } });
  const sum = builder.node({ op: "add", name: "sum", inputs: [full, x], attributes: {} });
  return builder.finish([sum]);
}
