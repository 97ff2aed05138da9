/** `retile keys policy | director | create-online`: what only the offline targets keys may say, and the server's next keys. */
import type { Command } from "commander";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { brand } from "../../protocol/base/brand.ts";
import type { TenantId } from "../../protocol/base/brand.ts";
import { failed, unwrap } from "../../protocol/base/result.ts";
import { handle, settingFlags, wholeNumber } from "../command.ts";
import { PASSPHRASE_OPTION } from "../keys/passphrase.ts";
import { reportSigned } from "../keys/signed-rows.ts";
import { OFFLINE_OPTION, signingFrom } from "../keys/signing-options.ts";
import type { SigningOptions } from "../keys/signing-options.ts";
import { connect, OPERATOR_SETTINGS } from "../operator/connect.ts";
import { serverFolder } from "../places.ts";

export function registerTopTargetCommands(keys: Command): void {
  registerPolicy(keys);
  registerDirector(keys);
  registerCreateOnline(keys);
}

interface PolicyOptions extends SigningOptions {
  readonly revoke: readonly string[];
  readonly securityFloor?: string;
  readonly sandbox?: string;
}

function registerPolicy(keys: Command): void {
  const collect = (value: string, before: readonly string[]) => [...before, value];
  const policy = keys
    .command("policy")
    .description(
      "Forbid drivers on one hardware for good: a policy only grows, and no server lifts it",
    )
    .argument("<family>", "the SoC family, for instance sm8650")
    .requiredOption(...OFFLINE_OPTION)
    .option("--revoke <driver>", "a version or a bundle's SHA-256; may repeat", collect, [])
    .option("--security-floor <version>", "no version below this may run any more")
    .option("--sandbox <level>", "strong: try no new driver where the sandbox is only degraded")
    .option(...PASSPHRASE_OPTION);
  settingFlags(policy, "server.production").action(
    handle<PolicyOptions>(async ({ options, args, config, output }) => {
      const { signPolicy } = await import("../keys/hardware-policy.ts");
      const { offline, revoke, securityFloor, sandbox } = options;
      const change = { family: args[0] ?? "", revoke, securityFloor, sandbox };
      const { policy: made, signed } = unwrap(
        await signPolicy(signingFrom(options, config), change),
      );
      reportSigned(output, "keys policy", { documents: [signed], offline, policy: made });
    }),
  );
}

interface DirectorOptions extends SigningOptions {
  readonly days: number;
  readonly newEpoch?: boolean;
}

function registerDirector(keys: Command): void {
  const director = keys
    .command("director")
    .description("Sign the director's next key set, over the key that the server has now")
    .requiredOption(...OFFLINE_OPTION)
    .option("--days <count>", "how long it is valid", wholeNumber, 90)
    .option("--new-epoch", "void every order signed so far, though the key stays")
    .option(...PASSPHRASE_OPTION);
  settingFlags(director, ...OPERATOR_SETTINGS, "tenant", "server.production").action(
    handle<DirectorOptions>(async ({ options, config, output }) => {
      const { signKeySet } = await import("../keys/director-keys.ts");
      const { offline, days, newEpoch = false } = options;
      const online = unwrap(await unwrap(await connect(config)).onlineKeys());
      const tenant = brand<TenantId>(config.tenant.value);
      const request = { tenant, publicKey: online.director, days, newEpoch };
      const { signed, epoch, epochBefore, validUntil } = unwrap(
        await signKeySet(signingFrom(options, config), request),
      );
      const more = { tenant, epoch, epochBefore, validUntil };
      reportSigned(output, "keys director", { documents: [signed], offline, ...more });
    }),
  );
}

function registerCreateOnline(keys: Command): void {
  const create = keys
    .command("create-online")
    .description(
      "On the server's machine: draw its next key of a role, with which it signs from its next start on",
    )
    .argument("<role>", "snapshot, timestamp or director");
  settingFlags(create, "dataDir", "server.production").action(
    handle(async ({ args, config, output }) => {
      const { makeNextKey } = await import("../../server/release/signers/file-vault.ts");
      const { ONLINE_ROLES } = await import("../../server/release/signers/vault.ts");
      const role = ONLINE_ROLES.find((known) => known === args[0]);
      if (!role) return unwrap(failed("USAGE", `there is no online role ${args[0] ?? ""}`));
      const file = makeNextKey(role, {
        folder: join(serverFolder(config), "online"),
        mode: config["server.production"].value ? "production" : "demo",
        randomBytes: (count) => new Uint8Array(randomBytes(count)),
      });
      const change = role === "director" ? "director" : "rotate online";
      const next = `restart the server, then retile keys ${change} --offline KEYS and keys publish`;
      output.report({ name: "keys create-online", rows: [], summary: { role, file, next } });
    }),
  );
}
