/** A released driver as a device runs it: in the sandboxed child of the agent's host, one call a child. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildBundle, releaseSource } from "../../cli/driver/build-bundle.ts";
import type { ZooModel } from "../../cli/models/zoo.ts";
import { zooInputs } from "../../cli/models/zoo.ts";
import { hostDriver } from "../../device-agent/host/index.ts";
import type { DriverAnswer, HostedDriver, Processes } from "../../device-agent/host/index.ts";
import { machineClock } from "../../device-agent/shell/clock.ts";
import { machineProcesses, machineSandboxTools } from "../../device-agent/shell/processes.ts";
import { SOCS } from "../../device-agent/soc/index.ts";
import type { CompileRequest, ModelSource } from "../../protocol/abi/index.ts";
import type { Sha256 } from "../../protocol/base/brand.ts";
import { present } from "../../protocol/base/assert.ts";
import { fromUtf8 } from "../../protocol/base/bytes.ts";
import { canonicalJson } from "../../protocol/base/canonical-json.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { readBundle } from "../../protocol/bundle/index.ts";
import { sha256Hex } from "../../protocol/crypto/hash.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import type { CompileRow } from "./compile-row.ts";

const CHILD_SCRIPT = fileURLToPath(new URL("../../dist/host/child.mjs", import.meta.url));
const CALIBRATION_RUNS = 4;
/** What Linux reports processor time in. */
const TICKS_PER_SECOND = 100;

export interface HostedSubject {
  readonly release: string;
  readonly model: ZooModel;
  readonly seed: number;
  /** Compilations for each chip. */
  readonly runs: number;
}

/** Unpacks the release below `folder`; one row a call. Processor time is that of all the child's threads, its start included. */
export async function compileHosted(folder: string, subject: HostedSubject): Promise<CompileRow[]> {
  return measureModel(await unpackRelease(folder, subject.release), subject);
}

/** A release unpacked as the agent's store holds it. */
interface Bench {
  readonly release: string;
  readonly driver: HostedDriver;
  /** Of the last child, until its end. */
  readonly processorMs: () => number;
  put(bytes: Uint8Array): Promise<Sha256>;
}

async function unpackRelease(folder: string, release: string): Promise<Bench> {
  const [files, blobs] = [join(folder, release), join(folder, "blobs")];
  await mkdir(blobs, { recursive: true });
  const { bytes } = await buildBundle(releaseSource(release));
  for (const [path, content] of unwrap(readBundle(bytes)).files) {
    await mkdir(dirname(join(files, path)), { recursive: true });
    await writeFile(join(files, path), content);
  }
  const { processes, processorMs } = watchedProcesses();
  const tools = machineSandboxTools(CHILD_SCRIPT);
  const driver = hostDriver({ processes, clock: machineClock, tools }, { files, blobs });
  const put = async (content: Uint8Array): Promise<Sha256> => {
    const name = sha256Hex(content);
    await writeFile(join(blobs, name), content);
    return name;
  };
  return { release, driver, processorMs, put };
}

async function measureModel(bench: Bench, from: HostedSubject): Promise<CompileRow[]> {
  const { model, seed, runs } = from;
  const source: ModelSource = {
    format: "onnx",
    sha256: await bench.put(unwrap(await model.load())),
    name: model.name,
    inputShapes: [{ input: model.input, shape: model.shape }],
  };
  const images = zooInputs(model, CALIBRATION_RUNS, seed);
  const inputs = await Promise.all(images.map((run) => bench.put(new Uint8Array(run.buffer))));
  const request = { model: source, inputs, calibrate: true };
  const row = (
    call: CompileRow["call"],
    what: string,
    { elapsedMs, ...answer }: Spent,
  ): CompileRow => ({
    ...{ model: model.name, driver: bench.release, call, what },
    processorMs: bench.processorMs() || elapsedMs,
    wallMs: elapsedMs,
    residentMebibytesPeak: answer.residentBytesPeak / (1 << 20),
  });
  const reference = unwrap(await bench.driver.reference(request));
  const rows = [row("reference", "", reference)];
  const named = present(reference.summary.encodings, "encodings");
  const encodings = await bench.put(present(reference.blobs.get(named), "encodings"));
  for (const soc of SOCS) {
    for (let run = 0; run < runs; run++) {
      const compiled = await bench.driver.compile(compileRequest({ source, soc, encodings }));
      rows.push(row("sandboxed", `w8a8 ${soc.name}`, unwrap(compiled)));
    }
  }
  return rows;
}

type Spent = Pick<DriverAnswer, "elapsedMs" | "residentBytesPeak">;

function compileRequest(from: {
  readonly source: ModelSource;
  readonly soc: SocDescription;
  readonly encodings: Sha256;
}): CompileRequest {
  const soc = fromUtf8(canonicalJson(from.soc));
  const { source: model, encodings } = from;
  return { model, soc, backend: "htp", encodings, dumpAfter: undefined };
}

/** The machine's processes; when the host asks for memory, processor time is noted too. */
function watchedProcesses(): { processes: Processes; processorMs: () => number } {
  let processorMs = 0;
  const processes: Processes = {
    spawn: (command, events) => {
      processorMs = 0;
      const before = new Set(childIds());
      const child = machineProcesses.spawn(command, events);
      const id = childIds().find((one) => !before.has(one));
      const memory: typeof child.memory = () => {
        processorMs = Math.max(processorMs, processorMsOf(id));
        return child.memory();
      };
      return { ...child, memory };
    },
  };
  return { processes, processorMs: () => processorMs };
}

/** Of this process; none where there is no /proc. */
function childIds(): string[] {
  if (!existsSync("/proc/self/task")) return [];
  return readdirSync("/proc/self/task").flatMap((thread) => {
    const ids = readFileSync(`/proc/self/task/${thread}/children`, "utf8").split(" ");
    return ids.filter((id) => id !== "");
  });
}

/** User and system time of all its threads. */
function processorMsOf(id: string | undefined): number {
  const path = `/proc/${id}/stat`;
  if (id === undefined || !existsSync(path)) return 0;
  const stat = readFileSync(path, "utf8");
  // Behind the name in brackets, which may hold blanks: fields 3 and on of proc(5).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1000;
}
