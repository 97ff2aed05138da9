/** Why a model file was refused. */
import { CodedError } from "../../protocol/base/result.ts";
import type { Details } from "../../protocol/base/result.ts";

/**
 * BAD_MODEL: the bytes are no model of the format they claim, or contradict themselves.
 * UNSUPPORTED_OP: an operator, or a form of it, that the front end does not know.
 * UNSUPPORTED_TYPE: an element type that the compiler does not compute with.
 * DYNAMIC_SHAPE: a dimension is open, or a shape depends on the data.
 * LIMIT_EXCEEDED: more nodes, dimensions or elements than the stated limits.
 */
export type ImportCode =
  "BAD_MODEL" | "UNSUPPORTED_OP" | "UNSUPPORTED_TYPE" | "DYNAMIC_SHAPE" | "LIMIT_EXCEEDED";

export const LIMITS = {
  nodesMax: 100_000,
  rankMax: 8,
  /** Graphs inside graphs and calls inside calls. */
  depthMax: 32,
  /** Of one value; about 2 GiB of float32. */
  elementsMax: 2 ** 29,
  /** Largest value that is computed while importing: shapes, axes, scales. */
  foldedElementsMax: 65_536,
} as const;

export class ImportError extends CodedError<ImportCode> {}

export function refuse(code: ImportCode, message: string, details: Details = {}): never {
  throw new ImportError(code, message, details);
}
