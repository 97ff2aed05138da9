/** Sequences and optionals: the same operators as in the graph. */
import { elementType } from "../tensors.ts";
import type { OnnxNode } from "../node.ts";
import type { Scope } from "../scope.ts";
import { translated } from "./handler.ts";
import type { Handler } from "./handler.ts";

export const SEQUENCES: Readonly<Record<string, Handler>> = {
  SequenceConstruct: translated("sequence_construct"),
  SequenceEmpty: importEmpty,
  SequenceInsert: translated("sequence_insert"),
  SequenceErase: translated("sequence_erase"),
  SequenceAt: translated("sequence_at"),
  SequenceLength: translated("sequence_length"),
  SplitToSequence: importSplit,
  ConcatFromSequence: importConcat,
  Optional: translated("optional"),
  OptionalHasElement: translated("optional_has_element"),
  OptionalGetElement: translated("optional_get_element"),
};

function importEmpty(node: OnnxNode, scope: Scope): void {
  const attributes = { to: elementType(node.integer("dtype", 1), node.name) };
  scope.emit(node, { op: "sequence_empty", inputs: [], attributes, outputs: node.outputs });
}

function importSplit(node: OnnxNode, scope: Scope): void {
  const attributes = { axis: node.integer("axis", 0), keepdims: node.integer("keepdims", 1) };
  const { inputs, outputs } = node;
  scope.emit(node, { op: "split_to_sequence", inputs, attributes, outputs });
}

function importConcat(node: OnnxNode, scope: Scope): void {
  const attributes = { axis: node.integer("axis", 0), new_axis: node.integer("new_axis", 0) };
  const { inputs, outputs } = node;
  scope.emit(node, { op: "concat_from_sequence", inputs, attributes, outputs });
}
