/** int16 products into int64, and the requantisations that go value by value: int16 out, and fixed point. */
import { at, i32x4, i64, load, op, select } from "../../../protocol/wasm/expression.ts";
import type { Expression } from "../../../protocol/wasm/expression.ts";
import type { FunctionBuilder, FunctionHandle, Local } from "../../../protocol/wasm/function.ts";
import type { ModuleBuilder } from "../../../protocol/wasm/module.ts";
import { CROUTON_BYTES } from "../../../protocol/isa/index.ts";
import { dividedByPower, doublingHighProduct } from "./fixed-point.ts";
import { addGather16, countPairs16 } from "./hmx-halves.ts";
import type { StorePixel } from "./hmx-halves.ts";
import { eachTile, MAC_PARAMETERS, macLocals, vectors } from "./hmx-kernels.ts";
import { ACTIVATIONS, LONGS_OF_HALVES, POSITIONS, SPECIAL, WEIGHTS } from "./layout.ts";

const LONG_BYTES = LONGS_OF_HALVES.positionBytes;

export function addIntKernels(module: ModuleBuilder): void {
  addLoad(module);
  const gather = addGather16(module, "hmx_gather_i16", storeInts);
  const product = addProduct(module);
  const widen = addWiden(module);
  const parameters = MAC_PARAMETERS.map(() => "i32" as const);
  module.function({ name: "hmx_mac_i16", parameters, exported: true }, (f, locals) => {
    const p = macLocals(locals);
    f.store("v128.store", SPECIAL, i32x4(0));
    eachTile(f, p, ({ table, y, x, weights, slotsEnd }) => {
      f.call(gather, table, p.rowPitch, y, x, p.strideY, p.strideX, p.rows, p.columns);
      const turn = (part: number, shift: number): void => {
        f.call(widen, weights, part);
        f.call(product, p.set, p.slots, slotsEnd, shift);
      };
      // 16 bits as a high part with its sign and a low part without: each sum of 32 products fits 32 bits.
      f.if(
        op("i32.eq", p.weightOption, 1),
        () => turn(PART.bytes, 0),
        () => {
          turn(PART.low, 0);
          turn(PART.high, 8);
        },
      );
    });
  });
  addStoreInts(module);
  addStoreFixed(module);
}

function addLoad(module: ModuleBuilder): void {
  const parameters = ["i32", "i32"] as const;
  module.function({ name: "hmx_load_i64", parameters, exported: true }, (f, [set, bias]) => {
    const offset = f.local("i32");
    f.forRange(offset, { begin: 0, end: (POSITIONS / 2) * LONG_BYTES, step: LONG_BYTES }, () =>
      f.copyBytes(op("i32.add", set, offset), bias, LONG_BYTES),
    );
  });
}

const storeInts: StorePixel = (f, word, to) => {
  for (let quad = 0; quad < 8; quad += 2) {
    const lanes = (index: number): Expression<"v128"> => op("i32x4.shr_s", word(quad + index), 16);
    f.store("v128.store", at(to, quad * 8), op("i16x8.narrow_i32x4_s", lanes(0), lanes(1)));
  }
  return 64;
};

const PART = { bytes: 0, low: 1, high: 2 } as const;

/** (weights, part): the tile at WEIGHTS as int16 [channel pair][output][2]. */
function addWiden(module: ModuleBuilder): FunctionHandle<readonly ["i32", "i32"], "none"> {
  return module.function(
    { name: "hmx_widen_i16", parameters: ["i32", "i32"] },
    (f, [weights, part]) => {
      const offset = f.local("i32");
      const words = f.local("v128");
      f.forRange(offset, { begin: 0, end: 2048, step: 16 }, () => {
        const to = op("i32.add", offset, WEIGHTS);
        f.if(
          part,
          () => {
            f.set(words, load("v128.load", op("i32.add", weights, offset)));
            f.if(
              op("i32.eq", part, PART.low),
              () => f.set(words, op("v128.and", words, i32x4(0x00ff00ff))),
              () => f.set(words, op("i16x8.shr_s", words, 8)),
            );
          },
          () => {
            const from = op("i32.add", weights, op("i32.shr_u", offset, 1));
            f.set(words, load("v128.load8x8_s", from));
          },
        );
        f.store("v128.store", to, words);
      });
    },
  );
}

/** (set, slots, slotsEnd, shift): adds the gathered positions times the widened tile, shifted left. */
function addProduct(
  module: ModuleBuilder,
): FunctionHandle<readonly ["i32", "i32", "i32", "i32"], "none"> {
  return module.function(
    { name: "hmx_product_i16", parameters: ["i32", "i32", "i32", "i32"] },
    (f, [set, slots, slotsEnd, shift]) => {
      const [outputs, slot, block] = [f.local("i32"), f.local("i32"), f.local("i32")];
      const [tile, pairs] = [f.local("i32"), f.local("i32")];
      f.set(tile, WEIGHTS);
      countPairs16(f, tile, pairs);
      f.if(op("i32.eqz", pairs), () => f.return());
      f.forRange(outputs, { begin: 0, end: 128, step: 32 }, () => {
        f.set(block, ACTIVATIONS);
        f.forRange(slot, { begin: slots, end: slotsEnd, step: 16 }, () => {
          multiplyBlock(f, { set, slot, block, outputs, pairs, shift });
          f.increment(block, 4 * 64);
        });
      });
    },
  );
}

interface Block {
  readonly set: Local<"i32">;
  readonly slot: Local<"i32">;
  readonly block: Local<"i32">;
  /** Bytes of int16 pairs before the eight outputs. */
  readonly outputs: Local<"i32">;
  readonly pairs: Local<"i32">;
  readonly shift: Local<"i32">;
}

/** 4 positions x 8 outputs over all channel pairs in words, then added to the int64. */
function multiplyBlock(f: FunctionBuilder, from: Block): void {
  const rows = [0, 1, 2, 3].map(() => vectors(f, 2));
  for (const sums of rows) for (const sum of sums) f.set(sum, i32x4(0));
  const [weight, activation, end] = [f.local("i32"), f.local("i32"), f.local("i32")];
  const [low, high, pair] = [f.local("v128"), f.local("v128"), f.local("v128")];
  f.set(weight, op("i32.add", from.outputs, WEIGHTS));
  f.set(activation, from.block);
  f.set(end, op("i32.add", from.block, op("i32.shl", from.pairs, 2)));
  f.loop((again) => {
    f.set(low, load("v128.load", weight));
    f.set(high, load("v128.load", at(weight, 16)));
    rows.forEach((sums, index) => {
      f.set(pair, load("v128.load32_splat", at(activation, index * 64)));
      [low, high].forEach((weights, half) => {
        const sum = sums[half]!;
        f.set(sum, op("i32x4.add", sum, op("i32x4.dot_i16x8_s", pair, weights)));
      });
    });
    f.increment(weight, 128);
    f.increment(activation, 4);
    f.branchIf(again, op("i32.lt_s", activation, end));
  });
  const address = f.local("i32");
  rows.forEach((sums, index) => {
    const base = op("i32.add", from.set, load("i32.load", at(from.slot, index * 4)));
    f.set(address, op("i32.add", base, op("i32.shl", from.outputs, 1)));
    sums.forEach((sum, half) => {
      (["i64x2.extend_low_i32x4_s", "i64x2.extend_high_i32x4_s"] as const).forEach(
        (extend, part) => {
          const place = at(address, half * 32 + part * 16);
          const added = op("i64x2.shl", op(extend, sum), from.shift);
          f.store("v128.store", place, op("i64x2.add", load("v128.load", place), added));
        },
      );
    });
  });
}

/** A whole number plus the zero point, saturated to 32 bits, within the bounds. */
function bounded(
  f: FunctionBuilder,
  whole: Expression<"i32">,
  by: Readonly<Record<"zero" | "low" | "high", Local<"i32">>>,
): Local<"i32"> {
  const sum = f.local("i64");
  const value = f.local("i32");
  f.set(sum, op("i64.add", op("i64.extend_i32_s", whole), op("i64.extend_i32_s", by.zero)));
  const low = op("i64.extend_i32_s", by.low);
  const high = op("i64.extend_i32_s", by.high);
  f.set(sum, select(op("i64.lt_s", sum, low), low, sum));
  f.set(sum, select(op("i64.gt_s", sum, high), high, sum));
  f.set(value, op("i32.wrap_i64", sum));
  return value;
}

/** (set, mode, rows, columns, destination, multipliers, zero point, low, high, what fills the outside) */
function addStoreInts(module: ModuleBuilder): void {
  const parameters = Array.from({ length: 10 }, () => "i32" as const);
  module.function({ name: "hmx_store_i16", parameters, exported: true }, (f, locals) => {
    const [set, mode, rows, columns, destination] = locals as Local<"i32">[];
    const [multipliers, zero, low, high, fill] = locals.slice(5) as Local<"i32">[];
    const [row, column, output] = [f.local("i32"), f.local("i32"), f.local("i32")];
    const [from, to, whole, sum] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i64")];
    f.forRange(to, { begin: 0, end: CROUTON_BYTES, step: 16 }, () =>
      f.store("v128.store", op("i32.add", destination!, to), op("i16x8.splat", fill!)),
    );
    f.forRange(row, { begin: 0, end: rows!, step: 1 }, () =>
      f.forRange(column, { begin: 0, end: columns!, step: 1 }, () => {
        const position = op("i32.add", op("i32.shl", row, 2), column);
        f.set(from, op("i32.add", set!, op("i32.shl", position, 8)));
        const pair = op("i32.shl", op("i32.shr_u", column, 1), 7);
        const inRow = op("i32.add", pair, op("i32.shl", op("i32.and", column, 1), 1));
        f.set(to, op("i32.add", op("i32.add", destination!, op("i32.shl", row, 8)), inRow));
        f.forRange(output, { begin: 0, end: 128, step: 4 }, () => {
          f.set(sum, load("i64.load", op("i32.add", from, op("i32.shl", output, 1))));
          const entry = op("i32.add", multipliers!, output);
          f.if(op("i32.eqz", mode!), () => f.set(whole, nearestOf(sum, entry)));
          f.if(op("i32.eq", mode!, 1), () => f.set(whole, fixedOf(sum, entry)));
          f.if(op("i32.eq", mode!, 2), () => {
            setDoublyRounded(f, whole, { sum: op("i32.wrap_i64", sum), entry });
          });
          const value = bounded(f, whole, { zero: zero!, low: low!, high: high! });
          f.store("i32.store16", op("i32.add", to, output), value);
        });
      }),
    );
  });
}

/** F32_RNE. */
function nearestOf(sum: Local<"i64">, entry: Expression<"i32">): Expression<"i32"> {
  const real = op("f32.mul", op("f32.convert_i64_s", sum), load("f32.load", entry));
  return op("i32.trunc_sat_f32_s", op("f32.nearest", real));
}

/** FIXED, 64 bits. */
function fixedOf(sum: Local<"i64">, entry: Expression<"i32">): Expression<"i32"> {
  const multiplier = load("i32.load", entry);
  const rounded = op("i32.shr_s", op("i32.add", multiplier, 0x8000), 16);
  const isSmall = op("i32.lt_s", multiplier, 0x7fff0000);
  const reduced = op("i64.extend_i32_s", select(isSmall, rounded, op("i32.add", 0x7fff, 0)));
  const right = op("i64.extend_i32_s", op("i32.sub", 15, load("i32.load", at(entry, 128))));
  const half = op("i64.shl", i64(1n), op("i64.sub", right, i64(1n)));
  const product = op("i64.add", op("i64.mul", sum, reduced), half);
  return op("i32.wrap_i64", op("i64.shr_s", product, right));
}

/** FIXED of 31 bits: the word shifted left, multiplied to the high word and divided by a power of two. */
function setDoublyRounded(
  f: FunctionBuilder,
  whole: Local<"i32">,
  of: { readonly sum: Expression<"i32">; readonly entry: Expression<"i32"> },
): void {
  const [shift, none] = [f.local("i32"), op("i32.sub", 0, 0)];
  f.set(shift, load("i32.load", at(of.entry, 128)));
  const left = select(op("i32.gt_s", shift, 0), shift, none);
  const right = select(op("i32.lt_s", shift, 0), op("i32.sub", 0, shift), none);
  f.set(whole, doublingHighProduct(op("i32.shl", of.sum, left), load("i32.load", of.entry)));
  f.set(whole, dividedByPower(whole, right));
}

/** (set, rows, columns, destination, multipliers, zero point, low, high): int8 from words. */
function addStoreFixed(module: ModuleBuilder): void {
  const parameters = Array.from({ length: 8 }, () => "i32" as const);
  module.function({ name: "hmx_store_fixed", parameters, exported: true }, (f, locals) => {
    const [set, rows, columns, destination] = locals as Local<"i32">[];
    const [multipliers, zero, low, high] = locals.slice(4) as Local<"i32">[];
    const [row, column, output] = [f.local("i32"), f.local("i32"), f.local("i32")];
    const [position, whole] = [f.local("i32"), f.local("i32")];
    f.fillBytes(destination!, zero!, CROUTON_BYTES);
    f.forRange(row, { begin: 0, end: rows!, step: 1 }, () =>
      f.forRange(column, { begin: 0, end: columns!, step: 1 }, () => {
        f.set(position, op("i32.shl", op("i32.add", op("i32.shl", row, 3), column), 5));
        f.forRange(output, { begin: 0, end: 32, step: 1 }, () => {
          const index = op("i32.add", position, output);
          const entry = op("i32.add", multipliers!, op("i32.shl", output, 2));
          const sum = load("i32.load", op("i32.add", set!, op("i32.shl", index, 2)));
          setDoublyRounded(f, whole, { sum, entry });
          const value = bounded(f, whole, { zero: zero!, low: low!, high: high! });
          f.store("i32.store8", op("i32.add", destination!, index), value);
        });
      }),
    );
  });
}
