/** Where a convolution reads: the stored pixels themselves, or a copy with a border of zeros. */
import { assert } from "../../../../protocol/base/assert.ts";
import { op } from "../../../../protocol/wasm/expression.ts";
import type { FunctionBuilder } from "../../../../protocol/wasm/function.ts";
import { copyElements } from "../kernels/copy.ts";
import type { Buffer, Lowering } from "../lowering.ts";
import { addressOf } from "../lowering.ts";
import type { Layout } from "../program.ts";
import { FLOAT_BYTES, pitchOf, stridesIn } from "../program.ts";

export interface Border {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/** One image of a batch: [rows][columns][channels] with these distances in bytes. */
export interface PixelSource {
  readonly buffer: Buffer;
  readonly pixelBytes: number;
  readonly lineBytes: number;
  /** From one image to the next; zero where `prepare` brings one image at a time. */
  readonly imageBytes: number;
  /** Whether all bytes of a line are channels, without lanes that only fill up. */
  readonly compact: boolean;
  /** Writes the code that makes image `image` readable. */
  readonly prepare: (f: FunctionBuilder, image: number) => void;
}

export interface SourceOptions {
  readonly border: Border;
  /** Ask for pixels without filling lanes, where they would be copied anyway or are worth a copy. */
  readonly compact: boolean;
}

/** Declared in the current stage; `prepare` is to be called while its code is written. */
export function pixelSource(
  lowering: Lowering,
  value: { readonly name: string; readonly shape: readonly number[] },
  options: SourceOptions,
): PixelSource {
  const { border } = options;
  const [, channels = 0, height = 0, width = 0] = value.shape;
  const pitch = pitchOf(value.shape);
  const bordered = border.top + border.left + border.bottom + border.right > 0;
  if (!bordered && (pitch === channels || !options.compact)) {
    const pixelBytes = pitch * FLOAT_BYTES;
    const lineBytes = width * pixelBytes;
    const buffer = lowering.read(value.name, "pixels");
    const compact = pitch === channels;
    return {
      buffer,
      pixelBytes,
      lineBytes,
      imageBytes: height * lineBytes,
      compact,
      prepare: () => undefined,
    };
  }
  const layout = lowering.layoutOf(value.name);
  const from = lowering.read(value.name, layout);
  const stored = options.compact ? channels : pitch;
  const pixelBytes = stored * FLOAT_BYTES;
  const lineBytes = (border.left + width + border.right) * pixelBytes;
  const lines = border.top + height + border.bottom;
  const buffer = lowering.scratch(lines * lineBytes);
  const copy = { from, to: buffer, layout, shape: value.shape, border, pixelBytes, lineBytes };
  const prepare = (f: FunctionBuilder, image: number): void => {
    emitBorder(f, copy);
    emitInside(f, lowering, { ...copy, image });
  };
  return { buffer, pixelBytes, lineBytes, imageBytes: 0, compact: stored === channels, prepare };
}

interface BorderedCopy {
  readonly from: Buffer;
  readonly to: Buffer;
  readonly layout: Layout;
  readonly shape: readonly number[];
  readonly border: Border;
  readonly pixelBytes: number;
  readonly lineBytes: number;
}

/** Zeros above, below, and between the end of one line and the start of the next. */
function emitBorder(f: FunctionBuilder, copy: BorderedCopy): void {
  const { border, pixelBytes, lineBytes } = copy;
  const [, , height = 0, width = 0] = copy.shape;
  const start = addressOf(copy.to);
  const first = start + border.top * lineBytes;
  f.fillBytes(start, 0, border.top * lineBytes + border.left * pixelBytes);
  const gap = (border.left + border.right) * pixelBytes;
  if (gap > 0) {
    const line = f.local("i32");
    const end = first + (height - 1) * lineBytes;
    f.set(line, first);
    f.forRange(line, { begin: first, end, step: lineBytes }, () => {
      f.fillBytes(op("i32.add", line, (border.left + width) * pixelBytes), 0, gap);
    });
  }
  const behind = first + height * lineBytes - border.right * pixelBytes;
  f.fillBytes(behind, 0, border.right * pixelBytes + border.bottom * lineBytes);
}

function emitInside(
  f: FunctionBuilder,
  lowering: Lowering,
  copy: BorderedCopy & { readonly image: number },
): void {
  const { shape, layout, border, pixelBytes, lineBytes } = copy;
  const [, channels = 0, height = 0, width = 0] = shape;
  const steps = stridesIn(shape, layout);
  const [imageStep = 0, channelStep = 0, rowStep = 0, columnStep = 0] = steps;
  // Whole pixels are copied, filling lanes included, where both sides have them.
  const pitch = pixelBytes / FLOAT_BYTES;
  const count = layout === "pixels" && pitch === columnStep ? pitch : channels;
  assert(count <= pitch, "channels fit into a pixel");
  const toRow = lineBytes / FLOAT_BYTES;
  copyElements(f, lowering, {
    from: addressOf(copy.from) + copy.image * imageStep * FLOAT_BYTES,
    to: addressOf(copy.to) + border.top * lineBytes + border.left * pixelBytes,
    axes: [
      { count: height, fromStep: rowStep, toStep: toRow },
      { count: width, fromStep: columnStep, toStep: pitch },
      { count, fromStep: channelStep, toStep: 1 },
    ],
  });
}
