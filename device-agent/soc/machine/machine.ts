/** The functional chip: one linear memory with VTCM and all regions, and the engines' kernels over it. */
import { assert, present } from "../../../protocol/base/assert.ts";
import { failed, succeeded } from "../../../protocol/base/result.ts";
import type { Result } from "../../../protocol/base/result.ts";
import { ACCUMULATOR_SETS, ELEMENTARY, elementaryTable } from "../../../protocol/isa/index.ts";
import type {
  Address,
  ElementaryName,
  Instruction,
  InstructionOf,
} from "../../../protocol/isa/index.ts";
import type { Program } from "../../../protocol/program/index.ts";
import { moduleBuilder, PAGE_BYTES } from "../../../protocol/wasm/module.ts";
import type { VerifiedHtpSegment, VerifiedProgram } from "../verify/verify.ts";
import { addDmaKernel } from "./dma-kernel.ts";
import { addHmxKernels, MAC_PARAMETERS } from "./hmx-kernels.ts";
import { addHvxKernels } from "./hvx-kernels.ts";
import { prepareRun } from "./hvx.ts";
import { functionTable } from "./micro-halves.ts";
import type { PreparedRun } from "./hvx.ts";
import {
  ACCUMULATOR_BYTES,
  ACCUMULATORS,
  MICRO_CODE,
  OPERANDS,
  regionAddresses,
  slotList,
  WORDS_OF_BYTES,
  VTCM,
  writeSlotLists,
} from "./layout.ts";

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
  if (!("code" in instruction)) return;
  const { prologue, body, epilogue } = instruction.code;
  for (const part of [prologue, body, epilogue]) part.forEach(({ op }) => used.add(op));
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
  addHvxKernels(module);
  compiled = new WebAssembly.Module(module.encode());
  return compiled;
}

type Kernel = (...values: number[]) => number;

function createEngine(
  memory: WebAssembly.Memory,
  addresses: readonly number[],
): (instruction: Instruction) => void {
  const { exports } = new WebAssembly.Instance(kernels(), { env: { memory } });
  const kernel = (name: string): Kernel => present(exports[name], `kernel ${name}`);
  const words = new Int32Array(memory.buffer, 0, VTCM / 4);
  const place = (address: Address): number => (addresses[address.region] ?? 0) + address.offset;
  const [copy, clear, load] = [kernel("dma_copy"), kernel("hmx_clear"), kernel("hmx_load")];
  const [mac, store, run] = [kernel("hmx_mac"), kernel("hmx_store"), kernel("hvx_run")];
  const prepared = new WeakMap<Instruction, PreparedRun>();
  return (instruction) => {
    switch (instruction.op) {
      case "dma.copy":
        return void copy(...copyArguments(instruction, place));
      case "hmx.clear":
        return void clear(setAddress(instruction.set));
      case "hmx.load":
        return void load(setAddress(instruction.set), place(instruction.bias));
      case "hmx.mac":
        return void mac(...macArguments(instruction, place));
      case "hmx.store":
        return void store(...storeArguments(instruction, place));
      case "hvx.run":
      case "hvx.run16": {
        const form = prepared.get(instruction) ?? prepareRun(instruction);
        prepared.set(instruction, form);
        words.set(form.operands, OPERANDS / 4);
        words.set(form.microCode, MICRO_CODE / 4);
        const { prologueEnd, bodyEnd, epilogueEnd, constants, wide } = form;
        const { vectors, rows, columns } = instruction;
        return void run(prologueEnd, bodyEnd, epilogueEnd, constants, vectors, rows, columns, wide);
      }
      default:
        throw new Error(`the machine does not run ${instruction.op} yet`);
    }
  };
}

type Place = (address: Address) => number;

/** There is one HMX queue: its sets lie at the start of the accumulators. */
function setAddress(set: number): number {
  assert(set < ACCUMULATOR_SETS, "accumulator set");
  return ACCUMULATORS + set * ACCUMULATOR_BYTES;
}

function copyArguments(copy: InstructionOf<"dma.copy">, place: Place): number[] {
  return [
    place(copy.destination),
    place(copy.source),
    copy.bytes,
    copy.rows,
    copy.destinationRowStride,
    copy.sourceRowStride,
    copy.planes,
    copy.destinationPlaneStride,
    copy.sourcePlaneStride,
  ];
}

function macArguments(mac: InstructionOf<"hmx.mac">, place: Place): number[] {
  const { activations } = mac;
  const tilePitch = activations.tilePitch * 4;
  const named: Record<(typeof MAC_PARAMETERS)[number], number> = {
    set: setAddress(mac.set),
    slots: slotList(WORDS_OF_BYTES, mac.rows, mac.columns),
    rows: mac.rows,
    columns: mac.columns,
    table: place(activations.table) + mac.tileBegin * tilePitch,
    originY: activations.originY,
    originX: activations.originX,
    rowPitch: activations.rowPitch * 4,
    tilePitch,
    strideY: activations.strideY,
    strideX: activations.strideX,
    tapBegin: mac.tapBegin,
    tapEnd: mac.tapBegin + mac.tapCount,
    tapColumns: mac.tapColumns,
    dilationY: mac.dilationY,
    dilationX: mac.dilationX,
    tileCount: mac.tileCount,
    weights: place(mac.weights),
    weightTapPitch: mac.weightTapPitch,
    weightTilePitch: mac.weightTilePitch,
  };
  return MAC_PARAMETERS.map((name) => named[name]);
}

function storeArguments(store: InstructionOf<"hmx.store">, place: Place): number[] {
  const { zeroPoint } = store;
  return [
    setAddress(store.set),
    store.rows,
    store.columns,
    place(store.destination),
    place(store.multipliers),
    zeroPoint,
    store.low - zeroPoint,
    store.high - zeroPoint,
  ];
}
