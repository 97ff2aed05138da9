/** The functional chip: one linear memory with VTCM and all regions, and the engines' kernels over it. */
import { assert, present } from "../../../protocol/base/assert.ts";
import { failed, succeeded } from "../../../protocol/base/result.ts";
import type { Result } from "../../../protocol/base/result.ts";
import { ELEMENTARY, elementaryTable, isHvxRun, PHASES } from "../../../protocol/isa/index.ts";
import type { Address, ElementaryName, Instruction } from "../../../protocol/isa/index.ts";
import type { Program } from "../../../protocol/program/index.ts";
import { moduleBuilder, PAGE_BYTES } from "../../../protocol/wasm/module.ts";
import type { VerifiedHtpSegment, VerifiedProgram } from "../verify/verify.ts";
import { addDmaKernel } from "./dma-kernel.ts";
import { addHalfKernels } from "./hmx-halves.ts";
import { addIntKernels } from "./hmx-ints.ts";
import { addHmxKernels } from "./hmx-kernels.ts";
import { addHvxKernels } from "./hvx-kernels.ts";
import { prepareRun } from "./hvx.ts";
import { kernelCall } from "./kernel-call.ts";
import { functionTable } from "./micro-halves.ts";
import { addPackKernel } from "./pack-kernel.ts";
import type { PreparedRun } from "./hvx.ts";
import { MICRO_CODE, OPERANDS, regionAddresses, VTCM, writeSlotLists } from "./layout.ts";

/** Holds one program; runs its HTP segments any number of times. */
export interface Machine {
  /** The bytes of a region, in place. */
  region(index: number): Uint8Array;
  /** Runs every instruction of a segment of the program. */
  run(segment: VerifiedHtpSegment): void;
}

/** Fails with `DOES_NOT_FIT` when the program's regions exceed what one linear memory can hold. */
export function createMachine(verified: VerifiedProgram): Result<Machine, "DOES_NOT_FIT"> {
  const { program, soc } = verified;
  assert(soc.hmx.queues === 1, "the machine has the accumulator sets of one HMX queue");
  const addresses = regionAddresses(program.regions);
  const bytes = addresses?.at(-1);
  if (addresses === undefined || bytes === undefined) return doesNotFit(program);
  const memory = allocate(Math.ceil(bytes / PAGE_BYTES));
  if (memory === undefined) return doesNotFit(program);
  const region = (index: number): Uint8Array =>
    new Uint8Array(
      memory.buffer,
      present(addresses[index], "region address"),
      present(program.regions[index], "region").bytes,
    );
  writeSlotLists(new Int32Array(memory.buffer, 0, VTCM / 4));
  program.regions.forEach((home, index) => {
    if (home.kind === "weights") region(index).set(present(program.blobs.get(home.sha256), "blob"));
  });
  placeFunctions(new Uint8Array(memory.buffer), verified);
  const engine = createEngine(memory, addresses);
  return succeeded({
    region,
    run: (segment) => {
      for (const instruction of segment.order) engine(instruction);
    },
  });
}

/** Fills the tables of the elementary functions that the program uses. */
function placeFunctions(memory: Uint8Array, { segments }: VerifiedProgram): void {
  const used = new Set<string>();
  for (const segment of segments) {
    if (segment.kind === "htp") segment.order.forEach((instruction) => collect(instruction, used));
  }
  for (const name of [...used].filter(isElementary)) {
    memory.set(new Uint8Array(elementaryTable(name).buffer), functionTable(name));
  }
}

function collect(instruction: Instruction, used: Set<string>): void {
  if (!isHvxRun(instruction)) return;
  for (const phase of PHASES) instruction.code[phase].forEach(({ op }) => used.add(op));
}

function isElementary(op: string): op is ElementaryName {
  return Object.hasOwn(ELEMENTARY, op);
}

function doesNotFit(program: Program): Result<Machine, "DOES_NOT_FIT"> {
  const bytes = program.regions.reduce((total, region) => total + region.bytes, 0);
  return failed("DOES_NOT_FIT", "the program's memory exceeds what this host can give", { bytes });
}

function allocate(pages: number): WebAssembly.Memory | undefined {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

let compiled: WebAssembly.Module | undefined;

/** The kernels do not depend on the program: compiled once a process. */
function kernels(): WebAssembly.Module {
  if (compiled !== undefined) return compiled;
  const module = moduleBuilder({ pagesMin: 1, pagesMax: 65_536 });
  addDmaKernel(module);
  addHmxKernels(module);
  addHalfKernels(module);
  addIntKernels(module);
  addPackKernel(module);
  addHvxKernels(module);
  compiled = new WebAssembly.Module(module.encode());
  return compiled;
}

function createEngine(
  memory: WebAssembly.Memory,
  addresses: readonly number[],
): (instruction: Instruction) => void {
  const { exports } = new WebAssembly.Instance(kernels(), { env: { memory } });
  const words = new Int32Array(memory.buffer, 0, VTCM / 4);
  const place = (address: Address): number => (addresses[address.region] ?? 0) + address.offset;
  const run = present(exports["hvx_run"], "kernel hvx_run");
  const prepared = new WeakMap<Instruction, PreparedRun>();
  return (instruction) => {
    if (!isHvxRun(instruction)) {
      const [kernel, values] = kernelCall(instruction, place);
      present(exports[kernel], `kernel ${kernel}`)(...values);
      return;
    }
    const form = prepared.get(instruction) ?? prepareRun(instruction);
    prepared.set(instruction, form);
    words.set(form.operands, OPERANDS / 4);
    words.set(form.microCode, MICRO_CODE / 4);
    const { prologueEnd, bodyEnd, epilogueEnd, constants, wide } = form;
    const { vectors, rows, columns } = instruction;
    run(prologueEnd, bodyEnd, epilogueEnd, constants, vectors, rows, columns, wide);
  };
}
