/** Each instruction written as its documentation reads: one loop a sentence, one number at a time. */
import { MICRO_OPS } from "../../../../protocol/isa/index.ts";
import type {
  Address,
  Instruction,
  InstructionOf,
  MicroOp,
  Operand,
  Window,
} from "../../../../protocol/isa/index.ts";

export interface NaiveChip {
  /** Index = region. */
  readonly regions: readonly Uint8Array[];
  run(instruction: Instruction): void;
}

export function naiveChip(regions: readonly Uint8Array[]): NaiveChip {
  const sets = [new Int32Array(64 * 32), new Int32Array(64 * 32)];
  const run = (instruction: Instruction): void => {
    switch (instruction.op) {
      case "dma.copy":
        return copy(regions, instruction);
      case "hmx.clear":
        sets[instruction.set]!.fill(0);
        return;
      case "hmx.load":
        for (let position = 0; position < 64; position++) {
          for (let o = 0; o < 32; o++) {
            sets[instruction.set]![position * 32 + o] = readWord(regions, instruction.bias, o);
          }
        }
        return;
      case "hmx.mac":
        return mac(regions, sets[instruction.set]!, instruction);
      case "hmx.store":
        return store(regions, sets[instruction.set]!, instruction);
      case "hvx.run":
        return hvx(regions, instruction);
      default:
        throw new Error(`no model of ${instruction.op}`);
    }
  };
  return { regions, run };
}

type Regions = readonly Uint8Array[];

function byteAt(regions: Regions, address: Address, offset: number): number {
  return (regions[address.region]![address.offset + offset]! << 24) >> 24;
}

function setByte(regions: Regions, address: Address, at: { offset: number; value: number }): void {
  regions[address.region]![address.offset + at.offset] = at.value & 255;
}

function readWord(regions: Regions, address: Address, index: number): number {
  const bytes = regions[address.region]!;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return view.getInt32(address.offset + index * 4, true);
}

function writeWord(regions: Regions, address: Address, at: { index: number; value: number }): void {
  const bytes = regions[address.region]!;
  new DataView(bytes.buffer, bytes.byteOffset).setInt32(
    address.offset + at.index * 4,
    at.value,
    true,
  );
}

function copy(regions: Regions, c: InstructionOf<"dma.copy">): void {
  for (let plane = 0; plane < c.planes; plane++) {
    for (let row = 0; row < c.rows; row++) {
      for (let byte = 0; byte < c.bytes; byte++) {
        const from = plane * c.sourcePlaneStride + row * c.sourceRowStride + byte;
        const offset = plane * c.destinationPlaneStride + row * c.destinationRowStride + byte;
        setByte(regions, c.destination, { offset, value: byteAt(regions, c.source, from) });
      }
    }
  }
}

function pixel(
  regions: Regions,
  window: Window,
  at: { y: number; x: number; tile: number; channel: number },
): number {
  const { y, x, tile, channel } = at;
  const entry = tile * window.tilePitch + Math.floor(y / 8) * window.rowPitch + Math.floor(x / 8);
  const crouton = readWord(regions, window.table, entry) >>> 0;
  return byteAt(regions, { region: 0, offset: crouton }, ((y % 8) * 8 + (x % 8)) * 32 + channel);
}

function mac(regions: Regions, set: Int32Array, m: InstructionOf<"hmx.mac">): void {
  for (let tap = m.tapBegin; tap < m.tapBegin + m.tapCount; tap++) {
    for (let tile = m.tileBegin; tile < m.tileBegin + m.tileCount; tile++) {
      const weights =
        (tap - m.tapBegin) * m.weightTapPitch + (tile - m.tileBegin) * m.weightTilePitch;
      for (let position = 0; position < 64; position++) {
        macPosition(regions, set, { m, tap, tile, weights, position });
      }
    }
  }
}

interface MacStep {
  readonly m: InstructionOf<"hmx.mac">;
  readonly tap: number;
  readonly tile: number;
  /** Offset of the weight tile. */
  readonly weights: number;
  readonly position: number;
}

function macPosition(regions: Regions, set: Int32Array, step: MacStep): void {
  const { m, tap, tile, weights, position } = step;
  const [row, column] = [Math.floor(position / 8), position % 8];
  if (row >= m.rows || column >= m.columns) return;
  const window = m.activations;
  const dy = Math.floor(tap / m.tapColumns) * m.dilationY;
  const dx = (tap % m.tapColumns) * m.dilationX;
  const y = window.originY + row * window.strideY + dy;
  const x = window.originX + column * window.strideX + dx;
  for (let c = 0; c < 32; c++) {
    const input = pixel(regions, window, { y, x, tile, channel: c });
    for (let o = 0; o < 32; o++) {
      const place = weights + Math.floor(c / 2) * 64 + o * 2 + (c % 2);
      const sum = set[position * 32 + o]! + input * byteAt(regions, m.weights, place);
      set[position * 32 + o] = sum;
    }
  }
}

export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

const toInt32 = (value: number): number =>
  Number.isNaN(value) ? 0 : clamp(roundHalfEven(value), -(2 ** 31), 2 ** 31 - 1);

function store(regions: Regions, set: Int32Array, s: InstructionOf<"hmx.store">): void {
  const scales = new Float32Array(32);
  const bits = new Int32Array(scales.buffer);
  for (let o = 0; o < 32; o++) bits[o] = readWord(regions, s.multipliers, o);
  for (let position = 0; position < 64; position++) {
    const inside = Math.floor(position / 8) < s.rows && position % 8 < s.columns;
    for (let o = 0; o < 32; o++) {
      const real = Math.fround(Math.fround(set[position * 32 + o]!) * scales[o]!);
      const value = clamp(toInt32(real) + s.zeroPoint, s.low, s.high);
      const offset = position * 32 + o;
      setByte(regions, s.destination, { offset, value: inside ? value : s.zeroPoint });
    }
  }
}

const SCALAR = new DataView(new ArrayBuffer(4));
const asFloat = (bits: number): number => {
  SCALAR.setInt32(0, bits);
  return SCALAR.getFloat32(0);
};
const asBits = (value: number): number => {
  SCALAR.setFloat32(0, value);
  return Number.isNaN(value) ? 0x7fc00000 : SCALAR.getInt32(0);
};

/** Micro-ops that look at one lane only. */
const LANE_OPS: Partial<Record<MicroOp["op"], (a: number, b: number, d: number) => number>> = {
  add_i32: (a, b) => a + b,
  add_i8: (a, b) => a + b,
  subtract_i32: (a, b) => a - b,
  multiply_i32: (a, b) => Math.imul(a, b),
  multiply_add_i8: (a, b, d) => d + Math.imul(a, b),
  minimum_i32: (a, b) => Math.min(a, b),
  maximum_i32: (a, b) => Math.max(a, b),
  maximum_i8: (a, b) => Math.max(a, b),
  add_f32: (a, b) => asBits(asFloat(a) + asFloat(b)),
  subtract_f32: (a, b) => asBits(asFloat(a) - asFloat(b)),
  multiply_f32: (a, b) => asBits(asFloat(a) * asFloat(b)),
  minimum_f32: (a, b) => asBits(Math.min(asFloat(a), asFloat(b))),
  maximum_f32: (a, b) => asBits(Math.max(asFloat(a), asFloat(b))),
  divide_f32: (a, b) => asBits(asFloat(a) / asFloat(b)),
  i32_to_f32: (a) => asBits(a),
  f32_to_i32: (a) => toInt32(asFloat(a)),
  accumulate_add: (a, _b, d) => d + a,
  accumulate_max: (a, _b, d) => Math.max(d, a),
};

function hvx(regions: Regions, run: InstructionOf<"hvx.run">): void {
  const registers = Array.from({ length: 16 }, () => new Int32Array(128));
  const step = (micro: MicroOp, vector: number): void =>
    microOp(regions, { run, micro, vector, registers });
  for (const micro of run.code.prologue) step(micro, 0);
  for (let vector = 0; vector < run.vectors; vector++) {
    for (const micro of run.code.body) step(micro, vector);
  }
  for (const micro of run.code.epilogue) step(micro, 0);
}

interface MicroStep {
  readonly run: InstructionOf<"hvx.run">;
  readonly micro: MicroOp;
  readonly vector: number;
  readonly registers: readonly Int32Array[];
}

/** Row and column of lane l of vector i. */
function laneAt(vector: number, lane: number): { row: number; column: number; channel: number } {
  const column = Math.floor(vector / 16) * 8 + (vector % 2) * 4 + Math.floor(lane / 32);
  return { row: Math.floor((vector % 16) / 2), column, channel: lane % 32 };
}

function microOp(regions: Regions, step: MicroStep): void {
  const { run, micro, vector, registers } = step;
  const row = MICRO_OPS[micro.op];
  const before = (register: number): Int32Array => registers[register]!.slice();
  const [sources, others] = [before(row.a === "register" ? micro.a : 0), before(micro.b % 16)];
  const a = (lane: number): number => sources[lane]!;
  const laneOp = LANE_OPS[micro.op];
  const operand = run.operands[row.a === "operand" ? micro.a : micro.b];
  const linear = (): Address => linearAt(operand!, vector);
  for (let lane = 0; lane < 128; lane++) {
    const channel = lane % 32;
    const pixelOf = lane - channel;
    const set = (value: number): void => void (registers[micro.d]![lane] = value);
    const channels = (): number[] => Array.from({ length: 32 }, (_, index) => a(pixelOf + index));
    if (laneOp !== undefined) {
      const b = row.b === "register" ? others[lane]! : 0;
      set(laneOp(a(lane), b, registers[micro.d]![lane]!));
      continue;
    }
    switch (micro.op) {
      case "load_i8":
        set(loadByte(regions, step, lane));
        break;
      case "load_i32":
        set(readWord(regions, linear(), lane));
        break;
      case "load_channel_i8":
        set(byteAt(regions, linear(), channel));
        break;
      case "load_channel_i32":
        set(readWord(regions, linear(), channel));
        break;
      case "splat_i32":
        set(micro.immediate);
        break;
      case "splat_f32":
        set(asBits(micro.immediate));
        break;
      case "table_i8":
        set(byteAt(regions, tableAt(operand!), (a(lane) + micro.immediate) & 255));
        break;
      case "table_i32":
        set(readWord(regions, tableAt(operand!), (a(lane) + micro.immediate) & 255));
        break;
      case "sum_pixels":
        set(a(channel) + a(channel + 32) + a(channel + 64) + a(channel + 96));
        break;
      case "sum_channels":
        set(channels().reduce((sum, value) => (sum + value) | 0, 0));
        break;
      case "maximum_channels":
        set(Math.max(...channels()));
        break;
      case "store_i8":
        setByte(regions, linear(), { offset: lane, value: storedByte(step, lane, a(lane)) });
        break;
      case "store_i32":
        writeWord(regions, linear(), { index: lane, value: a(lane) });
        break;
      case "store_channel_i32":
        if (lane < 32) writeWord(regions, linear(), { index: lane, value: a(lane) });
        break;
      default:
        throw new Error(`no model of ${micro.op}`);
    }
  }
}

function storedByte({ run, micro, vector }: MicroStep, lane: number, value: number): number {
  const { row, column } = laneAt(vector, lane);
  const outside = row >= run.rows || column >= run.columns;
  return outside ? micro.immediate : clamp(value, -128, 127);
}

function linearAt(operand: Operand, vector: number): Address {
  if (operand.kind !== "linear") throw new Error("a linear operand");
  const { region, offset } = operand.address;
  return { region, offset: offset + vector * operand.strideBytes };
}

const tableAt = (operand: Operand): Address => linearAt(operand, 0);

function loadByte(regions: Regions, step: MicroStep, lane: number): number {
  const operand = step.run.operands[step.micro.a]!;
  if (operand.kind === "linear") return byteAt(regions, linearAt(operand, step.vector), lane);
  if (operand.kind !== "window") throw new Error("no model of pixels");
  const { window } = operand;
  const { row, column, channel } = laneAt(step.vector, lane);
  const y = window.originY + row * window.strideY + Math.floor(step.micro.immediate / 256);
  const x = window.originX + column * window.strideX + (step.micro.immediate % 256);
  return pixel(regions, window, { y, x, tile: 0, channel });
}
