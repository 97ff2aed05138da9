/** Checks of one instruction by itself: queue, ranges of its fields, registers and operands it names. */
import { unreachable } from "../../../protocol/base/assert.ts";
import {
  ACCUMULATOR_SETS,
  CROUTON_COLUMNS,
  CROUTON_ROWS,
  VTCM_REGION,
} from "../../../protocol/isa/index.ts";
import type { Address, Instruction, InstructionOf, Window } from "../../../protocol/isa/index.ts";
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
      checkSet(instruction.set, place);
      return checkInVtcm(instruction.bias, place);
    case "hmx.mac":
      return checkMac(instruction, place);
    case "hmx.store":
      return checkStore(instruction, place);
    case "hvx.run":
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

function checkMac(mac: InstructionOf<"hmx.mac">, place: Place): void {
  checkSet(mac.set, place);
  checkArea(mac, place);
  checkWindow(mac.activations, place);
  checkInVtcm(mac.weights, place);
  const products = mac.tapCount * mac.tileCount;
  if (mac.tapColumns < 1) refuse("BAD_OPERAND", place, "has no tap columns");
  if (products < 1 || products > TILE_PRODUCTS_MAX) {
    refuse("BAD_OPERAND", place, `has ${products} tile products, not 1 to ${TILE_PRODUCTS_MAX}`);
  }
}

function checkStore(store: InstructionOf<"hmx.store">, place: Place): void {
  checkSet(store.set, place);
  checkArea(store, place);
  checkInVtcm(store.destination, place);
  checkInVtcm(store.multipliers, place);
  const { mode, low, high, zeroPoint } = store;
  if (mode !== 0) refuse("BAD_OPERAND", place, `has requantise mode ${mode}`);
  if (![low, high, zeroPoint].every((value) => value >= -128 && value <= 127) || low > high) {
    refuse(
      "BAD_OPERAND",
      place,
      `clamps to [${low}, ${high}] around ${zeroPoint}, not within int8`,
    );
  }
}

function checkRun(run: InstructionOf<"hvx.run">, place: Place): void {
  if (run.vectors < 1 || run.vectors > VECTORS_MAX) {
    refuse("BAD_OPERAND", place, `runs over ${run.vectors} vectors, not 1 to ${VECTORS_MAX}`);
  }
  for (const operand of run.operands) {
    if (operand.kind === "linear") checkInVtcm(operand.address, place);
    else checkWindow(operand.window, place);
  }
  checkMicroCode(run, place);
}

function checkSet(set: number, place: Place): void {
  if (set >= ACCUMULATOR_SETS) refuse("BAD_OPERAND", place, `names accumulator set ${set}`);
}

function checkArea(area: { readonly rows: number; readonly columns: number }, place: Place): void {
  const { rows, columns } = area;
  if (rows < 1 || rows > CROUTON_ROWS || columns < 1 || columns > CROUTON_COLUMNS) {
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
