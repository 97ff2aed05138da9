/** Operators with graphs inside. What these read from outside are captures: inputs of the node. */
import { ANY_TENSOR, isClosed, opened } from "../../../ir/index.ts";
import type { Graph, OpenType, ValueType } from "../../../ir/index.ts";
import { requiredInput } from "../node.ts";
import type { OnnxNode } from "../node.ts";
import type { Body, Scope } from "../scope.ts";
import { unsized, withInputs } from "../values.ts";
import type { Handler } from "./handler.ts";

export const CONTROL: Readonly<Record<string, Handler>> = {
  If: importIf,
  Loop: importLoop,
  Scan: importScan,
  SequenceMap: importSequenceMap,
};

function importIf(node: OnnxNode, scope: Scope): void {
  const body = (attribute: string): Body => {
    const message = node.graph(attribute);
    if (message === undefined) return node.refuse("BAD_MODEL", `${attribute} is missing`);
    return scope.branch(node, message);
  };
  const [yes, no] = [body("then_branch"), body("else_branch")];
  const captures = new Map<string, ValueType>();
  for (const name of [...yes.captures, ...no.captures]) {
    captures.set(name, unsized(scope.valueType(node, name)) ?? ANY_TENSOR);
  }
  const regions = { then: withInputs(yes.graph, captures), else: withInputs(no.graph, captures) };
  const inputs = [requiredInput(node, 0), ...captures.keys()];
  scope.emit(node, { op: "if", inputs, regions, outputs: node.outputs });
}

function bodyOf(node: OnnxNode, scope: Scope, inputTypes: readonly ValueType[]): Body {
  const message = node.graph("body");
  if (message === undefined) return node.refuse("BAD_MODEL", "body is missing");
  return scope.body(node, message, inputTypes);
}

function regionsOf({ graph }: Body): Readonly<Record<string, Graph>> {
  return { body: graph };
}

/** The body sees carried values of any shape: they may grow from trip to trip. */
function importLoop(node: OnnxNode, scope: Scope): void {
  const carried = node.inputs.slice(2);
  const types = carried.map((name) => loosened(scope.valueType(node, name)));
  const condition: OpenType = { kind: "tensor", dtype: "bool", dims: undefined };
  const body = bodyOf(node, scope, [{ dtype: "i64", shape: [] }, condition, ...types]);
  const inputs = [node.inputs[0] ?? "", node.inputs[1] ?? "", ...carried, ...body.captures];
  const attributes = { carried: carried.length };
  scope.emit(node, {
    op: "loop",
    inputs,
    attributes,
    regions: regionsOf(body),
    outputs: node.outputs,
  });
}

/** Before opset 9 a scan ran over batches, and its first input was their lengths. */
function importScan(node: OnnxNode, scope: Scope): void {
  const isBatched = node.opset < 9;
  if (isBatched && (node.inputs[0] ?? "") !== "") {
    node.refuse("UNSUPPORTED_OP", "lengths of sequences are not supported");
  }
  const given = isBatched ? node.inputs.slice(1) : node.inputs;
  const scanned = node.integer("num_scan_inputs", 0);
  const states = given.length - scanned;
  if (scanned < 1 || states < 0) node.refuse("BAD_MODEL", `${scanned} of its inputs are scanned`);
  const body = bodyOf(
    node,
    scope,
    given.map((name) => loosened(scope.valueType(node, name))),
  );
  const older = node.integers("directions", []);
  const attributes = {
    ...{ states, scanned, batched: Number(isBatched) },
    input_axes: node.integers("scan_input_axes", []),
    output_axes: node.integers("scan_output_axes", []),
    input_directions: node.integers("scan_input_directions", older),
    output_directions: node.integers("scan_output_directions", []),
  };
  const inputs = [...given, ...body.captures];
  scope.emit(node, {
    op: "scan",
    inputs,
    attributes,
    regions: regionsOf(body),
    outputs: node.outputs,
  });
}

function importSequenceMap(node: OnnxNode, scope: Scope): void {
  const types = node.inputs.map((name): ValueType => {
    const type = scope.valueType(node, name);
    return !isClosed(type) && type.kind === "sequence" ? type.element : type;
  });
  const body = bodyOf(node, scope, types);
  scope.emit(node, {
    op: "sequence_map",
    inputs: [...node.inputs, ...body.captures],
    attributes: { mapped: node.inputs.length - 1 },
    regions: regionsOf(body),
    outputs: node.outputs,
  });
}

/** Of the same kind and element type, and of any shape. */
function loosened(type: ValueType): OpenType {
  const open = opened(type);
  switch (open.kind) {
    case "tensor":
      return { ...open, dims: undefined };
    case "sequence":
    case "optional":
      return { kind: open.kind, element: loosened(open.element) };
    default:
      return ANY_TENSOR;
  }
}
