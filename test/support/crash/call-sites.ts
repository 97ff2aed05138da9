/** Where in the agent's sources a step of the disk is asked for: by stack when it happens, by reading for all. */
import { readdirSync, readFileSync } from "node:fs";
import { findSourceMap } from "node:module";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const AGENT = "device-agent";
const FRAMES_MAX = 40;

/** `device-agent/slots/file-system.ts:44`. */
export type SourceLine = string;

/** The agent's own lines on the stack, the innermost first, across awaits. */
export function linesOnStack(): readonly SourceLine[] {
  const { prepareStackTrace, stackTraceLimit } = Error;
  Error.stackTraceLimit = FRAMES_MAX;
  Error.prepareStackTrace = (_error, frames) => frames;
  const frames = new Error().stack as unknown as NodeJS.CallSite[];
  Error.prepareStackTrace = prepareStackTrace;
  Error.stackTraceLimit = stackTraceLimit;
  const lines: SourceLine[] = [];
  for (const frame of frames) {
    const file = pathOf(frame.getFileName() ?? "");
    if (file.startsWith(`${AGENT}/`)) lines.push(lineOf(frame, file));
  }
  return lines;
}

const known = new Map<string, SourceLine>();

function lineOf(frame: NodeJS.CallSite, file: string): SourceLine {
  const [line, column] = [frame.getLineNumber() ?? 0, frame.getColumnNumber() ?? 0];
  const key = `${file}:${line}:${column}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const entry = findSourceMap(frame.getFileName() ?? "")?.findEntry(line - 1, column - 1);
  const original = entry && "originalLine" in entry ? entry.originalLine + 1 : line;
  const place = `${file}:${original}`;
  known.set(key, place);
  return place;
}

function pathOf(name: string): string {
  const path = name.startsWith("file:") ? fileURLToPath(name) : name;
  return relative(ROOT, path);
}

export interface WrittenSite {
  readonly place: SourceLine;
  /** `files.replaceFile` or `disk.sync`. */
  readonly call: string;
}

const CALL =
  /\b(disk|files)\.(read|write|append|sync|syncDirectory|rename|remove|discard|makeDirectory|list|stat|freeBytes|replaceFile|placeFile|appendFile|move|settle)\(/g;

/** The public TUF client is a command of its own, with a folder of its own. */
const NOT_THE_AGENT = "shell/tuf-client.ts";

/** Every place in the agent's sources that asks a Disk or a FileSystem for something. */
export function writtenSites(): readonly WrittenSite[] {
  const sites: WrittenSite[] = [];
  for (const file of sourcesBelow(join(ROOT, AGENT))) {
    const lines = readFileSync(file, "utf8").split("\n");
    for (const [index, line] of lines.entries()) {
      for (const [, port, operation] of line.matchAll(CALL)) {
        const place = `${relative(ROOT, file)}:${index + 1}`;
        sites.push({ place, call: `${port}.${operation}` });
      }
    }
  }
  return sites;
}

function sourcesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return sourcesBelow(path);
      return entry.name.endsWith(".ts") && !path.endsWith(NOT_THE_AGENT) ? [path] : [];
    })
    .sort();
}
