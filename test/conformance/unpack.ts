/** A suite as it is published: a folder, or a .tar.zst archive that is unpacked beside the system's other temporary files. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve, sep } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { decompress } from "fzstd";
import { extract } from "tar-stream";

export interface Unpacked {
  readonly folder: string;
  remove(): void;
}

/** The folder itself, or the archive's content in a new one, which `remove` deletes. */
export async function unpacked(path: string): Promise<Unpacked> {
  if (statSync(path).isDirectory()) return { folder: path, remove: () => undefined };
  const folder = mkdtempSync(join(tmpdir(), "retile-suite-"));
  const archive = extract();
  archive.on("entry", (header, stream, next) => {
    const target = resolve(folder, header.name);
    if (!target.startsWith(folder + sep)) {
      next(new Error(`${header.name} lies outside of the archive`));
      return;
    }
    const chunks: Buffer[] = [];
    stream.on("data", (chunk) => chunks.push(chunk as Buffer));
    stream.on("end", () => {
      if (header.type === "file") {
        mkdirSync(dirname(target), { recursive: true });
        writeFileSync(target, Buffer.concat(chunks));
      }
      next();
    });
  });
  const bytes = decompress(new Uint8Array(readFileSync(path)));
  await pipeline(Readable.from(Buffer.from(bytes.buffer)), archive);
  return { folder, remove: () => rmSync(folder, { recursive: true }) };
}
