/** The zoo's integer models as imported: programs equal the evaluator in every bit, or say what they lack. */
import { describe, expect, test } from "@jest/globals";
import { importModel } from "../../../../compiler/frontend/import.ts";
import { closeGraph } from "../../../../compiler/ir/index.ts";
import type { Graph, Node } from "../../../../compiler/ir/index.ts";
import { lowerGraph } from "../../../../compiler/lower/index.ts";
import { adopt, optimize } from "../../../../compiler/passes/index.ts";
import { RELEASES } from "../../../../compiler/releases/index.ts";
import { present } from "../../../../protocol/base/assert.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import type { Result } from "../../../../protocol/base/result.ts";
import { zooAbsence, zooFile, zooManifest, zooPresent } from "../frontend/zoo.ts";
import { kernels } from "../../../support/chip-run.ts";
import { checkGraph, CHIPS } from "./chip.ts";

const TARGETS = CHIPS.map((soc) => ({ version: "1.1.0", soc }));
const recipe = present(RELEASES.get("1.1.0"), "release 1.1.0");

/** What stands between a model and the HTP; every other one runs. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  "lyra-decoder": /works on f32/,
  "ssd-mobilenet-v1-u8": /\(anchored_detection\) works on f32/,
};

const models = zooPresent ? zooManifest().filter(({ quantized }) => /^u?int/.test(quantized)) : [];

function storedGraph(file: string): Result<Graph> {
  const imported = unwrap(importModel(zooFile(file), { inputShapes: new Map() }));
  return adopt(optimize(unwrap(closeGraph(imported))));
}

/** Random numbers leave little in a network's last layer: whatever else is computed is compared too. */
function everyValue(graph: Graph): Graph {
  const isComputed = ({ op }: Node): boolean => op !== "reshape" && op !== "transpose";
  const computed = graph.nodes.filter(isComputed).flatMap(({ outputs }) => outputs);
  return { ...graph, outputs: [...new Set([...computed, ...graph.outputs])] };
}

(zooPresent ? describe : describe.skip)(
  `integer models${zooPresent ? "" : `: ${zooAbsence}`}`,
  () => {
    test("are all named here or run", () => {
      expect(models.length).toBe(16);
    });
    for (const { name, file } of models) {
      const refusal = REFUSED[name];
      if (refusal === undefined) {
        test(
          `${name} equals the evaluator`,
          () => checkGraph(everyValue(unwrap(storedGraph(file))), 1, TARGETS),
          60_000,
        );
        continue;
      }
      test(`${name} is refused`, () => {
        const soc = present(CHIPS[0], "a chip");
        const graph = storedGraph(file);
        const options = recipe.lowering;
        const lowered = graph.ok
          ? lowerGraph({ graph: graph.value, soc, kernels, options })
          : graph;
        expect(lowered).toMatchObject({ ok: false, code: "UNSUPPORTED_OP" });
        expect(lowered.ok ? "" : lowered.message).toMatch(refusal);
        expect(lowered.ok ? {} : lowered.details).toHaveProperty("operator");
      });
    }
  },
);
