/** How lowering refuses a graph. */
import { CodedError } from "../../protocol/base/result.ts";
import type { Node } from "../ir/index.ts";

/** Codes of protocol/abi that lowering can fail with. */
export type LoweringCode = "UNSUPPORTED_OP" | "DOES_NOT_FIT";

export function unsupported(node: string, what: string): CodedError<"UNSUPPORTED_OP"> {
  return new CodedError("UNSUPPORTED_OP", `${node}: ${what} is not supported on the HTP`, { node });
}

export function noLowering({ name, op }: Node): CodedError<"UNSUPPORTED_OP"> {
  const advice = "end the model before it, or run it with another backend";
  const message = `${name}: operator ${op} is not supported on the HTP; ${advice}`;
  return new CodedError("UNSUPPORTED_OP", message, { node: name, operator: op });
}

export function doesNotFit(node: string, what: string): CodedError<"DOES_NOT_FIT"> {
  return new CodedError("DOES_NOT_FIT", `${node}: ${what}`, { node });
}
