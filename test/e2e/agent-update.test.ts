/** Updates of a whole device against a test server: what is kept, what is refused, and with which code. */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "@jest/globals";
import { DEFAULT_POLICY } from "../../device-agent/benchmark/index.ts";
import { DEFAULT_BUDGETS } from "../../device-agent/host/index.ts";
import { machineSandboxTools } from "../../device-agent/shell/processes.ts";
import { machineDisk } from "../../device-agent/shell/disk.ts";
import type { Disk } from "../../device-agent/slots/index.ts";
import { utf8 } from "../../protocol/base/bytes.ts";
import { CodedError, unwrap } from "../../protocol/base/result.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import { deltaFiles, lyingDelta } from "../support/delta-files.ts";
import type { DeviceServer } from "../support/device-server.ts";
import { copyDriverBundle, type CopyDriver } from "../support/copy-driver.ts";
import { bundleOf } from "../support/driver-bundle.ts";
import { NOW } from "../support/signed-metadata.ts";
import {
  MODEL,
  OLD,
  runsRight,
  SECOND_MODEL,
  testDevices,
  told,
  type DeviceOptions,
} from "../support/test-agent.ts";

const CHILD_SCRIPT = fileURLToPath(new URL("../../dist/host/child.mjs", import.meta.url));
const devices = await testDevices();
afterAll(() => devices.close());

const FASTER = copyDriverBundle({ version: "1.1.0", copies: 20 });
const TARGET = `targets/drivers/sm8650/${sha256Hex(FASTER)}.1.1.0`;
/** For another chip; the test's server assigns it all the same. */
const FOREIGN = bundleOf("1.3.0", utf8("no driver"), { socs: ["sm8350"] });
const ALL_GOOD = "accepted installed compiled kept kept measured committed";

describe("a faster driver", () => {
  test("is committed: pointers, score, reports, and nothing left over", async () => {
    const { agent, server } = await devices.open(FASTER);
    const outcome = unwrap(await agent.poll());
    expect(outcome).toMatchObject({ kind: "committed", to: { version: "1.1.0" } });
    if (outcome.kind !== "committed") return;
    expect(outcome.summary.scoreBefore).toBeCloseTo(1000, 6);
    expect(outcome.summary.scoreAfter).toBeGreaterThan(1500);
    for (const row of outcome.summary.models) {
      expect(row).toMatchObject({ verdict: "kept", againstBeforeSnrDb: Infinity, code: "" });
      expect(row.outputSnrDb).toBeGreaterThan(30);
      expect(row.compileBytesPeak).toBeGreaterThan(0);
    }
    expect(told(server)).toBe(ALL_GOOD);
    const status = unwrap(await agent.status());
    expect(status).toMatchObject({
      current: { version: "1.1.0" },
      previous: { version: "1.0.0" },
      update: "idle",
      pendingReports: 0,
    });
    expect(await runsRight(agent)).toBe(true);
    expect(unwrap(await agent.poll())).toMatchObject({ kind: "held", code: "UP_TO_DATE" });
  });

  test("goes on after a restart, and its table and score outlive it", async () => {
    const { agent, server, restart } = await devices.open(FASTER);
    unwrap(await agent.poll());
    const status = unwrap(await restart().status());
    expect(status.lastUpdate?.models.map(({ againstBeforeSnrDb }) => againstBeforeSnrDb)).toEqual([
      Infinity,
      Infinity,
    ]);
    expect(status.score).toBeCloseTo(status.lastUpdate?.scoreAfter ?? 0, 9);
    expect(told(server)).toBe(ALL_GOOD);
  });
});

describe("a delta", () => {
  /** The server's answers to requests for the bundle itself: none, so only a delta can bring it. */
  const onlyDeltas = (server: DeviceServer, files: ReadonlyMap<string, Uint8Array>): void => {
    server.addFiles(files);
    server.corrupted.set(TARGET, utf8("not to be asked for"));
  };
  const events: string[] = [];
  const log: NonNullable<DeviceOptions["log"]> = ({ event }) => void events.push(event);

  test("from the driver that the device has brings the next one", async () => {
    const { agent, server } = await devices.open(FASTER, { log });
    onlyDeltas(server, deltaFiles(OLD, FASTER));
    expect(unwrap(await agent.poll())).toMatchObject({ kind: "committed" });
    expect(events).toContain("delta_applied");
    expect(told(server)).toBe(ALL_GOOD);
  });

  test("that breaks off waits, and goes on after a restart", async () => {
    const { agent, server, restart } = await devices.open(FASTER);
    const files = deltaFiles(OLD, FASTER);
    onlyDeltas(server, files);
    server.breaksOff = { path: [...files.keys()][0] ?? "", bytes: 20 };
    expect(unwrap(await agent.poll())).toMatchObject({ kind: "waiting" });
    server.breaksOff = undefined;
    expect(unwrap(await restart().poll())).toMatchObject({ kind: "committed" });
    expect(told(server)).toBe(ALL_GOOD);
  });

  test("that is listed and not there is passed over", async () => {
    const { agent, server } = await devices.open(FASTER, { log });
    events.length = 0;
    server.addFiles(
      new Map([...deltaFiles(OLD, FASTER)].filter(([path]) => path.endsWith(".json"))),
    );
    expect(unwrap(await agent.poll())).toMatchObject({ kind: "committed" });
    expect(events).toContain("delta_refused");
    expect(told(server)).toBe(ALL_GOOD);
  });

  test("that makes other bytes than were signed is passed over", async () => {
    const { agent, server } = await devices.open(FASTER, { log });
    events.length = 0;
    server.addFiles(deltaFiles(OLD, FASTER, [lyingDelta(OLD, FASTER)]));
    expect(unwrap(await agent.poll())).toMatchObject({ kind: "committed" });
    expect(events).toContain("delta_refused");
    expect(told(server)).toBe(ALL_GOOD);
  });
});

describe("the owner's word", () => {
  test("a closed window holds the update back, and an open one lets it go on", async () => {
    const hour = 3_600_000;
    const local = (offset: number) => Math.floor(((NOW + offset) % (24 * hour)) / 60_000);
    const window = { from: local(hour), until: local(2 * hour), timeZone: "UTC" };
    const { agent, restart } = await devices.open(FASTER, { consent: { window } });
    expect(unwrap(await agent.poll())).toMatchObject({ kind: "waiting", code: "OUTSIDE_WINDOW" });
    const open = { ...window, from: local(-hour) };
    const next = restart({ consent: { window: open } });
    expect(unwrap(await next.poll())).toMatchObject({ kind: "committed" });
  });

  test("nothing is unpacked before it", async () => {
    let isAgreed = false;
    const consent = { mayInstall: () => Promise.resolve(isAgreed) };
    const { agent, server } = await devices.open(FASTER, { consent });
    expect(unwrap(await agent.poll())).toMatchObject({ kind: "waiting", code: "CONSENT_PENDING" });
    expect(told(server)).toBe("accepted");
    isAgreed = true;
    expect(unwrap(await agent.poll())).toMatchObject({ kind: "committed" });
  });

  test("a sandbox that is only degraded is refused where a strong one is asked for", async () => {
    const tools = { ...machineSandboxTools(CHILD_SCRIPT), withoutNetwork: undefined };
    const options = { tools, consent: { sandboxMin: "strong" as const } };
    const { agent } = await devices.open(FASTER, options);
    expect(unwrap(await agent.poll())).toMatchObject({ kind: "refused", code: "SANDBOX_TOO_WEAK" });
    expect(await runsRight(agent)).toBe(true);
  });
});

interface Refusal {
  readonly name: string;
  readonly driver: CopyDriver;
  readonly code: string;
  readonly told: string;
  readonly options?: DeviceOptions;
}

const UNTIL_MEASURED = "accepted installed compiled";
const shortly = { budgets: { ...DEFAULT_BUDGETS, timeMsMax: 4000 } };
const REFUSALS: readonly Refusal[] = [
  {
    name: "is slower",
    driver: { version: "1.2.0", copies: 140 },
    code: "MODEL_SLOWER",
    told: `${UNTIL_MEASURED} refused_slower refused_slower measured rolled_back`,
  },
  {
    name: "computes something else",
    driver: { version: "1.2.0", copies: 20, outputFactor: 1.5 },
    code: "MODEL_WRONG",
    told: `${UNTIL_MEASURED} refused_wrong refused_wrong measured rolled_back`,
  },
  {
    name: "crashes on one model",
    driver: {
      version: "1.2.0",
      copies: 20,
      compile: `if (model.name === "${SECOND_MODEL}") throw new Error("no");`,
    },
    code: "DRIVER_CRASHED",
    told: `${UNTIL_MEASURED} kept failed measured rolled_back`,
  },
  {
    name: "never returns",
    driver: {
      version: "1.2.0",
      copies: 20,
      compile: `if (model.name === "${SECOND_MODEL}") for (;;);`,
    },
    code: "DRIVER_TIMEOUT",
    told: `${UNTIL_MEASURED} kept failed measured rolled_back`,
    options: shortly,
  },
  {
    name: "writes a program that the chip refuses",
    driver: {
      version: "1.2.0",
      copies: 20,
      compile: "request.compile.soc = ''; model.sha256 = '0'.repeat(64);",
    },
    code: "PROGRAM_OF_ANOTHER_MODEL",
    told: `${UNTIL_MEASURED} failed failed measured rolled_back`,
  },
  {
    name: "leaves the accelerator idle",
    driver: { version: "1.2.0", copies: -1 },
    code: "OUTPUT_NOT_WRITTEN",
    told: `${UNTIL_MEASURED} failed failed measured rolled_back`,
  },
  {
    name: "is another version than was signed",
    driver: { version: "1.2.0", copies: 20, describedVersion: "6.6.6" },
    code: "DRIVER_OF_ANOTHER_VERSION",
    told: "accepted install_failed",
  },
];

describe("a driver that", () => {
  test.each(REFUSALS)("$name is refused: $code", async (refusal) => {
    const { agent, server } = await devices.open(
      copyDriverBundle(refusal.driver),
      refusal.options ?? {},
    );
    const outcome = unwrap(await agent.poll());
    expect(outcome).toMatchObject({ kind: "refused", code: refusal.code });
    expect(told(server)).toBe(refusal.told);
    const status = unwrap(await agent.status());
    expect(status).toMatchObject({ current: { version: "1.0.0" }, previous: null, update: "idle" });
    expect(await runsRight(agent)).toBe(true);
    expect(unwrap(await agent.poll())).toMatchObject({ kind: "held" });
  });

  test("makes one model worse leaves it with its old program where the policy lets it", async () => {
    const compile = `if (model.name === "${SECOND_MODEL}") throw new Error("no");`;
    const bundle = copyDriverBundle({ version: "1.2.0", copies: 20, compile });
    const policy = { ...DEFAULT_POLICY, refusedModel: "pin_model" as const };
    const { agent, restart } = await devices.open(bundle, { policy });
    expect(unwrap(await agent.poll())).toMatchObject({ kind: "committed" });
    const status = unwrap(await agent.status());
    expect(status.pins).toMatchObject([{ model: SECOND_MODEL, driver: { version: "1.0.0" } }]);
    expect(await runsRight(restart({ policy }), SECOND_MODEL)).toBe(true);
  });
});

describe("when the world fails", () => {
  test("a server that is down is a value, and the device runs on", async () => {
    const { agent, server } = await devices.open(FASTER);
    server.down = true;
    expect(await agent.poll()).toMatchObject({ ok: false, code: "SERVER_DOWN" });
    expect(await runsRight(agent)).toBe(true);
    server.down = false;
    expect(unwrap(await agent.poll())).toMatchObject({ kind: "committed" });
    expect(told(server)).toBe(ALL_GOOD);
  });

  test("a download that breaks off waits, and goes on after a restart", async () => {
    const { agent, server, restart } = await devices.open(FASTER);
    server.corrupted.set(TARGET, FASTER.subarray(0, 5000));
    expect(unwrap(await agent.poll())).toMatchObject({
      kind: "waiting",
      code: "DOWNLOAD_CUT_SHORT",
    });
    server.corrupted.clear();
    expect(unwrap(await restart().poll())).toMatchObject({ kind: "committed" });
    expect(told(server)).toBe(ALL_GOOD);
  });

  test("a bundle with one flipped byte is DOWNLOAD_CORRUPT", async () => {
    const { agent, server } = await devices.open(FASTER);
    const flipped = FASTER.slice();
    flipped[flipped.length >> 1]! ^= 1;
    server.corrupted.set(TARGET, flipped);
    expect(unwrap(await agent.poll())).toMatchObject({ kind: "refused", code: "DOWNLOAD_CORRUPT" });
    expect(told(server)).toBe("accepted install_failed");
    expect(await runsRight(agent)).toBe(true);
  });

  test("an image for another chip is refused before its download, and the server hears of it", async () => {
    const { agent, server } = await devices.open(FOREIGN);
    expect(unwrap(await agent.poll())).toMatchObject({
      kind: "refused",
      code: "WRONG_HARDWARE",
      to: { version: "1.3.0" },
    });
    expect(told(server)).toBe("install_failed");
  });

  test("an assignment that ran out before the switch is ASSIGNMENT_EXPIRED", async () => {
    const { agent, server } = await devices.open(FASTER);
    server.activateBefore = NOW;
    const outcome = unwrap(await agent.poll());
    server.activateBefore = (NOW + 1e9) as typeof NOW;
    expect(outcome).toMatchObject({ kind: "refused", code: "ASSIGNMENT_EXPIRED" });
  });

  const noRoom = (disk: Disk): Disk => ({ ...disk, freeBytes: () => Promise.resolve(1000) });
  const fullWhileStaging = (disk: Disk): Disk => ({
    ...disk,
    write: (path, bytes) => {
      if (path.startsWith("store/")) throw new CodedError("NO_SPACE", "the disk is full");
      return disk.write(path, bytes);
    },
  });
  test.each([
    ["before the download", noRoom],
    ["in the middle of staging", fullWhileStaging],
  ])(
    "a disk that is full %s is NO_SPACE, and everything is as it was",
    async (_name, changeDisk) => {
      const { agent, restart, directory } = await devices.open(FASTER, { changeDisk });
      const before = unwrap(await agent.status());
      expect(unwrap(await agent.poll())).toMatchObject({ kind: "refused", code: "NO_SPACE" });
      expect(unwrap(await agent.status())).toEqual(before);
      expect(await runsRight(restart())).toBe(true);
      expect(await machineDisk(directory).list("store")).toEqual([sha256Hex(OLD)]);
      expect(await machineDisk(directory).list("downloads")).toEqual([]);
    },
  );
});

describe("a current driver that no longer starts", () => {
  test("is left for the previous one, and its models run on without recompilation", async () => {
    const { agent, server, directory, restart } = await devices.open(FASTER);
    unwrap(await agent.poll());
    const script = join(directory, "store", sha256Hex(FASTER), "files/driver.js");
    await writeFile(script, "broken");
    const restarted = restart();
    expect(await runsRight(restarted)).toBe(true);
    expect(unwrap(await restarted.status())).toMatchObject({ current: { version: "1.0.0" } });
    unwrap(await restarted.poll());
    expect(told(server).startsWith(`${ALL_GOOD} rolled_back`)).toBe(true);
  });

  test("with nothing behind it says why", async () => {
    const { directory, restart } = await devices.open(undefined);
    await rm(join(directory, "store", sha256Hex(OLD)), { recursive: true });
    const run = await restart().run(MODEL, new Map());
    expect(run).toMatchObject({ ok: false, code: "DRIVER_MISSING" });
  });
});
