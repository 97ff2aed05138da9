/** Runs one rollout to its end: every device polls, the gate looks, until it completes or halts. */
import type { Agent, UpdateSummary } from "../../device-agent/index.ts";
import { unwrap } from "../../protocol/base/result.ts";
import type { CreateRollout, RolloutView } from "../../protocol/wire/index.ts";
import type { LightDevice } from "../fleet/light-device.ts";
import type { OperatorClient } from "../operator/client.ts";
import type { Output } from "../output.ts";
import { outcomeRows } from "../rollout/outcomes.ts";
import type { OutcomeRow } from "../rollout/outcomes.ts";
import type { Progress } from "../progress.ts";

export interface RolloutRun {
  readonly operator: OperatorClient;
  readonly agent: Agent;
  readonly devices: readonly LightDevice[];
  readonly output: Output;
}

export interface RolloutEnd {
  readonly rollout: RolloutView;
  /** What the full agent measured; undefined when the rollout never reached it. */
  readonly update: UpdateSummary | undefined;
  /** What all devices reported, by model and chip. */
  readonly fleet: readonly OutcomeRow[];
  readonly committed: number;
  readonly refused: number;
  /** Devices that a halt brought back from the new driver. */
  readonly returned: number;
}

const GATE: CreateRollout["gate"] = {
  nonInferiorityMargin: 0.02,
  accuracyFloorDb: 0,
  failureBudget: 0.1,
  minimumDevices: 3,
  confidence: 0.95,
};
/** The last stage waits for every device. */
const stagesFor = (fleet: number): CreateRollout["stages"] => [
  { percent: 10, minimumDevices: 3 },
  { percent: 50, minimumDevices: Math.floor(fleet / 3) },
  { percent: 100, minimumDevices: fleet },
];
const ROUND_PAUSE_MS = 250;
const ROUNDS_MAX = 120;
const RETURN_ROUNDS_MAX = 20;

export async function runRollout(
  run: RolloutRun,
  version: string,
  previousVersion: string,
): Promise<RolloutEnd> {
  const { operator, output, devices } = run;
  const id = `to-${version.replaceAll(".", "-")}`;
  const stages = stagesFor(devices.length + 1);
  const request = { id, version, previousVersion, stages, gate: GATE };
  unwrap(await operator.createRollout(request));
  unwrap(await operator.act(id, { action: "start", because: "the demo says so" }));
  const progress = output.progress(`rollout ${version}`, devices.length + 1);
  const tally = { committed: 0, refused: 0 };
  let update: UpdateSummary | undefined;
  let stage = -1;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const rollout = unwrap(await operator.rollout(id));
    if (rollout.state !== "running") {
      progress.finish();
      const returned = rollout.state === "halted" ? await bringBack(run, version) : 0;
      const fleet = outcomeRows(unwrap(await operator.outcomes(id)));
      return { rollout, update, fleet, ...tally, returned };
    }
    if (rollout.stageIndex !== stage) {
      stage = rollout.stageIndex;
      progress.advance(0, `stage ${stage + 1}: ${stages[stage]?.percent} %`);
    }
    await pollDevices(devices, tally, progress);
    update = (await pollAgent(run.agent, tally, progress)) ?? update;
    await new Promise((resolve) => setTimeout(resolve, ROUND_PAUSE_MS));
  }
  progress.finish();
  const rollout = unwrap(await operator.rollout(id));
  return { rollout, update, fleet: [], ...tally, returned: 0 };
}

/** After a halt the director sends devices that had committed back to the version before. */
async function bringBack({ devices, agent }: RolloutRun, version: string): Promise<number> {
  const stranded = devices.filter((device) => device.version() === version);
  for (let round = 0; round < RETURN_ROUNDS_MAX; round++) {
    for (const device of stranded) unwrap(await device.poll());
    unwrap(await agent.poll());
    if (stranded.every((device) => device.version() !== version)) break;
    await new Promise((resolve) => setTimeout(resolve, ROUND_PAUSE_MS));
  }
  return stranded.filter((device) => device.version() !== version).length;
}

interface Tally {
  committed: number;
  refused: number;
}

async function pollDevices(
  devices: readonly LightDevice[],
  tally: Tally,
  progress: Progress,
): Promise<void> {
  for (const device of devices) {
    const poll = unwrap(await device.poll());
    if (poll.kind === "held") continue;
    if (poll.kind === "committed") tally.committed++;
    else tally.refused++;
    progress.advance(1);
  }
}

async function pollAgent(
  agent: Agent,
  tally: Tally,
  progress: Progress,
): Promise<UpdateSummary | undefined> {
  const poll = unwrap(await agent.poll());
  if (poll.kind !== "committed" && poll.kind !== "refused") return undefined;
  if (poll.kind === "committed") tally.committed++;
  else tally.refused++;
  progress.advance(1);
  return poll.summary ?? undefined;
}
