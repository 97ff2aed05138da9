/**
 * Programs of several segments for models that the HTP does not take as a whole: what it refuses goes to the CPU, and so
 * does what is not worth a call of its own.
 */
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Failure, Result } from "../../protocol/base/result.ts";
import { compileHybrid } from "../codegen/hybrid/index.ts";
import type { HybridProgram, Refusal } from "../codegen/hybrid/index.ts";
import type { HtpRequest } from "../codegen/htp/index.ts";
import { operatorOf } from "../ir/index.ts";
import type { Graph, Node } from "../ir/index.ts";
import { costsOf, estimateUs, islandsNotWorth, partition } from "../lower/index.ts";
import type { Place } from "../lower/index.ts";

export interface HybridModel {
  /** Whose nodes are placed. */
  readonly graph: Graph;
  /** What is compiled, with the nodes of these names on the CPU. */
  readonly mixed: (onCpu: ReadonlySet<string>) => Result<Graph>;
  /** Whether the CPU could compute all of it. */
  readonly fitsCpu: boolean;
}

/** Why each node of a model that is on the CPU is there, by name. */
export type Reasons = ReadonlyMap<string, string>;

export interface PlacedProgram extends HybridProgram {
  readonly reasons: Reasons;
}

type Target = Omit<HtpRequest, "graph">;

/** Fails with the HTP's reason where no cut helps, or where the CPU alone is no slower by the estimate. */
export function hybridProgram(model: HybridModel, target: Target): Result<PlacedProgram> {
  const reasons = new Map(model.fitsCpu ? floatOnly(model.graph) : []);
  const supported = compilable(model, target, reasons);
  if (!supported.ok || !model.fitsCpu) return supported;
  const weighed = weigh(model.graph, reasons, target);
  if (!weighed.ok) return weighed;
  if (weighed.value.size === 0) return supported;
  for (const { name } of weighed.value) reasons.set(name, "cheaper on the CPU, by the estimate");
  return compilable(model, target, reasons);
}

/** Operators without a stored form need not be tried. */
function floatOnly({ nodes }: Graph): [string, string][] {
  const real = nodes.filter((node) => operatorOf(node).quantized === "none");
  return real.map(({ name, op }) => [name, `${name}: ${op} is computed in floats only`]);
}

/** Of compiling one model in segments; the networks known need a dozen at most. */
const ATTEMPTS_MAX = 32;
/** Of those that fail for want of room, which only a whole memory plan tells: they take as long as compiling. */
const TIGHT_MAX = 3;

/** Moves what is refused to the CPU until nothing is; adds to the reasons. */
function compilable(
  { graph, mixed }: HybridModel,
  target: Target,
  reasons: Map<string, string>,
): Result<PlacedProgram> {
  let tight = 0;
  for (let attempts = 1; ; attempts++) {
    const form = mixed(new Set(reasons.keys()));
    const outcome = form.ok ? compileHybrid({ ...target, graph: form.value }) : refusedForm(form);
    if (outcome.kind === "compiled") return succeeded({ ...outcome, reasons });
    const [{ failure }] = outcome.refusals;
    if (failure.code === "DOES_NOT_FIT") tight++;
    if (attempts === ATTEMPTS_MAX || tight > TIGHT_MAX) return failure;
    const before = reasons.size;
    for (const refusal of outcome.refusals) refuse(graph, refusal, reasons);
    if (reasons.size === before) return failure;
  }
}

function refusedForm(failure: Failure): { kind: "refused"; refusals: [RefusedForm] } {
  const node = String(failure.details["node"] ?? "");
  return { kind: "refused", refusals: [{ place: "htp", node, failure }] };
}

type RefusedForm = Omit<Refusal, "failure"> & { readonly failure: Failure };

/** With the node go those that are like it in all but names and weights. */
function refuse(graph: Graph, refusal: RefusedForm, reasons: Map<string, string>): void {
  const node = modelNode(graph, refusal);
  if (node === undefined) return;
  const signature = signatureOf(graph, node);
  for (const other of graph.nodes) {
    if (reasons.has(other.name) || signatureOf(graph, other) !== signature) continue;
    reasons.set(other.name, refusal.failure.message);
  }
}

/** The model's node that the HTP refused; nodes made for it have its name in front. */
function modelNode({ nodes }: Graph, { place, node }: RefusedForm): Node | undefined {
  if (place === "cpu" || node === undefined) return undefined;
  const candidates = nodes.filter(({ name }) => `${node}/`.startsWith(`${name}/`));
  return candidates.sort((a, b) => b.name.length - a.name.length)[0];
}

function signatureOf(graph: Graph, { op, inputs, outputs, attributes }: Node): string {
  const values = [...inputs, ...outputs].map((name) => [
    graph.types.get(name)?.shape,
    graph.constants.has(name),
  ]);
  return JSON.stringify([op, values, [...attributes]]);
}

/** What is cheaper on the CPU than in its place on the HTP. */
function weigh(
  graph: Graph,
  reasons: Reasons,
  { soc }: Pick<Target, "soc">,
): Result<ReadonlySet<Node>> {
  const costs = costsOf(graph, soc);
  const placeOf = ({ name }: Node): Place => (reasons.has(name) ? "cpu" : "htp");
  const given = islandsNotWorth(graph, placeOf, costs);
  const cut = partition(graph, { placeOf: (node) => (given.has(node) ? "cpu" : placeOf(node)) });
  const [cutUs, cpuUs] = [cut, [{ place: "cpu" as const, nodes: graph.nodes }]].map((segments) =>
    Math.round(estimateUs(graph, segments, costs)),
  );
  if (cutUs! < cpuUs!) return succeeded(given);
  const [first = ["", ""]] = reasons;
  const message = `${first[1]}; the CPU alone is no slower than both (${cpuUs} and ${cutUs} µs by the estimate)`;
  return failed("UNSUPPORTED_OP", message, { node: first[0] });
}
