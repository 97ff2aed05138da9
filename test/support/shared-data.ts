/** Data that lies outside the repository: `../shared/data`, or the folder named by RETILE_DATA. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

export const sharedData = process.env["RETILE_DATA"] ?? join(root, "../shared/data");

/** The text of a file there, or undefined, said aloud, where it is absent. */
export function sharedText(name: string): string | undefined {
  const path = join(sharedData, name);
  if (existsSync(path)) return readFileSync(path, "utf8");
  console.warn(`${name} is not in ${sharedData}; set RETILE_DATA to test against it`);
  return undefined;
}
