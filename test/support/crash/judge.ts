/**
 * The promise: after a crash of whatever kind the old or the new driver works at once, the next process completes
 * the work, and every report arrives once. What a device becomes is compared with what an undisturbed one does.
 */
import { present } from "../../../protocol/base/assert.ts";
import { deviceServer } from "../device-server.ts";
import { openDevice, runsRight, type CrashDevice } from "./device.ts";
import { falseClaims } from "./claims.ts";
import { fingerprint } from "./fingerprint.ts";
import { live, surviving, synced, type Life, type Moment, type Setting } from "./life.ts";
import { PASS, WRITING, type DiskStep, type Operation, type Ruling } from "./observed-disk.ts";
import { copyTree, filesBelow, type DirectoryNode } from "./page-cache.ts";
import type { Scenario } from "./scenarios.ts";

/** What a device has become, in plain text that is equal for equal outcomes. */
interface Facts {
  readonly versions: string;
  readonly told: string;
  readonly files: readonly string[];
}

export interface Stage extends Setting {
  readonly startFacts: Facts;
  readonly life: Life;
  readonly endFacts: Facts;
  /** What devices that were done became after they had lost their power, by disk and server. */
  readonly afterwards: Map<string, Afterwards>;
}

interface Afterwards {
  readonly facts: Facts;
  readonly poll: readonly string[];
}

const POLLS_MAX = 6;

export async function openStage(scenario: Scenario): Promise<Stage> {
  const server = await deviceServer();
  const root = await scenario.prepare(server);
  // What the preparation left unsynced is an old story.
  const start = { index: 0, root: synced(root), promises: [], restoreServer: server.save() };
  const opened = ({ root }: Moment): CrashDevice =>
    openDevice(copyTree(root), server, scenario.options);
  const startFacts = await factsOf(opened(start), { scenario, server });
  const life = await live({ scenario, server }, start);
  const end = present(life.moments.at(-1), "an end");
  end.restoreServer();
  const device = opened(end);
  const why = await converge(device, { scenario, server });
  if (why.length > 0) throw new Error(`${scenario.name} does not even work undisturbed: ${why}`);
  const endFacts = await factsOf(device, { scenario, server });
  return { scenario, server, startFacts, life, endFacts, afterwards: new Map() };
}

/** How the process behaves that finds a moment, and what was judged before under the same rule. */
export interface Judging {
  readonly rule: (step: DiskStep) => Ruling;
  /** A device's future depends on its disk and its server alone: equal ones are judged once. */
  readonly judged: Map<string, readonly string[]>;
}

/** Why what a process finds at this moment breaks the promise; empty when it is kept. */
export async function violationsAt(
  stage: Stage,
  moment: Omit<Moment, "index">,
  { rule, judged }: Judging,
): Promise<readonly string[]> {
  moment.restoreServer();
  const key = `${moment.promises.join()} ${futureOf(moment.root, stage)}`;
  const known = judged.get(key) ?? (await judge(stage, moment, rule));
  judged.set(key, known);
  return known;
}

function futureOf(root: DirectoryNode, { server }: Setting): string {
  return `${fingerprint(root)} ${server.fingerprint()}`;
}

/** The promise must still be kept when the power fails after that process has done all of its work. */
async function judge(
  stage: Stage,
  { root, promises }: Pick<Moment, "root" | "promises">,
  rule: Judging["rule"],
): Promise<readonly string[]> {
  const { server, scenario } = stage;
  const untrue = await untrueAt(stage, { root, promises });
  if (untrue.length > 0) return untrue;
  server.corrupted.clear();
  const device = openDevice(copyTree(root), server, { ...scenario.options, rule });
  const why = await worksNow(device, stage);
  const rest = await converge(device, stage);
  const facts = await factsOf(device, stage);
  const now = [...why, ...rest, ...difference(facts, stage.endFacts)];
  return now.length > 0 ? now : violationsLater(device, stage, facts);
}

/** What the device has said, to somebody or on its disk, and what this disk shows to be wrong. */
export async function untrueAt(
  { scenario, life }: Stage,
  { root, promises }: Pick<Moment, "root" | "promises">,
): Promise<readonly string[]> {
  const broken = promises.filter((promise) => scenario.keeps?.(promise, root) === false);
  if (broken.length > 0 || scenario.startsDamaged) {
    return broken.map((promise) => `no longer true: ${promise}`);
  }
  const end = present(life.moments.at(-1), "an end").root;
  return falseClaims(root, { start: life.start.root, end });
}

/** A device that is done loses its power, and is as done as before. */
async function violationsLater(
  { disk }: CrashDevice,
  stage: Stage,
  expected: Facts,
): Promise<readonly string[]> {
  disk.losePower();
  const key = futureOf(disk.root, stage);
  const known = stage.afterwards.get(key) ?? (await afterwardsOf(disk.root, stage));
  stage.afterwards.set(key, known);
  const late = [...difference(known.facts, expected), ...known.poll];
  return late.map((line) => `after a later power loss: ${line}`);
}

async function afterwardsOf(root: DirectoryNode, setting: Setting): Promise<Afterwards> {
  const device = openDevice(root, setting.server, setting.scenario.options);
  const facts = await factsOf(device, setting);
  const outcome = await device.agent.poll();
  if (!outcome.ok) return { facts, poll: [`poll: ${outcome.code} ${outcome.message}`] };
  const { kind } = outcome.value;
  return { facts, poll: kind === "held" ? [] : [`there was more to do: ${kind}`] };
}

export type Fault = Extract<Ruling, { kind: "fail" }>;

/** The same for a step that fails in a process that lives on, and for a power loss after that. */
export async function violationsOfFault(
  stage: Stage,
  { start }: Pick<Life, "start">,
  { atStep, fault }: { readonly atStep: number; readonly fault: Fault },
): Promise<readonly string[]> {
  const { server, scenario } = stage;
  start.restoreServer();
  const device = openDevice(copyTree(start.root), server, {
    ...scenario.options,
    rule: ({ index }) => (index === atStep ? fault : PASS),
  });
  await surviving(() => scenario.live(device, server, () => undefined));
  server.corrupted.clear();
  const why = await converge(device, stage);
  const facts = await factsOf(device, stage);
  const isGivenUp = fault.code === "NO_SPACE" && isRefusal(facts, stage);
  const expected = isGivenUp ? facts : stage.endFacts;
  // What this process has left lying about, the next start sweeps.
  const now = [...why, ...difference({ ...facts, files: [] }, { ...expected, files: [] })];
  return now.length > 0 ? now : violationsLater(device, stage, expected);
}

/** Which faults a step can have besides death. */
export function faultsOf(operation: Operation): readonly Fault[] {
  const failure = { kind: "fail", code: "DISK_FAILED", torn: false } as const;
  const full = { kind: "fail", code: "NO_SPACE", torn: false } as const;
  if (WRITING.has(operation)) {
    return [failure, full, { ...failure, torn: true }, { ...full, torn: true }];
  }
  const needsSpace = operation === "makeDirectory" || operation === "rename";
  return needsSpace ? [failure, full] : [failure];
}

async function worksNow(
  device: CrashDevice,
  { scenario, startFacts, endFacts }: Stage,
): Promise<readonly string[]> {
  if (!scenario.worksThroughout) return [];
  const why: string[] = [];
  const models = await device.agent.models();
  if (!models.ok) return [`models: ${models.code} ${models.message}`];
  for (const { id } of models.value) {
    if (!(await runsRight(device, id))) why.push(`${id} does not run at once`);
  }
  const status = await device.agent.status();
  if (!status.ok) return [...why, `status: ${status.code} ${status.message}`];
  const current = currentOf(status.value.current.version);
  const isKnown = [startFacts, endFacts].some(({ versions }) => versions.startsWith(current));
  return isKnown ? why : [...why, `neither old nor new: ${current}`];
}

async function converge(
  device: CrashDevice,
  { scenario, server }: Setting,
): Promise<readonly string[]> {
  const why: string[] = [];
  await surviving(async () => scenario.again?.(device, server));
  for (let polls = 0; polls < POLLS_MAX; polls++) {
    const outcome = await device.agent.poll();
    if (!outcome.ok) why.push(`poll: ${outcome.code} ${outcome.message}`);
    else if (outcome.value.kind === "held") return [...why, ...(await finish(device, scenario))];
  }
  return [...why, "the server has more to ask"];
}

async function finish(device: CrashDevice, { after }: Scenario): Promise<readonly string[]> {
  const done = await after?.(device);
  return done === undefined || done.ok ? [] : [`${done.code} ${done.message}`];
}

async function factsOf(device: CrashDevice, { server }: Setting): Promise<Facts> {
  const reports = server.reports.map(({ body }) =>
    body.kind === "lifecycle" ? body.stage.kind : body.verdict.kind,
  );
  const told = reports.join(" ");
  const right: string[] = [];
  const models = await device.agent.models();
  for (const { id } of models.ok ? models.value : []) {
    right.push(`${id} ${await runsRight(device, id)}`);
  }
  const files = [...filesBelow(device.disk.root).keys()];
  const status = await device.agent.status();
  if (!status.ok) return { versions: status.code, told, files };
  const { current, previous, recovery, update, pins, pendingReports } = status.value;
  const versions = [
    currentOf(current.version),
    `previous ${previous?.version} recovery ${recovery.version} update ${update}`,
    `pins ${pins.map((pin) => `${pin.model} ${pin.driver.version}`)}`,
    `models ${right.join()} pending ${pendingReports}`,
  ].join(" ");
  return { versions, told, files };
}

function currentOf(version: string): string {
  return `current ${version} `;
}

function difference(got: Facts, expected: Facts): readonly string[] {
  const words = (["versions", "told"] as const).flatMap((name) =>
    got[name] === expected[name] ? [] : [`${name}: ${got[name]}\n    not: ${expected[name]}`],
  );
  const left = got.files.filter((path) => !expected.files.includes(path));
  const gone = expected.files.filter((path) => !got.files.includes(path));
  return [
    ...words,
    ...left.map((path) => `left over: ${path}`),
    ...gone.map((path) => `missing: ${path}`),
  ];
}

/** A full disk may end the update, when everything is as it was and the server knows. */
function isRefusal(facts: Facts, { startFacts }: Stage): boolean {
  const told = facts.told.slice(startFacts.told.length).trim();
  const isToldOnce =
    /^(accepted )?((installed|compiled|kept|failed|measured) )*(install_failed|rolled_back)$/;
  // A scenario may have done the rest of its work, and unregistered a model, all the same.
  const pointers = (text: string): string =>
    text.replace(/update \w+/, "update idle").replace(/ models .*/, "");
  const isUnchanged = pointers(facts.versions) === pointers(startFacts.versions);
  return isUnchanged && !facts.versions.includes("false") && isToldOnce.test(told);
}
