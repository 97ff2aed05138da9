/**
 * What is known of a node's outputs while sizes of its inputs are not: its shape rule is asked about
 * a few examples, and what all answers share is what is known. A wrong guess costs a less precise
 * picture, never a wrong result: open types are not computed with.
 */
import { CodedError } from "../../protocol/base/result.ts";
import { normalForm } from "./operator.ts";
import type { InferenceCall, Operator } from "./operator.ts";
import type { Dimension, DType, OpenType, TensorType, ValueType } from "./graph.ts";
import { ANY_TENSOR, commonType, opened } from "./value.ts";

/** Times twelve these are sizes that few models have and that most windows and groups divide. */
const PRIMES = [
  ...[101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167],
  ...[173, 179, 181, 191, 193, 197, 199, 211, 223, 227, 229, 233, 239, 241],
];
const EXAMPLE_STARTS = [0, PRIMES.length / 2] as const;
const EXAMPLE_RANKS = [1, 2, 3, 4, 5] as const;
const EXAMPLE_DTYPES: readonly DType[] = ["f32", "i64"];

interface Example {
  /** Where in the list of primes it begins. */
  readonly start: number;
  /** Of inputs of unknown rank. */
  readonly rank: number;
  /** Of inputs of unknown element type. */
  readonly dtype: DType;
}

/** Empty when nothing is known. */
export function inferByExample(operator: Operator, call: InferenceCall): readonly ValueType[] {
  const types = call.openInputs.map((type) => (type === undefined ? undefined : opened(type)));
  if (types.some((type) => type !== undefined && type.kind !== "tensor")) return [];
  let known: readonly OpenType[] | undefined;
  for (const example of examplesOf(types)) {
    const answer = answerTo(operator, call, { types, example });
    if (answer === undefined) continue;
    known = known?.map((type, index) => commonType(type, answer[index] ?? ANY_TENSOR)) ?? answer;
  }
  return known ?? [];
}

function examplesOf(types: readonly (OpenType | undefined)[]): readonly Example[] {
  const tensors = types.filter((type) => type?.kind === "tensor");
  const ranks = tensors.some((type) => type.dims === undefined) ? EXAMPLE_RANKS : [1];
  const dtypes = tensors.some((type) => type.dtype === undefined)
    ? EXAMPLE_DTYPES
    : ["f32" as const];
  return dtypes.flatMap((dtype) =>
    ranks.flatMap((rank) => EXAMPLE_STARTS.map((start) => ({ start, rank, dtype }))),
  );
}

interface Question {
  readonly types: readonly (OpenType | undefined)[];
  readonly example: Example;
}

/** What the rule says about one example, with the names of sizes put back. */
function answerTo(
  operator: Operator,
  call: InferenceCall,
  { types, example }: Question,
): readonly OpenType[] | undefined {
  const names = new Map<number, Dimension>();
  const sizes = new Map<string, number>();
  const sizeOf = (dimension: Dimension): number => {
    if (typeof dimension === "number") return dimension;
    const known = dimension === undefined ? undefined : sizes.get(dimension);
    if (known !== undefined) return known;
    const prime = PRIMES[(example.start + names.size) % PRIMES.length] ?? 1;
    // More unknown sizes than primes: they would be taken for one another.
    if (names.size >= PRIMES.length) throw new CodedError("BAD_NODE", "too many sizes are open");
    const size = 12 * prime;
    names.set(size, dimension);
    if (dimension !== undefined) sizes.set(dimension, size);
    return size;
  };
  try {
    const closed = types.map((type): TensorType | undefined => {
      if (type?.kind !== "tensor") return undefined;
      const dims = type.dims ?? new Array<undefined>(example.rank).fill(undefined);
      return { dtype: type.dtype ?? example.dtype, shape: dims.map(sizeOf) };
    });
    const asked = normalForm(operator, { ...call, inputs: closed, openInputs: closed });
    return operator.infer(asked).map((type) => renamed(opened(type), names));
  } catch (error) {
    if (error instanceof CodedError) return undefined;
    throw error;
  }
}

function renamed(type: OpenType, names: ReadonlyMap<number, Dimension>): OpenType {
  if (type.kind !== "tensor" || type.dims === undefined) return type;
  const dims = type.dims.map((size) =>
    typeof size === "number" && names.has(size) ? names.get(size) : size,
  );
  return { ...type, dims };
}
