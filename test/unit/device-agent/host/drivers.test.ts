/** Real children of this machine: a driver that behaves, and every way in which one may not. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "@jest/globals";
import {
  hostDriver,
  sandboxLevel,
  type DriverBudgets,
  type HostedDriver,
} from "../../../../device-agent/host/index.ts";
import { machineClock } from "../../../../device-agent/shell/clock.ts";
import { machineProcesses, machineSandboxTools } from "../../../../device-agent/shell/processes.ts";
import type { CompileRequest } from "../../../../protocol/abi/index.ts";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import { sha256Hex } from "../../../../protocol/crypto/index.ts";
import { described, driverScript } from "../../../support/driver-bundle.ts";

const directory = await mkdtemp(join(tmpdir(), "retile-host-"));
afterAll(() => rm(directory, { recursive: true }));

const childScript = fileURLToPath(new URL("../../../../dist/host/child.mjs", import.meta.url));
const tools = machineSandboxTools(childScript);
const DESCRIBED = described("9.9.9");
const MODEL = utf8("a model");
const BUDGETS: DriverBudgets = {
  timeMsMax: 20_000,
  residentBytesMax: 256 << 20,
  outputBytesMax: 4 << 20,
};
let created = 0;

async function driver(
  source: Uint8Array,
  budgets: Partial<DriverBudgets> = {},
): Promise<HostedDriver> {
  const home = join(directory, String(created++));
  const folders = { files: join(home, "files"), blobs: join(home, "blobs") };
  await mkdir(join(folders.files, "kernels"), { recursive: true });
  await mkdir(folders.blobs);
  await writeFile(join(folders.files, "driver.js"), source);
  await writeFile(join(folders.files, "kernels/one"), "kernel one");
  await writeFile(join(folders.blobs, sha256Hex(MODEL)), MODEL);
  const ports = { processes: machineProcesses, clock: machineClock, tools };
  return hostDriver(ports, folders, { ...BUDGETS, ...budgets });
}

const COMPILE: CompileRequest = {
  model: { format: "onnx", sha256: sha256Hex(MODEL), name: "m", inputShapes: [] },
  soc: "{}",
  backend: "htp",
  encodings: undefined,
  dumpAfter: undefined,
};

describe("a driver that behaves", () => {
  test("describes itself, and its peak memory is measured", async () => {
    const answer = await (await driver(driverScript(DESCRIBED))).describe();
    expect(answer).toMatchObject({ ok: true, value: { summary: { version: "9.9.9" } } });
    expect(answer.ok && answer.value.residentBytesPeak).toBeGreaterThan(10 << 20);
  });

  test("reads blobs and its own files, reports progress, sends a program in pieces", async () => {
    const handle = `
      const model = host.readBlob(request.compile.model.sha256);
      const kernel = host.readFile("kernels/one");
      reply({ outcome: "progress", stage: "lower", fraction: 0.5 });
      const bytes = new Uint8Array(1200000).fill(model.length + kernel.length);
      const program = blob(bytes);
      const sizes = { macs: 1, vtcmPeakBytes: 2, weightBytes: 3 };
      reply({ outcome: "compiled", summary: { program, ...sizes, warnings: ["w"] } });`;
    const seen: string[] = [];
    const answer = await (
      await driver(driverScript(handle))
    ).compile(COMPILE, { onProgress: (stage, fraction) => seen.push(`${stage} ${fraction}`) });
    expect(seen).toEqual(["lower 0.5"]);
    const program = answer.ok ? answer.value.blobs.get(answer.value.summary.program) : undefined;
    expect(program?.length).toBe(1_200_000);
    expect(program?.[0]).toBe(MODEL.length + "kernel one".length);
  });

  test("codes UTF-8 as the platform does", async () => {
    const text = "aé€😀\\ud800";
    const handle = `
      const bytes = new TextEncoder().encode("${text}");
      const back = new TextDecoder().decode(bytes);
      let fatal = "";
      try { new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([0xff])); }
      catch (error) { fatal = error.name; }
      reply({ outcome: "failed", code: "BAD_MODEL", message: back + "|" + [...bytes], where: fatal });`;
    const answer = await (await driver(driverScript(handle))).describe();
    const expected = "aé€😀\ud800";
    const bytes = [...new TextEncoder().encode(expected)];
    expect(answer).toMatchObject({
      code: "DRIVER_REFUSED",
      message: `BAD_MODEL: aé€😀\ufffd|${bytes.join(",")} (TypeError)`,
      details: { code: "BAD_MODEL" },
    });
  });
});

interface Misdeed {
  readonly name: string;
  readonly handle: string;
  readonly code: string;
  readonly budgets?: Partial<DriverBudgets>;
}

const MISDEEDS: readonly Misdeed[] = [
  {
    name: "never returns",
    handle: "for (;;);",
    code: "DRIVER_TIMEOUT",
    budgets: { timeMsMax: 700 },
  },
  {
    name: "allocates ArrayBuffers without end",
    handle: "const kept = []; for (;;) kept.push(new Uint8Array(16 << 20).fill(1));",
    code: "DRIVER_MEMORY",
  },
  {
    name: "allocates ArrayBuffers that it never touches",
    handle: "const kept = []; for (;;) kept.push(new ArrayBuffer(64 << 20));",
    code: "DRIVER_MEMORY",
  },
  {
    name: "grows WebAssembly memory without end",
    handle: `const memory = new WebAssembly.Memory({ initial: 1 });
      for (;;) { memory.grow(256); new Uint8Array(memory.buffer).fill(1); }`,
    code: "DRIVER_MEMORY",
  },
  {
    name: "fills the heap without end",
    handle: "const kept = []; for (;;) kept.push({ kept: kept.length, more: [1.5, 2.5] });",
    code: "DRIVER_MEMORY",
  },
  { name: "throws", handle: "throw new Error('no')", code: "DRIVER_CRASHED" },
  { name: "overflows its stack", handle: "(function f() { f(); })();", code: "DRIVER_CRASHED" },
  {
    name: "floods its output",
    handle: "for (;;) reply({ outcome: 'progress', stage: 's'.repeat(100000), fraction: 0 });",
    code: "DRIVER_OUTPUT_LIMIT",
  },
  {
    name: "lies about a blob's hash",
    handle: `reply({ outcome: "blob", sha256: "${"0".repeat(64)}", bytes: new Uint8Array(3), last: true });`,
    code: "DRIVER_BAD_REPLY",
  },
  {
    name: "names a program that it never sent",
    handle: `reply({ outcome: "compiled", summary: { program: "${"0".repeat(64)}", macs: 0,
      vtcmPeakBytes: 0, weightBytes: 0, warnings: [] } });`,
    code: "DRIVER_BAD_REPLY",
  },
  { name: "returns without an answer", handle: "", code: "DRIVER_BAD_REPLY" },
  { name: "answers what nobody asked", handle: DESCRIBED, code: "DRIVER_BAD_REPLY" },
  { name: "answers twice", handle: DESCRIBED + DESCRIBED, code: "DRIVER_BAD_REPLY" },
  {
    name: "sends no protobuf",
    handle: "host.reply(new Uint8Array([255]));",
    code: "DRIVER_BAD_REPLY",
  },
  { name: "replies with an object", handle: "host.reply({ length: 4 });", code: "DRIVER_CRASHED" },
  {
    name: "asks for a blob that is not there",
    handle: "host.readBlob('../files/driver.js');",
    code: "DRIVER_CRASHED",
  },
  {
    name: "asks for a file outside",
    handle: "host.readFile('../../0/files/driver.js');",
    code: "DRIVER_CRASHED",
  },
];

describe("a driver that", () => {
  test.each(MISDEEDS)("$name: $code", async ({ handle, code, budgets }) => {
    const answer = await (await driver(driverScript(handle), budgets)).compile(COMPILE);
    expect(answer).toMatchObject({ ok: false, code });
  });

  test("is no JavaScript: DRIVER_CRASHED", async () => {
    const answer = await (await driver(utf8("this is no driver"))).describe();
    expect(answer).toMatchObject({ ok: false, code: "DRIVER_CRASHED" });
  });
});

const FORBIDDEN = [
  "require('fs')",
  "process.exit(0)",
  "fetch('http://localhost')",
  "eval('1')",
  "new Function('return 1')()",
  "(() => {}).constructor('return process')()",
  "host.reply.constructor.constructor('return process')()",
  "console.log(1)",
  "setTimeout(() => {}, 1)",
  "new Worker('x')",
  "Date.now()",
  "Math.random()",
] as const;

describe("out of a driver's reach", () => {
  test.each(FORBIDDEN)("%s", async (attempt) => {
    const handle = `${attempt}; ${DESCRIBED}`;
    const answer = await (await driver(driverScript(handle))).describe();
    expect(answer).toMatchObject({ ok: false, code: "DRIVER_CRASHED" });
  });

  test("import(): it never comes", async () => {
    const handle = `import("node:fs").then(() => { ${DESCRIBED} });`;
    const answer = await (await driver(driverScript(handle))).describe();
    expect(answer).toMatchObject({ ok: false, code: "DRIVER_BAD_REPLY" });
  });
});

test("a call that is cancelled ends at once", async () => {
  const spinning = await driver(driverScript("for (;;);"));
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 200);
  const answer = await spinning.describe({ signal: controller.signal });
  expect(answer).toMatchObject({ ok: false, code: "DRIVER_CANCELLED" });
});

test("a sandbox that cannot start is SANDBOX_NOT_STARTED", async () => {
  const broken = { ...tools, node: "no-such-program", setpriv: false, prlimit: false };
  const ports = {
    processes: machineProcesses,
    clock: machineClock,
    tools: { ...broken, withoutNetwork: undefined },
  };
  const answer = await hostDriver(ports, { files: directory, blobs: directory }).describe();
  expect(answer).toMatchObject({ ok: false, code: "SANDBOX_NOT_STARTED" });
  expect(sandboxLevel(ports.tools)).toBe("degraded");
});
