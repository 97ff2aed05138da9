/** Types that a model declares for its inputs, with the shapes that the caller binds. */
import { closedIfKnown, describeType, isClosed } from "../../ir/index.ts";
import type { Dimension, OpenType, ValueType } from "../../ir/index.ts";
import { integer } from "./decode.ts";
import type { TypeProto, ValueInfoProto } from "./decode.ts";
import { LIMITS, refuse } from "./failure.ts";
import { checkedShape, elementType } from "./tensors.ts";

/** Types of sequences of optionals of sequences … */
const DEPTH_MAX = 16;

function declaredType(message: TypeProto | null | undefined, owner: string): OpenType {
  return readType(message, { owner, depth: 0 });
}

interface Place {
  readonly owner: string;
  readonly depth: number;
}

function readType(message: TypeProto | null | undefined, place: Place): OpenType {
  const { owner, depth } = place;
  const inner = { owner, depth: depth + 1 };
  if (depth > DEPTH_MAX) refuse("LIMIT_EXCEEDED", `${owner} has a type of too many layers`);
  if (message?.sequenceType) {
    return { kind: "sequence", element: readType(message.sequenceType.elemType, inner) };
  }
  if (message?.optionalType) {
    return { kind: "optional", element: readType(message.optionalType.elemType, inner) };
  }
  const tensorType = message?.tensorType;
  if (!tensorType) {
    return refuse("UNSUPPORTED_TYPE", `${owner} is no tensor, sequence or optional`, {
      node: owner,
    });
  }
  const dims = tensorType.shape?.dim?.map((dim): Dimension => {
    // Exporters write 0 and -1 for sizes that they leave open.
    const size = integer(dim.dimValue);
    return size > 0 ? size : dim.dimParam || undefined;
  });
  const isShaped = tensorType.shape !== undefined && tensorType.shape !== null;
  return {
    kind: "tensor",
    dtype: elementType(tensorType.elemType ?? 0, owner),
    dims: dims ?? (isShaped ? [] : undefined),
  };
}

export interface Bindings {
  /** Shapes of inputs by name. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Sizes by the names that the model gives to open dimensions. */
  readonly dimensions: ReadonlyMap<string, number>;
}

/**
 * The types of inputs as they are declared and bound. A shape given for one input binds the named
 * sizes of all others.
 */
export function boundTypes(
  inputs: readonly ValueInfoProto[],
  bindings: Bindings,
): ReadonlyMap<string, ValueType> {
  const declared = new Map(
    inputs.map(({ name, type }) => [name ?? "", declaredType(type, `input ${name ?? ""}`)]),
  );
  const dimensions = new Map(bindings.dimensions);
  for (const [name, type] of declared) {
    const shape = bindings.shapes.get(name);
    if (shape !== undefined) bindNames({ name, type, shape }, dimensions);
  }
  return new Map(
    [...declared].map(([name, type]) => [
      name,
      bound({ name, type, shape: bindings.shapes.get(name) }, dimensions),
    ]),
  );
}

interface BoundInput {
  readonly name: string;
  readonly type: OpenType;
  readonly shape: readonly number[] | undefined;
}

function bindNames(input: BoundInput, dimensions: Map<string, number>): void {
  const { name, type, shape = [] } = input;
  if (type.kind !== "tensor" || type.dims === undefined) return;
  for (const [axis, size] of type.dims.entries()) {
    const given = shape[axis];
    if (typeof size !== "string" || given === undefined) continue;
    const known = dimensions.get(size);
    if (known !== undefined && known !== given) {
      refuse("BAD_MODEL", `input ${name} makes ${size} ${given}, which is ${known} elsewhere`, {
        node: name,
      });
    }
    dimensions.set(size, given);
  }
}

function bound(input: BoundInput, dimensions: ReadonlyMap<string, number>): ValueType {
  const { name, type, shape } = input;
  if (type.kind !== "tensor") {
    if (shape === undefined) return type;
    return refuse("BAD_MODEL", `input ${name} is ${describeType(type)}, which has no shape`, {
      node: name,
    });
  }
  const { dtype, dims } = type;
  if ((dims?.length ?? 0) > LIMITS.rankMax) {
    refuse("LIMIT_EXCEEDED", `input ${name} has more than ${LIMITS.rankMax} dimensions`);
  }
  const sizes = dims?.map((size) =>
    typeof size === "string" ? (dimensions.get(size) ?? size) : size,
  );
  if (shape === undefined) {
    const known = closedIfKnown({ ...type, dims: sizes });
    return isClosed(known) ? { ...known, shape: checkedShape(known.shape, name) } : known;
  }
  const fits = sizes?.every((size, axis) => typeof size !== "number" || size === shape[axis]);
  if (fits === false || (sizes !== undefined && sizes.length !== shape.length)) {
    const message = `input ${name} is ${describeType(type)}, not [${shape.join(",")}]`;
    refuse("BAD_MODEL", message, { node: name });
  }
  if (dtype === undefined) return refuse("BAD_MODEL", `input ${name} has no element type`);
  return { dtype, shape: checkedShape(shape, name) };
}
