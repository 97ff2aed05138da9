/** `npm run exact:graphs`: random small graphs in every precision on random chips, bit for bit the evaluator's. */
import type { ExitName } from "../../cli/exit-codes.ts";
import { PRECISIONS, typedGraph } from "../../cli/fidelity/parity.ts";
import type { Column, Output, Row } from "../../cli/output.ts";
import { optimize } from "../../compiler/passes/index.ts";
import { SOCS } from "../../device-agent/soc/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { seededRandom } from "../../protocol/base/random.ts";
import type { Random } from "../../protocol/base/random.ts";
import { VERSIONS } from "../support/chip-run.ts";
import type { Target } from "../support/chip-run.ts";
import { everyValue, outcomeOf } from "./outcome.ts";
import type { Outcome } from "./outcome.ts";
import { randomGraph } from "./random-graph.ts";
import { evaluatedRanges, referenceOf, subjectOf } from "./subject.ts";

export interface GraphOptions {
  readonly cases: number;
  /** Of the first case; each next one has the next. */
  readonly seed: number;
}

export interface GraphRow extends Outcome {
  /** Gives this graph, precision, chip and release again. */
  readonly seed: number;
  readonly operators: string;
  readonly target: string;
}

export function exactGraphs(options: GraphOptions, output: Output): Promise<ExitName> {
  const progress = output.progress("exact:graphs", options.cases);
  const rows: GraphRow[] = [];
  for (let seed = options.seed; seed < options.seed + options.cases; seed++) {
    rows.push(compareGraph(seed));
    progress.advance();
  }
  progress.finish();
  const wrong = rows.filter(({ status }) => status === "wrong");
  const summary = { ...countsOf(rows), wrong: wrong.length, seed: options.seed };
  const name = "exact:graphs";
  output.report({ name, rows: wrong.map((row): Row => ({ ...row })), summary }, COLUMNS);
  return Promise.resolve(wrong.length === 0 ? "ok" : "failed");
}

/** Every value of the graph that the seed gives, in the precision and on the target that it gives. */
export function compareGraph(seed: number): GraphRow {
  const random = seededRandom(seed);
  const precision = present(PRECISIONS[seed % PRECISIONS.length], "a precision");
  const float = optimize(randomGraph(random));
  const target = randomTarget(random);
  const row = {
    seed,
    operators: float.nodes.map(({ op }) => op).join(" "),
    target: `${precision} ${target.soc.name} ${target.version}`,
  };
  const typed = typedGraph(float, precision, evaluatedRanges(float, seed));
  if (!typed.ok) {
    const reason = `${typed.code}: ${typed.message}`;
    return { ...row, status: "refused", outputs: 0, elements: 0, quiet: 0, reason };
  }
  const subject = subjectOf(random.below(2) === 0 ? everyValue(typed.value) : typed.value, seed);
  return { ...row, ...outcomeOf(subject, target, () => referenceOf(subject, seed)) };
}

/** Some chips have so little memory that rows are made in bands and tensors go through DDR. */
function randomTarget(random: Random): Target {
  const soc = present(SOCS[random.below(SOCS.length)], "a chip");
  const version = present(VERSIONS[random.below(VERSIONS.length)], "a release");
  if (random.below(3) > 0) return { version, soc };
  return { version, soc: { ...soc, vtcmBytes: (64 + 64 * random.below(8)) * 1024 } };
}

function countsOf(rows: readonly GraphRow[]) {
  const equal = rows.filter(({ status }) => status === "equal");
  const refused = new Map<string, number>();
  for (const { status, reason } of rows) {
    // Names of nodes carry a number.
    const kind = reason.replace(/[a-z_]+\d+: /, "");
    if (status === "refused") refused.set(kind, (refused.get(kind) ?? 0) + 1);
  }
  const elements = equal.reduce((sum, row) => sum + row.elements, 0);
  const count = rows.filter(({ status }) => status === "refused").length;
  return {
    cases: rows.length,
    equal: equal.length,
    elements,
    refused: count,
    reasons: [...refused],
  };
}

const COLUMNS: readonly Column[] = [
  { key: "seed", title: "seed" },
  { key: "target", title: "target" },
  { key: "operators", title: "operators" },
  { key: "reason", title: "" },
];
