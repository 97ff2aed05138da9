/** Where the pixels of a vector lie: visits them one by one through a window's or a pixel operand's pointers. */
import { at, load, op } from "../../../protocol/wasm/expression.ts";
import type { Expression } from "../../../protocol/wasm/expression.ts";
import type { FunctionBuilder, Local } from "../../../protocol/wasm/function.ts";
import { pixelAddress, pixelAddress16 } from "./lanes.ts";
import { REGISTER_BYTES, VTCM } from "./layout.ts";
import { eachVector, vectorPlace } from "./micro-kernel.ts";
import type { KernelArguments } from "./micro-kernel.ts";

/** Words of an operand's description; `kind` is 0, 1 or 2 for linear, window and pixels. */
export const OPERAND = {
  kind: 28,
  linear: { address: 0, stride: 4 },
  pixels: { table: 0, offset: 4 },
  window: {
    ...{ table: 0, originY: 4, originX: 8, rowPitch: 12, strideY: 16, strideX: 20, tilePitch: 24 },
  },
} as const;

export interface PixelForm {
  readonly bits: 8 | 16;
  /** What the immediate is: dy * 256 + dx, or with a tile * 65536 before it. */
  readonly immediate: "tap" | "place";
  /** The strides of a window divide. */
  readonly enlarged?: true;
}

/** `from` is the address of the pixel's channel 0, `to` that of the vector in the register. */
export type PixelBody = (from: Expression<"i32">, to: Local<"i32">, pixel: number) => void;

/** Visits the strip's vectors, four pixels each; `linear` does the whole of a linear operand. */
export function eachOperandPixel(
  f: FunctionBuilder,
  p: KernelArguments,
  how: { readonly form: PixelForm; readonly linear: () => void; readonly body: PixelBody },
): void {
  const kind = load("i32.load", at(p.a, OPERAND.kind));
  f.if(
    op("i32.eqz", kind),
    () => how.linear(),
    () =>
      f.if(
        op("i32.eq", kind, 1),
        () => eachWindowPixel(f, p, how),
        () => eachPointedPixel(f, p, how.body),
      ),
  );
}

function eachWindowPixel(
  f: FunctionBuilder,
  p: KernelArguments,
  { form, body }: { readonly form: PixelForm; readonly body: PixelBody },
): void {
  const { table, originY, originX, rowPitch, strideY, strideX, tilePitch } = OPERAND.window;
  const field = (offset: number): Expression<"i32"> => load("i32.load", at(p.a, offset));
  const [vector, x, y] = [f.local("i32"), f.local("i32"), f.local("i32")];
  const [pointers, from, to, first] = [0, 1, 2, 3].map(() => f.local("i32")) as Local<"i32">[];
  const high = op("i32.shr_u", p.immediate, 8);
  const isPlace = form.immediate === "place";
  const dy = isPlace ? op("i32.and", high, 255) : high;
  const tile = isPlace ? op("i32.shr_u", p.immediate, 16) : 0;
  f.set(
    first!,
    op("i32.add", field(table), op("i32.shl", op("i32.mul", tile, field(tilePitch)), 2)),
  );
  f.set(vector, p.first);
  f.set(to!, p.d);
  eachVector(f, p, () => {
    const { row, column } = vectorPlace(vector);
    const dx = op("i32.and", p.immediate, 255);
    const placeOf = form.enlarged ? enlargedPlace : stridedPlace;
    const vertical = { origin: field(originY), tap: dy, stride: field(strideY) };
    const horizontal = { origin: field(originX), tap: dx, stride: field(strideX) };
    const columnOf = (pixel: number): Expression<"i32"> =>
      placeOf(f, horizontal, op("i32.add", column, pixel));
    f.set(y, placeOf(f, vertical, row));
    const line = op("i32.mul", op("i32.shr_u", y, 3), field(rowPitch));
    f.set(pointers!, op("i32.add", first!, op("i32.shl", line, 2)));
    for (let pixel = 0; pixel < 4; pixel++) {
      const address = form.bits === 8 ? pixelAddress : pixelAddress16;
      if (pixel === 0 || form.enlarged) f.set(x, columnOf(pixel));
      else f.increment(x, field(strideX));
      f.set(from!, op("i32.add", address({ pointers: pointers!, y, x }), VTCM));
      body(from!, to!, pixel);
    }
    f.increment(vector, 1);
    f.increment(to!, REGISTER_BYTES);
  });
}

/** One axis of a window load. */
interface Axis {
  readonly origin: Expression<"i32">;
  readonly tap: Expression<"i32"> | number;
  readonly stride: Expression<"i32">;
}

/** Row or column of the pixel that a position reads. */
type AxisPlace = (f: FunctionBuilder, axis: Axis, position: Expression<"i32">) => Expression<"i32">;

const stridedPlace: AxisPlace = (_, { origin, tap, stride }, position) =>
  op("i32.add", op("i32.add", origin, tap), op("i32.mul", position, stride));

const enlargedPlace: AxisPlace = (f, { origin, tap, stride }, position) => {
  const place = f.local("i32");
  f.set(place, op("i32.add", origin, op("i32.div_u", op("i32.add", position, tap), stride)));
  return op("i32.and", place, op("i32.sub", op("i32.lt_s", place, 0), 1));
};

function eachPointedPixel(f: FunctionBuilder, p: KernelArguments, body: PixelBody): void {
  const { table, offset } = OPERAND.pixels;
  const [pointers, base] = [f.local("i32"), f.local("i32")];
  const [from, to] = [f.local("i32"), f.local("i32")];
  const begin = load("i32.load", at(p.a, table));
  f.set(pointers, op("i32.add", begin, op("i32.shl", p.first, 4)));
  f.set(base, op("i32.add", load("i32.load", at(p.a, offset)), VTCM));
  f.set(to, p.d);
  eachVector(f, p, () => {
    for (let pixel = 0; pixel < 4; pixel++) {
      f.set(from, op("i32.add", base, load("i32.load", at(pointers, pixel * 4))));
      body(from, to, pixel);
    }
    f.increment(pointers, 16);
    f.increment(to, REGISTER_BYTES);
  });
}

/** Visits the strip's vectors of a linear operand: `memory` is the vector's address, `register` its place there. */
export function eachLinear(
  f: FunctionBuilder,
  p: KernelArguments,
  how: {
    readonly operand: "a" | "b";
    readonly body: (memory: Local<"i32">, register: Local<"i32">) => void;
  },
): void {
  const [memory, register, stride] = [f.local("i32"), f.local("i32"), f.local("i32")];
  const operand = p[how.operand];
  f.set(stride, load("i32.load", at(operand, OPERAND.linear.stride)));
  const begin = load("i32.load", at(operand, OPERAND.linear.address));
  f.set(memory, op("i32.add", begin, op("i32.mul", p.first, stride)));
  f.set(register, how.operand === "a" ? p.d : p.a);
  eachVector(f, p, () => {
    how.body(memory, register);
    f.increment(memory, stride);
    f.increment(register, REGISTER_BYTES);
  });
}
