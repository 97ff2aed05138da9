/** `retile agent`: a device on this machine, with a simulated chip. */
import type { Command } from "commander";
import type { Agent } from "../../device-agent/index.ts";
import { brand, isIdentifier } from "../../protocol/base/brand.ts";
import type { ModelId } from "../../protocol/base/brand.ts";
import { failed, unwrap } from "../../protocol/base/result.ts";
import type { AgentRunOptions } from "../agent/run.ts";
import { registerOffline } from "../offline/commands.ts";
import type { RegisterOptions } from "../agent/register.ts";
import { handle, settingFlags } from "../command.ts";
import type { Config } from "../config.ts";
import type { Output, Row } from "../output.ts";
import { agentFolder } from "../places.ts";
import { readInput } from "../read-input.ts";
import { AGENT_SETTINGS } from "../settings.ts";
import { stopSignal } from "../stop-signal.ts";
import { describeSettings, registerSettings } from "./agent-settings.ts";
import { registerTuf } from "./agent-tuf.ts";

export function register(program: Command): void {
  const agent = program
    .command("agent")
    .description("Be a device: install, enrol, register models, update, run");
  registerInit(agent);
  registerEnrol(agent);
  registerRegister(agent);
  registerUnregister(agent);
  registerPoll(agent);
  registerOffline(agent);
  registerRun(agent);
  registerStatus(agent);
  registerSettings(agent);
  registerTuf(agent);
}

async function open(config: Config, output: Output, device?: string): Promise<Agent> {
  const { openAgent } = await import("../agent/open.ts");
  return unwrap(await openAgent(config, output, device));
}

interface InitOptions {
  readonly factory: string;
  readonly root: string;
  readonly device?: string;
}

function registerInit(agent: Command): void {
  const init = agent
    .command("init")
    .description("Install the factory driver and the root of trust, as a factory does")
    .requiredOption("--factory <bundle>", "bundle of the driver that is never replaced")
    .requiredOption("--root <file>", "root.json that the device trusts first")
    .option("--device <name>", "name of the device; default: this machine's");
  settingFlags(init, ...AGENT_SETTINGS).action(
    handle<InitOptions>(async ({ options, config, output }) => {
      const { factory, root, device } = options;
      if (device !== undefined && !isIdentifier(device)) {
        return unwrap(failed("USAGE", `"${device}" is no name for a device`));
      }
      const [bundle, trustedRoot] = [
        unwrap(await readInput(factory)),
        unwrap(await readInput(root)),
      ];
      const opened = await open(config, output, device);
      unwrap(await opened.init(bundle, trustedRoot));
      const { device: id, soc, current } = unwrap(await opened.status());
      const summary = { device: id, soc, driver: current.version, folder: agentFolder(config) };
      output.report({ name: "agent init", rows: [], summary });
    }),
  );
}

function registerEnrol(agent: Command): void {
  const enrol = agent
    .command("enrol")
    .description("Enrol the device with the server")
    .requiredOption("--token <token>", "enrolment token, from `retile devices token`");
  settingFlags(enrol, ...AGENT_SETTINGS).action(
    handle<{ readonly token: string }>(async ({ options, config, output }) => {
      const opened = await open(config, output);
      unwrap(await opened.enrol(options.token));
      const { device, tenant } = unwrap(await opened.status());
      output.report({ name: "agent enrol", rows: [], summary: { device, tenant } });
    }),
  );
}

function registerRegister(agent: Command): void {
  const command = agent
    .command("register")
    .description("Register a model: record goldens and encodings once, compile it")
    .argument("<model>", "an ONNX file, or the name of a zoo model")
    .option("--name <name>", "name on this device; default: the file's")
    .option("--shape <shapes>", "shapes of inputs that the model leaves open: input=1x3x48x192,…")
    .option("--calibration <folders...>", "inputs to calibrate on, one folder a run")
    .option("--goldens <folders...>", "inputs that outputs are compared on, one folder a run");
  settingFlags(command, ...AGENT_SETTINGS).action(
    handle<Omit<RegisterOptions, "model">>(async ({ options, args, config, output }) => {
      const { modelToRegister } = await import("../agent/register.ts");
      const model = unwrap(await modelToRegister({ ...options, model: args[0] ?? "" }));
      const opened = await open(config, output);
      const { id, sha256, goldens, goldensFrom, referenceMicroseconds } = unwrap(
        await opened.registerModel(model),
      );
      const summary = { model: id, sha256, goldens: goldens.length, referenceMicroseconds };
      const goldensBy = goldensFrom.version;
      output.report({ name: "agent register", rows: [], summary: { ...summary, goldensBy } });
    }),
  );
}

function registerUnregister(agent: Command): void {
  const command = agent
    .command("unregister")
    .description("Forget a model")
    .argument("<model>", "its name on this device");
  settingFlags(command, ...AGENT_SETTINGS).action(
    handle(async ({ args, config, output }) => {
      const model = args[0] ?? "";
      const opened = await open(config, output);
      if (!unwrap(await opened.models()).some(({ id }) => id === model)) {
        return unwrap(failed("MODEL_UNKNOWN", `no model ${model} is registered`));
      }
      unwrap(await opened.unregisterModel(brand<ModelId>(model)));
      output.report({ name: "agent unregister", rows: [], summary: { model } });
    }),
  );
}

function registerPoll(agent: Command): void {
  const poll = agent
    .command("poll")
    .description("Check in once and carry out the update that it brings; exit 1 when it is refused")
    .option("--watch", "go on until Ctrl-C");
  settingFlags(poll, ...AGENT_SETTINGS, "agent.pollSeconds").action(
    handle<{ readonly watch?: boolean }>(async ({ options, config, output }) => {
      const { describeOutcome, pollUntilStopped, updateOf, updateRows, UPDATE_COLUMNS } =
        await import("../agent/poll.ts");
      const opened = await open(config, output);
      const { value: seconds, origin } = config["agent.pollSeconds"];
      const everySeconds = origin.kind === "default" ? undefined : seconds;
      const outcome = unwrap(
        options.watch
          ? await pollUntilStopped(opened, { everySeconds, stop: stopSignal() }, output)
          : await opened.poll(),
      );
      const update = updateOf(outcome);
      const { scoreBefore = null, scoreAfter = null } = update ?? {};
      const text = describeOutcome(outcome);
      const summary = { outcome: outcome.kind, text, scoreBefore, scoreAfter };
      const rows = updateRows(update?.models ?? []);
      output.report({ name: "agent poll", rows, summary }, UPDATE_COLUMNS);
      return outcome.kind === "refused" || outcome.kind === "waiting" ? "failed" : "ok";
    }),
  );
}

function registerRun(agent: Command): void {
  const run = agent
    .command("run")
    .description("Run a registered model once on the chip, with the driver that the device has")
    .argument("<model>", "its name on this device")
    .requiredOption("--inputs <folder>", "tensors.json and one raw .bin file a tensor")
    .requiredOption("--outputs <folder>", "write the outputs there, in the same form");
  settingFlags(run, ...AGENT_SETTINGS).action(
    handle<Omit<AgentRunOptions, "model">>(async ({ options, args, config, output }) => {
      const { runRegistered } = await import("../agent/run.ts");
      const opened = await open(config, output);
      const model = args[0] ?? "";
      const { microseconds, outputs } = unwrap(await runRegistered(opened, { ...options, model }));
      const rows = outputs.map((tensor) => ({ output: tensor }));
      output.report({ name: "agent run", rows, summary: { model, microseconds } });
    }),
  );
}

function registerStatus(agent: Command): void {
  const status = agent
    .command("status")
    .description("Print the device's drivers, models and score");
  settingFlags(status, ...AGENT_SETTINGS).action(
    handle(async ({ config, output }) => {
      const { models, current, previous, recovery, ...rest } = unwrap(
        await (await open(config, output)).status(),
      );
      const { device, tenant, soc, sandbox, isEnrolled, update, pendingReports, score, owner } =
        rest;
      const drivers = {
        current: current.version,
        previous: previous?.version ?? null,
        recovery: recovery.version,
      };
      const summary = { device, tenant, soc, sandbox, isEnrolled, ...drivers };
      const work = { update, pendingReports, score, owner: owner && describeSettings(owner) };
      const rows: Row[] = models.map(({ id, microseconds }) => ({ model: id, microseconds }));
      output.report({ name: "agent status", rows, summary: { ...summary, ...work } });
    }),
  );
}
