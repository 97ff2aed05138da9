/**
 * The published repository, byte for byte. Everything but the timestamp and the newest-root question never
 * changes under its name, so caches may keep it for good.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import { failed, type Failure } from "../../protocol/base/result.ts";
import { DELTAS_ROUTE, METADATA_ROUTE, TARGETS_ROUTE } from "../../protocol/wire/index.ts";
import type { FileFolder } from "../store/files.ts";
import { problemOf, sendProblem } from "./problem.ts";
import { requestIdOf } from "./request-id.ts";

export interface FileRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly files: FileFolder;
}

const FOREVER = "public, max-age=31536000, immutable";
/** May be kept, but is asked for again every time. */
const REVALIDATED = "public, no-cache";

export async function serveFile({ request, response, path, files }: FileRequest): Promise<void> {
  const refuse = (failure: Failure): void =>
    sendProblem(response, problemOf(failure, requestIdOf(response)));
  const file = filePath(path);
  const bytes = file === undefined ? undefined : await files.size(file);
  if (request.method !== "GET" && request.method !== "HEAD") {
    return refuse(failed("METHOD_NOT_ALLOWED", "Files are read with GET or HEAD."));
  }
  if (file === undefined || bytes === undefined) {
    return refuse(failed("NOT_FOUND", "There is no such file."));
  }
  // An index of deltas grows when a device may come from another base.
  const changes = file === TIMESTAMP || /^deltas\/.*\.json$/.test(file);
  const etag = changes ? await contentTag(files, file) : `"${file}"`;
  response.setHeader("etag", etag);
  response.setHeader("cache-control", changes ? REVALIDATED : FOREVER);
  response.setHeader("accept-ranges", "bytes");
  response.setHeader("content-type", mediaType(file));
  if (matches(request.headers["if-none-match"], etag)) {
    response.writeHead(304).end();
    return;
  }
  const range = rangeOf(request, { bytes, etag });
  if (range.kind === "unsatisfiable") {
    response.setHeader("content-range", `bytes */${bytes}`);
    const message = `The file has ${bytes} bytes: the range lies behind its end.`;
    return refuse(failed("RANGE_NOT_SATISFIABLE", message));
  }
  await send({ request, response, file, files }, range, bytes);
}

const TIMESTAMP = "metadata/timestamp.json";

const FOLDERS = [
  [METADATA_ROUTE, "metadata"],
  [TARGETS_ROUTE, "targets"],
  [DELTAS_ROUTE, "deltas"],
] as const;

/** Whether this listener answers for the path at all. */
export function isFileRoute(path: string): boolean {
  return FOLDERS.some(([route]) => path.startsWith(route));
}

/** Undefined when the name could lead anywhere else. */
function filePath(path: string): string | undefined {
  const found = FOLDERS.find(([route]) => path.startsWith(route));
  if (found === undefined) return undefined;
  const [route, folder] = found;
  const segments = path.slice(route.length).split("/");
  // Names of metadata files contain percent signs on disk too; targets have plain names.
  const isSafe = segments.every((segment) => /^[A-Za-z0-9_%~-][A-Za-z0-9._%~-]*$/.test(segment));
  return isSafe ? `${folder}/${segments.join("/")}` : undefined;
}

async function contentTag(files: FileFolder, file: string): Promise<string> {
  const bytes = await files.read(file);
  return `"${sha256Hex(bytes ?? new Uint8Array(0))}"`;
}

function mediaType(file: string): string {
  return file.endsWith(".json") ? "application/json" : "application/octet-stream";
}

function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const tags = header.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes(etag) || tags.includes("*");
}

type Range =
  | { readonly kind: "whole" }
  | { readonly kind: "part"; readonly first: number; readonly last: number }
  | { readonly kind: "unsatisfiable" };

/** RFC 9110 14: one range is served; several, or another unit, give the whole file. */
function rangeOf(
  request: IncomingMessage,
  { bytes, etag }: { readonly bytes: number; readonly etag: string },
): Range {
  const { range, "if-range": condition } = request.headers;
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(range ?? "") ?? [];
  if (first === "" && last === "") return { kind: "whole" };
  if (condition !== undefined && condition !== etag) return { kind: "whole" };
  if (first === "") {
    const count = Math.min(Number(last), bytes);
    return count > 0
      ? { kind: "part", first: bytes - count, last: bytes - 1 }
      : { kind: "unsatisfiable" };
  }
  const from = Number(first);
  const to = last === "" ? bytes - 1 : Math.min(Number(last), bytes - 1);
  if (from >= bytes) return { kind: "unsatisfiable" };
  return from <= to ? { kind: "part", first: from, last: to } : { kind: "whole" };
}

async function send(
  { request, response, file, files }: Omit<FileRequest, "path"> & { readonly file: string },
  range: Exclude<Range, { kind: "unsatisfiable" }>,
  bytes: number,
): Promise<void> {
  const { first, last } = range.kind === "part" ? range : { first: 0, last: bytes - 1 };
  const isPart = range.kind === "part";
  if (isPart) response.setHeader("content-range", `bytes ${first}-${last}/${bytes}`);
  response.setHeader("content-length", last - first + 1);
  response.writeHead(isPart ? 206 : 200);
  if (request.method === "HEAD" || bytes === 0) {
    response.end();
    return;
  }
  try {
    await pipeline(files.stream(file, { first, last }), response);
  } catch (error) {
    // Who hangs up in the middle of a download comes back for the rest.
    if ((error as NodeJS.ErrnoException).code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
  }
}
