/** Where each node of a network can run, and why not elsewhere: every node is compiled alone for every backend. */
import { compileCpu } from "../../compiler/codegen/cpu/index.ts";
import { isClosed, isFloat, isPlain, typeIn } from "../../compiler/ir/index.ts";
import type { Graph, Node } from "../../compiler/ir/index.ts";
import { loadKernels } from "../../compiler/kernels/index.ts";
import type { KernelLibrary } from "../../compiler/kernels/index.ts";
import { lowerGraph } from "../../compiler/lower/index.ts";
import { adopt } from "../../compiler/passes/index.ts";
import { quantize, toHalf } from "../../compiler/quant/index.ts";
import { RELEASES } from "../../compiler/releases/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { fromUtf8 } from "../../protocol/base/bytes.ts";
import { failed } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import { sourceFile } from "../driver/in-process.ts";

/** Backends from the fastest to the one that takes everything. */
export type Place = "htp" | "cpu" | "reference";

export interface Placement {
  readonly place: Place;
  /** Element types that the HTP computes the node in. */
  readonly precisions: readonly string[];
  /** Why the faster backends do not take it; empty when the fastest does. */
  readonly reason: string;
}

/** Ranges do not decide whether a node can be lowered: any will do. */
const ANY_RANGE = { min: -1, max: 1 };

export function placements(
  graph: Graph,
  soc: SocDescription,
  advance: () => void,
): ReadonlyMap<Node, Placement> {
  const kernels = loadKernels((name) => fromUtf8(sourceFile(`kernels/${name}`)));
  const known = new Map<string, Placement>();
  return new Map(
    graph.nodes.map((node) => {
      const alone = graphOf(graph, node);
      const key = signatureOf(alone);
      const placement = known.get(key) ?? placementOf(alone, { soc, kernels });
      known.set(key, placement);
      advance();
      return [node, placement];
    }),
  );
}

/** One node as a network: what it reads are inputs, but for its constants. */
function graphOf(graph: Graph, node: Node): Graph {
  const names = new Set([...node.inputs, ...node.outputs].filter((name) => name !== ""));
  const only = <T>(values: ReadonlyMap<string, T>): Map<string, T> =>
    new Map([...values].filter(([name]) => names.has(name)));
  const constants = only(graph.constants);
  const inputs = [...new Set(node.inputs)].filter((name) => name !== "" && !constants.has(name));
  const [types, open] = [only(graph.types), only(graph.open)];
  return { name: node.name, inputs, outputs: node.outputs, types, open, constants, nodes: [node] };
}

/** Equal for nodes that differ in names and weights alone. */
function signatureOf(alone: Graph): string {
  const node = present(alone.nodes[0], "a node");
  const names = [...alone.inputs, ...alone.outputs, ...alone.constants.keys()];
  const types = names.map((name) => typeIn(alone, name));
  const operands = node.inputs.map((name) => names.indexOf(name));
  return JSON.stringify([node.op, operands, types, [...node.attributes]]);
}

interface Target {
  readonly soc: SocDescription;
  readonly kernels: KernelLibrary;
}

function placementOf(alone: Graph, target: Target): Placement {
  const node = present(alone.nodes[0], "a node");
  const isClosedNode = [...alone.inputs, ...alone.outputs].every((name) =>
    isClosed(typeIn(alone, name)),
  );
  if (!isPlain(node) || !isClosedNode) {
    return { place: "reference", precisions: [], reason: "shapes or operands are not known yet" };
  }
  const refusals: string[] = [];
  const precisions = htpForms(alone).flatMap(({ precision, form }) => {
    const lowered = form.ok ? lowerAlone(form.value, target) : form;
    if (!lowered.ok) refusals.push(`htp ${precision}: ${lowered.message}`);
    return lowered.ok ? [precision] : [];
  });
  if (precisions.length > 0) return { place: "htp", precisions, reason: "" };
  const cpu = compileCpu(alone);
  if (!cpu.ok) refusals.push(`cpu: ${cpu.message}`);
  return { place: cpu.ok ? "cpu" : "reference", precisions, reason: refusals.join("; ") };
}

interface Form {
  readonly precision: string;
  readonly form: Result<Graph>;
}

function htpForms(alone: Graph): Form[] {
  const names = [...alone.inputs, ...alone.outputs];
  const floats = names.every((name) => isFloat(present(alone.types.get(name), name).dtype));
  if (!floats) return [{ precision: "as stored", form: guarded(() => adopt(alone)) }];
  const ranges = new Map(names.map((name) => [name, ANY_RANGE] as const));
  return [
    { precision: "w8a8", form: guarded(() => quantize(alone, ranges)) },
    { precision: "fp16", form: guarded(() => toHalf(alone)) },
  ];
}

function lowerAlone(graph: Graph, { soc, kernels }: Target): Result<unknown> {
  const { lowering } = present([...RELEASES.values()].at(-1), "a release");
  return guarded(() => lowerGraph({ graph, soc, options: lowering, kernels }));
}

/** A node that stands alone can break what a pass takes for granted of whole networks; that is a refusal here. */
function guarded<T>(attempt: () => Result<T>): Result<T> {
  try {
    return attempt();
  } catch (error) {
    return failed("UNSUPPORTED_OP", error instanceof Error ? error.message : String(error));
  }
}
