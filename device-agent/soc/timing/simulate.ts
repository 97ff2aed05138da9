/**
 * Times a segment on a chip: a discrete-event simulation of the in-order queues. It depends on the program alone.
 *
 * DMA transfers share DDR, so their events are taken in order of time. Every other engine interacts through
 * semaphores only: its instructions are timed as soon as the times of what they wait for are known. What is then
 * still unknown depends on a transfer under way, so no event earlier than the next one can appear.
 *
 * Instructions of one queue retire, and signal, in program order.
 */
import { failed, succeeded } from "../../../protocol/base/result.ts";
import type { Result } from "../../../protocol/base/result.ts";
import type { InstructionOf, SocDescription } from "../../../protocol/isa/index.ts";
import type { HtpSegment } from "../../../protocol/program/index.ts";
import { bandwidthOf } from "./bandwidth.ts";
import type { Bandwidth } from "./bandwidth.ts";
import { isHmx, isHvx, issueHmx, issueHvx, outputPath } from "./compute.ts";
import type { OutputPath } from "./compute.ts";
import { summarize } from "./summary.ts";
import { createLanes, earliestStart, occupy, signal } from "./lane.ts";
import type { Lane, Lanes } from "./lane.ts";
import type { Timing } from "./timing.ts";
import { transferOf } from "./transfer.ts";
import { shareVtcm } from "./vtcm.ts";

/** Fails with `DEADLOCK` when a wait can never hold. */
export function simulateTiming(
  segment: HtpSegment,
  soc: SocDescription,
): Result<Timing, "DEADLOCK"> {
  const lanes = createLanes(segment.streams);
  const compute = lanes.all
    .filter((lane) => lane.stream.queue.engine !== "dma")
    .map((lane) => ({ lane, output: outputPath() }));
  const transfers = lanes.all
    .filter((lane) => lane.stream.queue.engine === "dma")
    .map((lane): TransferQueue => ({ lane, state: { kind: "idle" } }));
  const ddr: Ddr = { bandwidth: bandwidthOf(soc), clock: 0, active: 0 };
  do {
    // Copies inside VTCM complete here and may release compute, and transfers of another queue.
    do advanceCompute(lanes, compute, soc);
    while (beginTransfers(lanes, transfers, soc));
  } while (nextTransferEvent(lanes, { transfers, ddr, soc }));
  const stuck = lanes.all.find((lane) => lane.next < lane.stream.instructions.length);
  if (stuck === undefined) {
    const slowedCycles = shareVtcm(lanes.all, soc);
    return succeeded(summarize(lanes.all, soc, slowedCycles));
  }
  const { engine, index } = stuck.stream.queue;
  return failed(
    "DEADLOCK",
    `${engine}${index}[${stuck.next}] waits for a signal that never comes`,
    {
      instruction: stuck.next,
    },
  );
}

interface ComputeQueue {
  readonly lane: Lane;
  readonly output: OutputPath;
}

function advanceCompute(lanes: Lanes, queues: readonly ComputeQueue[], soc: SocDescription): void {
  let progressed = true;
  while (progressed) {
    progressed = false;
    for (const queue of queues) {
      while (issueCompute(lanes, queue, soc)) progressed = true;
    }
  }
}

function issueCompute(lanes: Lanes, { lane, output }: ComputeQueue, soc: SocDescription): boolean {
  const instruction = lane.stream.instructions[lane.next];
  if (instruction === undefined) return false;
  const start = earliestStart(lanes, lane, instruction);
  if (start === undefined) return false;
  if (isHvx(instruction)) issueHvx(lanes, lane, { instruction, start, soc });
  else if (isHmx(instruction)) {
    issueHmx(lanes, { lane, output }, { instruction, start, soc });
  } else {
    // A copy outside a DMA queue is refused by the verifier; here it takes no time.
    occupy(lane, { start, freeAt: start });
    signal(lanes, lane, { instruction, completeAt: start });
  }
  return true;
}

type TransferState =
  | { readonly kind: "idle" }
  | { readonly kind: "issuing"; readonly start: number; readonly joinAt: number }
  | { readonly kind: "moving"; readonly start: number; readonly joinedAt: number; units: number };

interface TransferQueue {
  readonly lane: Lane;
  state: TransferState;
}

interface Ddr {
  readonly bandwidth: Bandwidth;
  /** Everything moving has been served up to this cycle. */
  clock: number;
  active: number;
}

/** Whether any queue got further. */
function beginTransfers(
  lanes: Lanes,
  queues: readonly TransferQueue[],
  soc: SocDescription,
): boolean {
  let progressed = false;
  for (const queue of queues) {
    const { next } = queue.lane;
    beginTransfer(lanes, queue, soc);
    if (queue.lane.next > next) progressed = true;
  }
  return progressed;
}

/** Issues descriptors for as long as no DDR is involved; stops at the first that has to share it. */
function beginTransfer(lanes: Lanes, queue: TransferQueue, soc: SocDescription): void {
  const { lane } = queue;
  while (queue.state.kind === "idle") {
    const instruction = lane.stream.instructions[lane.next];
    if (instruction?.op !== "dma.copy") return;
    const start = earliestStart(lanes, lane, instruction);
    if (start === undefined) return;
    const joinAt = start + soc.dma.descriptorCycles;
    const transfer = transferOf(instruction, soc);
    if (transfer.ddrBytesCharged > 0) {
      queue.state = { kind: "issuing", start, joinAt };
      return;
    }
    const freeAt = joinAt + Math.ceil(transfer.vtcmBytes / soc.dma.vtcmBytesPerCycle);
    occupy(lane, { start, freeAt });
    signal(lanes, lane, { instruction, completeAt: freeAt + soc.dma.latencyCycles });
  }
}

interface Transfers {
  readonly transfers: readonly TransferQueue[];
  readonly ddr: Ddr;
  readonly soc: SocDescription;
}

/** Moves time to the next join or end of a transfer; false when there is none. */
function nextTransferEvent(lanes: Lanes, from: Transfers): boolean {
  const { transfers, ddr, soc } = from;
  const share = ddr.active === 0 ? 0 : ddr.bandwidth.shareOf(ddr.active);
  let at = Infinity;
  for (const { state } of transfers) {
    if (state.kind === "issuing") at = Math.min(at, state.joinAt);
    else if (state.kind === "moving") at = Math.min(at, ddr.clock + Math.ceil(state.units / share));
  }
  if (at === Infinity) return false;
  const served = (at - ddr.clock) * share;
  ddr.clock = at;
  for (const queue of transfers) {
    if (queue.state.kind !== "moving") continue;
    queue.state.units -= served;
    if (queue.state.units <= 0) finishTransfer(lanes, { queue, ddr, soc });
  }
  for (const queue of transfers) {
    if (queue.state.kind === "issuing" && queue.state.joinAt === at) joinTransfer(queue, ddr, soc);
  }
  return true;
}

function joinTransfer(queue: TransferQueue, ddr: Ddr, soc: SocDescription): void {
  if (queue.state.kind !== "issuing") return;
  const { start, joinAt } = queue.state;
  const units = ddr.bandwidth.unitsOf(transferOf(copyOf(queue), soc).ddrBytesCharged);
  queue.state = { kind: "moving", start, joinedAt: joinAt, units };
  ddr.active++;
}

function finishTransfer(
  lanes: Lanes,
  from: { readonly queue: TransferQueue; readonly ddr: Ddr; readonly soc: SocDescription },
): void {
  const { queue, ddr, soc } = from;
  if (queue.state.kind !== "moving") return;
  const { start, joinedAt } = queue.state;
  const instruction = copyOf(queue);
  const alone = ddr.bandwidth.aloneCycles(transferOf(instruction, soc).ddrBytesCharged);
  queue.state = { kind: "idle" };
  ddr.active--;
  occupy(queue.lane, { start, freeAt: ddr.clock, slowed: ddr.clock - joinedAt - alone });
  signal(lanes, queue.lane, { instruction, completeAt: ddr.clock + soc.dma.latencyCycles });
}

function copyOf({ lane }: TransferQueue): InstructionOf<"dma.copy"> {
  return lane.stream.instructions[lane.next] as InstructionOf<"dma.copy">;
}
