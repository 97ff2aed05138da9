/** Which kernel an instruction calls, and with what: addresses absolute, pitches in bytes. */
import { assert, unreachable } from "../../../protocol/base/assert.ts";
import { ACCUMULATOR_SETS } from "../../../protocol/isa/index.ts";
import type { Address, HvxRun, Instruction, InstructionOf } from "../../../protocol/isa/index.ts";
import { MAC_PARAMETERS } from "./hmx-kernels.ts";
import {
  ACCUMULATOR_BYTES,
  ACCUMULATORS,
  LONGS_OF_HALVES,
  slotList,
  WORDS_OF_BYTES,
  WORDS_OF_HALVES,
} from "./layout.ts";
import type { SetForm } from "./layout.ts";

type Place = (address: Address) => number;
export type KernelCall = readonly [kernel: string, values: readonly number[]];

export function kernelCall(instruction: Exclude<Instruction, HvxRun>, place: Place): KernelCall {
  switch (instruction.op) {
    case "dma.copy":
      return ["dma_copy", copyArguments(instruction, place)];
    case "hmx.clear":
      return ["hmx_clear", [setAddress(instruction.set)]];
    case "hmx.load_f16":
      return ["hmx_load_f16", [setAddress(instruction.set), place(instruction.bias)]];
    case "hmx.load":
      return ["hmx_load", [setAddress(instruction.set), place(instruction.bias)]];
    case "hmx.load_i64":
      return ["hmx_load_i64", [setAddress(instruction.set), place(instruction.bias)]];
    case "hmx.mac":
      return ["hmx_mac", macArguments(instruction, place, [WORDS_OF_BYTES, 0])];
    case "hmx.mac_zero": {
      const form = [WORDS_OF_BYTES, instruction.weightZero] as const;
      return ["hmx_mac", macArguments(instruction, place, form)];
    }
    case "hmx.mac_f16":
      return ["hmx_mac_f16", macArguments(instruction, place, [WORDS_OF_HALVES, 0])];
    case "hmx.mac_i16": {
      const form = [LONGS_OF_HALVES, instruction.weightBytes] as const;
      return ["hmx_mac_i16", macArguments(instruction, place, form)];
    }
    case "hmx.store":
    case "hmx.store_fixed":
    case "hmx.store_f16":
    case "hmx.store_i16":
      return storeCall(instruction, place);
    case "hvx.pack":
      return ["hvx_pack", packArguments(instruction, place)];
    default:
      return unreachable(instruction);
  }
}

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

function macArguments(
  mac: Omit<InstructionOf<"hmx.mac">, "op">,
  place: Place,
  [form, weightOption]: readonly [form: SetForm, weightOption: number],
): number[] {
  const { activations } = mac;
  const tilePitch = activations.tilePitch * 4;
  const named: Record<(typeof MAC_PARAMETERS)[number], number> = {
    set: setAddress(mac.set),
    slots: slotList(form, mac.rows, mac.columns),
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
    weightOption,
  };
  return MAC_PARAMETERS.map((name) => named[name]);
}

type Store = Extract<Instruction, { readonly op: `hmx.store${string}` }>;

function storeCall(store: Store, place: Place): KernelCall {
  const { rows, columns } = store;
  const set = setAddress(store.set);
  const destination = place(store.destination);
  if (store.op === "hmx.store_f16") {
    return ["hmx_store_f16", [set, rows, columns, destination, store.low, store.high]];
  }
  const { zeroPoint, low, high } = store;
  const multipliers = place(store.multipliers);
  const area = [rows, columns, destination, multipliers];
  switch (store.op) {
    case "hmx.store":
      return ["hmx_store", [set, ...area, zeroPoint, low - zeroPoint, high - zeroPoint]];
    case "hmx.store_fixed":
      return ["hmx_store_fixed", [set, ...area, zeroPoint, low, high]];
    case "hmx.store_i16": {
      const fill = Math.min(Math.max(zeroPoint, -32_768), 32_767);
      return ["hmx_store_i16", [set, store.mode, ...area, zeroPoint, low, high, fill]];
    }
    default:
      return unreachable(store);
  }
}

function packArguments(pack: InstructionOf<"hvx.pack">, place: Place): number[] {
  return [
    pack.elementBytes - 1,
    pack.transposed,
    pack.tiles,
    place(pack.source),
    place(pack.destination),
    pack.sourcePitch,
    pack.destinationPitch,
  ];
}
