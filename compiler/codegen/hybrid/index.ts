/** A graph of which the HTP computes what is stored and the CPU what is real, as one program of several segments. */
import { product } from "../../../protocol/base/integers.ts";
import { CodedError, succeeded, toFailure, unwrap } from "../../../protocol/base/result.ts";
import type { Failure, Result } from "../../../protocol/base/result.ts";
import type { Port, Program } from "../../../protocol/program/index.ts";
import { producersOf } from "../../ir/index.ts";
import type { Graph, Node, TensorType } from "../../ir/index.ts";
import { checkGraph, partition, segmentGraph } from "../../lower/index.ts";
import type { GraphSegment, LoweringCode, Place } from "../../lower/index.ts";
import { compileCpu, cpuProgramFile } from "../cpu/index.ts";
import { lowerHtp, PORT_ELEMENTS } from "../htp/index.ts";
import type { HtpRequest } from "../htp/index.ts";
import { link } from "./link.ts";
import { realGraph } from "./real-graph.ts";

export interface HybridProgram {
  readonly program: Program;
  /** In the order of the program's. */
  readonly segments: readonly GraphSegment[];
}

/** Why a segment cannot be compiled, and the node of the graph that is to blame where one is. */
export interface Refusal {
  readonly place: Place;
  readonly node: string | undefined;
  readonly failure: Failure<LoweringCode>;
}

export type HybridOutcome =
  | ({ readonly kind: "compiled" } & HybridProgram)
  | { readonly kind: "refused"; readonly refusals: readonly [Refusal, ...Refusal[]] };

interface Part {
  readonly place: Place;
  readonly graph: Graph;
}

/** Deterministic. Refusals are as many as are found without compiling what is refused in the end. */
export function compileHybrid(request: HtpRequest): HybridOutcome {
  const { graph } = request;
  const isStored = (name: string): boolean => elementOf(graph.types.get(name)) !== undefined;
  const placeOf = (node: Node): Place => {
    const values = [...node.inputs, ...node.outputs].filter((name) => name !== "");
    return values.every((name) => graph.constants.has(name) || isStored(name)) ? "htp" : "cpu";
  };
  const segments = partition(graph, { placeOf, leaves: isStored });
  const parts = segments.map(({ place, nodes }) => ({ place, graph: segmentGraph(graph, nodes) }));
  const asked = parts.flatMap((part) => refusalOf(part, ask(request, part)));
  if (hasSome(asked)) return { kind: "refused", refusals: asked };
  const compiled = parts.map((part) => compilePart(request, part));
  const refusals = parts.flatMap((part, index) => refusalOf(part, compiled[index]!));
  if (hasSome(refusals)) return { kind: "refused", refusals };
  const linked = guarded(() => succeeded(link(compiled.map(unwrap), graph)));
  if (linked.ok) return { kind: "compiled", program: linked.value, segments };
  return {
    kind: "refused",
    refusals: [{ place: "htp", ...blamed({ place: "htp", graph }, linked) }],
  };
}

function hasSome<T>(list: readonly T[]): list is readonly [T, ...T[]] {
  return list.length > 0;
}

/** Whether the HTP has all operators of the part, which is quick to tell; whether they fit, compiling tells. */
function ask(request: HtpRequest, { place, graph }: Part): Result<unknown, LoweringCode> {
  return place === "cpu" ? succeeded(undefined) : checkGraph({ ...request, graph });
}

function compilePart(request: HtpRequest, { place, graph }: Part): Result<Program, LoweringCode> {
  if (place === "htp") return lowerHtp({ ...request, graph });
  return guarded(() => cpuPart(request, graph));
}

function elementOf(type: TensorType | undefined): Stored["element"] | undefined {
  return PORT_ELEMENTS[type?.dtype as keyof typeof PORT_ELEMENTS];
}

type Stored = Extract<Port["storage"], { readonly kind: "pixels" }>;

function cpuPart(request: HtpRequest, part: Graph): Result<Program, LoweringCode> {
  const compiled = compileCpu(realGraph(part));
  if (!compiled.ok) return compiled;
  const { soc, optionsText: options, modelName, modelSha256, driverVersion } = request;
  const identity = { soc: soc.name, modelName, modelSha256, driverVersion, options };
  const program = cpuProgramFile(compiled.value, identity);
  const stored = (port: Port): Port => storedPort(port, part.types.get(port.name));
  const [inputs, outputs] = [program.inputs.map(stored), program.outputs.map(stored)];
  return succeeded({ ...program, inputs, outputs });
}

/** As it lies where no HTP segment asks for another order: row-major. */
function storedPort(port: Port, type: TensorType | undefined): Port {
  const element = elementOf(type);
  if (element === undefined) return port;
  const { scales = [1], zeroPoints = [0] } = type?.quantization ?? {};
  const encoding = { scale: scales[0] ?? 1, zeroPoint: zeroPoints[0] ?? 0 };
  const order = { rows: 1, columns: 1, channels: product(port.shape) };
  return { ...port, storage: { kind: "pixels", element, ...encoding, ...order } };
}

function guarded<T>(attempt: () => Result<T, LoweringCode>): Result<T, LoweringCode> {
  try {
    return attempt();
  } catch (error) {
    if (error instanceof CodedError) return toFailure(error as CodedError<LoweringCode>);
    throw error;
  }
}

function refusalOf(part: Part, result: Result<unknown, LoweringCode>): readonly Refusal[] {
  return result.ok ? [] : [{ place: part.place, ...blamed(part, result) }];
}

/** Lowering names a node, or a port of its segment: then who writes it, or else who reads it, is to blame. */
function blamed({ graph }: Part, failure: Failure<LoweringCode>): Omit<Refusal, "place"> {
  const named = String(failure.details["node"] ?? "");
  const node =
    graph.nodes.find(({ name }) => name === named) ??
    producersOf(graph).get(named) ??
    graph.nodes.find(({ inputs }) => inputs.includes(named));
  return { node: node?.name, failure };
}
