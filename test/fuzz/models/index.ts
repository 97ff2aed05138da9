/** `npm run fuzz:models`: real model files, damaged, must load or be refused with a code; nothing else may happen. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ExitName } from "../../../cli/exit-codes.ts";
import type { Output } from "../../../cli/output.ts";
import type { FuzzOptions } from "../options.ts";
import { LIMITS } from "./limits.ts";
import type { ChildMessage, ChildTask, Violation } from "./messages.ts";

const CHILD = fileURLToPath(new URL("child.ts", import.meta.url));
const HEAP_MEBIBYTES_MAX = 1024;

interface Tally {
  readonly violations: Violation[];
  readonly outcomes: Map<string, number>;
  peakBytes: number;
}

export async function fuzzModels(options: FuzzOptions, output: Output): Promise<ExitName> {
  const tally: Tally = { violations: [], outcomes: new Map(), peakBytes: 0 };
  const progress = output.progress("fuzz:models", options.cases);
  const corpus = options.corpus ?? [];
  // A process that dies or stands still loses one case; the next one goes on behind it.
  for (let first = 0; first < options.cases;) {
    const next = await runProcess(
      { seed: options.seed, first, end: options.cases, corpus },
      { tally, advance: (count) => progress.advance(count) },
    );
    first = next;
  }
  progress.finish();
  const { violations, outcomes, peakBytes } = tally;
  const count = (kind: Violation["kind"]): number =>
    violations.filter((violation) => violation.kind === kind).length;
  output.report({
    name: "fuzz:models",
    rows: violations.map((violation) => ({ ...violation })),
    summary: {
      cases: options.cases,
      seed: options.seed,
      crashes: count("crash"),
      hangs: count("hang"),
      memory: count("memory"),
      peakRssMb: Math.round(peakBytes / (1 << 20)),
      memoryConstantMb: LIMITS.memoryConstantBytes / (1 << 20),
      outcomes: Object.fromEntries([...outcomes].sort(([a], [b]) => (a < b ? -1 : 1))),
    },
  });
  return violations.length === 0 ? "ok" : "failed";
}

interface Watch {
  readonly tally: Tally;
  advance(count: number): void;
}

/** Runs one process to its end; the case that comes next. */
async function runProcess(task: ChildTask, { tally, advance }: Watch): Promise<number> {
  const flags = ["--expose-gc", `--max-old-space-size=${HEAP_MEBIBYTES_MAX}`, "--import", "tsx"];
  const child = spawn(process.execPath, [...flags, CHILD, JSON.stringify(task)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let next = task.first;
  let kind: Violation["kind"] = "crash";
  const end = (): void => {
    kind = "hang";
    child.kill("SIGKILL");
  };
  let timer = setTimeout(end, LIMITS.silenceMs);
  for await (const line of createInterface({ input: child.stdout })) {
    clearTimeout(timer);
    timer = setTimeout(end, LIMITS.silenceMs);
    const message = JSON.parse(line) as ChildMessage;
    if (message.kind === "violation") tally.violations.push(message.violation);
    else {
      advance(message.next - next);
      next = message.next;
      tally.peakBytes = Math.max(tally.peakBytes, message.peakBytes);
      for (const [outcome, count] of message.outcomes) {
        tally.outcomes.set(outcome, (tally.outcomes.get(outcome) ?? 0) + count);
      }
    }
  }
  clearTimeout(timer);
  if (next >= task.end) return next;
  const message = `the process ended between case ${next} and the next report`;
  tally.violations.push({ kind, index: next, model: "", message });
  return next + 50;
}
