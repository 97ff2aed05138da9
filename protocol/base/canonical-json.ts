/** OLPC canonical JSON, the form that every signed document is signed in. */
import { canonicalize } from "@tufjs/canonical-json";
import { utf8 } from "./bytes.ts";

export type Json =
  string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** Sorted keys, no spaces, whole numbers only: a fraction throws TypeError. */
export function canonicalJson(value: unknown): Uint8Array {
  return utf8(canonicalize(value));
}
