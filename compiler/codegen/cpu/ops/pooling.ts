/** max_pool and average_pool: windows cut at the image's border, channels as vectors. */
import { f32x4, i32, load, op, select } from "../../../../protocol/wasm/expression.ts";
import type { Expression } from "../../../../protocol/wasm/expression.ts";
import type { FunctionBuilder, FunctionHandle, Local } from "../../../../protocol/wasm/function.ts";
import type { PoolGeometry } from "../../../ir/ops/pooling.ts";
import { poolGeometry } from "../../../ir/ops/pooling.ts";
import type { Lowering, NodeCall } from "../lowering.ts";
import { addressOf, unsupported } from "../lowering.ts";
import { FLOAT_BYTES, pitchOf, VECTOR_BYTES } from "../program.ts";
import { asOperands } from "./convolution.ts";

export function lowerPool(lowering: Lowering, call: NodeCall): void {
  const geometry = poolGeometry(asOperands(call));
  const g = { ...geometry, pixelBytes: pitchOf(call.outputShape) * FLOAT_BYTES };
  if (g.dilationY !== 1 || g.dilationX !== 1) unsupported(call.node, "dilated windows");
  const averages = call.node.op === "average_pool";
  const withPadding = averages && call.attributes.number("count_include_pad") !== 0;
  const rule: PoolRule = !averages ? "max" : withPadding ? "mean of padded" : "mean of inside";
  const from = lowering.read(call.node.inputs[0]!, "pixels");
  const to = lowering.write(call.node.outputs[0]!, "pixels");
  const [batch = 1] = call.outputShape;
  lowering.emit((f) => {
    const kernel = poolKernel(lowering, rule, g);
    for (let image = 0; image < batch; image++) {
      const source = addressOf(from) + image * g.inHeight * g.inWidth * g.pixelBytes;
      const target = addressOf(to) + image * g.outHeight * g.outWidth * g.pixelBytes;
      f.call(kernel, source, target);
    }
  });
}

type PoolRule = "max" | "mean of inside" | "mean of padded";
type Pixels = PoolGeometry & { readonly pixelBytes: number };

/** from, to: one image each */
type PoolKernel = FunctionHandle<readonly ["i32", "i32"], "none">;

function poolKernel(lowering: Lowering, rule: PoolRule, g: Pixels): PoolKernel {
  const name = `pool ${rule} ${Object.values(g).join(" ")}`;
  return lowering.kernel(name, () =>
    lowering.module.function({ name, parameters: ["i32", "i32"] }, (f, [from, to]) => {
      const rows = windowAxis(f, { kernel: g.kernelHeight, size: g.inHeight });
      const columns = windowAxis(f, { kernel: g.kernelWidth, size: g.inWidth });
      const [y, x] = [f.local("i32"), f.local("i32")];
      const divisor = f.local("v128");
      const lastY = (g.outHeight - 1) * g.strideY - g.padTop + 1;
      const lastX = (g.outWidth - 1) * g.strideX - g.padLeft + 1;
      f.forRange(y, { begin: -g.padTop, end: lastY, step: g.strideY }, () => {
        rows.cut(y);
        f.forRange(x, { begin: -g.padLeft, end: lastX, step: g.strideX }, () => {
          columns.cut(x);
          if (rule === "mean of inside") f.set(divisor, areaOf(rows.length(), columns.length()));
          if (rule === "mean of padded") {
            const height = paddedLength(y, g.kernelHeight, g.inHeight + g.padBottom);
            const width = paddedLength(x, g.kernelWidth, g.inWidth + g.padRight);
            f.set(divisor, areaOf(height, width));
          }
          emitWindow(f, { from, to, rows, columns, g, rule, divisor });
          f.increment(to, g.pixelBytes);
        });
      });
    }),
  );
}

/** The part of a window that lies inside the image, along one axis. */
interface WindowAxis {
  readonly first: Local<"i32">;
  readonly end: Local<"i32">;
  cut(start: Local<"i32">): void;
  length(): Expression<"i32">;
}

function windowAxis(
  f: FunctionBuilder,
  { kernel, size }: { readonly kernel: number; readonly size: number },
): WindowAxis {
  const [first, end] = [f.local("i32"), f.local("i32")];
  return {
    first,
    end,
    cut: (start) => {
      f.set(first, select(op("i32.gt_s", start, 0), start, i32(0)));
      f.set(end, smaller(op("i32.add", start, kernel), size));
    },
    length: () => op("i32.sub", end, first),
  };
}

function smaller(a: Expression<"i32">, b: number): Expression<"i32"> {
  return select(op("i32.lt_s", a, b), a, i32(b));
}

/** Positions from `start` on that lie before the end of the padding, at most a whole window. */
function paddedLength(start: Local<"i32">, kernel: number, end: number): Expression<"i32"> {
  return smaller(op("i32.sub", end, start), kernel);
}

function areaOf(height: Expression<"i32">, width: Expression<"i32">): Expression<"v128"> {
  return op("f32x4.splat", op("f32.convert_i32_s", op("i32.mul", height, width)));
}

interface Window {
  readonly from: Local<"i32">;
  readonly to: Local<"i32">;
  readonly rows: WindowAxis;
  readonly columns: WindowAxis;
  readonly g: Pixels;
  readonly rule: PoolRule;
  readonly divisor: Local<"v128">;
}

/** All channels of one output pixel. */
function emitWindow(f: FunctionBuilder, w: Window): void {
  const { g, rows, columns } = w;
  const isMax = w.rule === "max";
  const total = f.local("v128");
  const [channel, y, x, pointer, line] = [0, 0, 0, 0, 0].map(() => f.local("i32")) as [
    Local<"i32">,
    Local<"i32">,
    Local<"i32">,
    Local<"i32">,
    Local<"i32">,
  ];
  const lineBytes = g.inWidth * g.pixelBytes;
  f.forRange(channel, { begin: 0, end: g.pixelBytes, step: VECTOR_BYTES }, () => {
    f.set(total, f32x4(isMax ? -Infinity : 0));
    const start = op(
      "i32.add",
      op("i32.mul", rows.first, lineBytes),
      op("i32.mul", columns.first, g.pixelBytes),
    );
    f.set(line, op("i32.add", op("i32.add", w.from, channel), start));
    f.forRange(y, { begin: rows.first, end: rows.end, step: 1 }, () => {
      f.set(pointer, line);
      f.forRange(x, { begin: columns.first, end: columns.end, step: 1 }, () => {
        f.set(total, op(isMax ? "f32x4.max" : "f32x4.add", total, load("v128.load", pointer)));
        f.increment(pointer, g.pixelBytes);
      });
      f.increment(line, lineBytes);
    });
    const result = isMax ? total : op("f32x4.div", total, w.divisor);
    f.store("v128.store", op("i32.add", w.to, channel), result);
  });
}
