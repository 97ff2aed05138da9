/** `retile agent run`: one inference of a registered model with the driver that the device runs. */
import type { Agent, RegisteredModel } from "../../device-agent/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { readTensors, writeTensors } from "../tensor-files.ts";

export interface AgentRunOptions {
  readonly model: string;
  readonly inputs: string;
  readonly outputs: string;
}

export interface AgentRun {
  /** Time on the chip. */
  readonly microseconds: number;
  readonly outputs: readonly string[];
}

export async function runRegistered(
  agent: Agent,
  options: AgentRunOptions,
): Promise<Result<AgentRun>> {
  const model = await findModel(agent, options.model);
  if (!model.ok) return model;
  const given = await readTensors(options.inputs);
  if (!given.ok) return given;
  const values = new Map([...given.value].map(([name, tensor]) => [name, tensor.values]));
  const ran = await agent.run(model.value.id, values);
  if (!ran.ok) return ran;
  const { outputs, timing } = ran.value;
  const tensors = model.value.outputs.map(({ name, shape }) => {
    return [name, { shape, values: present(outputs.get(name), `output ${name}`) }] as const;
  });
  await writeTensors(options.outputs, new Map(tensors));
  return succeeded({ microseconds: timing.microseconds, outputs: [...outputs.keys()] });
}

async function findModel(agent: Agent, name: string): Promise<Result<RegisteredModel>> {
  const models = await agent.models();
  if (!models.ok) return models;
  const found = models.value.find(({ id }) => id === name);
  return found ? succeeded(found) : failed("MODEL_UNKNOWN", `no model ${name} is registered`);
}
