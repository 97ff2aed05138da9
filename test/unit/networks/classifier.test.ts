import { expect, test } from "@jest/globals";
import { checkExact } from "./exact.ts";

test("the OCR classifier gives the evaluator's bits in every release on every chip", async () => {
  expect(await checkExact("ocr-classifier")).toEqual([]);
}, 120_000);
