/** Runs one rollout to its end: every device polls, the gate looks, until it completes or halts. */
import type { Agent, UpdateSummary } from "../../device-agent/index.ts";
import { unwrap } from "../../protocol/base/result.ts";
import type { CreateRollout, RolloutView } from "../../protocol/wire/index.ts";
import type { LightDevice } from "../fleet/light-device.ts";
import type { OperatorClient } from "../operator/client.ts";
import type { Output } from "../output.ts";
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
  readonly committed: number;
  readonly refused: number;
}

const GATE: CreateRollout["gate"] = {
  nonInferiorityMargin: 0.02,
  accuracyFloorDb: 5,
  failureBudget: 0.1,
  minimumDevices: 3,
  confidence: 0.95,
};
const STAGES: CreateRollout["stages"] = [
  { percent: 10, minimumDevices: 3 },
  { percent: 50, minimumDevices: 10 },
  { percent: 100, minimumDevices: 20 },
];
const ROUND_PAUSE_MS = 250;
const ROUNDS_MAX = 120;

export async function runRollout(
  run: RolloutRun,
  version: string,
  previousVersion: string,
): Promise<RolloutEnd> {
  const { operator, output, devices } = run;
  const id = `to-${version.replaceAll(".", "-")}`;
  const request = { id, version, previousVersion, stages: STAGES, gate: GATE };
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
      return { rollout, update, ...tally };
    }
    if (rollout.stageIndex !== stage) {
      stage = rollout.stageIndex;
      progress.advance(0, `stage ${stage + 1}: ${STAGES[stage]?.percent} %`);
    }
    await pollDevices(devices, tally, progress);
    update = (await pollAgent(run.agent, tally, progress)) ?? update;
    await new Promise((resolve) => setTimeout(resolve, ROUND_PAUSE_MS));
  }
  progress.finish();
  return { rollout: unwrap(await operator.rollout(id)), update, ...tally };
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
