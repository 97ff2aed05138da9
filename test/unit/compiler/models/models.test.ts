/** The builder's networks: published counts, importable files, the same bytes for the same seed. */
import { expect, test } from "@jest/globals";
import { importOnnxMessage } from "../../../../compiler/frontend/onnx/index.ts";
import { contentDigest, multiplyAccumulates } from "../../../../compiler/ir/index.ts";
import { blankModel, buildModel, MODELS } from "../../../../compiler/models/index.ts";
import type { ModelName } from "../../../../compiler/models/index.ts";
import { sharedText } from "../../../support/shared-data.ts";

/** The digest of the file of seed 1: a change of it changes every recorded result, so it needs a reason. */
const DIGESTS = {
  mobilenet_v2: "cb0ead9e50476e5a",
  resnet50: "86f0df5cce74c619",
  squeezenet1_1: "28d58396b009d876",
} as const;

const NAMES = Object.keys(MODELS) as ModelName[];

test.each(NAMES)(
  "%s imports with the counted multiply-accumulates and the published edge",
  (name) => {
    const imported = importOnnxMessage(blankModel(name));
    if (!imported.ok) throw new Error(imported.message);
    const graph = imported.value;
    expect(multiplyAccumulates(graph)).toBe(MODELS[name].multiplyAccumulates);
    const shape = name === "fcn_resnet50" ? [1, 21, 224, 224] : [1, 1000];
    expect(graph.types.get("input")).toEqual({ dtype: "f32", shape: [1, 3, 224, 224] });
    expect(graph.types.get("output")).toEqual({ dtype: "f32", shape });
  },
);

test.each(Object.entries(DIGESTS))("%s is the same file for the same seed", (name, digest) => {
  expect(contentDigest(buildModel(name as ModelName, 1))).toBe(digest);
});

test("another seed gives another file of the same length", () => {
  const [one, two] = [buildModel("squeezenet1_1", 1), buildModel("squeezenet1_1", 2)];
  expect(two.length).toBe(one.length);
  expect(contentDigest(two)).not.toBe(contentDigest(one));
});

/**
 * Their published counts include normalisations and activations, where the others' do not: 2.85 for 2.838 and
 * 0.0566 for 0.0565.
 */
const COUNTED_OTHERWISE: readonly string[] = ["inception_v3", "mobilenet_v3_small"];

test("parameters and GMAC are the published ones, to every printed digit", () => {
  const table = sharedText("networks.csv");
  if (table === undefined) return;
  const rows = table.trim().split("\n").slice(1);
  expect(rows.length).toBe(NAMES.length);
  for (const row of rows) {
    const [name = "", , , parameters = "", gmac = ""] = row.split(",");
    const model = MODELS[name as ModelName];
    expect([name, rounded(model.parameters / 1e6, parameters)]).toEqual([name, parameters]);
    if (gmac === "") continue;
    const counted = model.multiplyAccumulates / 1e9;
    if (COUNTED_OTHERWISE.includes(name))
      expect(Math.abs(counted / Number(gmac) - 1)).toBeLessThan(0.005);
    else expect([name, rounded(counted, gmac)]).toEqual([name, gmac]);
  }
});

/** With as many decimals as the published number. */
function rounded(value: number, published: string): string {
  return value.toFixed((published.split(".")[1] ?? "").length);
}
