/** Products of the matrix engine: what each instruction multiplies, and how long it takes. */
import { unreachable } from "../base/assert.ts";
import type { SocDescription } from "./soc.ts";
import { ISA, WEIGHT_TILE_BYTES, WEIGHT_TILE_BYTES_16 } from "./table.ts";
import type { FieldsOf, IsaRow, Mnemonic } from "./table.ts";

type ProductOp = Extract<Mnemonic, `hmx.mac${string}`>;

/** An instruction that multiplies, with or without its synchronisation. */
export type Product = { [M in ProductOp]: { readonly op: M } & FieldsOf<M> }[ProductOp];

export function isProduct<I extends { readonly op: Mnemonic }>(
  instruction: I,
): instruction is Extract<I, { readonly op: ProductOp }> {
  const row: IsaRow = ISA[instruction.op];
  return row.matrix?.does === "multiply";
}

export interface ProductForm {
  /** Those of the activations. */
  readonly numbers: "int8" | "int16" | "fp16";
  /** Bits of an activation. */
  readonly pixelBits: 8 | 16;
  /** Of 32 x 32 weights. */
  readonly weightTileBytes: number;
}

const INT8 = { numbers: "int8", pixelBits: 8, weightTileBytes: WEIGHT_TILE_BYTES } as const;
const FP16 = { numbers: "fp16", pixelBits: 16, weightTileBytes: WEIGHT_TILE_BYTES_16 } as const;

export function productForm(product: Product): ProductForm {
  switch (product.op) {
    case "hmx.mac":
    case "hmx.mac_zero":
      return INT8;
    case "hmx.mac_f16":
      return FP16;
    case "hmx.mac_i16": {
      const weightTileBytes = product.weightBytes * WEIGHT_TILE_BYTES;
      return { numbers: "int16", pixelBits: 16, weightTileBytes };
    }
    default:
      return unreachable(product);
  }
}

/** Multiply-accumulates of one tile product: 32 x 32 channels over 64 positions, or over 32 in 16 bits. */
export const TILE_MACS = { int8: 65_536, int16: 32_768, fp16: 32_768 } as const;

export function macsOf(product: Product): number {
  return product.tapCount * product.tileCount * TILE_MACS[productForm(product).numbers];
}

/** Cycles of one tile product; in int16, by int8 weights. */
export function tileCyclesOf(numbers: ProductForm["numbers"], { hmx }: SocDescription): number {
  return { int8: hmx.tileCyclesInt8, int16: hmx.tileCyclesInt16, fp16: hmx.tileCyclesFp16 }[
    numbers
  ];
}

/** Cycles of the engine; int16 weights take two passes. */
export function productCycles(product: Product, soc: SocDescription): number {
  const { numbers, weightTileBytes } = productForm(product);
  const passes = numbers === "int16" ? weightTileBytes / WEIGHT_TILE_BYTES : 1;
  const tiles = product.tapCount * product.tileCount;
  return soc.hmx.startupCycles + tiles * passes * tileCyclesOf(numbers, soc);
}
