/** `retile keys`: the offline ceremony, what goes to and comes from the server, and who may sign what. */
import type { Command } from "commander";
import { brand, instant } from "../../protocol/base/brand.ts";
import type { TenantId } from "../../protocol/base/brand.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { handle, settingFlags } from "../command.ts";
import { PASSPHRASE_OPTION, readPassphrase } from "../keys/passphrase.ts";
import { signedRows } from "../keys/signed-rows.ts";
import { connect, OPERATOR_SETTINGS } from "../operator/connect.ts";
import { readInput } from "../read-input.ts";
import { registerDelegationCommands } from "./keys-delegations.ts";
import { registerHolderCommands } from "./keys-holders.ts";
import { registerTopTargetCommands } from "./keys-top-targets.ts";

interface InitOptions {
  readonly offline: string;
  readonly publish: boolean;
  readonly families?: string;
  readonly passphraseFile?: string;
}

const OFFLINE = "--offline <folder>";

export function register(program: Command): void {
  const keys = program.command("keys").description("Draw, publish, change and list signing keys");
  registerInit(keys);
  registerPublish(keys);
  registerFetch(keys);
  registerList(keys);
  registerHolderCommands(keys);
  registerDelegationCommands(keys);
  registerTopTargetCommands(keys);
}

function registerInit(keys: Command): void {
  const init = keys
    .command("init")
    .description(
      "Draw the keys of root, targets and every SoC family's role offline, sign their first metadata and publish it",
    )
    .requiredOption(OFFLINE, "where to keep the keys; it never leaves this machine")
    .option("--families <names>", "comma-separated SoC families; the default is every known chip")
    .option(...PASSPHRASE_OPTION)
    .option("--no-publish", "only sign; `retile keys publish` hands it to the server");
  settingFlags(init, ...OPERATOR_SETTINGS, "tenant", "server.production").action(
    handle<InitOptions>(async ({ options, config, output }) => {
      const { initialiseKeys } = await import("../keys/initialise.ts");
      const { familiesFrom } = await import("../soc.ts");
      const client = unwrap(await connect(config));
      const { offline: folder, publish } = options;
      const families = familiesFrom(options.families);
      const demo = !config["server.production"].value;
      const tenant = brand<TenantId>(config.tenant.value);
      const passphrase = unwrap(readPassphrase(options.passphraseFile));
      const progress = output.progress("roles with keys", families.length + 2);
      const now = instant(Date.now());
      const ceremony = {
        ...{ folder, tenant, demo, passphrase, families, now },
        onKeys: (role: string) => progress.advance(1, role),
      };
      const { signed, versions } = unwrap(await initialiseKeys(client, ceremony, publish));
      progress.finish();
      if (demo) output.say("These are demo keys: --server-production draws real ones.");
      const summary = { offline: folder, demo, published: versions !== undefined, versions };
      output.report({ name: "keys init", rows: signedRows(signed), summary });
    }),
  );
}

function registerPublish(keys: Command): void {
  const publish = keys
    .command("publish")
    .description("Hand what an offline folder has signed, and the server has not published, to it")
    .requiredOption(OFFLINE, "folder of the offline keys");
  settingFlags(publish, ...OPERATOR_SETTINGS).action(
    handle<Pick<InitOptions, "offline">>(async ({ options, config, output }) => {
      const { publishFolder } = await import("../keys/outgoing.ts");
      const client = unwrap(await connect(config));
      const versions = unwrap(await publishFolder(client, options.offline));
      if (!versions) output.say("The server has published all of it; nothing is new.");
      const summary = { published: versions !== undefined, versions };
      output.report({ name: "keys publish", rows: [], summary });
    }),
  );
}

interface FetchOptions {
  readonly offline: string;
  readonly root?: string;
}

function registerFetch(keys: Command): void {
  const fetch = keys
    .command("fetch")
    .description(
      "Bring the newest published metadata into an offline folder, verified from its root",
    )
    .requiredOption(OFFLINE, "folder of the offline keys")
    .option("--root <file>", "root metadata to trust, where the folder has none yet");
  settingFlags(fetch, ...OPERATOR_SETTINGS).action(
    handle<FetchOptions>(async ({ options, config, output }) => {
      const { fetchMetadata } = await import("../keys/fetch-metadata.ts");
      const client = unwrap(await connect(config));
      const root = options.root === undefined ? undefined : unwrap(await readInput(options.root));
      const request = { folder: options.offline, root, now: Date.now() };
      const fetched = unwrap(await fetchMetadata(client, request));
      const rows = fetched.map((row) => ({ ...row }));
      const fresh = fetched.filter(({ version, before }) => version !== before).length;
      output.report({ name: "keys fetch", rows, summary: { roles: rows.length, fresh } });
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
