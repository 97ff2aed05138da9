/** Checks a CPU segment: the module, what is placed in its memory, and the ports it is connected to. */
import { product } from "../../../protocol/base/integers.ts";
import { CodedError } from "../../../protocol/base/result.ts";
import type { CpuSegment, Program } from "../../../protocol/program/index.ts";
import { PAGE_BYTES } from "../../../protocol/wasm/module.ts";
import { validateCpuModule } from "../../../protocol/wasm/validate.ts";
import type { CpuModule } from "../../../protocol/wasm/validate.ts";
import type { Ends } from "./flow.ts";
import { CPU_MEMORY_BYTES_MAX, STAGES_MAX } from "./limits.ts";
import type { VerifyCode } from "./refusal.ts";

const FLOAT_BYTES = 4;

export function checkCpuSegment(program: Program, segment: CpuSegment, ends: Ends): CpuModule {
  const checked = validateCpuModule(segment.module);
  if (!checked.ok) throw new CodedError<VerifyCode>(checked.code, checked.message, checked.details);
  const module = checked.value;
  const pages = Math.ceil(segment.memoryBytes / PAGE_BYTES);
  // What it begins with is what it may ever have: a run cannot take more of the host's memory.
  if (pages < module.memoryPagesMin || pages !== module.memoryPagesMax) {
    refuseSegment(`a memory of ${pages} pages does not fit the module's import`);
  }
  const bytes = program.segments.reduce(
    (total, s) => total + (s.kind === "cpu" ? s.memoryBytes : 0),
    0,
  );
  if (bytes > CPU_MEMORY_BYTES_MAX) {
    refuseSegment(`memories of ${bytes} bytes, at most ${CPU_MEMORY_BYTES_MAX}`);
  }
  if (!module.exports.includes("run")) refuseSegment("the module exports no function run");
  if (segment.stages < 1 || segment.stages > STAGES_MAX) refuseSegment(`${segment.stages} stages`);
  checkImage(program, segment);
  checkPorts(segment, ends);
  return module;
}

function refuseSegment(what: string): never {
  throw new CodedError<VerifyCode>("BAD_CPU_SEGMENT", `CPU segment: ${what}`);
}

function checkImage(program: Program, segment: CpuSegment): void {
  segment.image.forEach((placed, index) => {
    const region = program.regions[placed.region];
    if (region?.kind !== "weights") refuseSegment(`image ${index} is in no weights region`);
    const inRegion = placed.regionOffset + placed.bytes <= (region?.bytes ?? 0);
    const inMemory = placed.memoryOffset + placed.bytes <= segment.memoryBytes;
    if (!inRegion || !inMemory) refuseSegment(`image ${index} leaves its region or the memory`);
  });
}

/** Whatever the segment reads or writes has one place in its memory, as float32. */
function checkPorts(segment: CpuSegment, { reads, writes }: Ends): void {
  const ends = new Map([...reads, ...writes].map((port) => [port.name, port]));
  const placed = new Set<string>();
  for (const { name, memoryOffset } of segment.ports) {
    const port = ends.get(name);
    if (port === undefined) return refuseSegment(`it does not read or write ${name}`);
    if (placed.has(name)) refuseSegment(`${name} has two places`);
    placed.add(name);
    const bytes = product(port.shape) * FLOAT_BYTES;
    if (memoryOffset + bytes > segment.memoryBytes) refuseSegment(`port ${name} leaves the memory`);
  }
  for (const name of ends.keys()) if (!placed.has(name)) refuseSegment(`${name} has no place`);
}
