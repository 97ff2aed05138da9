import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { inspectModel } from "../../../../cli/model/inspect.ts";
import { createOutput } from "../../../../cli/output.ts";
import type { Report } from "../../../../cli/output.ts";
import { smallModel } from "./small-model.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "retile-inspect-"));
  await writeFile(join(folder, "small.onnx"), smallModel());
  await writeFile(join(folder, "open.onnx"), smallModel("batch"));
});

afterAll(() => rm(folder, { recursive: true }));

async function inspected(
  file: string,
  more: { dot?: string; svg?: string; shape?: string; soc?: string } = {},
): Promise<Report> {
  let report: Report | undefined;
  const output = { ...createOutput(true), report: (one: Report) => void (report = one) };
  await inspectModel({ model: join(folder, file), soc: "sm8650", ...more }, output);
  if (report === undefined) throw new Error("nothing was reported");
  return report;
}

test("operators, parameters, work and memory are counted", async () => {
  const { rows, summary } = await inspected("small.onnx");
  expect(rows).toEqual([
    { operator: "conv", count: 1, macs: 16 * 16 * 8 * 27, htp: 1, cpu: 0, reference: 0 },
    { operator: "sigmoid", count: 1, macs: 0, htp: 1, cpu: 0, reference: 0 },
  ]);
  expect(summary).toMatchObject({
    nodes: 2,
    parameters: 216,
    weightBytes: 864,
    macs: 55_296,
    // y and z together, each 8 x 16 x 16 floats.
    activationBytesPeak: 2 * 8 * 256 * 4,
    open: null,
  });
});

test("a model with an open dimension is shown as far as it is known, with what to do", async () => {
  const { rows, summary } = await inspected("open.onnx");
  expect(rows.map(({ operator }) => operator).sort()).toEqual(["conv", "sigmoid"]);
  expect(summary["open"]).toMatch(/give the shapes/);
  const bound = await inspected("open.onnx", { shape: "x=1x3x16x16" });
  expect(bound.summary).toMatchObject({ open: null, macs: 55_296 });
});

test("the picture has a box for every node and an arrow for every value", async () => {
  const files = { dot: join(folder, "small.dot"), svg: join(folder, "small.svg") };
  await inspected("small.onnx", files);
  const dot = await readFile(files.dot, "utf8");
  expect(dot).toMatch(/n0 \[label="conv 8x3x3x3\\n/);
  expect(dot).toMatch(/n0 -> n1 \[label="f32\[1,8,16,16\]"\]/);
  const svg = await readFile(files.svg, "utf8");
  expect(svg.match(/class="node"/g)).toHaveLength(4);
  expect(svg.match(/class="edge"/g)).toHaveLength(3);
});
