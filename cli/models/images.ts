/** Seeded synthetic pictures: a shaded background with strokes, as text on paper has. */
import type { Random } from "../../protocol/base/random.ts";

export interface Canvas {
  readonly height: number;
  readonly width: number;
  readonly random: Random;
}

/** Three planes [3][height][width] of float32 in about [-1, 1], the usual normalisation of image networks. */
export function drawImage(canvas: Canvas): Float32Array {
  const { height, width, random } = canvas;
  const pixels = new Float32Array(3 * height * width);
  shadeBackground(pixels, canvas);
  const strokeCount = 12 + random.below(20);
  for (let stroke = 0; stroke < strokeCount; stroke++) drawStroke(pixels, canvas);
  for (let index = 0; index < pixels.length; index++) {
    const noisy = (pixels[index] ?? 0) + random.normal() * 0.02;
    pixels[index] = Math.min(1, Math.max(-1, noisy));
  }
  return pixels;
}

function shadeBackground(pixels: Float32Array, { height, width, random }: Canvas): void {
  const tilt = [random.uniform() - 0.5, random.uniform() - 0.5] as const;
  for (let plane = 0; plane < 3; plane++) {
    const paper = 0.3 + 0.6 * random.uniform();
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const shade = (y / height - 0.5) * tilt[0] + (x / width - 0.5) * tilt[1];
        pixels[(plane * height + y) * width + x] = paper + shade;
      }
    }
  }
}

/** A bar in one ink colour, upright or lying, a few pixels thick. */
function drawStroke(pixels: Float32Array, { height, width, random }: Canvas): void {
  const thickness = 1 + random.below(Math.max(2, height >> 4));
  const long = 4 + random.below(Math.max(4, Math.min(height, width) >> 1));
  const upright = random.below(2) === 0;
  const [rows, columns] = upright ? [long, thickness] : [thickness, long];
  const top = random.below(Math.max(1, height - rows));
  const left = random.below(Math.max(1, width - columns));
  for (let plane = 0; plane < 3; plane++) {
    const ink = -1 + 0.8 * random.uniform();
    for (let y = top; y < Math.min(height, top + rows); y++) {
      pixels.fill(
        ink,
        (plane * height + y) * width + left,
        (plane * height + y) * width + Math.min(width, left + columns),
      );
    }
  }
}
