/** A file that the caller named: that it is not there is an answer, not a crash. */
import { readFile } from "node:fs/promises";
import { failed, succeeded } from "../protocol/base/result.ts";
import type { Result } from "../protocol/base/result.ts";

export async function readInput(path: string): Promise<Result<Uint8Array, "INPUT_NOT_FOUND">> {
  try {
    return succeeded(new Uint8Array(await readFile(path)));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "EISDIR") throw error;
    return failed("INPUT_NOT_FOUND", `there is no file ${path}`, { path });
  }
}
