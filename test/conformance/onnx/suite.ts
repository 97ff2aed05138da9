/** The ONNX backend suite on disk: where its tests are, and their inputs and outputs as values. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  decodeValue,
  readTensor,
  type GraphProto,
  type OptionalProto,
  type SequenceProto,
  type TypeProto,
} from "../../../compiler/frontend/onnx/index.ts";
import { optional, sequence, type Value } from "../../../compiler/ir/index.ts";

/** The folders of a suite that hold one test each; `light` and `real` are networks of their own. */
export const GROUPS = ["node", "simple", "pytorch-operator", "pytorch-converted"] as const;

export interface SuiteTest {
  readonly test: string;
  readonly group: string;
  readonly folder: string;
}

export interface DataSet {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

/** All tests below a suite's folder, or below its `data`, in a stable order. */
export function suiteTests(suite: string): SuiteTest[] {
  const root = existsSync(join(suite, "data")) ? join(suite, "data") : suite;
  return GROUPS.filter((group) => existsSync(join(root, group))).flatMap((group) =>
    readdirSync(join(root, group))
      .sort()
      .map((test) => ({ test, group, folder: join(root, group, test) })),
  );
}

/** The data sets of a test, decoded by the types that the model declares. */
export function dataSets(folder: string, graph: GraphProto): DataSet[] {
  const initialized = new Set((graph.initializer ?? []).map(({ name }) => name));
  const inputs = (graph.input ?? []).filter(({ name }) => !initialized.has(name));
  const sets = readdirSync(folder).filter((name) => name.startsWith("test_data_set_"));
  return sets.sort().map((name) => ({
    name,
    inputs: readValues(
      join(folder, name),
      "input",
      inputs.map(({ type }) => type),
    ),
    outputs: readValues(
      join(folder, name),
      "output",
      (graph.output ?? []).map(({ type }) => type),
    ),
  }));
}

type Declared = TypeProto | null | undefined;

function readValues(folder: string, kind: string, types: readonly Declared[]): Value[] {
  const count = readdirSync(folder).filter((name) => name.startsWith(`${kind}_`)).length;
  return Array.from({ length: count }, (_, index) =>
    readValue(readFileSync(join(folder, `${kind}_${index}.pb`)), types[index]),
  );
}

function readValue(bytes: Uint8Array, type: Declared): Value {
  if (type?.sequenceType) return sequenceFrom(decodeValue("sequence", bytes));
  if (type?.optionalType) return optionalFrom(decodeValue("optional", bytes));
  return readTensor(decodeValue("tensor", bytes), "the file");
}

function sequenceFrom(message: SequenceProto): Value {
  const tensors = (message.tensorValues ?? []).map((each) => readTensor(each, "the file"));
  return sequence([...tensors, ...(message.sequenceValues ?? []).map(sequenceFrom)]);
}

function optionalFrom(message: OptionalProto): Value {
  if (message.tensorValue) return optional(readTensor(message.tensorValue, "the file"));
  if (message.sequenceValue) return optional(sequenceFrom(message.sequenceValue));
  return optional(undefined);
}
