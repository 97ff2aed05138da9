/**
 * A device as a process of its own, to be killed at any moment. Bundled before it is run.
 *
 *     node agent-process.mjs '{"mode": "prepare" | "finish", …}'
 *
 * prepare: factory driver, enrolment, one model. finish: runs the model, polls until there is nothing left to
 * do, runs it again. Prints one JSON object a line.
 */
import { readFileSync } from "node:fs";
import { createAgent } from "../../device-agent/index.ts";
import { machineClock } from "../../device-agent/shell/clock.ts";
import { machineSandboxTools } from "../../device-agent/shell/processes.ts";
import { socNamed } from "../../device-agent/soc/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { instant } from "../../protocol/base/brand.ts";
import { utf8 } from "../../protocol/base/bytes.ts";
import { unwrap } from "../../protocol/base/result.ts";
import type { AgentOptions } from "../../device-agent/index.ts";

export interface ProcessOrder {
  readonly mode: "prepare" | "finish";
  readonly directory: string;
  readonly serverUrl: string;
  readonly childScript: string;
  readonly tenant: AgentOptions["tenant"];
  readonly device: AgentOptions["device"];
  /** The time at which the process starts. */
  readonly now: number;
  /** Files, for `prepare`. */
  readonly bundle: string;
  readonly root: string;
}

export type ProcessLine =
  | { readonly kind: "ran"; readonly driver: string; readonly isRight: boolean }
  | { readonly kind: "polled"; readonly outcome: string };

const MODEL = "identity" as Parameters<ReturnType<typeof createAgent>["run"]>[0];
const VALUE = 1;
const ELEMENTS = 128;
const POLLS_MAX = 5;

const order = JSON.parse(present(process.argv[2], "an order")) as ProcessOrder;
const agent = createAgent({
  directory: order.directory,
  tenant: order.tenant,
  device: order.device,
  soc: present(socNamed("sm8650"), "sm8650"),
  serverUrl: order.serverUrl,
  tools: machineSandboxTools(order.childScript),
  clock: {
    ...machineClock,
    now: () => instant(order.now + Math.round(performance.now())),
  },
});
if (order.mode === "prepare") await prepare();
else await finish();

async function prepare(): Promise<void> {
  unwrap(await agent.init(readFileSync(order.bundle), readFileSync(order.root)));
  unwrap(await agent.enrol("token"));
  const inputs = { inputShapes: [], calibration: [], goldenInputs: [] };
  const model = { id: MODEL, format: "onnx" as const, bytes: utf8("a model"), ...inputs };
  unwrap(await agent.registerModel(model));
}

async function finish(): Promise<void> {
  await runModel();
  for (let polls = 0; polls < POLLS_MAX; polls++) {
    const outcome = unwrap(await agent.poll());
    say({ kind: "polled", outcome: outcome.kind });
    if (outcome.kind === "held") break;
  }
  await runModel();
}

async function runModel(): Promise<void> {
  const inputs = new Map([["x", new Float32Array(ELEMENTS).fill(VALUE)]]);
  const { outputs } = unwrap(await agent.run(MODEL, inputs));
  const values = present(outputs.get("y"), "y");
  const isRight = values.length === ELEMENTS && values.every((value) => value === VALUE);
  const { current } = unwrap(await agent.status());
  say({ kind: "ran", driver: current.version, isRight });
}

function say(line: ProcessLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
