/** Values that a model states, and shapes as values. */
import { elementCount, isClosed, tensorOf, textTensor } from "../../../ir/index.ts";
import type { Tensor } from "../../../ir/index.ts";
import { firstOutput, requiredInput } from "../node.ts";
import type { OnnxNode } from "../node.ts";
import type { Scope } from "../scope.ts";
import type { Handler } from "./handler.ts";

export const CONSTANTS: Readonly<Record<string, Handler>> = {
  Constant: (node, scope) => scope.define(firstOutput(node), constantValue(node)),
  Shape: importShape,
  Size: importSize,
};

function constantValue(node: OnnxNode): Tensor {
  const stated = node.tensor("value") ?? node.sparseTensor("sparse_value");
  if (stated !== undefined) return stated;
  if (node.has("value_float")) {
    return tensorOf({ dtype: "f32", shape: [] }, [node.float("value_float", 0)]);
  }
  if (node.has("value_int")) {
    return tensorOf({ dtype: "i64", shape: [] }, [node.integer("value_int", 0)]);
  }
  if (node.has("value_string")) return textTensor([], [node.text("value_string", "")]);
  if (node.has("value_floats")) {
    const list = node.floats("value_floats");
    return tensorOf({ dtype: "f32", shape: [list.length] }, list);
  }
  if (node.has("value_ints")) {
    const list = node.integers("value_ints", []);
    return tensorOf({ dtype: "i64", shape: [list.length] }, list);
  }
  if (node.has("value_strings")) {
    const list = node.texts("value_strings");
    return textTensor([list.length], list);
  }
  return node.refuse("BAD_MODEL", "it has no value");
}

/** Before opset 15 the whole shape was given. */
function importShape(node: OnnxNode, scope: Scope): void {
  const x = requiredInput(node, 0);
  const type = scope.valueType(node, x);
  const attributes = { start: node.integer("start", 0), end: node.integer("end", Infinity) };
  if (!isClosed(type)) {
    scope.emit(node, { op: "shape", inputs: [x], attributes, outputs: node.outputs });
    return;
  }
  const part = type.shape.slice(attributes.start, attributes.end);
  scope.define(firstOutput(node), tensorOf({ dtype: "i64", shape: [part.length] }, part));
}

function importSize(node: OnnxNode, scope: Scope): void {
  const x = requiredInput(node, 0);
  const type = scope.valueType(node, x);
  if (!isClosed(type)) {
    scope.emit(node, { op: "size", inputs: [x], outputs: node.outputs });
    return;
  }
  const count = tensorOf({ dtype: "i64", shape: [] }, [elementCount(type)]);
  scope.define(firstOutput(node), count);
}
