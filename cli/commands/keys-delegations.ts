/** `retile keys delegate | retire | renew`: roles of SoC families and kernel vendors, and metadata that is about to run out. */
import type { Command } from "commander";
import { failed, unwrap } from "../../protocol/base/result.ts";
import { handle, settingFlags, wholeNumber } from "../command.ts";
import { PASSPHRASE_OPTION } from "../keys/passphrase.ts";
import { reportSigned } from "../keys/signed-rows.ts";
import { OFFLINE_OPTION, signingFrom } from "../keys/signing-options.ts";
import type { SigningOptions } from "../keys/signing-options.ts";

export function registerDelegationCommands(keys: Command): void {
  registerDelegate(keys);
  registerRetire(keys);
  registerRenew(keys);
}

interface DelegateOptions extends SigningOptions {
  readonly count: number;
  readonly threshold: number;
  readonly public?: string;
}

function registerDelegate(keys: Command): void {
  const delegate = keys
    .command("delegate")
    .description(
      "Let roles of their own list a family's drivers or a vendor's kernels; what the top-level role listed of them moves",
    )
    .argument("<role...>", "drivers-FAMILY or kernels-VENDOR")
    .requiredOption(...OFFLINE_OPTION)
    .option("--count <number>", "fresh keys for each", wholeNumber, 2)
    .option("--threshold <number>", "how many of them must sign", wholeNumber, 2)
    .option(
      "--public <file>",
      "public keys from `keys create` elsewhere, in the place of fresh ones",
    )
    .option(...PASSPHRASE_OPTION);
  settingFlags(delegate, "server.production").action(
    handle<DelegateOptions>(async ({ options, args: roles, config, output }) => {
      const { changeKeys } = await import("../keys/change-keys.ts");
      const { readPublicKeyFile } = await import("../keys/public-keys.ts");
      const { count, threshold, offline } = options;
      if (options.public !== undefined && roles.length > 1) {
        return unwrap(failed("USAGE", "--public holds the keys of one role: name that one alone"));
      }
      const publicKeys = unwrap(await readPublicKeyFile(options.public, roles[0] ?? ""));
      const change = { kind: "delegate", roles, count, threshold } as const;
      const given = publicKeys && { publicKeys };
      const signing = signingFrom(options, config);
      const documents = unwrap(await changeKeys(signing, { ...change, ...given }));
      reportSigned(output, "keys delegate", { documents, offline });
    }),
  );
}

function registerRetire(keys: Command): void {
  const retire = keys
    .command("retire")
    .description("Delegate nothing to a role any more: no device installs what it lists")
    .argument("<role>", "drivers-FAMILY or kernels-VENDOR")
    .requiredOption(...OFFLINE_OPTION)
    .option(...PASSPHRASE_OPTION);
  settingFlags(retire, "server.production").action(
    handle<SigningOptions>(async ({ options, args, config, output }) => {
      const { changeKeys } = await import("../keys/change-keys.ts");
      const [role = ""] = args;
      const signing = signingFrom(options, config);
      const documents = unwrap(await changeKeys(signing, { kind: "retire", role }));
      reportSigned(output, "keys retire", { documents, offline: options.offline });
    }),
  );
}

function registerRenew(keys: Command): void {
  const renew = keys
    .command("renew")
    .description("Sign the next version of roles as they are, with a later expiry")
    .argument("<role...>", "root, targets or delegated roles, as `keys calendar` finds them due")
    .requiredOption(...OFFLINE_OPTION)
    .option(...PASSPHRASE_OPTION);
  settingFlags(renew, "server.production").action(
    handle<SigningOptions>(async ({ options, args: roles, config, output }) => {
      const { renewRoles } = await import("../keys/change-keys.ts");
      const documents = unwrap(await renewRoles(signingFrom(options, config), roles));
      reportSigned(output, "keys renew", { documents, offline: options.offline });
    }),
  );
}
