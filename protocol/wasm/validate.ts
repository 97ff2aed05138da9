/** Checks a WebAssembly module that a driver generated before the host gives it memory and runs it. */
import { fromUtf8 } from "../base/bytes.ts";
import type { Result } from "../base/result.ts";
import { CodedError, failed, succeeded, toFailure } from "../base/result.ts";

export type CpuModuleCode =
  "CPU_MODULE_TOO_LARGE" | "CPU_MODULE_MALFORMED" | "CPU_MODULE_FORBIDDEN" | "CPU_MODULE_INVALID";

export interface CpuModuleLimits {
  readonly bytesMax: number;
  readonly memoryPagesMax: number;
  readonly functionCountMax: number;
}

export const CPU_MODULE_LIMITS: CpuModuleLimits = {
  bytesMax: 16 * 1024 * 1024,
  memoryPagesMax: 65_536,
  functionCountMax: 100_000,
};

export interface CpuModule {
  readonly memoryPagesMin: number;
  readonly memoryPagesMax: number;
  /** Names of the exported functions. */
  readonly exports: readonly string[];
}

const SECTION = { type: 1, import: 2, function: 3, export: 7, code: 10 } as const;
const NAME_OF_SECTION = new Map([
  [0, "custom"],
  [4, "table"],
  [5, "memory"],
  [6, "global"],
  [8, "start"],
  [9, "element"],
  [11, "data"],
  [12, "data count"],
]);

/**
 * A CPU segment may import its memory ("env"."memory", not shared, with a maximum) and nothing else;
 * it exports functions only and has no start function, tables, globals, data or custom sections.
 * Whatever the structure allows is then validated by the engine (core specification, appendix A.3).
 */
export function validateCpuModule(
  bytes: Uint8Array,
  limits: CpuModuleLimits = CPU_MODULE_LIMITS,
): Result<CpuModule, CpuModuleCode> {
  if (bytes.length > limits.bytesMax) {
    const details = { bytes: bytes.length, bytesMax: limits.bytesMax };
    return failed("CPU_MODULE_TOO_LARGE", "the CPU module exceeds the size limit", details);
  }
  try {
    const module = readModule(bytes, limits);
    if (WebAssembly.validate(bytes)) return succeeded(module);
    return failed("CPU_MODULE_INVALID", "the engine does not accept the CPU module");
  } catch (error) {
    if (error instanceof CodedError) return toFailure(error as CodedError<CpuModuleCode>);
    throw error;
  }
}

interface Reader {
  readonly bytes: Uint8Array;
  position: number;
  readonly end: number;
}

function readModule(bytes: Uint8Array, limits: CpuModuleLimits): CpuModule {
  const reader: Reader = { bytes, position: 0, end: bytes.length };
  const header = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  if (header.some((expected) => readByte(reader) !== expected)) malformed("not WebAssembly 1.0");
  let memory: Pick<CpuModule, "memoryPagesMin" | "memoryPagesMax"> | undefined;
  let exports: readonly string[] = [];
  let last = 0;
  while (reader.position < reader.end) {
    const id = readByte(reader);
    const content = readSlice(reader, readUnsigned(reader));
    if (!Object.values(SECTION).some((allowed) => allowed === id)) {
      forbidden(`a section of kind ${NAME_OF_SECTION.get(id) ?? id}`);
    }
    if (id <= last) malformed("sections are out of order");
    last = id;
    if (id === SECTION.import) memory = readImports(content, limits);
    if (id === SECTION.export) exports = readExports(content);
    if (id === SECTION.function && readUnsigned(content) > limits.functionCountMax) {
      forbidden("more functions than the limit");
    }
  }
  if (memory === undefined) return forbidden("no imported memory");
  return { ...memory, exports };
}

function readImports(
  reader: Reader,
  limits: CpuModuleLimits,
): Pick<CpuModule, "memoryPagesMin" | "memoryPagesMax"> {
  if (readUnsigned(reader) !== 1) forbidden("imports other than one memory");
  const name = `${readText(reader)}.${readText(reader)}`;
  if (readByte(reader) !== 2 || name !== "env.memory") forbidden(`import of ${name}`);
  // Limits flag 1: a maximum is present; not shared, 32-bit addresses.
  if (readByte(reader) !== 1) forbidden("a memory that is shared or has no maximum");
  const memoryPagesMin = readUnsigned(reader);
  const memoryPagesMax = readUnsigned(reader);
  if (memoryPagesMax > limits.memoryPagesMax) forbidden("a memory larger than the limit");
  return { memoryPagesMin, memoryPagesMax };
}

function readExports(reader: Reader): string[] {
  const names: string[] = [];
  const count = readUnsigned(reader);
  for (let index = 0; index < count; index++) {
    const name = readText(reader);
    if (readByte(reader) !== 0) forbidden(`export of ${name}, which is no function`);
    readUnsigned(reader);
    names.push(name);
  }
  return names;
}

function readByte(reader: Reader): number {
  if (reader.position >= reader.end) malformed("it ends early");
  return reader.bytes[reader.position++]!;
}

/** LEB128 of an unsigned 32-bit number. */
function readUnsigned(reader: Reader): number {
  let value = 0;
  for (let digit = 0; digit < 5; digit++) {
    const byte = readByte(reader);
    value += (byte & 0x7f) * 2 ** (7 * digit);
    if (byte < 0x80) return value <= 0xffffffff ? value : malformed("a number above 32 bits");
  }
  return malformed("a number above 32 bits");
}

function readSlice(reader: Reader, byteCount: number): Reader {
  const { bytes, position } = reader;
  if (byteCount > reader.end - position) malformed("it ends early");
  reader.position += byteCount;
  return { bytes, position, end: position + byteCount };
}

function readText(reader: Reader): string {
  const slice = readSlice(reader, readUnsigned(reader));
  try {
    return fromUtf8(slice.bytes.subarray(slice.position, slice.end));
  } catch {
    return malformed("a name is not UTF-8");
  }
}

function malformed(why: string): never {
  throw new CodedError("CPU_MODULE_MALFORMED", `the CPU module cannot be read: ${why}`);
}

function forbidden(what: string): never {
  throw new CodedError("CPU_MODULE_FORBIDDEN", `a CPU module may not have: ${what}`);
}
