/** `retile keys`: the offline ceremony, and who may sign what. */
import type { Command } from "commander";
import { brand } from "../../protocol/base/brand.ts";
import type { TenantId } from "../../protocol/base/brand.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { handle, settingFlags } from "../command.ts";
import { PASSPHRASE_OPTION, readPassphrase } from "../keys/passphrase.ts";
import { connect, OPERATOR_SETTINGS } from "../operator/connect.ts";
import { registerHolderCommands } from "./keys-holders.ts";

interface InitOptions {
  readonly offline: string;
  readonly publish: boolean;
  readonly passphraseFile?: string;
}

const OFFLINE = "--offline <folder>";

export function register(program: Command): void {
  const keys = program.command("keys").description("Draw, publish and list signing keys");
  registerInit(keys);
  registerPublish(keys);
  registerList(keys);
  registerHolderCommands(keys);
}

function registerInit(keys: Command): void {
  const init = keys
    .command("init")
    .description("Draw root and targets keys offline, sign their first metadata and publish it")
    .requiredOption(OFFLINE, "where to keep the keys; it never leaves this machine")
    .option(...PASSPHRASE_OPTION)
    .option("--no-publish", "only sign; `retile keys publish` hands it to the server");
  settingFlags(init, ...OPERATOR_SETTINGS, "tenant", "server.production").action(
    handle<InitOptions>(async ({ options, config, output }) => {
      const { initialiseKeys } = await import("../keys/initialise.ts");
      const client = unwrap(await connect(config));
      const { offline, publish } = options;
      const demo = !config["server.production"].value;
      const tenant = brand<TenantId>(config.tenant.value);
      const passphrase = unwrap(readPassphrase(options.passphraseFile));
      const request = { offline, tenant, demo, publish, passphrase };
      const versions = unwrap(await initialiseKeys(client, request));
      if (demo) output.say("These are demo keys: --server-production draws real ones.");
      const summary = { offline, demo, published: versions !== undefined, versions };
      output.report({ name: "keys init", rows: [], summary });
    }),
  );
}

function registerPublish(keys: Command): void {
  const publish = keys
    .command("publish")
    .description("Hand the newest signed metadata of an offline folder to the server")
    .requiredOption(OFFLINE, "folder of the offline keys");
  settingFlags(publish, ...OPERATOR_SETTINGS).action(
    handle<Pick<InitOptions, "offline">>(async ({ options, config, output }) => {
      const { publishKept } = await import("../keys/initialise.ts");
      const client = unwrap(await connect(config));
      const versions = unwrap(await publishKept(client, options.offline));
      output.report({ name: "keys publish", rows: [], summary: { versions } });
    }),
  );
}

function registerList(keys: Command): void {
  const list = keys
    .command("list")
    .description("Print who may sign what, and until when the newest metadata holds")
    .option(OFFLINE, "also say which of the keys this folder holds");
  settingFlags(list, ...OPERATOR_SETTINGS, "tenant").action(
    handle<{ readonly offline?: string }>(async ({ options, config, output }) => {
      const { listKeys } = await import("../keys/list.ts");
      const client = unwrap(await connect(config));
      const tenant = brand<TenantId>(config.tenant.value);
      const listed = unwrap(await listKeys(client, { tenant, ...options }));
      const rows = listed.map((row) => ({ ...row }));
      output.report({ name: "keys list", rows, summary: { keys: rows.length } });
    }),
  );
}
