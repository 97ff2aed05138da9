/** Checks of one instruction by itself: queue, ranges of its fields, registers and operands it names. */
import { unreachable } from "../../../protocol/base/assert.ts";
import {
  ACCUMULATOR_SETS,
  CROUTON_COLUMNS,
  CROUTON_COLUMNS_16,
  CROUTON_ROWS,
  ISA,
  VTCM_REGION,
  WEIGHT_TILE_BYTES,
} from "../../../protocol/isa/index.ts";
import type {
  Address,
  HvxRun,
  Instruction,
  InstructionOf,
  Product,
  Window,
} from "../../../protocol/isa/index.ts";
import { COPY_BYTES_MAX, COPY_RUNS_MAX, TILE_PRODUCTS_MAX, VECTORS_MAX } from "./limits.ts";
import { checkMicroCode } from "./microcode.ts";
import { refuse } from "./refusal.ts";
import type { Place } from "./refusal.ts";

export function checkOperands(instruction: Instruction, place: Place): void {
  const { origin, signals } = instruction;
  if (origin >= place.origins.length) refuse("BAD_OPERAND", place, `names origin ${origin}`);
  if (new Set(signals).size !== signals.length) {
    refuse("BAD_OPERAND", place, "signals the same semaphore twice");
  }
  switch (instruction.op) {
    case "dma.copy":
      return checkCopy(instruction, place);
    case "hmx.clear":
      return checkSet(instruction.set, place);
    case "hmx.load":
    case "hmx.load_f16":
    case "hmx.load_i64":
      checkSet(instruction.set, place);
      return checkInVtcm(instruction.bias, place);
    case "hmx.mac":
    case "hmx.mac_zero":
    case "hmx.mac_f16":
    case "hmx.mac_i16":
      return checkProduct(instruction, place);
    case "hmx.store":
    case "hmx.store_fixed":
    case "hmx.store_f16":
    case "hmx.store_i16":
      return checkStore(instruction, place);
    case "hvx.pack":
      return checkPack(instruction, place);
    case "hvx.run":
    case "hvx.run16":
      return checkRun(instruction, place);
    default:
      return unreachable(instruction);
  }
}

function checkCopy(copy: InstructionOf<"dma.copy">, place: Place): void {
  const { bytes, rows, planes } = copy;
  const runs = rows * planes;
  if (bytes < 1 || runs < 1) refuse("BAD_OPERAND", place, "copies nothing");
  if (runs > COPY_RUNS_MAX || bytes * runs > COPY_BYTES_MAX) {
    refuse("BAD_OPERAND", place, `copies ${runs} runs of ${bytes} bytes, beyond the limit`);
  }
}

function checkProduct(mac: Product, place: Place): void {
  checkSet(mac.set, place);
  checkArea(mac, place);
  checkWindow(mac.activations, place);
  checkInVtcm(mac.weights, place);
  const products = mac.tapCount * mac.tileCount;
  if (mac.tapColumns < 1) refuse("BAD_OPERAND", place, "has no tap columns");
  if (products < 1 || products > TILE_PRODUCTS_MAX) {
    refuse("BAD_OPERAND", place, `has ${products} tile products, not 1 to ${TILE_PRODUCTS_MAX}`);
  }
  if (mac.op === "hmx.mac_zero" && !isWithin(mac.weightZero, INT8)) {
    refuse("BAD_OPERAND", place, `has weight zero point ${mac.weightZero}, no int8`);
  }
  if (mac.op === "hmx.mac_i16" && mac.weightBytes !== 1 && mac.weightBytes !== 2) {
    refuse("BAD_OPERAND", place, `has weights of ${mac.weightBytes} bytes`);
  }
}

type Store = Extract<Instruction, { readonly op: `hmx.store${string}` }>;

function checkStore(store: Store, place: Place): void {
  checkSet(store.set, place);
  checkArea(store, place);
  checkInVtcm(store.destination, place);
  if (store.op === "hmx.store_f16") return;
  checkInVtcm(store.multipliers, place);
  const modesMax = store.op === "hmx.store_i16" ? 2 : 0;
  if (store.op !== "hmx.store_fixed" && store.mode > modesMax) {
    refuse("BAD_OPERAND", place, `has requantise mode ${store.mode}`);
  }
  const { low, high, zeroPoint } = store;
  const isInRange =
    store.op === "hmx.store_i16" || [low, high, zeroPoint].every((value) => isWithin(value, INT8));
  if (!isInRange || low > high) {
    const what = `clamps to [${low}, ${high}] around ${zeroPoint}, not within int8`;
    refuse("BAD_OPERAND", place, what);
  }
}

const INT8 = [-128, 127] as const;

function isWithin(value: number, [low, high]: readonly [number, number]): boolean {
  return value >= low && value <= high;
}

function checkPack(pack: InstructionOf<"hvx.pack">, place: Place): void {
  checkInVtcm(pack.source, place);
  checkInVtcm(pack.destination, place);
  const { elementBytes, tiles } = pack;
  if ((elementBytes !== 1 && elementBytes !== 2) || tiles < 1 || pack.transposed > 1) {
    refuse("BAD_OPERAND", place, `packs ${tiles} tiles of ${elementBytes}-byte elements`);
  }
  if (tiles > 1 && pack.destinationPitch < WEIGHT_TILE_BYTES * elementBytes) {
    refuse("OVERLAP", place, "stores to the same bytes twice");
  }
}

function checkRun(run: HvxRun, place: Place): void {
  if (run.vectors < 1 || run.vectors > VECTORS_MAX) {
    refuse("BAD_OPERAND", place, `runs over ${run.vectors} vectors, not 1 to ${VECTORS_MAX}`);
  }
  for (const operand of run.operands) {
    if (operand.kind === "linear") checkInVtcm(operand.address, place);
    else if (operand.kind === "window") checkWindow(operand.window, place);
    else checkInVtcm(operand.table, place);
  }
  checkMicroCode(run, place);
}

function checkSet(set: number, place: Place): void {
  if (set >= ACCUMULATOR_SETS) refuse("BAD_OPERAND", place, `names accumulator set ${set}`);
}

function checkArea({ op, rows, columns }: Product | Store, place: Place): void {
  const columnsMax = ISA[op].matrix.sums === "int32" ? CROUTON_COLUMNS : CROUTON_COLUMNS_16;
  if (rows < 1 || rows > CROUTON_ROWS || columns < 1 || columns > columnsMax) {
    refuse("BAD_OPERAND", place, `covers ${rows} x ${columns} positions of a crouton`);
  }
}

function checkWindow(window: Window, place: Place): void {
  checkInVtcm(window.table, place);
  if (window.strideY < 1 || window.strideX < 1) {
    refuse("BAD_OPERAND", place, `has window strides ${window.strideY} x ${window.strideX}`);
  }
}

function checkInVtcm(address: Address, place: Place): void {
  if (address.region !== VTCM_REGION) {
    refuse("NOT_IN_VTCM", place, `addresses region ${address.region}; this engine sees VTCM only`);
  }
}
