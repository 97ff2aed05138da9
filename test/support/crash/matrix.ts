/**
 * The crash matrix: every step of the disk in every scenario is failed in every way, and what the next process
 * makes of it is compared with what an undisturbed device becomes.
 */
import { present } from "../../../protocol/base/assert.ts";
import { CodedError } from "../../../protocol/base/result.ts";
import { deviceServer, type DeviceServer } from "../device-server.ts";
import { openDevice, runsRight, type CrashDevice } from "./device.ts";
import {
  PASS,
  READING,
  WRITING,
  type DiskStep,
  type Operation,
  type Ruling,
} from "./observed-disk.ts";
import { copyTree, filesBelow, pageCacheDisk, type DirectoryNode } from "./page-cache.ts";
import type { Scenario } from "./scenarios.ts";

/** A device between two steps of its disk: what a process that starts then finds. */
export interface Moment {
  /** The step that was about to be taken; the number of steps: after the last one. */
  readonly index: number;
  readonly root: DirectoryNode;
  restoreServer(): void;
}

export interface Life {
  readonly steps: readonly DiskStep[];
  /** Those that differ from the one before: after a change of the disk or a word with the server. */
  readonly moments: readonly Moment[];
}

/** What a device has become, in plain text that is equal for equal outcomes. */
export interface Facts {
  readonly versions: string;
  readonly told: string;
  readonly files: readonly string[];
}

export interface Stage {
  readonly scenario: Scenario;
  readonly server: DeviceServer;
  /** The scenario's beginning. */
  readonly start: Moment;
  readonly startFacts: Facts;
  readonly life: Life;
  readonly endFacts: Facts;
}

const POLLS_MAX = 6;

export async function openStage(scenario: Scenario): Promise<Stage> {
  const server = await deviceServer();
  const root = await scenario.prepare(server);
  // What the preparation left unsynced is an old story.
  const start = { index: 0, root: synced(root), restoreServer: server.save() };
  const startFacts = await factsOf(
    openDevice(copyTree(start.root), server, scenario.options),
    server,
  );
  start.restoreServer();
  const life = await live({ scenario, server, start }, () => PASS);
  const end = present(life.moments.at(-1), "an end");
  end.restoreServer();
  const device = openDevice(copyTree(end.root), server, scenario.options);
  const why = await converge(device, { scenario, server });
  if (why.length > 0) throw new Error(`${scenario.name} does not even work undisturbed: ${why}`);
  const endFacts = await factsOf(device, server);
  return { scenario, server, start, startFacts, life, endFacts };
}

type Setting = Pick<Stage, "scenario" | "server">;

/** One process through the scenario, to its end or its death by an error. */
export async function live(
  { scenario, server, start }: Setting & { readonly start: Moment },
  rule: (step: DiskStep) => Ruling,
): Promise<Life> {
  start.restoreServer();
  const steps: DiskStep[] = [];
  const moments: Moment[] = [];
  let isChanged = true;
  const device = openDevice(
    copyTree(start.root),
    countRequests(server, () => (isChanged = true)),
    {
      ...scenario.options,
      rule: (step) => {
        steps.push(step);
        if (isChanged) look(step.index);
        isChanged = !READING.has(step.operation);
        return rule(step);
      },
    },
  );
  const look = (index: number): void => {
    const root = copyTree(device.disk.root);
    moments.push({ index, root, restoreServer: server.save() });
  };
  await surviving(() => scenario.live(device, server));
  look(steps.length);
  return { steps, moments };
}

/**
 * Why what a process finds at this moment breaks the promise; empty when it is kept. It must still be kept
 * when the power fails after that process has done all of its work.
 */
export async function violationsAt(
  stage: Stage,
  { root, restoreServer }: Pick<Moment, "root" | "restoreServer">,
  rule: (step: DiskStep) => Ruling = () => PASS,
): Promise<readonly string[]> {
  const { server, scenario } = stage;
  restoreServer();
  if (scenario.keeps?.(root, server) === false) return ["what was downloaded is lost"];
  server.corrupted.clear();
  const device = openDevice(copyTree(root), server, { ...scenario.options, rule });
  const why = await worksNow(device, stage);
  const rest = await converge(device, stage);
  const facts = await factsOf(device, server);
  const now = [...why, ...rest, ...difference(facts, stage.endFacts)];
  return now.length > 0 ? now : violationsLater(device, stage, facts);
}

/** A device that is done loses its power, and is as done as before. */
async function violationsLater(
  device: CrashDevice,
  { scenario, server }: Stage,
  expected: Facts,
): Promise<readonly string[]> {
  device.disk.losePower();
  const next = openDevice(device.disk.root, server, scenario.options);
  const late = [...difference(await factsOf(next, server), expected), ...(await pollOnce(next))];
  return late.map((line) => `after a later power loss: ${line}`);
}

/** The same for a step that fails in a process that lives on, and for a power loss after that. */
export async function violationsOfFault(
  stage: Stage,
  atStep: number,
  fault: Extract<Ruling, { kind: "fail" }>,
): Promise<readonly string[]> {
  const { server, scenario, start } = stage;
  start.restoreServer();
  const device = openDevice(copyTree(start.root), server, {
    ...scenario.options,
    rule: ({ index }) => (index === atStep ? fault : PASS),
  });
  await surviving(() => scenario.live(device, server));
  server.corrupted.clear();
  const why = await converge(device, stage);
  const facts = await factsOf(device, server);
  const isGivenUp = fault.code === "NO_SPACE" && isRefusal(facts, stage);
  const expected = isGivenUp ? facts : stage.endFacts;
  // What this process has left lying about, the next start sweeps.
  const now = [...why, ...difference({ ...facts, files: [] }, { ...expected, files: [] })];
  return now.length > 0 ? now : violationsLater(device, stage, expected);
}

/** The disk with half of a write done, for a process that dies in it. */
export async function tornAt(moment: Moment, life: Life): Promise<DirectoryNode | undefined> {
  const step = life.steps[moment.index];
  if (!step?.bytes || !WRITING.has(step.operation)) return undefined;
  const root = copyTree(moment.root);
  const half = step.bytes.subarray(0, step.bytes.length >> 1);
  const disk = pageCacheDisk(Infinity, root);
  await (step.operation === "write" ? disk.write(step.path, half) : disk.append(step.path, half));
  return root;
}

/** Which faults a step can have besides death. */
export function faultsOf(operation: Operation): readonly Extract<Ruling, { kind: "fail" }>[] {
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

async function pollOnce({ agent }: CrashDevice): Promise<readonly string[]> {
  const outcome = await agent.poll();
  if (!outcome.ok) return [`poll: ${outcome.code} ${outcome.message}`];
  return outcome.value.kind === "held" ? [] : [`there was more to do: ${outcome.value.kind}`];
}

async function factsOf(device: CrashDevice, server: DeviceServer): Promise<Facts> {
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

/** A disk that fails throws, from however deep; nothing else may. */
async function surviving(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
  }
}

function synced(root: DirectoryNode): DirectoryNode {
  const copy = copyTree(root);
  const visit = (directory: DirectoryNode): void => {
    directory.pending = [];
    directory.durable = new Map(directory.entries);
    for (const node of directory.entries.values()) {
      if (node.kind === "directory") visit(node);
      else Object.assign(node, { pending: [], durable: node.bytes });
    }
  };
  visit(copy);
  return copy;
}

function countRequests(server: DeviceServer, onRequest: () => void): DeviceServer {
  const http = {
    send: (request: Parameters<DeviceServer["http"]["send"]>[0]) => {
      onRequest();
      return server.http.send(request);
    },
  };
  return { ...server, http };
}
