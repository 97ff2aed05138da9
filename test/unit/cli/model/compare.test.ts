import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { compareModel } from "../../../../cli/model/compare.ts";
import { createOutput } from "../../../../cli/output.ts";
import type { Report } from "../../../../cli/output.ts";
import { smallModel } from "./small-model.ts";

let folder: string;
let model: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "retile-compare-"));
  model = join(folder, "small.onnx");
  await writeFile(model, smallModel());
});

afterAll(() => rm(folder, { recursive: true }));

async function compared(backend: string): Promise<Report> {
  let report: Report | undefined;
  const output = { ...createOutput(true), report: (one: Report) => void (report = one) };
  await compareModel({ model, backend, soc: "sm8650" }, output);
  if (report === undefined) throw new Error("nothing was reported");
  return report;
}

test("the CPU agrees with the reference in every tensor to float32 rounding", async () => {
  const { rows, summary } = await compared("cpu");
  expect(rows.map(({ operator }) => operator)).toEqual(["conv", "sigmoid"]);
  expect(summary["worstSnrDb"]).toBeGreaterThan(100);
});

test("the int8 HTP shows its quantisation noise, inner values included", async () => {
  const { rows } = await compared("htp");
  expect(rows.map(({ value }) => value)).toEqual(["y", "z"]);
  for (const { snrDb } of rows) {
    expect(snrDb).toBeGreaterThan(25);
    expect(snrDb).toBeLessThan(70);
  }
});

test("a backend that is not there is refused", async () => {
  await expect(compared("gpu")).rejects.toMatchObject({ code: "USAGE" });
});
