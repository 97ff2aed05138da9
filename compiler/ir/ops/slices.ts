/** Tensors cut and joined along one axis, of any element type. */
import { product } from "../../../protocol/base/integers.ts";
import type { Tensor } from "../graph.ts";
import { reject, requireThat } from "../operator.ts";
import { sameShape, tensorStored } from "../tensor.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor } = Math;

/** Consecutive parts of the given sizes along the axis. */
export function slicesAlong(x: Tensor, axis: number, sizes: readonly number[]): Tensor[] {
  const { dtype, shape } = x.type;
  const size = shape[axis] ?? 0;
  const sum = sizes.reduce((total, part) => total + part, 0);
  const isWhole = sizes.every((part) => Number.isInteger(part) && part >= 0);
  requireThat(isWhole && sum === size, `sizes [${sizes}] do not add up to ${size}`);
  const inner = product(shape.slice(axis + 1));
  let start = 0;
  return sizes.map((part) => {
    const first = start;
    start += part;
    const type = { dtype, shape: shape.map((each, other) => (other === axis ? part : each)) };
    return tensorStored(type, (index) => {
      const outer = floor(index / (inner * part));
      const at = first + (floor(index / inner) % part);
      return x.data[(outer * size + at) * inner + (index % inner)] ?? 0;
    });
  });
}

/** The slices along an axis, which they do not have any more. */
export function unstacked(x: Tensor, axis: number): Tensor[] {
  const ones = new Array<number>(x.type.shape[axis] ?? 0).fill(1);
  const shape = x.type.shape.filter((_, other) => other !== axis);
  return slicesAlong(x, axis, ones).map((slice) => ({ ...slice, type: { ...slice.type, shape } }));
}

export function concatenated(parts: readonly Tensor[], axis: number): Tensor {
  const first = parts[0] ?? reject("there is nothing to join");
  const { dtype, shape } = first.type;
  const others = (sizes: readonly number[]) => sizes.filter((_, other) => other !== axis);
  const isFitting = parts.every(
    ({ type }) => type.dtype === dtype && sameShape(others(type.shape), others(shape)),
  );
  requireThat(isFitting, "the parts differ in element type or shape");
  const sizes = parts.map(({ type }) => type.shape[axis] ?? 0);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const inner = product(shape.slice(axis + 1));
  const type = { dtype, shape: shape.map((size, other) => (other === axis ? total : size)) };
  return tensorStored(type, (index) => {
    const outer = floor(index / (inner * total));
    let at = floor(index / inner) % total;
    let part = 0;
    for (; at >= (sizes[part] ?? Infinity); part++) at -= sizes[part] ?? 0;
    const size = sizes[part] ?? 0;
    return parts[part]?.data[(outer * size + at) * inner + (index % inner)] ?? 0;
  });
}

/** The tensors along a new axis. */
export function stacked(parts: readonly Tensor[], axis: number): Tensor {
  const raised = parts.map(({ type, data }) => {
    const shape = [...type.shape.slice(0, axis), 1, ...type.shape.slice(axis)];
    return { type: { dtype: type.dtype, shape }, data };
  });
  return concatenated(raised, axis);
}
