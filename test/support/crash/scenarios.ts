/** What a device is doing when its disk fails it: each scenario is prepared once and lived through many times. */
import { present } from "../../../protocol/base/assert.ts";
import { equalBytes, fromUtf8 } from "../../../protocol/base/bytes.ts";
import { unwrap, type Result } from "../../../protocol/base/result.ts";
import { sha256Hex } from "../../../protocol/crypto/index.ts";
import { metadataFilePath } from "../../../protocol/metadata/index.ts";
import { DEFAULT_POLICY } from "../../../device-agent/benchmark/index.ts";
import { OWNER_DEFAULTS, type OwnerSettings } from "../../../device-agent/shell/owner-settings.ts";
import { downloadPath } from "../../../device-agent/slots/index.ts";
import type { DeviceServer } from "../device-server.ts";
import { deltaFiles, lyingDelta } from "../delta-files.ts";
import { stickFor } from "../stick.ts";
import { KEYS, makeRoot, makeSnapshot, makeTimestamp, testSigner } from "../signed-metadata.ts";
import {
  MODEL,
  modelOf,
  openDevice,
  registerModels,
  runsRight,
  SECOND_MODEL,
  type CrashDevice,
  type DeviceOptions,
} from "./device.ts";
import { tinyDriverBundle, type TinyDriver } from "./in-process-driver.ts";
import { PASS } from "./observed-disk.ts";
import { emptyDirectory, filesBelow, type DirectoryNode } from "./page-cache.ts";

export interface Scenario {
  readonly name: string;
  readonly options?: DeviceOptions;
  /** The disk at the moment when the scenario begins. */
  prepare(server: DeviceServer): Promise<DirectoryNode>;
  live(
    device: CrashDevice,
    server: DeviceServer,
    onPromise: (promise: string) => void,
  ): Promise<void>;
  /** What the next process does before it polls; default: nothing. */
  again?(device: CrashDevice, server: DeviceServer): Promise<void>;
  /** And after the last poll. */
  after?(device: CrashDevice): Promise<Result<void>>;
  /** Whether the models must run at once after a crash; not so while they are being registered. */
  readonly worksThroughout: boolean;
  /** Whether what the device said to be done is still done on this disk. */
  keeps?(promise: string, root: DirectoryNode): boolean;
  /** Something on the disk at the beginning is not what it is said to be. */
  readonly startsDamaged?: boolean;
}

const driver = (version: string, more: Partial<TinyDriver> = {}): Uint8Array =>
  tinyDriverBundle({ version, copies: 3, ...more });
const OLD = tinyDriverBundle({ version: "1.0.0", copies: 4 });
const NEXT = driver("1.1.0", { kernelSeed: 1 });
const THIRD = driver("1.2.0", { copies: 2, kernelSeed: 2 });
const FOURTH = driver("1.3.0", { copies: 1, kernelSeed: 3 });

async function factory(server: DeviceServer, options: DeviceOptions = {}): Promise<CrashDevice> {
  const device = openDevice(emptyDirectory(), server, options);
  unwrap(await device.agent.init(OLD, server.root));
  unwrap(await device.agent.enrol("token"));
  await registerModels(device);
  await server.publish([OLD], undefined);
  return device;
}

/** The disk of a device out of the factory to which `bundle` is offered. */
async function offered(server: DeviceServer, bundle = NEXT): Promise<DirectoryNode> {
  const { disk } = await factory(server);
  await server.publish([OLD, bundle], bundle);
  return disk.root;
}

async function update(
  device: CrashDevice,
  server: DeviceServer,
  bundle: Uint8Array,
): Promise<void> {
  await server.publish([OLD, bundle], bundle);
  await pollOnce(device);
  await pollOnce(device);
}

/** What it brings is judged from the disk and the server, whatever the poll says. */
async function pollOnce({ agent }: CrashDevice): Promise<void> {
  await agent.poll();
}

const pathOf = (bundle: Uint8Array, version: string): string =>
  `targets/drivers/sm8650/${sha256Hex(bundle)}.${version}`;

/** In the state file. */
const DOWNLOADED = '"kind":"downloaded"';
const DOWNLOADING = '"kind":"downloading"';

const full: Scenario = {
  name: "full update",
  worksThroughout: true,
  prepare: offered,
  live: pollOnce,
};

/** The first delta makes another bundle than was signed, the second the right one; the server tells of both. */
const delta: Scenario = {
  name: "delta update, past a delta that lies",
  worksThroughout: true,
  prepare: async (server) => {
    const root = await offered(server);
    server.addFiles(deltaFiles(OLD, NEXT, [lyingDelta(OLD, NEXT)]));
    return root;
  },
  live: pollOnce,
};

const stick = new Map<DeviceServer, Uint8Array>();

async function importStick({ agent }: CrashDevice, server: DeviceServer): Promise<void> {
  await agent.importStick(present(stick.get(server), "a stick"));
}

const imported: Scenario = {
  name: "import from a stick, and its reports later",
  worksThroughout: true,
  prepare: async (server) => {
    const root = await offered(server);
    stick.set(server, await stickFor(server, NEXT, "1.1.0"));
    return root;
  },
  live: async (device, server) => {
    await importStick(device, server);
    await device.agent.exportReports();
    await pollOnce(device);
  },
  again: importStick,
};

const installation: Scenario = {
  name: "factory installation, enrolment, registration",
  worksThroughout: false,
  prepare: async (server) => {
    await server.publish([OLD], undefined);
    return emptyDirectory();
  },
  live: settle,
  again: (device, server) => settle(device, server),
  keeps: (promise, root) => fromUtf8(filesBelow(root).get(promise) ?? NOTHING).endsWith("}"),
};

async function settle(
  { agent }: CrashDevice,
  server: DeviceServer,
  onPromise: (promise: string) => void = () => undefined,
): Promise<void> {
  if (!(await agent.init(OLD, server.root)).ok) return;
  if (!(await agent.enrol("token")).ok) return;
  for (const id of [MODEL, SECOND_MODEL]) {
    if (!(await agent.registerModel(modelOf(id))).ok) return;
    onPromise(modelFile(id));
  }
}

const modelFile = (id: string): string => `models/${id}.json`;

const NOTHING = new Uint8Array(0);
const FIRST_BYTES = "the first 2,000 bytes are here";

const resume: Scenario = {
  name: "resume of a download",
  worksThroughout: true,
  prepare: offered,
  live: async (device, server, onPromise) => {
    server.corrupted.set(pathOf(NEXT, "1.1.0"), NEXT.subarray(0, 2000));
    await pollOnce(device);
    onPromise(FIRST_BYTES);
    server.corrupted.set(pathOf(NEXT, "1.1.0"), NEXT.subarray(0, 3000));
    await pollOnce(device);
    server.corrupted.clear();
    await pollOnce(device);
  },
  keeps: (_firstBytes, root) => {
    const files = filesBelow(root);
    const isUnderWay = fromUtf8(files.get("state.json") ?? NOTHING).includes(DOWNLOADING);
    const kept = files.get(downloadPath(sha256Hex(NEXT))) ?? NOTHING;
    return !isUnderWay || equalBytes(kept.subarray(0, 2000), NEXT.subarray(0, 2000));
  },
};

const damaged: Scenario = {
  name: "download over damaged remains",
  worksThroughout: true,
  prepare: async (server) => {
    const { disk, agent } = await factory(server);
    await server.publish([OLD, NEXT], NEXT);
    server.corrupted.set(pathOf(NEXT, "1.1.0"), NEXT.subarray(0, 2000));
    await agent.poll();
    server.corrupted.clear();
    const path = downloadPath(sha256Hex(NEXT));
    await disk.write(path, new Uint8Array(1500));
    await disk.sync(path);
    return disk.root;
  },
  live: pollOnce,
};

const oversized: Scenario = {
  ...damaged,
  name: "download over oversized remains",
  prepare: async (server) => {
    const root = await damaged.prepare(server);
    const { disk } = openDevice(root, server);
    const path = downloadPath(sha256Hex(NEXT));
    await disk.write(path, new Uint8Array(NEXT.length + 1));
    await disk.sync(path);
    return root;
  },
};

/** Complete and written down as complete, but the disk lost it before it was unpacked. */
const lost: Scenario = {
  name: "a finished download that the disk loses",
  startsDamaged: true,
  worksThroughout: true,
  prepare: async (server) => {
    const device = await factory(server);
    await server.publish([OLD, NEXT], NEXT);
    const path = downloadPath(sha256Hex(NEXT));
    let isDownloaded = false;
    const interrupted = openDevice(device.disk.root, server, {
      rule: ({ operation, path: at, bytes }) => {
        const isState = bytes !== undefined && at.startsWith("state.json");
        isDownloaded ||= isState && fromUtf8(bytes).includes(DOWNLOADED);
        const isStaging = isDownloaded && operation === "read" && at === path;
        return isStaging ? { kind: "fail", code: "DISK_FAILED", torn: false } : PASS;
      },
    });
    await pollOnce(interrupted);
    await interrupted.disk.write(path, new Uint8Array(0));
    return interrupted.disk.root;
  },
  live: pollOnce,
};

const recall: Scenario = {
  name: "recall to the version before",
  worksThroughout: true,
  prepare: async (server) => {
    const device = await factory(server);
    await update(device, server, NEXT);
    await server.publish([OLD, NEXT], undefined);
    server.recall(NEXT, OLD);
    return device.disk.root;
  },
  live: pollOnce,
};

/** It comes while the device is on its way to what is recalled. */
const recallUnderWay: Scenario = {
  name: "recall of an update that is under way",
  worksThroughout: true,
  prepare: async (server) => {
    const { disk, agent } = await factory(server);
    await server.publish([OLD, NEXT], NEXT);
    server.corrupted.set(pathOf(NEXT, "1.1.0"), NEXT.subarray(0, 2000));
    await agent.poll();
    server.corrupted.clear();
    server.recall(NEXT, OLD);
    return disk.root;
  },
  live: pollOnce,
};

const refused: Scenario = {
  name: "update refused, because it cannot compile a model",
  worksThroughout: true,
  prepare: (server) => offered(server, driver("1.1.0", { refuses: SECOND_MODEL })),
  live: pollOnce,
};

const ASKED: OwnerSettings = { ...OWNER_DEFAULTS, consent: "ask" };

async function agree({ agent }: CrashDevice): Promise<void> {
  await agent.setByOwner({ ...ASKED, agreed: ["1.1.0"] });
}

const consent: Scenario = {
  name: "update that waits for its owner",
  worksThroughout: true,
  prepare: offered,
  live: async (device, _server, onPromise) => {
    if ((await device.agent.setByOwner(ASKED)).ok) onPromise("the owner is asked");
    await pollOnce(device);
    await agree(device);
    await pollOnce(device);
  },
  again: agree,
  keeps: (_asked, root) =>
    fromUtf8(filesBelow(root).get("owner.json") ?? NOTHING).includes('"ask"'),
};

const collection: Scenario = {
  name: "garbage collection, of a driver, its programs and a model",
  worksThroughout: true,
  prepare: async (server) => {
    const device = await factory(server);
    await update(device, server, NEXT);
    await update(device, server, THIRD);
    await server.publish([OLD, NEXT, THIRD, FOURTH], FOURTH);
    return device.disk.root;
  },
  live: async ({ agent }, _server, onPromise) => {
    const outcome = await agent.poll();
    const isDone = outcome.ok && outcome.value.kind === "committed";
    if (isDone && (await agent.unregisterModel(SECOND_MODEL)).ok) onPromise("unregistered");
  },
  keeps: (_unregistered, root) => !filesBelow(root).has(modelFile(SECOND_MODEL)),
  after: ({ agent }) => agent.unregisterModel(SECOND_MODEL),
};

/** The timestamp's keys grow while an old one had signed a version far ahead: TUF 5.3.11 must hold at once. */
const rotation: Scenario = {
  name: "key rotation after a fast-forward",
  worksThroughout: true,
  prepare: async (server) => {
    const { disk } = await factory(server);
    await server.publish([OLD, NEXT], NEXT);
    const timestamp = await makeTimestamp({
      version: 5000,
      snapshot: await makeSnapshot({ version: 4000 }),
    });
    await disk.write("metadata/timestamp.json", timestamp);
    await disk.sync("metadata/timestamp.json");
    await disk.syncDirectory("metadata");
    const keys = { timestamp: [KEYS.timestamp, testSigner(44)] };
    const root = await makeRoot({ version: 2, keys });
    server.addFiles(new Map([[metadataFilePath("root", 2), root]]));
    return disk.root;
  },
  live: pollOnce,
};

const pinning: DeviceOptions = { policy: { ...DEFAULT_POLICY, refusedModel: "pin_model" } };

const pinned: Scenario = {
  name: "update past a pin whose driver is collected",
  worksThroughout: true,
  options: pinning,
  prepare: async (server) => {
    const device = await factory(server, pinning);
    await update(device, server, NEXT);
    await update(device, server, driver("1.2.0", { kernelSeed: 4, refuses: SECOND_MODEL }));
    const last = driver("1.3.0", { kernelSeed: 5, refuses: SECOND_MODEL });
    await server.publish([OLD, last], last);
    return device.disk.root;
  },
  live: pollOnce,
};

const crashLoop: Scenario = {
  name: "fall back from a driver that no longer starts",
  startsDamaged: true,
  worksThroughout: true,
  prepare: async (server) => {
    const device = await factory(server);
    await update(device, server, NEXT);
    const path = `store/${sha256Hex(NEXT)}/files/driver.js`;
    await device.disk.write(path, new Uint8Array(1000));
    await device.disk.sync(path);
    await server.publish([OLD, NEXT], undefined);
    return device.disk.root;
  },
  live: async (device) => {
    await runsRight(device, MODEL);
    await pollOnce(device);
  },
};

export const SCENARIOS: readonly Scenario[] = [
  ...[full, delta, imported, installation, resume, damaged, oversized, lost],
  ...[recall, recallUnderWay, refused, consent, collection, rotation, pinned, crashLoop],
];
