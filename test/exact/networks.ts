/** `npm run exact`: published networks in every precision on the simulated chips, bit for bit the evaluator's. */
import type { ExitName } from "../../cli/exit-codes.ts";
import { floatGraph } from "../../cli/fidelity/networks.ts";
import { typedGraph } from "../../cli/fidelity/parity.ts";
import type { Precision } from "../../cli/fidelity/parity.ts";
import { calibratedRanges } from "../../cli/model/htp-values.ts";
import type { Column, Output, Row } from "../../cli/output.ts";
import type { Graph } from "../../compiler/ir/index.ts";
import type { Encodings } from "../../compiler/quant/index.ts";
import { socNamed } from "../../device-agent/soc/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { unwrap } from "../../protocol/base/result.ts";
import type { Target } from "../support/chip-run.ts";
import { everyValue, outcomeOf } from "./outcome.ts";
import type { Outcome } from "./outcome.ts";
import { evaluatedRanges, noise, referenceOf, subjectOf } from "./subject.ts";
import type { Reference } from "./subject.ts";

export interface ExactOptions {
  readonly network: readonly string[];
  readonly precision: readonly Precision[];
  readonly chip: readonly string[];
  readonly release: readonly string[];
  readonly seed: number;
  /** Every value is an output and is compared. */
  readonly layers?: boolean;
}

interface ExactRow extends Outcome {
  readonly network: string;
  readonly precision: Precision;
  readonly soc: string;
  readonly release: string;
  readonly seconds: number;
}

export async function exactNetworks(options: ExactOptions, output: Output): Promise<ExitName> {
  const { network: networks, precision: precisions } = options;
  const targets = options.chip.flatMap((name) =>
    options.release.map((version): Target => ({ version, soc: present(socNamed(name), name) })),
  );
  const progress = output.progress("exact", networks.length * precisions.length * targets.length);
  const rows: ExactRow[] = [];
  for (const network of networks) {
    const float = unwrap(await floatGraph(network, options.seed));
    const ranges = rangesOf(float, options.seed);
    for (const precision of precisions) {
      const note = `${network} ${precision}`;
      const source = { network, precision, float, ranges };
      for (const row of compareAll(source, targets, options)) {
        rows.push(row);
        progress.advance(1, `${note} ${row.soc} ${row.release}`);
      }
    }
  }
  progress.finish();
  const { exit, ...summary } = judged(rows, options);
  output.report({ name: "exact", rows: rows.map((row): Row => ({ ...row })), summary }, COLUMNS);
  return exit;
}

interface Network {
  readonly network: string;
  readonly precision: Precision;
  readonly float: Graph;
  readonly ranges: Encodings;
}

/** By the CPU backend, which is faster; where it has not all operators, by the evaluator. */
function rangesOf(float: Graph, seed: number): Encodings {
  const calibrated = calibratedRanges(float, noise(float, seed));
  return calibrated.ok ? calibrated.value : evaluatedRanges(float, seed);
}

/** Evaluated once, and only when a target has a program. */
function* compareAll(
  { network, precision, float, ranges }: Network,
  targets: readonly Target[],
  { seed, layers }: ExactOptions,
): Generator<ExactRow> {
  const { graph, inputs } = subjectOf(unwrap(typedGraph(float, precision, ranges)), seed);
  const subject = { graph: layers === true ? everyValue(graph) : graph, inputs };
  let known: Reference | undefined;
  const reference = (): Reference => (known ??= referenceOf(subject, seed));
  for (const target of targets) {
    const startedAt = performance.now();
    const outcome = outcomeOf(subject, target, reference);
    const seconds = (performance.now() - startedAt) / 1000;
    const row = { network, precision, soc: target.soc.name, release: target.version };
    yield { ...row, ...outcome, seconds };
  }
}

function judged(rows: readonly ExactRow[], { seed, layers }: ExactOptions) {
  const count = (status: Outcome["status"]): number =>
    rows.filter((row) => row.status === status).length;
  const elements = rows.reduce((sum, row) => sum + row.elements, 0);
  const [equal, refused, wrong] = [count("equal"), count("refused"), count("wrong")];
  const exit: ExitName = wrong === 0 && equal > 0 ? "ok" : "failed";
  return {
    exit,
    rows: rows.length,
    equal,
    refused,
    wrong,
    elements,
    seed,
    layers: layers === true,
  };
}

const COLUMNS: readonly Column[] = [
  { key: "network", title: "network" },
  { key: "precision", title: "precision" },
  { key: "soc", title: "chip" },
  { key: "release", title: "release" },
  { key: "status", title: "" },
  { key: "outputs", title: "outputs" },
  { key: "elements", title: "elements" },
  { key: "quiet", title: "quiet values" },
  { key: "seconds", title: "s", digits: 1 },
  { key: "reason", title: "" },
];
