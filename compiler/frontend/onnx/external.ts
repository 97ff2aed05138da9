/** Weights that a model keeps in files beside it: read through the caller, from below its folder only. */
import { integer } from "./decode.ts";
import type { TensorProto } from "./decode.ts";
import { refuse } from "./failure.ts";

/** The bytes of a file beside the model, or undefined when there is none. Locations are relative. */
export type ReadExternal = (location: string) => Uint8Array | undefined;

export function externalBytes(
  message: TensorProto,
  owner: string,
  read: ReadExternal | undefined,
): Uint8Array {
  const entries = new Map((message.externalData ?? []).map(({ key, value }) => [key, value]));
  const location = entries.get("location") ?? "";
  if (!isSafeLocation(location)) {
    refuse("BAD_MODEL", `${owner} keeps its data at "${location}", outside the model's folder`, {
      node: owner,
    });
  }
  if (read === undefined) {
    const message = `${owner} keeps its data in another file, ${location}`;
    refuse("UNSUPPORTED_TYPE", message, { node: owner });
  }
  const file = read(location);
  if (file === undefined) {
    return refuse("BAD_MODEL", `${owner} keeps its data in ${location}, which is not there`, {
      node: owner,
    });
  }
  const offset = numberEntry(entries.get("offset"), 0);
  const length = numberEntry(entries.get("length"), file.length - offset);
  if (!(offset >= 0 && length >= 0 && offset + length <= file.length)) {
    refuse("BAD_MODEL", `${owner} reads past the end of ${location}`, { node: owner });
  }
  return file.subarray(offset, offset + length);
}

function numberEntry(text: string | null | undefined, fallback: number): number {
  return text === undefined || text === null ? fallback : integer(Number(text));
}

/** A relative path without a way up, a drive, or a character that some system gives a meaning. */
function isSafeLocation(location: string): boolean {
  if (location === "" || /[\\:\0]/.test(location) || location.startsWith("/")) return false;
  return location.split("/").every((part) => part !== ".." && part !== "");
}
