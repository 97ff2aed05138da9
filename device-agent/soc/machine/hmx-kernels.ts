/** The matrix engine in WebAssembly: gather and widen activations, multiply with int16 dot products, requantise. */
import { at, lane, load, op } from "../../../protocol/wasm/expression.ts";
import type { Expression } from "../../../protocol/wasm/expression.ts";
import type { FunctionBuilder, FunctionHandle, Local } from "../../../protocol/wasm/function.ts";
import type { ModuleBuilder } from "../../../protocol/wasm/module.ts";
import { CROUTON_BYTES } from "../../../protocol/isa/index.ts";
import { ACTIVATIONS, POSITION_BYTES, POSITIONS, VTCM } from "./layout.ts";
import { pixelAddress, roundedHalfEven } from "./lanes.ts";

export function addHmxKernels(module: ModuleBuilder): void {
  addClear(module);
  addLoad(module);
  const gathering = { name: "hmx_gather", address: pixelAddress, store: widenPixel };
  addMac(module, addGather(module, gathering), addProduct(module));
  addStore(module);
}

function addClear(module: ModuleBuilder): void {
  module.function({ name: "hmx_clear", parameters: ["i32"], exported: true }, (f, [set]) => {
    f.fillBytes(set, 0, POSITIONS * POSITION_BYTES);
  });
}

export function vectors(f: FunctionBuilder, count: number): Local<"v128">[] {
  return Array.from({ length: count }, () => f.local("v128"));
}

function addLoad(module: ModuleBuilder): void {
  module.function(
    { name: "hmx_load", parameters: ["i32", "i32"], exported: true },
    (f, [set, bias]) => {
      const words = vectors(f, 8);
      words.forEach((word, index) => f.set(word, load("v128.load", at(bias, index * 16))));
      const offset = f.local("i32");
      f.forRange(
        offset,
        { begin: 0, end: POSITIONS * POSITION_BYTES, step: POSITION_BYTES },
        () => {
          words.forEach((word, index) =>
            f.store("v128.store", at(op("i32.add", set, offset), index * 16), word),
          );
        },
      );
    },
  );
}

export type Gather = FunctionHandle<
  readonly ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"],
  "none"
>;

export interface Gathering {
  readonly name: string;
  /** Of the pixel's channel 0, less VTCM. */
  readonly address: typeof pixelAddress;
  /** Puts the pixel's channels at `to`; returns how far it went. */
  readonly store: (f: FunctionBuilder, source: Local<"i32">, to: Local<"i32">) => number;
}

/** (table, rowPitchBytes, y, x, strideY, strideX, rows, columns): positions of one tap and tile, one after another. */
export function addGather(module: ModuleBuilder, { name, address, store }: Gathering): Gather {
  const parameters = ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"] as const;
  return module.function({ name, parameters }, (f, locals) => {
    const [table, rowPitchBytes, y, x0, strideY, strideX, rows, columns] = locals;
    const [row, column, x] = [f.local("i32"), f.local("i32"), f.local("i32")];
    const [pointers, source, to] = [f.local("i32"), f.local("i32"), f.local("i32")];
    f.set(to, ACTIVATIONS);
    f.forRange(row, { begin: 0, end: rows, step: 1 }, () => {
      const line = op("i32.mul", op("i32.shr_u", y, 3), rowPitchBytes);
      f.set(pointers, op("i32.add", table, line));
      f.set(x, x0);
      f.forRange(column, { begin: 0, end: columns, step: 1 }, () => {
        f.set(source, address({ pointers, y, x }));
        f.increment(to, store(f, source, to));
        f.increment(x, strideX);
      });
      f.increment(y, strideY);
    });
  });
}

/** 32 int8 as int16. */
function widenPixel(f: FunctionBuilder, source: Local<"i32">, to: Local<"i32">): number {
  const bytes = f.local("v128");
  for (const half of [0, 1]) {
    f.set(bytes, load("v128.load", at(source, VTCM + half * 16)));
    f.store("v128.store", at(to, half * 32), op("i16x8.extend_low_i8x16_s", bytes));
    f.store("v128.store", at(to, half * 32 + 16), op("i16x8.extend_high_i8x16_s", bytes));
  }
  return 64;
}

type Product = FunctionHandle<readonly ["i32", "i32", "i32", "i32"], "none">;

/** (set, slots, slotsEnd, weights): the gathered positions times one 32 x 32 weight tile. */
function addProduct(module: ModuleBuilder): Product {
  return module.function(
    { name: "hmx_product", parameters: ["i32", "i32", "i32", "i32"] },
    (f, [set, slots, slotsEnd, weights]) => {
      const pairBytes = f.local("i32");
      countPairs(f, weights, pairBytes);
      const [outputs, slot, block] = [f.local("i32"), f.local("i32"), f.local("i32")];
      // Eight of the 32 outputs at a time: 16 bytes of each weight row, 32 of each accumulator row.
      f.forRange(outputs, { begin: 0, end: 64, step: 16 }, () => {
        f.set(block, ACTIVATIONS);
        f.forRange(slot, { begin: slots, end: slotsEnd, step: 16 }, () => {
          const from = { set, slot, block, outputs, weights, pairBytes };
          multiplyBlock(f, from);
          f.increment(block, 4 * 64);
        });
      });
    },
  );
}

/** Four bytes of activation for each channel pair up to the last whose weights are not all zero. */
function countPairs(f: FunctionBuilder, weights: Local<"i32">, pairBytes: Local<"i32">): void {
  f.set(pairBytes, 64);
  f.block((found) => {
    f.loop((again) => {
      const row = op("i32.add", weights, op("i32.shl", pairBytes, 4));
      const part = (offset: number): Expression<"v128"> =>
        load("v128.load", op("i32.sub", row, 64 - offset));
      const any = op(
        "v128.or",
        op("v128.or", part(0), part(16)),
        op("v128.or", part(32), part(48)),
      );
      f.branchIf(found, op("v128.any_true", any));
      f.increment(pairBytes, -4);
      f.branchIf(again, pairBytes);
    });
    f.return();
  });
}

interface Block {
  readonly set: Local<"i32">;
  readonly slot: Local<"i32">;
  readonly block: Local<"i32">;
  readonly outputs: Local<"i32">;
  readonly weights: Local<"i32">;
  readonly pairBytes: Local<"i32">;
}

/** 4 positions x 8 outputs over all channel pairs: eight accumulators stay in registers. */
function multiplyBlock(f: FunctionBuilder, from: Block): void {
  const rows = [0, 1, 2, 3].map((index) => {
    const address = f.local("i32");
    const base = op("i32.add", from.set, load("i32.load", at(from.slot, index * 4)));
    f.set(address, op("i32.add", base, op("i32.shl", from.outputs, 1)));
    return { address, sums: vectors(f, 2) };
  });
  for (const { address, sums } of rows) {
    sums.forEach((sum, index) => f.set(sum, load("v128.load", at(address, index * 16))));
  }
  const [weight, activation, end] = [f.local("i32"), f.local("i32"), f.local("i32")];
  const [low, high, pair] = [f.local("v128"), f.local("v128"), f.local("v128")];
  f.set(weight, op("i32.add", from.weights, from.outputs));
  f.set(activation, from.block);
  f.set(end, op("i32.add", from.block, from.pairBytes));
  f.loop((again) => {
    f.set(low, load("v128.load8x8_s", at(weight, 0)));
    f.set(high, load("v128.load8x8_s", at(weight, 8)));
    rows.forEach(({ sums }, index) => {
      f.set(pair, load("v128.load32_splat", at(activation, index * 64)));
      [low, high].forEach((weightPair, half) => {
        const sum = sums[half]!;
        f.set(sum, op("i32x4.add", sum, op("i32x4.dot_i16x8_s", pair, weightPair)));
      });
    });
    f.increment(weight, 64);
    f.increment(activation, 4);
    f.branchIf(again, op("i32.lt_s", activation, end));
  });
  for (const { address, sums } of rows) {
    sums.forEach((sum, index) => f.store("v128.store", at(address, index * 16), sum));
  }
}

/** Order of hmx_mac's parameters, all i32. Addresses are absolute, pitches in bytes. */
export const MAC_PARAMETERS = [
  "set",
  "slots",
  "rows",
  "columns",
  "table",
  "originY",
  "originX",
  "rowPitch",
  "tilePitch",
  "strideY",
  "strideX",
  "tapBegin",
  "tapEnd",
  "tapColumns",
  "dilationY",
  "dilationX",
  "tileCount",
  "weights",
  "weightTapPitch",
  "weightTilePitch",
  /** hmx.mac_zero: the weights' zero point, else 0; hmx.mac_i16: bytes of a weight. */
  "weightOption",
] as const;

export type MacLocals = Readonly<Record<(typeof MAC_PARAMETERS)[number], Local<"i32">>>;

export function macLocals(locals: readonly Local[]): MacLocals {
  const named = MAC_PARAMETERS.map((name, index) => [name, locals[index]!]);
  return Object.fromEntries(named) as MacLocals;
}

/** What a turn over one tap and one tile works with. */
export interface TilePlace {
  readonly table: Local<"i32">;
  readonly y: Local<"i32">;
  readonly x: Local<"i32">;
  readonly weights: Local<"i32">;
  readonly slotsEnd: Local<"i32">;
}

/** For each tap, for each tile. */
export function eachTile(f: FunctionBuilder, p: MacLocals, body: (at: TilePlace) => void): void {
  const [tap, tile, y, x] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
  const [table, weights, slotsEnd] = [f.local("i32"), f.local("i32"), f.local("i32")];
  const positions = op("i32.mul", p.rows, p.columns);
  f.set(slotsEnd, op("i32.add", p.slots, op("i32.shl", positions, 2)));
  f.forRange(tap, { begin: p.tapBegin, end: p.tapEnd, step: 1 }, () => {
    const dy = op("i32.mul", op("i32.div_u", tap, p.tapColumns), p.dilationY);
    const dx = op("i32.mul", op("i32.rem_u", tap, p.tapColumns), p.dilationX);
    f.set(y, op("i32.add", p.originY, dy));
    f.set(x, op("i32.add", p.originX, dx));
    f.set(table, p.table);
    f.set(weights, p.weights);
    f.forRange(tile, { begin: 0, end: p.tileCount, step: 1 }, () => {
      body({ table, y, x, weights, slotsEnd });
      f.increment(table, p.tilePitch);
      f.increment(weights, p.weightTilePitch);
    });
    f.increment(p.weights, p.weightTapPitch);
  });
}

function addMac(module: ModuleBuilder, gather: Gather, product: Product): void {
  const parameters = MAC_PARAMETERS.map(() => "i32" as const);
  module.function({ name: "hmx_mac", parameters, exported: true }, (f, locals) => {
    const p = macLocals(locals);
    eachTile(f, p, ({ table, y, x, weights, slotsEnd }) => {
      f.call(gather, table, p.rowPitch, y, x, p.strideY, p.strideX, p.rows, p.columns);
      f.call(product, p.set, p.slots, slotsEnd, weights);
      f.if(p.weightOption, () => takeOffZero(f, p, slotsEnd));
    });
  });
}

/** Subtracts the weights' zero point times the sum of each position's channels. */
function takeOffZero(f: FunctionBuilder, p: MacLocals, slotsEnd: Local<"i32">): void {
  const [slot, from, to] = [f.local("i32"), f.local("i32"), f.local("i32")];
  const [sum, one] = [f.local("v128"), f.local("v128")];
  f.set(one, op("i16x8.splat", 1));
  f.set(from, ACTIVATIONS);
  f.forRange(slot, { begin: p.slots, end: slotsEnd, step: 4 }, () => {
    const part = (index: number): Expression<"v128"> =>
      op("i32x4.dot_i16x8_s", load("v128.load", at(from, index * 16)), one);
    f.set(
      sum,
      op("i32x4.add", op("i32x4.add", part(0), part(1)), op("i32x4.add", part(2), part(3))),
    );
    const lanes = [0, 1, 2, 3].map((index) => lane("i32x4.extract_lane", index, sum));
    const total = lanes.reduce((left, right) => op("i32.add", left, right));
    f.set(sum, op("i32x4.splat", op("i32.mul", total, p.weightOption)));
    f.set(to, op("i32.add", p.set, load("i32.load", slot)));
    for (let byte = 0; byte < POSITION_BYTES; byte += 16) {
      const place = at(to, byte);
      f.store("v128.store", place, op("i32x4.sub", load("v128.load", place), sum));
    }
    f.increment(from, 64);
  });
}

/** (set, rows, columns, destination, multipliers, zeroPoint, low - zeroPoint, high - zeroPoint), F32_RNE. */
function addStore(module: ModuleBuilder): void {
  module.function(
    {
      name: "hmx_store",
      parameters: ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"],
      exported: true,
    },
    (f, [set, rows, columns, destination, multipliers, zeroPoint, low, high]) => {
      const scales = vectors(f, 8);
      scales.forEach((scale, index) =>
        f.set(scale, load("v128.load", at(multipliers, index * 16))),
      );
      const bounds = { low: f.local("v128"), high: f.local("v128"), zero: f.local("v128") };
      f.set(bounds.low, op("i32x4.splat", low));
      f.set(bounds.high, op("i32x4.splat", high));
      f.set(bounds.zero, op("i32x4.splat", zeroPoint));
      f.fillBytes(destination, zeroPoint, CROUTON_BYTES);
      const [row, column, from, to] = [
        f.local("i32"),
        f.local("i32"),
        f.local("i32"),
        f.local("i32"),
      ];
      f.forRange(row, { begin: 0, end: rows, step: 1 }, () => {
        f.set(from, op("i32.add", set, op("i32.shl", row, 10)));
        f.set(to, op("i32.add", destination, op("i32.shl", row, 8)));
        f.forRange(column, { begin: 0, end: columns, step: 1 }, () => {
          for (const half of [0, 1]) {
            const part = (index: number): Expression<"v128"> => {
              const words = load("v128.load", at(from, (half * 4 + index) * 16));
              return requantized(words, scales[half * 4 + index]!, bounds);
            };
            const low16 = op("i16x8.narrow_i32x4_s", part(0), part(1));
            const high16 = op("i16x8.narrow_i32x4_s", part(2), part(3));
            f.store("v128.store", at(to, half * 16), op("i8x16.narrow_i16x8_s", low16, high16));
          }
          f.increment(from, POSITION_BYTES);
          f.increment(to, 32);
        });
      });
    },
  );
}

/**
 * Adding the zero point behind the clamp equals saturating addition before it: the clamp, moved by the zero
 * point, lies within nine bits.
 */
function requantized(
  words: Expression<"v128">,
  scale: Expression<"v128">,
  bounds: Readonly<Record<"low" | "high" | "zero", Expression<"v128">>>,
): Expression<"v128"> {
  const real = op("f32x4.mul", op("f32x4.convert_i32x4_s", words), scale);
  const whole = roundedHalfEven(real);
  const clamped = op("i32x4.min_s", op("i32x4.max_s", whole, bounds.low), bounds.high);
  return op("i32x4.add", clamped, bounds.zero);
}
