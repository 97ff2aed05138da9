/** Writes docs/reference from the code: `npm run docs`. A test fails when the pages on disk differ. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { referencePages } from "./reference/pages.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

for (const [path, text] of await referencePages(ROOT)) {
  mkdirSync(dirname(join(ROOT, path)), { recursive: true });
  writeFileSync(join(ROOT, path), text);
  process.stderr.write(`docs: ${path}\n`);
}
