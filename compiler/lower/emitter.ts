/** Collects instructions in sequential order and gives each its queue. */
import { assert } from "../../protocol/base/assert.ts";
import { hvxCycles, isProduct, productCycles, VTCM_REGION } from "../../protocol/isa/index.ts";
import type {
  Address,
  Operand,
  QueueId,
  SocDescription,
  VectorWork,
  Window,
} from "../../protocol/isa/index.ts";
import { operandList } from "../kernels/index.ts";
import type { Kernel, KernelLibrary, KernelName } from "../kernels/index.ts";
import type { Shape } from "../kernels/index.ts";
import type { Format } from "./format.ts";
import type { Draft, Placed } from "./listing.ts";
import { Outlook } from "./outlook.ts";

/** Which way a copy goes: what comes in never waits behind what goes out. */
export type CopyQueue = "in" | "out";

export interface Copy {
  readonly destination: Address;
  readonly source: Address;
  readonly bytes: number;
  readonly rows?: number;
  readonly destinationRowStride?: number;
  readonly sourceRowStride?: number;
  readonly planes?: number;
  readonly destinationPlaneStride?: number;
  readonly sourcePlaneStride?: number;
}

export interface VectorRun {
  readonly kernel: KernelName | Kernel;
  readonly shape: Shape;
  readonly operands: Readonly<Record<string, Operand | readonly Operand[]>>;
  readonly vectors: number;
  /** Of the croutons that the vectors run over; int8 unless said otherwise. */
  readonly format?: Format;
  /** Pixels of the first crouton that lie in the image; absent where no lane is outside. */
  readonly rows?: number;
  readonly columns?: number;
}

type Unplaced<D> = D extends Draft ? Omit<D, "origin"> : never;
type PackDraft = Omit<Unplaced<Extract<Draft, { op: "hvx.pack" }>>, "op">;
type MatrixDraft = Unplaced<Extract<Draft, { op: `hmx.${string}` }>>;

export interface Emitter {
  copy(queue: CopyQueue, copy: Copy): void;
  matrix(draft: MatrixDraft): void;
  vector(run: VectorRun): void;
  /** Activations into weight tiles, on a vector context. */
  pack(draft: PackDraft): void;
  /** Number of vector contexts: into how many parts work is worth splitting. */
  readonly contexts: number;
}

export interface EmissionState {
  readonly queues: readonly QueueId[];
  readonly sequence: readonly Placed[];
  readonly outlook: Outlook;
  /** An emitter whose instructions belong to the node. */
  forOrigin(origin: number): Emitter;
}

export function emission(soc: SocDescription, kernels: KernelLibrary): EmissionState {
  const queues = queuesOf(soc);
  const sequence: Placed[] = [];
  const hmx = soc.dma.queues;
  const hvx = hmx + 1;
  const copyQueues = { in: 0, out: Math.min(1, soc.dma.queues - 1) };
  const outlook = new Outlook(soc.dma.queues, soc.hvx.queues);
  const onContext = (draft: Draft & VectorWork): void => {
    sequence.push({ queue: hvx + outlook.takeContext(hvxCycles(draft, soc)), draft });
  };
  const forOrigin = (origin: number): Emitter => ({
    contexts: soc.hvx.queues,
    copy: (queue, copy) => {
      outlook.takeCopy(copyQueues[queue], copyCycles(copy, soc), soc.dma.latencyCycles);
      sequence.push({
        queue: copyQueues[queue],
        draft: { op: "dma.copy", origin, ...whole(copy) },
      });
    },
    matrix: (draft) => {
      // Products alone: what surrounds them runs beside them.
      outlook.takeMatrix(isProduct(draft) ? productCycles(draft, soc) : 0);
      sequence.push({ queue: hmx, draft: { ...draft, origin } as Draft });
    },
    pack: (pack) => onContext({ op: "hvx.pack", origin, ...pack }),
    vector: (run) => {
      const kernel = typeof run.kernel === "string" ? kernels.kernel(run.kernel) : run.kernel;
      const operands = operandList(kernel, run.operands);
      const code = kernels.code(kernel, run.shape);
      const { vectors, rows = 8, columns = 0xffff } = run;
      assert(vectors > 0, "a run has vectors");
      const op = run.format?.bytes === 2 ? "hvx.run16" : "hvx.run";
      onContext({ op, origin, vectors, rows, columns, operands, code });
    },
  });
  return { queues, sequence, outlook, forOrigin };
}

function queuesOf(soc: SocDescription): QueueId[] {
  const many = (engine: QueueId["engine"], count: number): QueueId[] =>
    Array.from({ length: count }, (_, index) => ({ core: 0, engine, index }));
  return [...many("dma", soc.dma.queues), ...many("hmx", 1), ...many("hvx", soc.hvx.queues)];
}

/** At the rate of the memory that the copy reaches. */
function copyCycles(copy: Copy, { dma, clockHz }: SocDescription): number {
  const { bytes, rows = 1, planes = 1, source, destination } = copy;
  const inside = source.region === VTCM_REGION && destination.region === VTCM_REGION;
  const bytesPerCycle = inside ? dma.vtcmBytesPerCycle : dma.ddrBytesPerSecond / clockHz;
  const perRun = Math.max(bytes, dma.burstBytes) / bytesPerCycle;
  return (
    dma.descriptorCycles +
    rows * planes * (inside ? Math.ceil(bytes / dma.vtcmBytesPerCycle) : perRun)
  );
}

function whole(copy: Copy): Required<Copy> {
  const { bytes, rows = 1 } = copy;
  return {
    rows,
    destinationRowStride: bytes,
    sourceRowStride: bytes,
    planes: 1,
    destinationPlaneStride: rows * bytes,
    sourcePlaneStride: rows * bytes,
    ...copy,
  };
}

export function vtcm(offset: number): Address {
  return { region: VTCM_REGION, offset };
}

export function linear(offset: number, strideBytes = 0): Operand {
  return { kind: "linear", address: vtcm(offset), strideBytes };
}

/** Four pixels a vector, wherever the table at a VTCM offset points. */
export function pixelOperand(table: number, offsetBytes = 0): Operand {
  return { kind: "pixels", table: vtcm(table), offsetBytes };
}

export function windowOperand(window: Window): Operand {
  return { kind: "window", window };
}
