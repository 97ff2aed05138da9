/** Reads JSON from outside without being led into deep recursion by it. */
import { fromUtf8 } from "../base/bytes.ts";
import { JSON_DEPTH_MAX } from "./limits.ts";

/** The value, or a sentence that says why there is none. */
export type ParsedJson =
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "not_json"; readonly why: string };

export function parseJson(bytes: Uint8Array): ParsedJson {
  if (depthOf(bytes) > JSON_DEPTH_MAX) return { kind: "not_json", why: "nested too deeply" };
  try {
    return { kind: "json", value: JSON.parse(fromUtf8(bytes)) as unknown };
  } catch (error) {
    return { kind: "not_json", why: String(error) };
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/** The deepest nesting of brackets outside strings. */
function depthOf(bytes: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] ?? 0;
    if (byte === QUOTE) inString = !inString;
    else if (inString) index += byte === BACKSLASH ? 1 : 0;
    else if (OPENING.has(byte)) deepest = Math.max(deepest, ++depth);
    else if (CLOSING.has(byte)) depth--;
  }
  return deepest;
}
