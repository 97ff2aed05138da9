/** Operators on texts. */
import { tensorOf, textTensor } from "../../../ir/index.ts";
import { firstOutput, requiredInput } from "../node.ts";
import type { OnnxNode } from "../node.ts";
import type { Scope } from "../scope.ts";
import { translated } from "./handler.ts";
import type { Handler } from "./handler.ts";

export const TEXT: Readonly<Record<string, Handler>> = {
  StringConcat: translated("string_concat"),
  StringSplit: translated("string_split", {
    attributes: (node) => ({
      delimiter: node.text("delimiter", ""),
      most: node.integer("maxsplit", Infinity),
    }),
  }),
  RegexFullMatch: translated("regex_full_match", {
    attributes: (node) => ({ pattern: node.text("pattern", "") }),
  }),
  StringNormalizer: translated("string_normalize", {
    attributes: (node) => ({
      case_change: node.text("case_change_action", "NONE"),
      case_sensitive: node.integer("is_case_sensitive", 0),
      stopwords: node.texts("stopwords"),
    }),
  }),
  TfIdfVectorizer: importTfIdf,
};

function importTfIdf(node: OnnxNode, scope: Scope): void {
  const texts = node.texts("pool_strings");
  const numbers = node.integers("pool_int64s", []);
  const pool = node.has("pool_strings")
    ? textTensor([texts.length], texts)
    : tensorOf({ dtype: "i64", shape: [numbers.length] }, numbers);
  const weights = node.floats("weights");
  const inputs = [requiredInput(node, 0), scope.constant(node, pool)];
  if (weights.length > 0) {
    inputs.push(scope.constant(node, tensorOf({ dtype: "f32", shape: [weights.length] }, weights)));
  }
  const attributes = {
    mode: node.text("mode", "TF"),
    shortest: node.integer("min_gram_length", 1),
    longest: node.integer("max_gram_length", 1),
    skips: node.integer("max_skip_count", 0),
    starts: node.integers("ngram_counts", []),
    columns: node.integers("ngram_indexes", []),
  };
  scope.emit(node, { op: "ngram_counts", inputs, attributes, outputs: [firstOutput(node)] });
}
