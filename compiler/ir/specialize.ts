/**
 * A graph for given shapes and values: sizes bound, what is known computed, branches with a known
 * condition put in place, loops of known length unrolled. What depends on the data stays as it is.
 */
import { CodedError, failed, succeeded, toFailure } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { Graph, OpenType, Tensor, TensorType, ValueType } from "./graph.ts";
import { inlineRegions } from "./inline.ts";
import { inlineSequences } from "./known-sequences.ts";
import { reject } from "./operator.ts";
import {
  agrees,
  closedIfKnown,
  describeType,
  isClosed,
  opened,
  opennessOf,
  typeIn,
} from "./value.ts";
import { workbench } from "./workbench.ts";

export interface Binding {
  /** Shapes of inputs by name. */
  readonly shapes?: ReadonlyMap<string, readonly number[]>;
  /** Sizes by the names of open dimensions. */
  readonly dimensions?: ReadonlyMap<string, number>;
  /** Inputs that become constants. */
  readonly values?: ReadonlyMap<string, Tensor>;
}

/** Fails with BAD_NODE, naming the node or input that the binding does not fit. */
export function specialize(graph: Graph, binding: Binding = {}): Result<Graph, "BAD_NODE"> {
  try {
    const sequences = inlineSequences();
    const bench = workbench((node, own) => inlineRegions(node, own) || sequences(node, own));
    for (const name of graph.inputs) {
      const type = boundType(graph, name, binding);
      const value = binding.values?.get(name);
      if (value === undefined) bench.declare(name, type);
      else bench.define(name, value);
    }
    for (const [name, value] of graph.constants) bench.define(name, value);
    for (const node of graph.nodes) bench.add(node, encodingsOf(graph, node.outputs));
    const inputs = graph.inputs.filter((name) => !(binding.values?.has(name) ?? false));
    const { name, outputs, states } = graph;
    return succeeded(bench.finish({ name, inputs, outputs, ...(states && { states }) }));
  } catch (error) {
    if (error instanceof CodedError && error.code === "BAD_NODE") {
      return toFailure(error as CodedError<"BAD_NODE">);
    }
    throw error;
  }
}

/** A graph without anything open, as compiled code needs it: specialised where it is not one yet. */
export function closeGraph(
  graph: Graph,
  binding: Binding = {},
): Result<Graph, "BAD_MODEL" | "DYNAMIC_SHAPE"> {
  if (opennessOf(graph) === undefined) return succeeded(graph);
  const bound = specialize(graph, binding);
  if (!bound.ok) return failed("BAD_MODEL", bound.message, bound.details);
  const openness = opennessOf(bound.value);
  if (openness === undefined) return bound;
  return failed("DYNAMIC_SHAPE", openness.reason, { node: openness.name });
}

function encodingsOf(graph: Graph, names: readonly string[]): readonly (TensorType | undefined)[] {
  return names.map((name) => graph.types.get(name));
}

/** The type of an input with what is bound in it; its encoding is kept. */
function boundType(graph: Graph, name: string, binding: Binding): ValueType {
  const declared = typeIn(graph, name) ?? reject(`input ${name} has no type`);
  const value = binding.values?.get(name);
  const given = value?.type.shape ?? binding.shapes?.get(name);
  const bound = closedIfKnown(withDimensions(opened(declared), binding.dimensions));
  if (given === undefined) return isClosed(declared) ? declared : bound;
  const open = opened(bound);
  const dtype = value?.type.dtype ?? (open.kind === "tensor" ? open.dtype : undefined);
  const wanted: OpenType = { kind: "tensor", dtype, dims: given };
  if (!agrees(bound, wanted)) {
    const [has, needs] = [describeType(wanted), describeType(bound)];
    throw new CodedError("BAD_NODE", `input ${name} is ${needs}, not ${has}`, { node: name });
  }
  if (isClosed(declared)) return declared;
  return closedIfKnown(wanted);
}

function withDimensions(type: OpenType, sizes: ReadonlyMap<string, number> | undefined): OpenType {
  if (type.kind !== "tensor") return { ...type, element: withDimensions(type.element, sizes) };
  const dims = type.dims?.map((size) =>
    typeof size === "string" ? (sizes?.get(size) ?? size) : size,
  );
  return { ...type, dims };
}
