/** What the demo shows: the table of one update, and the end of the story. */
import { chalkStderr as paint } from "chalk";
import type { AgentStatus, LogEntry } from "../../device-agent/index.ts";
import type { ExitName } from "../exit-codes.ts";
import type { Column, Output, Row } from "../output.ts";
import { OUTCOME_COLUMNS } from "../rollout/outcomes.ts";
import { FAULTY_VERSION } from "./faulty.ts";
import type { RolloutEnd } from "./rollout.ts";
import type { Workspace } from "./workspace.ts";

const COLUMNS: readonly Column[] = [
  { key: "model", title: "model" },
  { key: "before", title: "before µs", digits: 1 },
  { key: "after", title: "after µs", digits: 1 },
  { key: "gain", title: "gain ×", digits: 2 },
  { key: "outputSnrDb", title: "output SNR dB", digits: 1 },
  { key: "verdict", title: "verdict" },
];

/** How the rollout ended, and what the full agent measured where it was reached. */
export function showUpdate(end: RolloutEnd, output: Output): void {
  const { rollout, update } = end;
  const mark = rollout.state === "completed" ? paint.green("✔") : paint.red("■");
  const where = `stage ${rollout.stageIndex + 1} of ${rollout.stages.length}`;
  output.say(`  ${mark} rollout ${rollout.state} in ${where}${because(end)}`);
  output.say(
    `    ${end.committed} devices committed, ${end.refused} refused the driver by themselves`,
  );
  if (end.returned > 0) output.say(`    ${end.returned} that had committed were returned`);
  if (update === undefined) {
    output.say("    the full agent was never reached; what the light devices reported:");
    output.table(
      OUTCOME_COLUMNS,
      end.fleet.map((row): Row => ({ ...row })),
    );
    return;
  }
  output.table(COLUMNS, rowsOf(end));
  const { scoreBefore, scoreAfter } = update;
  if (scoreBefore !== null && scoreAfter !== null) {
    output.say(`    score ${scoreBefore.toFixed(0)} → ${paint.bold(scoreAfter.toFixed(0))}`);
  }
}

/** How the full agent came by a driver, where it was by a delta. */
export function showDownload({ event, details }: LogEntry, output: Output): void {
  if (event !== "delta_applied") return;
  const { driver, algorithm, bytes, of } = details;
  output.say(`    the full agent made ${driver} of a ${algorithm} delta: ${bytes} bytes for ${of}`);
}

function because({ rollout }: RolloutEnd): string {
  return rollout.because === undefined ? "" : `: ${rollout.because}`;
}

function rowsOf({ update }: RolloutEnd): Row[] {
  return (update?.models ?? []).map((model) => ({
    model: model.model,
    before: model.beforeMicroseconds,
    after: model.afterMicroseconds,
    gain: model.gain,
    outputSnrDb: model.outputSnrDb,
    verdict: model.verdict,
  }));
}

export interface StoryEnd {
  readonly good: RolloutEnd;
  readonly bad: RolloutEnd;
  readonly status: AgentStatus;
  readonly seconds: number;
  readonly workspace: Workspace;
  readonly serverUrl: string;
}

/** The story went as told when the good driver completed everywhere and the bad one halted in its first stage. */
export function reportStory(story: StoryEnd, output: Output): ExitName {
  const { good, bad, status, seconds, workspace } = story;
  const held =
    good.rollout.state === "completed" &&
    bad.rollout.state === "halted" &&
    bad.rollout.stageIndex === 0 &&
    status.current.version === good.rollout.version;
  output.say(`\n${paint.bold("Where to look next")}`);
  output.say(`  the server's database, published repository and audit log   ${workspace.server}`);
  output.say(`  the device: version store, program cache, state             ${workspace.device}`);
  output.say("  npx retile driver bench --profile      where the time goes, operator by operator");
  output.say("  npx retile run MODEL --backend htp     any ONNX file on the simulated chip");
  output.say("  ARCHITECTURE.md                        how it is built, and why\n");
  output.report(
    {
      name: "demo",
      rows: rowsOf(good),
      summary: {
        score: status.score,
        goodDriver: `${good.rollout.version}: ${good.rollout.state}`,
        badDriver: `${FAULTY_VERSION}: ${bad.rollout.state}`,
        haltedBecause: bad.rollout.because ?? null,
        devicesCommitted: good.committed,
        devicesRefused: bad.refused,
        devicesReturned: bad.returned,
        agentRuns: status.current.version,
        sandbox: status.sandbox,
        seconds: Math.round(seconds),
      },
    },
    COLUMNS,
  );
  return held ? "ok" : "failed";
}
