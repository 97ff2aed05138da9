import { expect, test } from "@jest/globals";
import { ZOO } from "../../../cli/models/zoo.ts";
import { checkExact } from "./exact.ts";

test.each(ZOO.map(({ name }) => name))(
  "%s gives the evaluator's bits in every release on every chip",
  async (name) => {
    expect(await checkExact(name)).toEqual([]);
  },
);
