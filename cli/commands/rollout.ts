/** `retile rollout`: create, steer and follow rollouts. */
import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { unwrap } from "../../protocol/base/result.ts";
import type { RolloutAction } from "../../protocol/wire/index.ts";
import { handle, settingFlags, wholeNumber } from "../command.ts";
import { connect, OPERATOR_SETTINGS } from "../operator/connect.ts";
import type { PlanOptions } from "../rollout/plan.ts";
import { rolloutRow } from "../rollout/row.ts";

interface CreateOptions extends Omit<PlanOptions, "version"> {
  readonly start?: boolean;
}

export function register(program: Command): void {
  const rollout = program.command("rollout").description("Create, steer and follow rollouts");
  registerCreate(rollout);
  for (const steering of STEERINGS) registerSteering(rollout, steering);
  registerList(rollout);
  registerShow(rollout);
  registerWatch(rollout);
}

function registerCreate(rollout: Command): void {
  const create = rollout
    .command("create")
    .description("Create a rollout as a draft; nothing happens before it is started")
    .argument("<version>", "the published release to roll out")
    .option("--from <version>", "what devices run now; default: the newest release before")
    .option("--id <name>", "name of the rollout; default: to-VERSION")
    .option("--stages <list>", "percentages, with the least devices of each", "10:1,50:1,100:1")
    .option("--margin <share>", "how much slower a model may get; 0.02 is 2 %", share, 0.02)
    .option("--accuracy-floor <db>", "least signal-to-noise ratio of outputs", decimal, 10)
    .option("--failure-budget <share>", "share of devices that may fail", share, 0.1)
    .option("--minimum-devices <count>", "devices that must measure each model", wholeNumber, 3)
    .option("--confidence <share>", "of the gate's statistics, above 0.5", share, 0.95)
    .option("--start", "start it at once");
  settingFlags(create, ...OPERATOR_SETTINGS).action(
    handle<CreateOptions>(async ({ options, args, config, output }) => {
      const { planRollout } = await import("../rollout/plan.ts");
      const client = unwrap(await connect(config));
      const published = unwrap(await client.releases()).map(({ version }) => version);
      const plan = unwrap(planRollout({ ...options, version: args[0] ?? "" }, published));
      let view = unwrap(await client.createRollout(plan));
      const start = { action: "start", because: "Started as it was created." } as const;
      if (options.start) view = unwrap(await client.act(view.id, start));
      else output.say(`Next: retile rollout start ${view.id}`);
      output.report({ name: "rollout create", rows: [rolloutRow(view)], summary: {} });
    }),
  );
}

interface Steering {
  readonly name: string;
  readonly action: RolloutAction["action"];
  readonly description: string;
  /** Recorded when the operator gives no reason; null: they must. */
  readonly because: string | null;
}

const STEERINGS: readonly Steering[] = [
  {
    name: "start",
    action: "start",
    description: "Start a draft",
    because: "Started by an operator.",
  },
  {
    name: "pause",
    action: "pause",
    description: "Pause a rollout; devices keep what they have",
    because: null,
  },
  {
    name: "resume",
    action: "resume",
    description: "Resume a paused rollout",
    because: "Resumed by an operator.",
  },
  {
    name: "abort",
    action: "abort",
    description: "End a rollout for good; devices go back to the version before",
    because: null,
  },
  {
    name: "promote",
    action: "advance",
    description: "Promote a stage that the gate calls underpowered",
    because: null,
  },
];

function registerSteering(rollout: Command, steering: Steering): void {
  const { name, action, description } = steering;
  const command = rollout.command(name).description(description).argument("<rollout>", "its name");
  const flag = [
    "--because <text>",
    "the reason, kept with the rollout and in the audit log",
  ] as const;
  if (steering.because === null) command.requiredOption(...flag);
  else command.option(...flag, steering.because);
  settingFlags(command, ...OPERATOR_SETTINGS).action(
    handle<{ readonly because: string }>(async ({ options, args, config, output }) => {
      const { because } = options;
      const client = unwrap(await connect(config));
      const view = unwrap(await client.act(args[0] ?? "", { action, because }));
      output.report({ name: `rollout ${name}`, rows: [rolloutRow(view)], summary: { because } });
    }),
  );
}

function registerList(rollout: Command): void {
  const list = rollout.command("list").description("List rollouts, newest first");
  settingFlags(list, ...OPERATOR_SETTINGS).action(
    handle(async ({ config, output }) => {
      const rollouts = unwrap(await unwrap(await connect(config)).rollouts());
      const rows = rollouts.map((view) => ({ ...rolloutRow(view), because: view.because ?? null }));
      output.report({ name: "rollout list", rows, summary: { rollouts: rows.length } });
    }),
  );
}

function registerShow(rollout: Command): void {
  const show = rollout
    .command("show")
    .description("Print where a rollout stands and why: stages, evidence, models before and after")
    .argument("<rollout>", "its name");
  settingFlags(show, ...OPERATOR_SETTINGS).action(
    handle(async ({ args, config, output }) => {
      const { picture, reportRollout } = await import("../rollout/show.ts");
      const shown = unwrap(await picture(unwrap(await connect(config)), args[0] ?? ""));
      reportRollout("rollout show", shown, output);
    }),
  );
}

function registerWatch(rollout: Command): void {
  const watch = rollout
    .command("watch")
    .description("Follow a rollout until it completes (exit 0) or halts (exit 1)")
    .argument("<rollout>", "its name")
    .option("--every <seconds>", "time between two looks, at least 1", wholeNumber, 2)
    .option("--timeout <seconds>", "give up after this long; 0 never does", wholeNumber, 0);
  settingFlags(watch, ...OPERATOR_SETTINGS).action(
    handle<{ readonly every: number; readonly timeout: number }>(
      async ({ options, args, config, output }) => {
        const { watchRollout } = await import("../rollout/watch.ts");
        const { picture, reportRollout } = await import("../rollout/show.ts");
        const client = unwrap(await connect(config));
        const id = args[0] ?? "";
        const everySeconds = Math.max(1, options.every);
        const watch = { id, everySeconds, timeoutSeconds: options.timeout };
        const end = unwrap(await watchRollout(client, watch, output));
        reportRollout("rollout watch", unwrap(await picture(client, id)), output);
        return end.state === "completed" ? "ok" : "failed";
      },
    ),
  );
}

function decimal(text: string): number {
  if (!/^-?\d{1,9}(\.\d{1,9})?$/.test(text)) throw new InvalidArgumentError("Not a number.");
  return Number(text);
}

function share(text: string): number {
  const value = decimal(text);
  if (value < 0 || value > 1) throw new InvalidArgumentError("Not a share between 0 and 1.");
  return value;
}
