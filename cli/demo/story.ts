/** The demo, act by act: build, sign, publish, enrol, roll out, measure; then a bad driver that halts by itself. */
import { chalkStderr as paint } from "chalk";
import { pino } from "pino";
import { socNamed, SOCS } from "../../device-agent/soc/index.ts";
import { startServer } from "../../server/index.ts";
import type { RunningServer } from "../../server/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { brand, instant } from "../../protocol/base/brand.ts";
import type { TenantId } from "../../protocol/base/brand.ts";
import { CodedError, unwrap } from "../../protocol/base/result.ts";
import { directorKeysPath, readDirectorKeys } from "../../protocol/metadata/index.ts";
import type { DirectorKeys } from "../../protocol/metadata/index.ts";
import { buildBundle, releaseSource } from "../driver/build-bundle.ts";
import { stateProvenance } from "../driver/provenance.ts";
import type { DriverBuild } from "../driver/build-bundle.ts";
import type { ExitName } from "../exit-codes.ts";
import { FLEET_SOCS, Lab } from "../fleet/lab.ts";
import type { LabModel } from "../fleet/lab.ts";
import { holdCeremony } from "../keys/ceremony.ts";
import { readDocument } from "../keys/offline-folder.ts";
import { publishFolder } from "../keys/outgoing.ts";
import { signRelease } from "../keys/release-targets.ts";
import type { Signing } from "../keys/sign-next.ts";
import { readListed } from "../keys/top-targets.ts";
import { ZOO, zooInputs } from "../models/zoo.ts";
import { OperatorClient } from "../operator/client.ts";
import type { Output } from "../output.ts";
import { FAULTY_VERSION, faultySource } from "./faulty.ts";
import { createFullAgent, createLightDevices, registerModels } from "./fleet.ts";
import { runRollout } from "./rollout.ts";
import type { RolloutEnd, RolloutRun } from "./rollout.ts";
import { reportStory, showDownload, showUpdate } from "./screen.ts";
import { createWorkspace } from "./workspace.ts";
import type { Workspace } from "./workspace.ts";

export interface DemoOptions {
  readonly all?: boolean;
  readonly devices: number;
  readonly seed: number;
  readonly dataDir: string;
  readonly soc: string;
}

const TENANT = brand<TenantId>("demo");
const OLD = "1.0.0";
const NEW = "1.1.0";
const SECURITY_FLOOR = "1.0.0";
/** Half for calibration, half for goldens; small pictures say less, so there are more of them. */
const RUNS_PER_MODEL = 8;
const RUNS_PER_SMALL_MODEL = 32;
const SMALL_PIXELS_MAX = 20_000;
const LAB_RUNS = 3;
const TICK_MS = 250;
/** The bad driver spoils these two, which every run of the demo has. */
const SLOWER = "mobilenet-v2";
const WRONG = "squeezenet-1.1";

/** A published repository with everything that may sign into it. */
interface House {
  readonly server: RunningServer;
  readonly operator: OperatorClient;
  readonly signing: Signing;
  readonly root: Uint8Array;
  readonly directorKeys: DirectorKeys;
}

export async function tellStory(options: DemoOptions, output: Output): Promise<ExitName> {
  const startedAt = performance.now();
  const workspace = await createWorkspace(options.dataDir, new Date());
  banner(workspace, output);
  act(output, 1, "Build the drivers, reproducibly, and start the server");
  const old = await buildBundle(releaseSource(OLD));
  const next = await buildBundle(releaseSource(NEW));
  const faulty = await buildBundle(faultySource(SLOWER, WRONG));
  for (const { version, bytes, sha256 } of [old, next]) {
    output.say(
      `  ${version}  ${(bytes.length / 1024).toFixed(0)} KiB  sha256 ${sha256.slice(0, 16)}…`,
    );
  }
  const house = await openHouse(workspace);
  try {
    const stage: Stage = { options, output, workspace, house, old };
    const run = await setTheStage(stage);
    const good = await rollOutGood(stage, run, next);
    const bad = await rollOutBad(stage, run, faulty);
    const status = unwrap(await run.agent.status());
    const seconds = (performance.now() - startedAt) / 1000;
    return reportStory(
      { good, bad, status, seconds, workspace, serverUrl: house.server.url },
      output,
    );
  } finally {
    await house.server.stop();
  }
}

interface Stage {
  readonly options: DemoOptions;
  readonly output: Output;
  readonly workspace: Workspace;
  readonly house: House;
  readonly old: DriverBuild;
}

function banner(workspace: Workspace, output: Output): void {
  output.say(
    paint.bgYellow.black(" DEMO KEYS ") +
      " drawn for this run; no production server starts on them",
  );
  output.say(`  offline  ${workspace.offline}  (root and targets: this process alone)`);
  output.say(`  online   ${workspace.online}  (snapshot, timestamp, director: the server)`);
}

function act(output: Output, number: number, title: string): void {
  output.say(`\n${paint.bold(`${number}. ${title}`)}`);
}

/** Starts the server, draws the offline keys over its public ones, publishes root 1 and the director's keys. */
async function openHouse(workspace: Workspace): Promise<House> {
  const server = await startServer({
    dataDirectory: workspace.server,
    onlineKeyFolder: workspace.online,
    port: 0,
    mode: "demo",
    tenant: TENANT,
    tickEveryMs: TICK_MS,
    log: pino({ level: "silent" }),
  });
  const operator = new OperatorClient(server.url, present(server.adminToken, "the first token"));
  const { offline: folder } = workspace;
  const signing = { folder, demo: true, now: instant(Date.now()) };
  const families = SOCS.map(({ name }) => name);
  const online = unwrap(await operator.onlineKeys());
  unwrap(await holdCeremony({ ...signing, tenant: TENANT, families }, online));
  unwrap(await publishFolder(operator, folder));
  const root = present(await readDocument(folder, "root"), "the first root");
  const keys = unwrap(await readListed(folder, directorKeysPath(TENANT)));
  const directorKeys = unwrap(readDirectorKeys(present(keys, "the director's keys"), TENANT));
  return { server, operator, signing, root, directorKeys };
}

async function publish(stage: Stage, build: DriverBuild): Promise<void> {
  const { signing, operator } = stage.house;
  const statement = await stateProvenance(build.bytes);
  const release = { bundle: build.bytes, statement, securityFloor: SECURITY_FLOOR };
  const { signed } = unwrap(await signRelease(signing, release));
  const versions = present(unwrap(await publishFolder(operator, signing.folder)), "a publication");
  stage.output.say(
    `  published ${build.version}: ${signed.length} families' roles, each signed ${signed[0]?.signatures} offline; snapshot ${versions.snapshot}`,
  );
}

/** The agent with its models, the light devices, and the lab that measures for them. */
async function setTheStage(stage: Stage): Promise<RolloutRun & { readonly lab: Lab }> {
  const { options, output, workspace, house, old } = stage;
  await publish(stage, old);
  const models = await loadModels(options);
  act(output, 2, `One full agent on ${options.soc} and ${options.devices} light devices enrol`);
  const { url: serverUrl } = house.server;
  const soc = socNamed(options.soc);
  if (soc === undefined) throw new CodedError("SOC_UNKNOWN", `there is no chip "${options.soc}"`);
  const agent = createFullAgent({
    directory: workspace.device,
    serverUrl,
    tenant: TENANT,
    soc,
    onProgress: () => undefined,
    log: (entry) => showDownload(entry, output),
  });
  unwrap(await agent.init(old.bytes, house.root));
  const token = unwrap(await house.operator.enrolmentToken(options.devices + 1, 3600));
  unwrap(await agent.enrol(token));
  const registering = output.progress("goldens and programs", models.length);
  unwrap(await registerModels(agent, models, (name) => registering.advance(1, name)));
  registering.finish();
  const few = models.map((model) => ({ ...model, runs: model.runs.slice(0, LAB_RUNS) }));
  const lab = new Lab(few, old.bytes);
  await measure(stage, lab, old);
  const devices = createLightDevices({
    serverUrl,
    tenant: TENANT,
    count: options.devices,
    seed: options.seed,
    models,
    factory: { version: OLD, sha256: old.sha256 },
    directorKeys: house.directorKeys,
    lab,
  });
  const enrolling = output.progress("light devices", devices.length);
  for (const device of devices) {
    unwrap(await device.enrol(token));
    unwrap(await device.poll());
    enrolling.advance(1);
  }
  enrolling.finish();
  unwrap(await agent.poll());
  return { operator: house.operator, agent, devices, output, lab };
}

/** What the light devices will find, measured once for each kind of chip. */
async function measure(stage: Stage, lab: Lab, build: DriverBuild): Promise<void> {
  const label = `  ${build.version} on ${FLEET_SOCS.length} kinds of chip`;
  const progress = stage.output.progress(label, lab.measurements());
  await lab.install(build.version, build.bytes, (model, soc) =>
    progress.advance(1, `${model} ${soc}`),
  );
  progress.finish();
}

async function loadModels(options: DemoOptions): Promise<LabModel[]> {
  const chosen = ZOO.filter((model) => model.small || options.all === true);
  return Promise.all(
    chosen.map(async (model) => {
      const { name, input, shape } = model;
      const isSmall = shape[2] * shape[3] <= SMALL_PIXELS_MAX;
      const count = isSmall ? RUNS_PER_SMALL_MODEL : RUNS_PER_MODEL;
      const runs = zooInputs(model, count, options.seed);
      return { name, input, shape, runs, bytes: unwrap(await model.load()) };
    }),
  );
}

async function rollOutGood(
  stage: Stage,
  run: RolloutRun & { readonly lab: Lab },
  next: DriverBuild,
): Promise<RolloutEnd> {
  act(stage.output, 3, `${NEW} goes out: 10 % → 50 % → 100 %, each stage on evidence`);
  await publish(stage, next);
  await measure(stage, run.lab, next);
  const end = await runRollout(run, NEW, OLD);
  showUpdate(end, stage.output);
  return end;
}

async function rollOutBad(
  stage: Stage,
  run: RolloutRun & { readonly lab: Lab },
  faulty: DriverBuild,
): Promise<RolloutEnd> {
  act(stage.output, 4, `${FAULTY_VERSION} makes one model slower and one wrong`);
  await publish(stage, faulty);
  await measure(stage, run.lab, faulty);
  const end = await runRollout(run, FAULTY_VERSION, NEW);
  showUpdate(end, stage.output);
  return end;
}
