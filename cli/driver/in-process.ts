/**
 * A driver called in this process, through the same ABI frames that the agent's sandboxed child speaks.
 * For developers' commands; a device never runs a driver this way.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeReply, encodeRequest } from "../../protocol/abi/index.ts";
import type {
  CompileRequest,
  CompileSummary,
  Driver,
  DriverHost,
  ReferenceRequest,
  ReferenceSummary,
  Reply,
} from "../../protocol/abi/index.ts";
import { assert } from "../../protocol/base/assert.ts";
import type { Sha256 } from "../../protocol/base/brand.ts";
import { concatBytes } from "../../protocol/base/bytes.ts";
import { failed, succeeded, unwrap } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { sha256, sha256Hex } from "../../protocol/crypto/hash.ts";

const COMPILER = fileURLToPath(new URL("../../compiler", import.meta.url));

export class InProcessDriver {
  private readonly driver: Driver;
  private readonly blobs = new Map<string, Uint8Array>();
  private readonly readFile: (path: string) => Uint8Array;

  /** `readFile` gives the files of the driver's bundle; by default those of the source tree. */
  constructor(
    driver: Driver,
    { readFile = sourceFile }: { readonly readFile?: (path: string) => Uint8Array } = {},
  ) {
    this.driver = driver;
    this.readFile = readFile;
  }

  /** Makes bytes available to requests and returns their name. */
  put(bytes: Uint8Array): Sha256 {
    const name = sha256Hex(bytes);
    this.blobs.set(name, bytes);
    return name;
  }

  get(name: Sha256): Uint8Array {
    const bytes = this.blobs.get(name);
    assert(bytes !== undefined, `blob ${name} was sent`);
    return bytes;
  }

  compile(compile: CompileRequest): Result<CompileSummary> {
    const reply = this.call(encodeRequest({ id: 1, call: "compile", compile }));
    if (reply.outcome === "compiled") return succeeded(reply.summary);
    return refusal(reply);
  }

  reference(reference: ReferenceRequest): Result<ReferenceSummary> {
    const reply = this.call(encodeRequest({ id: 1, call: "reference", reference }));
    if (reply.outcome === "referenced") return succeeded(reply.reference);
    return refusal(reply);
  }

  private call(frame: Uint8Array): Reply {
    const pieces = new Map<string, Uint8Array[]>();
    let final: Reply | undefined;
    const host: DriverHost = {
      readBlob: (name) => this.get(name as Sha256),
      readFile: this.readFile,
      sha256,
      reply: (bytes) => {
        const reply = unwrap(decodeReply(bytes));
        if (reply.outcome === "blob") this.collect(pieces, reply);
        else if (reply.outcome !== "progress") final = reply;
      },
    };
    this.driver.handle(frame, host);
    assert(final !== undefined, "a driver ends every request with a reply");
    return final;
  }

  private collect(
    pieces: Map<string, Uint8Array[]>,
    reply: Extract<Reply, { outcome: "blob" }>,
  ): void {
    const list = pieces.get(reply.sha256) ?? [];
    list.push(reply.bytes.slice());
    pieces.set(reply.sha256, list);
    if (reply.last) this.blobs.set(reply.sha256, concatBytes(list));
  }
}

export function sourceFile(path: string): Uint8Array {
  return new Uint8Array(readFileSync(join(COMPILER, path)));
}

function refusal(reply: Reply): Result<never> {
  assert(reply.outcome === "failed", `unexpected reply ${reply.outcome}`);
  return failed(reply.code, reply.message, reply.where === "" ? {} : { node: reply.where });
}
