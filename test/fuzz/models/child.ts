/**
 * One process of the fuzzing run: makes and imports the cases it is told to, one after another, and writes a line
 * of JSON for each that broke a rule and a counter now and then. Its parent notices when it dies or stands still.
 */
import { writeSync } from "node:fs";
import { importModel } from "../../../compiler/frontend/import.ts";
import { parse, print, printedTensors } from "../../../compiler/ir/index.ts";
import { seededRandom } from "../../../protocol/base/random.ts";
import type { Random } from "../../../protocol/base/random.ts";
import { residentBytesPeak } from "../../support/peak-memory.ts";
import { defaultFolders, pickSeed, readCorpus } from "./corpus.ts";
import { mutateOnnx } from "./mutate-onnx.ts";
import { mutateTflite } from "./mutate-tflite.ts";
import { LIMITS } from "./limits.ts";
import type { ChildMessage, ChildTask, Violation } from "./messages.ts";

const task = JSON.parse(process.argv[2] ?? "{}") as ChildTask;
const REPORT_EVERY = 50;
/** Every so many surviving graphs are printed and read back. */
const ROUND_TRIP_EVERY = 16;

const corpus = readCorpus(task.corpus.length > 0 ? task.corpus : defaultFolders());
for (const seed of corpus.slice(0, 8)) importModel(seed.bytes);
globalThis.gc?.();
const baseline = process.memoryUsage.rss();
const outcomes = new Map<string, number>();
let survivors = 0;

for (let index = task.first; index < task.end; index++) {
  if ((index - task.first) % REPORT_EVERY === 0) report(index);
  runCase(index);
}
report(task.end);

function report(next: number): void {
  const peakBytes = residentBytesPeak();
  send({ kind: "progress", next, outcomes: [...outcomes], peakBytes });
  outcomes.clear();
}

function send(message: ChildMessage): void {
  writeSync(1, `${JSON.stringify(message)}\n`);
}

function runCase(index: number): void {
  const random = seededRandom(task.seed + index);
  const seed = pickSeed(corpus, random);
  const bytes = mutated(seed, random);
  const peakBefore = residentBytesPeak();
  const started = process.cpuUsage();
  const broken = importCase(bytes);
  const used = process.cpuUsage(started);
  const elapsedMs = (used.user + used.system) / 1000;
  const peakBytes = residentBytesPeak();
  const allowed = baseline + LIMITS.memoryFactor * bytes.length + LIMITS.memoryConstantBytes;
  const violation = (kind: Violation["kind"], message: string): void =>
    send({ kind: "violation", violation: { kind, index, model: seed.name, message } });
  if (broken !== undefined) violation("crash", broken);
  if (elapsedMs > LIMITS.caseMs) violation("hang", `${Math.round(elapsedMs)} ms`);
  if (peakBytes > peakBefore && peakBytes > allowed) {
    violation("memory", `${peakBytes - baseline} bytes for a file of ${bytes.length}`);
  }
}

function mutated({ bytes, skeleton }: ReturnType<typeof pickSeed>, random: Random): Uint8Array {
  return skeleton === undefined ? mutateOnnx(bytes, random) : mutateTflite(bytes, skeleton, random);
}

/** What broke, if anything did: everything that is not a value with a code. */
function importCase(bytes: Uint8Array): string | undefined {
  try {
    const imported = importModel(bytes);
    const outcome = imported.ok ? "imported" : imported.code;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (!imported.ok || survivors++ % ROUND_TRIP_EVERY !== 0) return undefined;
    const text = print(imported.value);
    const again = parse(text, { constants: printedTensors(imported.value) });
    if (!again.ok) return `its text does not parse: ${again.message}`;
    return print(again.value) === text ? undefined : "its text changes when it is read back";
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message).slice(0, 600) : String(error);
  }
}
