/** Outcomes as values: a bug throws, the world failing is returned with a closed code. */

export type Result<T, Code extends string = string> = Success<T> | Failure<Code>;

export interface Success<T> {
  readonly ok: true;
  readonly value: T;
}

export interface Failure<Code extends string = string> {
  readonly ok: false;
  readonly code: Code;
  /** One sentence for a person: what happened and, where known, what to do next. */
  readonly message: string;
  readonly details: Details;
}

export type Details = Readonly<Record<string, string | number | boolean>>;

export function succeeded<T>(value: T): Success<T> {
  return { ok: true, value };
}

export function failed<const Code extends string>(
  code: Code,
  message: string,
  details: Details = {},
): Failure<Code> {
  return { ok: false, code, message, details };
}

/** A failure in flight through code that cannot return it (a deep recursive reader, an HTTP stack). */
export class CodedError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly details: Details;

  constructor(code: Code, message: string, details: Details = {}) {
    super(message);
    this.name = "CodedError";
    this.code = code;
    this.details = details;
  }

  /** Keeps what led here, where an error is wrapped at a layer's edge. */
  because(cause: unknown): this {
    this.cause = cause;
    return this;
  }
}

export function toFailure<Code extends string>(error: CodedError<Code>): Failure<Code> {
  return failed(error.code, error.message, error.details);
}

/** The value of a success; throws the failure as a CodedError, for shells that end in one catch. */
export function unwrap<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new CodedError(result.code, result.message, result.details);
}
