/** resize: source positions and weights are tables made at compile time. */
import type { Expression } from "../../../../protocol/wasm/expression.ts";
import { load, op } from "../../../../protocol/wasm/expression.ts";
import type { FunctionBuilder, FunctionHandle, Local } from "../../../../protocol/wasm/function.ts";
import type { ResizeAxis } from "../../../ir/ops/resize.ts";
import { nearestSource, neighbours, resizeAxes } from "../../../ir/ops/resize.ts";
import type { Lowering, NodeCall } from "../lowering.ts";
import { addressOf } from "../lowering.ts";
import { FLOAT_BYTES, pitchOf, VECTOR_BYTES } from "../program.ts";

export function lowerResize(lowering: Lowering, call: NodeCall): void {
  const shape = call.shapes[0]!;
  const [batch = 1, , height = 1, width = 1] = shape;
  const pixelBytes = pitchOf(shape) * FLOAT_BYTES;
  const linear = call.attributes.text("mode") === "linear";
  const [vertical, horizontal] = resizeAxes(call.attributes, shape);
  const rows = lowering.image(positionTable(vertical, width * pixelBytes, linear));
  const columns = lowering.image(positionTable(horizontal, pixelBytes, linear));
  const from = lowering.read(call.node.inputs[0]!, "pixels");
  const to = lowering.write(call.node.outputs[0]!, "pixels");
  const size = { height: vertical.to, width: horizontal.to, pixelBytes };
  lowering.emit((f) => {
    const kernel = resizeKernel(lowering, linear, size);
    for (let image = 0; image < batch; image++) {
      const source = addressOf(from) + image * height * width * pixelBytes;
      const target = addressOf(to) + image * size.height * size.width * pixelBytes;
      f.call(kernel, source, target, addressOf(rows), addressOf(columns));
    }
  });
}

const NEAREST_ENTRY_BYTES = 4;
const LINEAR_ENTRY_BYTES = 12;

/** Per output position: the source offset in bytes; for linear two of them and the second's weight. */
function positionTable(axis: ResizeAxis, stepBytes: number, linear: boolean): Uint8Array {
  const table = new DataView(
    new ArrayBuffer(axis.to * (linear ? LINEAR_ENTRY_BYTES : NEAREST_ENTRY_BYTES)),
  );
  for (let position = 0; position < axis.to; position++) {
    if (!linear) {
      table.setInt32(
        position * NEAREST_ENTRY_BYTES,
        nearestSource(axis, position) * stepBytes,
        true,
      );
      continue;
    }
    const [first, second, weight] = neighbours(axis, position);
    table.setInt32(position * LINEAR_ENTRY_BYTES, first * stepBytes, true);
    table.setInt32(position * LINEAR_ENTRY_BYTES + 4, second * stepBytes, true);
    table.setFloat32(position * LINEAR_ENTRY_BYTES + 8, weight, true);
  }
  return new Uint8Array(table.buffer);
}

interface OutputSize {
  readonly height: number;
  readonly width: number;
  readonly pixelBytes: number;
}

/** from, to (one image each), row table, column table */
type ResizeKernel = FunctionHandle<readonly ["i32", "i32", "i32", "i32"], "none">;

function resizeKernel(lowering: Lowering, linear: boolean, size: OutputSize): ResizeKernel {
  const name = `resize ${linear ? "linear" : "nearest"} ${Object.values(size).join(" ")}`;
  const entryBytes = linear ? LINEAR_ENTRY_BYTES : NEAREST_ENTRY_BYTES;
  const parameters = ["i32", "i32", "i32", "i32"] as const;
  return lowering.kernel(name, () =>
    lowering.module.function({ name, parameters }, (f, [from, to, rows, columns]) => {
      const column = f.local("i32");
      const pixel = { from, to, row: rows, column, pixelBytes: size.pixelBytes };
      f.forRange(f.local("i32"), { begin: 0, end: size.height, step: 1 }, () => {
        f.set(column, columns);
        f.forRange(f.local("i32"), { begin: 0, end: size.width, step: 1 }, () => {
          if (linear) emitLinear(f, pixel);
          else emitNearest(f, pixel);
          f.increment(column, entryBytes);
          f.increment(to, size.pixelBytes);
        });
        f.increment(rows, entryBytes);
      });
    }),
  );
}

interface Pixel {
  readonly from: Local<"i32">;
  readonly to: Local<"i32">;
  readonly row: Local<"i32">;
  readonly column: Local<"i32">;
  readonly pixelBytes: number;
}

function emitNearest(f: FunctionBuilder, pixel: Pixel): void {
  const source = f.local("i32");
  const channel = f.local("i32");
  const offset = op("i32.add", load("i32.load", pixel.row), load("i32.load", pixel.column));
  f.set(source, op("i32.add", pixel.from, offset));
  f.forRange(channel, { begin: 0, end: pixel.pixelBytes, step: VECTOR_BYTES }, () => {
    const value = load("v128.load", op("i32.add", source, channel));
    f.store("v128.store", op("i32.add", pixel.to, channel), value);
  });
}

function emitLinear(f: FunctionBuilder, pixel: Pixel): void {
  const { from, to, row, column } = pixel;
  const channel = f.local("i32");
  const corner = (rowEntry: number, columnEntry: number): Local<"i32"> => {
    const pointer = f.local("i32");
    const rowOffset = load("i32.load", { base: row, offset: rowEntry });
    const columnOffset = load("i32.load", { base: column, offset: columnEntry });
    f.set(pointer, op("i32.add", from, op("i32.add", rowOffset, columnOffset)));
    return pointer;
  };
  const weight = (entry: Local<"i32">): Local<"v128"> => {
    const value = f.local("v128");
    f.set(value, load("v128.load32_splat", { base: entry, offset: 8 }));
    return value;
  };
  const [topLeft, topRight] = [corner(0, 0), corner(0, 4)];
  const [bottomLeft, bottomRight] = [corner(4, 0), corner(4, 4)];
  const [down, along] = [weight(row), weight(column)];
  const read = (pointer: Local<"i32">): Expression<"v128"> =>
    load("v128.load", op("i32.add", pointer, channel));
  f.forRange(channel, { begin: 0, end: pixel.pixelBytes, step: VECTOR_BYTES }, () => {
    const upper = between(f, along, [read(topLeft), read(topRight)]);
    const lower = between(f, along, [read(bottomLeft), read(bottomRight)]);
    f.store("v128.store", op("i32.add", to, channel), between(f, down, [upper, lower]));
  });
}

/** a + weight * (b - a) */
function between(
  f: FunctionBuilder,
  weight: Local<"v128">,
  [a, b]: readonly [Expression<"v128">, Expression<"v128">],
): Expression<"v128"> {
  const first = f.local("v128");
  f.set(first, a);
  return op("f32x4.add", first, op("f32x4.mul", weight, op("f32x4.sub", b, first)));
}
