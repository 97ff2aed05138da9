/** The vector engine as its documentation reads. */
import { MICRO_OPS } from "../../../../protocol/isa/index.ts";
import type { Address, Instruction, MicroOp, Operand } from "../../../../protocol/isa/index.ts";
import { halfBits, halfValue } from "./naive-half.ts";
import { asBits, asFloat, LANE_OPS } from "./naive-lanes.ts";
import {
  byteAt,
  clamp,
  pixel,
  pixel16,
  readHalf,
  readWord,
  setByte,
  writeHalf,
  writeWord,
} from "./naive-memory.ts";
import type { Regions } from "./naive-memory.ts";

type Run = Extract<Instruction, { readonly op: "hvx.run" | "hvx.run16" }>;

export function hvx(regions: Regions, run: Run): void {
  const registers = Array.from({ length: 16 }, () => new Int32Array(128));
  const step = (micro: MicroOp, vector: number): void =>
    microOp(regions, { run, micro, vector, registers });
  for (const micro of run.code.prologue) step(micro, 0);
  for (let vector = 0; vector < run.vectors; vector++) {
    for (const micro of run.code.body) step(micro, vector);
  }
  for (const micro of run.code.epilogue) step(micro, 0);
}

/** Blocks of 32 pixels x 32 channels into weight tiles. */
export function pack(regions: Regions, p: Extract<Instruction, { readonly op: "hvx.pack" }>): void {
  for (let tile = 0; tile < p.tiles; tile++) {
    const from = { ...p.source, offset: p.source.offset + tile * p.sourcePitch };
    const to = { ...p.destination, offset: p.destination.offset + tile * p.destinationPitch };
    for (let at = 0; at < 1024; at++) {
      const [position, channel] = [Math.floor(at / 32), at % 32];
      const [c, o] = p.transposed === 1 ? [channel, position] : [position, channel];
      const index = Math.floor(c / 2) * 64 + o * 2 + (c % 2);
      if (p.elementBytes === 1) {
        setByte(regions, to, { offset: index, value: byteAt(regions, from, at) });
      } else {
        const [y, x] = [Math.floor(position / 4), position % 4];
        const place = (y * 2 + Math.floor(x / 2)) * 64 + channel * 2 + (x % 2);
        writeHalf(regions, to, { index, value: readHalf(regions, from, place) });
      }
    }
  }
}

interface MicroStep {
  readonly run: Run;
  readonly micro: MicroOp;
  readonly vector: number;
  readonly registers: readonly Int32Array[];
}

/** Row, column and channel of lane l of vector i. */
function laneAt(
  { op }: Run,
  vector: number,
  lane: number,
): { row: number; column: number; channel: number } {
  const [within, channel] = [Math.floor(lane / 32), lane % 32];
  if (op === "hvx.run16") {
    return { row: vector % 8, column: Math.floor(vector / 8) * 4 + within, channel };
  }
  const column = Math.floor(vector / 16) * 8 + (vector % 2) * 4 + within;
  return { row: Math.floor((vector % 16) / 2), column, channel };
}

function microOp(regions: Regions, step: MicroStep): void {
  const { run, micro, vector, registers } = step;
  const row = MICRO_OPS[micro.op];
  const before = (register: number): Int32Array => registers[register]!.slice();
  const [sources, others] = [before(row.a === "register" ? micro.a : 0), before(micro.b % 16)];
  const operand = run.operands[row.a === "operand" ? micro.a : micro.b];
  const laneOp = LANE_OPS[micro.op];
  for (let lane = 0; lane < 128; lane++) {
    const from: LaneStep = { ...step, lane, a: (at) => sources[at]!, operand: operand! };
    if (micro.op.startsWith("store")) {
      storeLane(regions, from);
      continue;
    }
    const old = registers[micro.d]![lane]!;
    registers[micro.d]![lane] =
      laneOp !== undefined
        ? laneOp(sources[lane]!, row.b === "register" ? others[lane]! : 0, old)
        : (crossLane(from, old) ??
          lookUp(regions, from, old) ??
          load(regions, { ...from, vector }));
  }
}

interface LaneStep extends MicroStep {
  readonly lane: number;
  /** Register a before the micro-op. */
  readonly a: (lane: number) => number;
  readonly operand: Operand;
}

/** Sums and maxima over lanes; undefined for other micro-ops. */
function crossLane({ micro, lane, a }: LaneStep, _old: number): number | undefined {
  const channel = lane % 32;
  const first = lane - channel;
  const channels = (): number[] => Array.from({ length: 32 }, (_, index) => a(first + index));
  const pixels = (): number[] => [0, 32, 64, 96].map((at) => a(channel + at));
  const floats = (): number[] => channels().map(asFloat);
  switch (micro.op) {
    case "splat_i32":
      return micro.immediate;
    case "splat_f32":
      return asBits(micro.immediate);
    case "narrow_i16": {
      const shift = micro.immediate & 15;
      const half = shift === 0 ? 0 : 2 ** (shift - 1);
      return clamp(Math.floor((a(lane) + half) / 2 ** shift), -32768, 32767);
    }
    case "sum_pixels":
      return pixels().reduce((sum, value) => (sum + value) | 0, 0);
    case "sum_channels":
      return channels().reduce((sum, value) => (sum + value) | 0, 0);
    case "maximum_channels":
      return Math.max(...channels());
    case "maximum_channels_f16":
    case "maximum_channels_f32":
      return asBits(Math.max(...floats()));
    case "sum_pixels_f32": {
      const [p, q, r, s] = pixels().map(asFloat) as [number, number, number, number];
      return asBits(Math.fround(p + q) + Math.fround(r + s));
    }
    case "sum_channels_f32": {
      const values = floats();
      const s = [0, 1, 2, 3].map((j) =>
        [4, 8, 12, 16, 20, 24, 28].reduce(
          (sum, step) => Math.fround(sum + values[j + step]!),
          values[j]!,
        ),
      );
      return asBits(Math.fround(s[0]! + s[2]!) + Math.fround(s[1]! + s[3]!));
    }
    default:
      return undefined;
  }
}

/** Tables, shuffles and gathers; undefined for other micro-ops. */
function lookUp(regions: Regions, step: LaneStep, old: number): number | undefined {
  const { micro, lane, a, operand } = step;
  const table = (): Address => linearAt(operand, 0);
  const index = (a(lane) + micro.immediate) & 255;
  const gathered = (a(lane) >>> 0) % micro.immediate;
  switch (micro.op) {
    case "table_i8":
      return byteAt(regions, table(), index);
    case "table_i32":
      return readWord(regions, table(), index);
    case "gather_i8":
      return byteAt(regions, table(), gathered);
    case "gather_i16":
      return (readHalf(regions, table(), gathered) << 16) >> 16;
    case "gather_i32":
      return readWord(regions, table(), gathered);
    case "shuffle_channels": {
      const from = byteAt(regions, table(), lane % 32) & 255;
      return from < 32 ? a(lane - (lane % 32) + from) : old;
    }
    default:
      return undefined;
  }
}

function load(regions: Regions, step: LaneStep): number {
  const { micro, lane, operand } = step;
  const channel = lane % 32;
  const linear = (): Address => linearAt(operand, step.vector);
  const asInt = (bits: number): number => (bits << 16) >> 16;
  const asHalf = (bits: number): number => asBits(halfValue(bits));
  switch (micro.op) {
    case "load_i8":
    case "load_tile_i8":
    case "load_enlarged_i8":
      return loadPixel(regions, step, 8);
    case "load_pixel_u8":
      return byteAt(regions, linear(), Math.floor(lane / 32)) & 255;
    case "load_i16":
    case "load_enlarged_i16":
      return asInt(loadPixel(regions, step, 16));
    case "load_f16":
    case "load_enlarged_f16":
      return asHalf(loadPixel(regions, step, 16));
    case "load_i32":
      return readWord(regions, linear(), lane);
    case "load_channel_i8":
      return byteAt(regions, linear(), channel);
    case "load_channel_i16":
      return asInt(readHalf(regions, linear(), channel));
    case "load_channel_f16":
      return asHalf(readHalf(regions, linear(), channel));
    case "load_channel_i32":
      return readWord(regions, linear(), channel);
    case "load_pixel_i32":
      return readWord(regions, linear(), Math.floor(lane / 32));
    case "load_plain_i16":
      return asInt(readHalf(regions, linear(), lane));
    case "load_plain_f16":
      return asHalf(readHalf(regions, linear(), lane));
    default:
      throw new Error(`no model of ${micro.op}`);
  }
}

/** The int8, or the 16 bits, that the lane's pixel and channel hold. */
function loadPixel(regions: Regions, step: LaneStep, bits: 8 | 16): number {
  const { run, micro, vector, lane, operand } = step;
  const { row, column, channel } = laneAt(run, vector, lane);
  if (operand.kind === "linear") {
    const address = linearAt(operand, vector);
    return bits === 8
      ? byteAt(regions, address, lane)
      : readHalf(regions, address, inCroutonRow(lane));
  }
  if (operand.kind === "pixels") {
    const entry = 4 * vector + Math.floor(lane / 32);
    const offset = (readWord(regions, operand.table, entry) >>> 0) + operand.offsetBytes;
    const address = { region: 0, offset };
    return bits === 8 ? byteAt(regions, address, channel) : readHalf(regions, address, channel * 2);
  }
  const { window } = operand;
  const isPlace = MICRO_OPS[micro.op].immediate === "place";
  const tile = isPlace ? Math.floor(micro.immediate / 65536) : 0;
  const [dy, dx] = [Math.floor((micro.immediate - tile * 65536) / 256), micro.immediate % 256];
  const { originY, originX, strideY, strideX } = window;
  const at = micro.op.startsWith("load_enlarged")
    ? {
        y: Math.max(0, originY + Math.floor((row + dy) / strideY)),
        x: Math.max(0, originX + Math.floor((column + dx) / strideX)),
        ...{ tile, channel },
      }
    : { y: originY + row * strideY + dy, x: originX + column * strideX + dx, tile, channel };
  return bits === 8 ? pixel(regions, window, at) : pixel16(regions, window, at);
}

/** Where a lane of a linear 16-bit vector lies: column pair, channel, column of the pair. */
function inCroutonRow(lane: number): number {
  const [within, channel] = [Math.floor(lane / 32), lane % 32];
  return Math.floor(within / 2) * 64 + channel * 2 + (within % 2);
}

function storeLane(regions: Regions, step: LaneStep): void {
  const { run, micro, vector, lane, a, operand } = step;
  const { row, column } = laneAt(run, vector, lane);
  const isOutside = row >= run.rows || column >= run.columns;
  const to = linearAt(operand, vector);
  const value = a(lane);
  const saturated = (bits: number): number => clamp(value, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1);
  switch (micro.op) {
    case "store_i8":
      return setByte(regions, to, {
        offset: lane,
        value: isOutside ? micro.immediate : saturated(8),
      });
    case "store_i16":
      return writeHalf(regions, to, {
        index: inCroutonRow(lane),
        value: isOutside ? micro.immediate : saturated(16),
      });
    case "store_f16":
      return writeHalf(regions, to, {
        index: inCroutonRow(lane),
        value: halfBits(isOutside ? micro.immediate : asFloat(value)),
      });
    case "store_plain_i16":
      return writeHalf(regions, to, { index: lane, value: saturated(16) });
    case "store_plain_f16":
      return writeHalf(regions, to, { index: lane, value: halfBits(asFloat(value)) });
    case "store_i32":
      return writeWord(regions, to, { index: lane, value });
    case "store_channel_i32":
      if (lane < 32) writeWord(regions, to, { index: lane, value });
      return;
    case "store_pixel_i32":
      if (lane % 32 === 0) writeWord(regions, to, { index: lane / 32, value });
      return;
    default:
      throw new Error(`no model of ${micro.op}`);
  }
}

function linearAt(operand: Operand, vector: number): Address {
  if (operand.kind !== "linear") throw new Error("a linear operand");
  const { region, offset } = operand.address;
  return { region, offset: offset + vector * operand.strideBytes };
}
