/** fp16 products: activations and weights widened to float32, one multiplication and one addition a channel. */
import { at, i32x4, load, op } from "../../../protocol/wasm/expression.ts";
import type { Expression } from "../../../protocol/wasm/expression.ts";
import type { FunctionBuilder, FunctionHandle, Local } from "../../../protocol/wasm/function.ts";
import type { ModuleBuilder } from "../../../protocol/wasm/module.ts";
import { CROUTON_BYTES } from "../../../protocol/isa/index.ts";
import { addGather, eachTile, MAC_PARAMETERS, macLocals, vectors } from "./hmx-kernels.ts";
import type { Gather } from "./hmx-kernels.ts";
import { floatToHalf, halfToFloat, pixelAddress16 } from "./lanes.ts";
import { ACTIVATIONS, POSITION_BYTES, POSITIONS, SPECIAL, VTCM, WEIGHTS } from "./layout.ts";

export function addHalfKernels(module: ModuleBuilder): void {
  const gather = addGather16(module, "hmx_gather_f16", storeFloats);
  const product = addProduct(module, addWiden(module));
  const parameters = MAC_PARAMETERS.map(() => "i32" as const);
  module.function({ name: "hmx_mac_f16", parameters, exported: true }, (f, locals) => {
    const p = macLocals(locals);
    eachTile(f, p, ({ table, y, x, weights, slotsEnd }) => {
      f.store("v128.store", SPECIAL, i32x4(0));
      f.call(gather, table, p.rowPitch, y, x, p.strideY, p.strideX, p.rows, p.columns);
      f.call(product, p.set, p.slots, slotsEnd, weights);
    });
  });
  addLoad(module);
  addStore(module);
}

/** (set, bias): -0 becomes +0, so that no sum is ever -0. */
function addLoad(module: ModuleBuilder): void {
  const parameters = ["i32", "i32"] as const;
  module.function({ name: "hmx_load_f16", parameters, exported: true }, (f, [set, bias]) => {
    const words = vectors(f, 8);
    words.forEach((word, index) => {
      const value = load("v128.load", at(bias, index * 16));
      f.set(word, op("f32x4.add", value, i32x4(0)));
    });
    const offset = f.local("i32");
    const end = (POSITIONS / 2) * POSITION_BYTES;
    f.forRange(offset, { begin: 0, end, step: POSITION_BYTES }, () =>
      words.forEach((word, index) =>
        f.store("v128.store", at(op("i32.add", set, offset), index * 16), word),
      ),
    );
  });
}

/** Puts one pixel's channels, in the upper halves of eight vectors of lanes, at `to`; returns how far it went. */
export type StorePixel = (
  f: FunctionBuilder,
  word: (quad: number) => Expression<"v128">,
  to: Local<"i32">,
) => number;

export function addGather16(module: ModuleBuilder, name: string, storePixel: StorePixel): Gather {
  return addGather(module, {
    name,
    address: pixelAddress16,
    store: (f, source, to) => {
      const shift = f.local("i32");
      // The even column of a pair is the lower half of its words.
      f.set(shift, op("i32.sub", 16, op("i32.shl", op("i32.and", source, 2), 3)));
      f.set(source, op("i32.and", source, -4));
      const word = (quad: number): Expression<"v128"> =>
        op("i32x4.shl", load("v128.load", at(source, VTCM + quad * 16)), shift);
      return storePixel(f, word, to);
    },
  });
}

/** Remembers at SPECIAL whether any value is infinite or no number. */
const storeFloats: StorePixel = (f, word, to) => {
  const [value, special] = [f.local("v128"), f.local("v128")];
  f.set(special, load("v128.load", SPECIAL));
  for (let quad = 0; quad < 8; quad++) {
    f.set(value, halfToFloat(f, word(quad)));
    f.store("v128.store", at(to, quad * 16), value);
    const exponent = op("v128.and", value, i32x4(0x7f800000));
    f.set(special, op("v128.or", special, op("i32x4.eq", exponent, i32x4(0x7f800000))));
  }
  f.store("v128.store", SPECIAL, special);
  return POSITION_BYTES;
};

type Widen = FunctionHandle<readonly ["i32", "i32"], "none">;

/** (weights, channel pairs): the tile at WEIGHTS as float32 [channel][output]. */
function addWiden(module: ModuleBuilder): Widen {
  return module.function(
    { name: "hmx_widen_f16", parameters: ["i32", "i32"] },
    (f, [weights, pairs]) => {
      const [from, to, end, words] = [
        f.local("i32"),
        f.local("i32"),
        f.local("i32"),
        f.local("v128"),
      ];
      f.set(to, WEIGHTS);
      f.set(end, op("i32.add", weights, op("i32.shl", pairs, 7)));
      f.forRange(from, { begin: weights, end, step: 128 }, () => {
        for (let byte = 0; byte < 128; byte += 16) {
          f.set(words, load("v128.load", at(from, byte)));
          f.store("v128.store", at(to, byte), halfToFloat(f, op("i32x4.shl", words, 16)));
          f.store("v128.store", at(to, byte + 128), halfToFloat(f, words));
        }
        f.increment(to, 256);
      });
    },
  );
}

type Product = FunctionHandle<readonly ["i32", "i32", "i32", "i32"], "none">;

/** (set, slots, slotsEnd, weights): the gathered positions times one 32 x 32 weight tile. */
function addProduct(module: ModuleBuilder, widen: Widen): Product {
  return module.function(
    { name: "hmx_product_f16", parameters: ["i32", "i32", "i32", "i32"] },
    (f, [set, slots, slotsEnd, weights]) => {
      const pairs = f.local("i32");
      countPairs16(f, weights, pairs);
      f.if(op("i32.eqz", pairs), () => f.return());
      f.call(widen, weights, pairs);
      const [outputs, slot, block] = [f.local("i32"), f.local("i32"), f.local("i32")];
      const channelBytes = f.local("i32");
      f.set(channelBytes, op("i32.shl", pairs, 3));
      f.forRange(outputs, { begin: 0, end: POSITION_BYTES, step: 32 }, () => {
        f.set(block, ACTIVATIONS);
        f.forRange(slot, { begin: slots, end: slotsEnd, step: 16 }, () => {
          multiplyBlock(f, { set, slot, block, outputs, channelBytes });
          f.increment(block, 4 * POSITION_BYTES);
        });
      });
    },
  );
}

/**
 * Channel pairs up to the last with a weight whose bits are not zero. Zero weights add +0 or -0, which changes no sum,
 * as sums are never -0; but times an infinite activation they make NaN, so then none is left out.
 */
export function countPairs16(f: FunctionBuilder, weights: Local<"i32">, pairs: Local<"i32">): void {
  f.set(pairs, 16);
  f.if(op("i32.eqz", op("v128.any_true", load("v128.load", SPECIAL))), () =>
    f.block((found) => {
      f.loop((again) => {
        const row = op("i32.add", weights, op("i32.shl", pairs, 7));
        const part = (byte: number): Expression<"v128"> =>
          load("v128.load", op("i32.sub", row, 128 - byte));
        const parts = [0, 16, 32, 48, 64, 80, 96, 112].map(part);
        const any = parts.reduce((left, right) => op("v128.or", left, right));
        f.branchIf(found, op("v128.any_true", any));
        f.increment(pairs, -1);
        f.branchIf(again, pairs);
      });
    }),
  );
}

interface Block {
  readonly set: Local<"i32">;
  readonly slot: Local<"i32">;
  readonly block: Local<"i32">;
  readonly outputs: Local<"i32">;
  readonly channelBytes: Local<"i32">;
}

/** 4 positions x 8 outputs over all channels: eight accumulators stay in registers. */
function multiplyBlock(f: FunctionBuilder, from: Block): void {
  const rows = [0, 1, 2, 3].map((index) => {
    const address = f.local("i32");
    const base = op("i32.add", from.set, load("i32.load", at(from.slot, index * 4)));
    f.set(address, op("i32.add", base, from.outputs));
    return { address, sums: vectors(f, 2) };
  });
  for (const { address, sums } of rows) {
    sums.forEach((sum, index) => f.set(sum, load("v128.load", at(address, index * 16))));
  }
  const [weight, activation, end] = [f.local("i32"), f.local("i32"), f.local("i32")];
  const [low, high, value] = [f.local("v128"), f.local("v128"), f.local("v128")];
  f.set(weight, op("i32.add", from.outputs, WEIGHTS));
  f.set(activation, from.block);
  f.set(end, op("i32.add", from.block, from.channelBytes));
  f.loop((again) => {
    f.set(low, load("v128.load", weight));
    f.set(high, load("v128.load", at(weight, 16)));
    rows.forEach(({ sums }, index) => {
      f.set(value, load("v128.load32_splat", at(activation, index * POSITION_BYTES)));
      [low, high].forEach((weights, half) => {
        const sum = sums[half]!;
        f.set(sum, op("f32x4.add", sum, op("f32x4.mul", value, weights)));
      });
    });
    f.increment(weight, POSITION_BYTES);
    f.increment(activation, 4);
    f.branchIf(again, op("i32.lt_s", activation, end));
  });
  for (const { address, sums } of rows) {
    sums.forEach((sum, index) => f.store("v128.store", at(address, index * 16), sum));
  }
}

/** (set, rows, columns, destination, low, high): bounds as fp16 bits. Rounding keeps order, so clamping may come first. */
function addStore(module: ModuleBuilder): void {
  module.function(
    {
      name: "hmx_store_f16",
      parameters: ["i32", "i32", "i32", "i32", "i32", "i32"],
      exported: true,
    },
    (f, [set, rows, columns, destination, low, high]) => {
      const [bottom, top, mask] = vectors(f, 3) as [Local<"v128">, Local<"v128">, Local<"v128">];
      f.set(bottom, halfToFloat(f, op("i32x4.splat", op("i32.shl", low, 16))));
      f.set(top, halfToFloat(f, op("i32x4.splat", op("i32.shl", high, 16))));
      f.fillBytes(destination, 0, CROUTON_BYTES);
      const [row, column] = [f.local("i32"), f.local("i32")];
      const [from, to] = [f.local("i32"), f.local("i32")];
      f.forRange(row, { begin: 0, end: rows, step: 1 }, () => {
        f.set(from, op("i32.add", set, op("i32.shl", row, 9)));
        f.set(to, op("i32.add", destination, op("i32.shl", row, 8)));
        f.forRange(column, { begin: 0, end: columns, step: 2 }, () => {
          const isPair = op("i32.lt_s", op("i32.add", column, 1), columns);
          f.set(mask, op("i32x4.splat", op("i32.sub", 0, isPair)));
          for (let byte = 0; byte < POSITION_BYTES; byte += 16) {
            const half = (offset: number): Expression<"v128"> => {
              const sum = load("v128.load", at(from, offset + byte));
              return floatToHalf(f, op("f32x4.min", op("f32x4.max", sum, bottom), top));
            };
            const odd = op("v128.and", op("i32x4.shl", half(POSITION_BYTES), 16), mask);
            f.store("v128.store", at(to, byte), op("v128.or", half(0), odd));
          }
          f.increment(from, 2 * POSITION_BYTES);
          f.increment(to, 128);
        });
      });
    },
  );
}
