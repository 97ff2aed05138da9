/** The builder's networks: published counts, the same bytes for the same seed. */
import { describe, expect, test } from "@jest/globals";
import { importOnnx } from "../../../../compiler/frontend/onnx/index.ts";
import { contentDigest, multiplyAccumulates } from "../../../../compiler/ir/index.ts";
import { buildModel, MODELS } from "../../../../compiler/models/index.ts";
import type { ModelName } from "../../../../compiler/models/index.ts";

/** The digest of the file of seed 1: a change of it changes every recorded result, so it needs a reason. */
const DIGESTS: Readonly<Record<ModelName, string>> = {
  mobilenetV2: "cb0ead9e50476e5a",
  resnet50: "86f0df5cce74c619",
  squeezenet11: "28d58396b009d876",
};

const NAMES = Object.keys(MODELS) as ModelName[];

describe.each(NAMES)("%s", (name) => {
  const file = buildModel(name, 1);
  const imported = importOnnx(file);
  if (!imported.ok) throw new Error(imported.message);
  const graph = imported.value;

  test("has the published multiply-accumulates and edge", () => {
    expect(multiplyAccumulates(graph)).toBe(MODELS[name].multiplyAccumulates);
    expect(graph.types.get("input")).toEqual({ dtype: "f32", shape: [1, 3, 224, 224] });
    expect(graph.types.get("output")).toEqual({ dtype: "f32", shape: [1, 1000] });
  });

  test("is the same file for the same seed", () => {
    expect(contentDigest(file)).toBe(DIGESTS[name]);
  });
});

test("another seed gives another file of the same length", () => {
  const [one, two] = [buildModel("squeezenet11", 1), buildModel("squeezenet11", 2)];
  expect(two.length).toBe(one.length);
  expect(contentDigest(two)).not.toBe(contentDigest(one));
});
