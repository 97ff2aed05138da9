/** Nodes that a quantised graph computes in float32, between conversions from and to what its other nodes store. */
import { present } from "../../protocol/base/assert.ts";
import { perTensor } from "../ir/index.ts";
import type { ActivationType, Encoding, Graph, GraphBuilder, Node } from "../ir/index.ts";

export interface FloatNodes {
  isFloat(node: Node): boolean;
  /** Whether the value is stored: some node that is not float reads or writes it. */
  isStored(value: string): boolean;
}

/** Of the nodes with these names. An input or output that only they touch stays float32. */
export function floatNodes(graph: Graph, names: ReadonlySet<string>): FloatNodes {
  const isFloat = ({ name }: Node): boolean => names.has(name);
  const touch = (wanted: boolean): Set<string> =>
    new Set(
      graph.nodes
        .filter((node) => isFloat(node) === wanted)
        .flatMap(({ inputs, outputs }) => [...inputs, ...outputs]),
    );
  const [stored, real] = [touch(false), touch(true)];
  return { isFloat, isStored: (value) => stored.has(value) || !real.has(value) };
}

export interface FloatWork {
  readonly graph: Graph;
  readonly builder: GraphBuilder;
  readonly encodings: ReadonlyMap<string, Encoding>;
  readonly dtype: ActivationType;
  readonly floats: FloatNodes;
  /** Constants and conversions made so far, by name. */
  readonly made: Set<string>;
}

/** The node as it is; what it writes for others is stored behind it. */
export function keepFloat(work: FloatWork, node: Node): void {
  const { builder, floats, dtype, made } = work;
  const inputs = node.inputs.map((name) => realValue(work, name));
  const outputs = node.outputs.map((name) => (floats.isStored(name) ? realName(name) : name));
  const attributes = Object.fromEntries(node.attributes);
  builder.node({ op: node.op, name: node.name, inputs, outputs, attributes });
  for (const name of node.outputs) {
    if (!floats.isStored(name)) continue;
    made.add(realName(name));
    const quantization = perTensor(present(work.encodings.get(name), `encoding of ${name}`));
    builder.node({
      ...{ op: "quantize", name: `${name}/quantize`, inputs: [realName(name)], outputs: [name] },
      attributes: { ...borderAttributes(quantization), to: dtype },
      quantization,
    });
  }
}

function realName(value: string): string {
  return `${value}/real`;
}

/** What a float node reads: a constant, what another float node wrote, or a stored value made real. */
function realValue({ graph, builder, floats, made }: FloatWork, name: string): string {
  const constant = graph.constants.get(name);
  const real = constant === undefined ? realName(name) : name;
  if (name === "" || (constant === undefined && !floats.isStored(name))) return name;
  if (made.has(real)) return real;
  made.add(real);
  if (constant !== undefined) return builder.constant(name, constant);
  const { quantization } = builder.typeOf(name);
  const attributes = borderAttributes(present(quantization, `encoding of ${name}`));
  return builder.node({ op: "dequantize", name: real, inputs: [name], attributes });
}

function borderAttributes({ scales, zeroPoints }: ReturnType<typeof perTensor>) {
  return { scales, zero_points: zeroPoints };
}
