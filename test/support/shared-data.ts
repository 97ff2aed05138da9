/** Data that lie outside the repository, where they are there. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DATA_FOLDER } from "../../cli/data-folder.ts";

/** The text of a file there, or undefined, said aloud, where it is absent. */
export function sharedText(name: string): string | undefined {
  const path = join(DATA_FOLDER, name);
  if (existsSync(path)) return readFileSync(path, "utf8");
  console.warn(`${name} is not in ${DATA_FOLDER}; set RETILE_DATA to test against it`);
  return undefined;
}
