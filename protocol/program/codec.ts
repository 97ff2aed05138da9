/**
 * The program file: magic, version, protobuf header, sections (instruction streams, modules, weight blobs).
 * Layout: "RTLP", u32 version, u32 header bytes, u32 section count, header,
 * then each section as u32 bytes, 32-byte SHA-256, content.
 */
import { assert, unreachable } from "../base/assert.ts";
import type { Sha256 } from "../base/brand.ts";
import { hex, utf8 } from "../base/bytes.ts";
import { ByteReader, ByteWriter } from "../base/cursor.ts";
import { CodedError, failed, succeeded } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { sha256 } from "../crypto/hash.ts";
import { decodeInstructions, encodeInstructions, ISA_VERSION } from "../isa/index.ts";
import { retile } from "./generated/program.js";
import { fromHeader, toHeader } from "./header.ts";
import type { Program } from "./program.ts";

export type ProgramCode = "BAD_PROGRAM" | "UNSUPPORTED_PROGRAM_VERSION" | "UNSUPPORTED_ISA";

const MAGIC = "RTLP";
const FILE_VERSION = 1;
/** Magic, version, bytes of the header, number of sections. */
const FILE_HEAD_BYTES = 16;
/** Its bytes and its hash. */
const SECTION_HEAD_BYTES = 4 + 32;
const PROGRAM_BYTES_MAX = 1 << 30;
const SECTIONS_MAX = 4096;

/** Deterministic: equal programs give equal bytes. */
export function encodeProgram(program: Program): Uint8Array {
  const sections: Section[] = [];
  const addSection = (content: Uint8Array, hash = sha256(content)): number =>
    sections.push({ content, hash }) - 1;
  const header = toHeader(program, (content) => {
    switch (content.kind) {
      case "stream":
        return addSection(encodeInstructions(content.instructions));
      case "module":
        return addSection(content.bytes);
      default:
        return unreachable(content);
    }
  });
  for (const [hash, blob] of [...program.blobs].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const own = sha256(blob);
    assert(hex(own) === hash, `blob ${hash} is named by its content`);
    addSection(blob, own);
  }
  return assemble(retile.program.Header.encode(header).finish(), sections);
}

interface Section {
  readonly content: Uint8Array;
  /** SHA-256 of the content. */
  readonly hash: Uint8Array;
}

function assemble(header: Uint8Array, sections: readonly Section[]): Uint8Array {
  const bytes = sections.reduce((sum, { content }) => sum + SECTION_HEAD_BYTES + content.length, 0);
  const to = new ByteWriter(FILE_HEAD_BYTES + header.length + bytes);
  to.raw(utf8(MAGIC));
  to.u32(FILE_VERSION);
  to.u32(header.length);
  to.u32(sections.length);
  to.raw(header);
  for (const { content, hash } of sections) {
    to.u32(content.length);
    to.raw(hash);
    to.raw(content);
  }
  return to.finish();
}

/** Every section's hash is checked; weight blobs are views of `bytes`. */
export function decodeProgram(bytes: Uint8Array): Result<Program, ProgramCode> {
  try {
    return decode(bytes);
  } catch (error) {
    if (error instanceof CodedError || error instanceof RangeError) return broken(error.message);
    // protobufjs reports malformed wire bytes as plain errors.
    if (error instanceof Error && !error.message.startsWith("bug:")) return broken(error.message);
    throw error;
  }
}

function decode(bytes: Uint8Array): Result<Program, ProgramCode> {
  if (bytes.length > PROGRAM_BYTES_MAX) return broken("the file is larger than 1 GiB");
  const from = new ByteReader(bytes);
  if (new TextDecoder("latin1").decode(from.raw(4)) !== MAGIC)
    return broken("this is no compiled model");
  const version = from.u32();
  if (version !== FILE_VERSION) {
    return failed("UNSUPPORTED_PROGRAM_VERSION", `program file version ${version} is not known`, {
      version,
    });
  }
  const headerBytes = from.u32();
  const sectionCount = from.u32();
  if (sectionCount > SECTIONS_MAX)
    return broken(`${sectionCount} sections, at most ${SECTIONS_MAX}`);
  const header = retile.program.Header.decode(from.raw(headerBytes));
  if (header.isaMajor !== ISA_VERSION.major || header.isaMinor > ISA_VERSION.minor) {
    return failed(
      "UNSUPPORTED_ISA",
      `instruction set ${header.isaMajor}.${header.isaMinor} is not known`,
    );
  }
  const sections = readSections(from, sectionCount);
  const blobs = new Map<Sha256, Uint8Array>(sections.map(({ hash, content }) => [hash, content]));
  const section = (index: number): Uint8Array => {
    const found = sections[index];
    if (found === undefined) throw new CodedError("BAD_PROGRAM", `section ${index} is missing`);
    return found.content;
  };
  const program = fromHeader(header, {
    stream: (index) => decodeInstructions(section(index)),
    module: section,
    blobs,
  });
  return succeeded(program);
}

function readSections(from: ByteReader, count: number): { hash: Sha256; content: Uint8Array }[] {
  const sections: { hash: Sha256; content: Uint8Array }[] = [];
  for (let index = 0; index < count; index++) {
    const length = from.u32();
    const expected = hex(from.raw(32));
    const content = from.raw(length);
    if (hex(sha256(content)) !== expected) {
      throw new CodedError(
        "BAD_PROGRAM",
        `section ${index} does not have the hash that it is stored under`,
      );
    }
    sections.push({ hash: expected as Sha256, content });
  }
  if (from.remaining() !== 0) throw new CodedError("BAD_PROGRAM", "bytes after the last section");
  return sections;
}

function broken(message: string): Result<Program, ProgramCode> {
  return failed("BAD_PROGRAM", message);
}
