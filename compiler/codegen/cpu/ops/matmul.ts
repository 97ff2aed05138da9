/** Matrix products: constant right sides are packed at compile time, computed ones in each run. */
import { product } from "../../../../protocol/base/integers.ts";
import { broadcastIndex } from "../../../ir/tensor.ts";
import { copyElements } from "../kernels/copy.ts";
import type { Buffer, Lowering, NodeCall } from "../lowering.ts";
import { addressOf, bytesOf, unsupported } from "../lowering.ts";
import type { Packing } from "../pack.ts";
import { BLOCK_COLUMNS, packWeights, packingOf } from "../pack.ts";
import { FLOAT_BYTES, VECTOR_FLOATS } from "../program.ts";
import { clampOf } from "./clamp.ts";
import { emitGemm } from "./gemm.ts";

/** Every batch of computed right sides is written out as code. */
const BATCHES_MAX = 1024;

interface Sizes {
  readonly rows: number;
  readonly depth: number;
  readonly columns: number;
}

export function lowerMatmul(lowering: Lowering, call: NodeCall): void {
  const [a = [], b = []] = call.shapes;
  const sizes = { rows: a.at(-2)!, depth: a.at(-1)!, columns: b.at(-1)! };
  const right = lowering.constant(call.node.inputs[1]!);
  const biasName = call.node.inputs[2] ?? "";
  const bias = lowering.constant(biasName);
  const packable = right !== undefined && product(b.slice(0, -2)) === 1;
  if (packable && (biasName === "" || bias !== undefined)) {
    // All batches share the matrix: their rows are rows of one product.
    const rows = product(a.slice(0, -1));
    return emitPacked(lowering, call, { ...sizes, rows, right, bias });
  }
  emitBatches(lowering, call, sizes);
}

function emitPacked(
  lowering: Lowering,
  call: NodeCall,
  job: Sizes & { readonly right: Float32Array; readonly bias: Float32Array | undefined },
): void {
  const { depth, columns, right, bias } = job;
  const packed = packWeights({
    data: right,
    bias,
    biasStart: 0,
    depthOffsets: Array.from({ length: depth }, (_, k) => k * columns),
    columnOffsets: [...Array(columns).keys()],
  });
  const weights = lowering.image(packed);
  const a = lowering.read(call.node.inputs[0]!, "rows");
  const out = lowering.write(call.node.outputs[0]!, "rows");
  emitProduct(lowering, call, { ...job, a, out, weights, aOffset: 0, outOffset: 0 });
}

function emitBatches(lowering: Lowering, call: NodeCall, sizes: Sizes): void {
  const { rows, depth, columns } = sizes;
  const [aShape = [], bShape = []] = call.shapes;
  const batches = call.outputShape.slice(0, -2);
  const count = product(batches);
  if (count > BATCHES_MAX) unsupported(call.node, `${count} batches of computed matrices`);
  const a = lowering.read(call.node.inputs[0]!, "rows");
  const right = lowering.read(call.node.inputs[1]!, "rows");
  const biasName = call.node.inputs[2] ?? "";
  const bias = biasName === "" ? undefined : lowering.read(biasName, "rows");
  const packing = packingOf(columns, depth);
  const weights = lowering.scratch(packing.bytes);
  const out = lowering.write(call.node.outputs[0]!, "rows");
  const batchOfA = broadcastIndex(aShape.slice(0, -2), batches);
  const batchOfB = broadcastIndex(bShape.slice(0, -2), batches);
  lowering.emit((f) => f.fillBytes(addressOf(weights), 0, packing.bytes));
  let packedBatch = -1;
  for (let batch = 0; batch < count; batch++) {
    const batchB = batchOfB(batch);
    if (batchB !== packedBatch) {
      const fromOffset = batchB * depth * columns * FLOAT_BYTES;
      emitPacking(lowering, { right, bias, weights, packing, depth, fromOffset });
      packedBatch = batchB;
    }
    const aOffset = batchOfA(batch) * rows * depth * FLOAT_BYTES;
    const outOffset = batch * rows * columns * FLOAT_BYTES;
    emitProduct(lowering, call, { ...sizes, a, out, weights, aOffset, outOffset });
  }
}

interface PackingJob {
  readonly right: Buffer;
  readonly bias: Buffer | undefined;
  readonly weights: Buffer;
  readonly packing: Packing;
  readonly depth: number;
  readonly fromOffset: number;
}

/** The same arrangement as packWeights, of values that only the run knows. */
function emitPacking(lowering: Lowering, job: PackingJob): void {
  const { packing, depth, right, bias, weights } = job;
  const { columns } = packing;
  const whole = Math.floor(columns / BLOCK_COLUMNS);
  const blockFloats = (depth + 1) * BLOCK_COLUMNS;
  const rest = columns % BLOCK_COLUMNS;
  const restWidth = rest <= VECTOR_FLOATS ? VECTOR_FLOATS : BLOCK_COLUMNS;
  const parts = [
    { first: 0, blocks: whole, width: BLOCK_COLUMNS, used: BLOCK_COLUMNS },
    { first: whole, blocks: rest > 0 ? 1 : 0, width: restWidth, used: rest },
  ];
  lowering.emit((f) => {
    for (const { first, blocks, width, used } of parts) {
      const to = addressOf(weights) + first * blockFloats * FLOAT_BYTES;
      const fromColumn = first * BLOCK_COLUMNS * FLOAT_BYTES;
      const block = { count: blocks, fromStep: BLOCK_COLUMNS, toStep: blockFloats };
      const lane = { count: used, fromStep: 1, toStep: 1 };
      if (bias !== undefined) {
        const from = addressOf(bias) + fromColumn;
        copyElements(f, lowering, { from, to, axes: [block, lane] });
      }
      copyElements(f, lowering, {
        from: addressOf(right) + job.fromOffset + fromColumn,
        to: to + width * FLOAT_BYTES,
        axes: [block, { count: depth, fromStep: columns, toStep: width }, lane],
      });
    }
  });
}

interface Product extends Sizes {
  readonly a: Buffer;
  readonly out: Buffer;
  readonly weights: Buffer;
  readonly aOffset: number;
  readonly outOffset: number;
}

function emitProduct(lowering: Lowering, call: NodeCall, job: Product): void {
  const { rows, depth, columns } = job;
  const table = lowering.image(bytesOf(Int32Array.of(0)));
  const clamp = clampOf(call);
  lowering.emit((f) =>
    emitGemm(f, lowering, {
      a: addressOf(job.a) + job.aOffset,
      out: addressOf(job.out) + job.outOffset,
      weights: addressOf(job.weights),
      packing: packingOf(columns, depth),
      lines: { count: 1, aStep: 0, outStep: 0 },
      rows: { count: rows, aStep: depth * FLOAT_BYTES, outStep: columns * FLOAT_BYTES },
      segments: { table: addressOf(table), count: 1, bytes: depth * FLOAT_BYTES },
      clamp,
    }),
  );
}
