/** Published networks in every precision: what the chip gives equals the evaluator in every bit. */
import { test } from "@jest/globals";
import { PRECISIONS, typedGraph } from "../../../cli/fidelity/parity.ts";
import type { Precision } from "../../../cli/fidelity/parity.ts";
import { importModel } from "../../../compiler/frontend/import.ts";
import { buildModel } from "../../../compiler/models/index.ts";
import { optimize } from "../../../compiler/passes/index.ts";
import { socNamed } from "../../../device-agent/soc/index.ts";
import { present } from "../../../protocol/base/assert.ts";
import { unwrap } from "../../../protocol/base/result.ts";
import { checkGraph } from "../compiler/lower/chip.ts";

/** Squeeze-excite and hard functions; channel shuffles and splits. */
const NETWORKS = ["mobilenet_v3_small", "shufflenet_v2"] as const;
/** The smallest memory, half of fp16, and the chip that most is known of. */
const CHIPS = ["qcm6490", "sm8450", "sm8650"].map((name) => present(socNamed(name), name));
const VERSIONS = ["parity", "1.1.0"];

function check(network: (typeof NETWORKS)[number], precision: Precision): void {
  const graph = optimize(unwrap(importModel(buildModel(network, 7))));
  const chips = CHIPS.filter(({ features }) => precision !== "float" || features.includes("fp16"));
  const targets = chips.flatMap((soc) => VERSIONS.map((version) => ({ version, soc })));
  checkGraph(unwrap(typedGraph(graph, precision)), 5, targets);
}

test.each(
  NETWORKS.flatMap((network) => PRECISIONS.map((precision) => [network, precision] as const)),
)("%s in %s", check);
