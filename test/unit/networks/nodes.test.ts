import { expect, test } from "@jest/globals";
import { ZOO } from "../../../cli/models/zoo.ts";
import { TARGETS } from "../../support/zoo-networks.ts";
import { checkNodes } from "./nodes.ts";

/** Each with one of the targets as a whole; the slow suite runs all. The classifier has a test of its own. */
const CASES = ZOO.filter(({ name }) => name !== "ocr-classifier").map(
  ({ name }, index) => [name, TARGETS.slice(index, index + 1)] as const,
);

/** About 12 s on one free core. */
const TIMEOUT_MS = 120_000;

test.each(CASES)(
  "%s gives the bits of its nodes, each judged by the evaluator in samples",
  async (name, whole) => {
    expect(whole).toHaveLength(1);
    expect(await checkNodes(name, whole)).toEqual([]);
  },
  TIMEOUT_MS,
);
