/** What a program gives on a chip against the values of the evaluator. */
import type { Graph } from "../../compiler/ir/index.ts";
import { present } from "../../protocol/base/assert.ts";
import type { Failure } from "../../protocol/base/result.ts";
import { firstDifference, lowerFor, runOnChip } from "../support/chip-run.ts";
import type { Target } from "../support/chip-run.ts";
import type { Reference, Subject } from "./subject.ts";

/** `refused`: the compiler says which node it does not take, with a code. `wrong`: its program is refused or differs. */
export interface Outcome {
  readonly status: "equal" | "refused" | "wrong";
  /** Outputs that were compared, and their elements. */
  readonly outputs: number;
  readonly elements: number;
  /** Values of the graph that are one number throughout: to compare them shows little. */
  readonly quiet: number;
  readonly reason: string;
}

const NOTHING = { outputs: 0, elements: 0, quiet: 0 } as const;

/** The reference is asked for only where there is a program. */
export function outcomeOf(
  { graph, inputs }: Subject,
  target: Target,
  reference: () => Reference,
): Outcome {
  const program = lowerFor(graph, target);
  if (!program.ok) return { ...NOTHING, status: "refused", reason: told(program) };
  const given = runOnChip(program.value, target.soc, inputs);
  if (!given.ok) return { ...NOTHING, status: "wrong", reason: told(given) };
  const { values, quiet, fault } = reference();
  const ports = program.value.outputs.map((port) => {
    const wanted = present(values.get(port.name), port.name);
    const difference = firstDifference(given.value.get(port.name), wanted, port);
    return { difference, name: port.name, elements: wanted.data.length };
  });
  const elements = ports.reduce((sum, port) => sum + port.elements, 0);
  const compared = { outputs: ports.length, elements, quiet };
  const wrong = ports.filter(({ difference }) => difference !== undefined);
  const [first] = wrong;
  if (first === undefined && fault === undefined) {
    return { ...compared, status: "equal", reason: "" };
  }
  const differing = `${wrong.length} outputs differ, first ${first?.name}: ${first?.difference}`;
  return { ...compared, status: "wrong", reason: fault ?? differing };
}

function told({ code, message }: Failure): string {
  return `${code}: ${message}`;
}

/**
 * The graph with every value that is computed as an output. Results do not depend on placement, so the first that
 * differs is at fault.
 */
export function everyValue(graph: Graph): Graph {
  const computed = graph.nodes.filter(({ op }) => op !== "reshape" && op !== "transpose");
  const outputs = computed.flatMap((node) => node.outputs);
  return { ...graph, outputs: [...new Set([...outputs, ...graph.outputs])] };
}
