/** `retile keys create | sign | rotate | revoke | calendar`: what holders of offline keys do, without any server but for its public keys. */
import { join } from "node:path";
import type { Command } from "commander";
import { failed, unwrap } from "../../protocol/base/result.ts";
import { handle, settingFlags, wholeNumber } from "../command.ts";
import { PASSPHRASE_OPTION } from "../keys/passphrase.ts";
import { reportSigned } from "../keys/signed-rows.ts";
import { OFFLINE_OPTION, signingFrom } from "../keys/signing-options.ts";
import type { SigningOptions } from "../keys/signing-options.ts";
import { connect, OPERATOR_SETTINGS } from "../operator/connect.ts";

export function registerHolderCommands(keys: Command): void {
  registerCreate(keys);
  registerSign(keys);
  registerRotate(keys);
  registerRevoke(keys);
  registerCalendar(keys);
}

interface CreateOptions extends SigningOptions {
  readonly count: number;
}

function registerCreate(keys: Command): void {
  const create = keys
    .command("create")
    .description(
      "Draw keys of a role into a folder of its holder's own, and write their public halves",
    )
    .argument("<role>", "root, targets, drivers-FAMILY or kernels-VENDOR")
    .requiredOption(...OFFLINE_OPTION)
    .option("--count <number>", "how many", wholeNumber, 2)
    .option(...PASSPHRASE_OPTION);
  settingFlags(create, "server.production").action(
    handle<CreateOptions>(async ({ options, args, config, output }) => {
      const { createKeys, isOfflineRole } = await import("../keys/key-files.ts");
      const { writePublicKeys } = await import("../keys/public-keys.ts");
      const [role = ""] = args;
      if (!isOfflineRole(role)) return unwrap(failed("ROLE_UNKNOWN", `there is no role ${role}`));
      const { count } = options;
      const made = unwrap(await createKeys({ ...signingFrom(options, config), role, count }));
      const file = join(options.offline, `${role}.public.json`);
      const publicKeys = made.map(({ publicKey }) => publicKey);
      await writePublicKeys(file, role, publicKeys);
      const rows = made.map(({ keyId }) => ({ role, key: keyId }));
      const next = `retile keys delegate ${role} --public ${file} (or keys rotate), where the targets keys are`;
      output.report({ name: "keys create", rows, summary: { role, file, next } });
    }),
  );
}

interface SignOptions extends SigningOptions {
  readonly authority?: string;
  readonly role?: string;
}

function registerSign(keys: Command): void {
  const sign = keys
    .command("sign")
    .description(
      "Add this folder's signatures to a metadata file, and take it as the newest once enough have signed; exit 1 while others are missing",
    )
    .argument("<file>", "metadata of root, targets or a delegated role, on its way between holders")
    .requiredOption(...OFFLINE_OPTION)
    .option(
      "--authority <file>",
      "root (targets, for a delegated role) that says whose signatures count; default: the folder's own",
    )
    .option("--role <name>", "whose metadata it is, where the file's name does not tell")
    .option(...PASSPHRASE_OPTION);
  settingFlags(sign, "server.production").action(
    handle<SignOptions>(async ({ options, args, config, output }) => {
      const { signFile } = await import("../keys/sign-file.ts");
      const { authority, role, offline } = options;
      const request = { ...signingFrom(options, config), authority, role, file: args[0] ?? "" };
      const documents = unwrap(await signFile(request));
      reportSigned(output, "keys sign", { documents, offline });
      return documents.every(({ isComplete }) => isComplete) ? "ok" : "failed";
    }),
  );
}

interface RotateOptions extends SigningOptions {
  readonly public?: string;
}

function registerRotate(keys: Command): void {
  const rotate = keys
    .command("rotate")
    .description("Sign the next root or targets with fresh keys for a role, and what rests on them")
    .argument(
      "<role>",
      "root, targets, a delegated role, or online: the server's own, as it has them now",
    )
    .requiredOption(...OFFLINE_OPTION)
    .option(
      "--public <file>",
      "public keys from `keys create` elsewhere, in the place of fresh ones",
    )
    .option(...PASSPHRASE_OPTION);
  settingFlags(rotate, ...OPERATOR_SETTINGS, "server.production").action(
    handle<RotateOptions>(async ({ options, args, config, output }) => {
      const { changeKeys } = await import("../keys/change-keys.ts");
      const { readPublicKeyFile } = await import("../keys/public-keys.ts");
      const [role = ""] = args;
      const signing = signingFrom(options, config);
      const online =
        role === "online" ? unwrap(await unwrap(await connect(config)).onlineKeys()) : undefined;
      const publicKeys = unwrap(await readPublicKeyFile(options.public, role));
      const change = online
        ? ({ kind: "online", keys: online } as const)
        : ({ kind: "rotate", role, ...(publicKeys && { publicKeys }) } as const);
      const documents = unwrap(await changeKeys(signing, change));
      reportSigned(output, "keys rotate", { documents, offline: options.offline, changed: role });
    }),
  );
}

function registerRevoke(keys: Command): void {
  const revoke = keys
    .command("revoke")
    .description("Sign the next root or targets without a key, and what rests on them")
    .argument("<key>", "its id, as `keys list` prints it")
    .requiredOption(...OFFLINE_OPTION)
    .option(...PASSPHRASE_OPTION);
  settingFlags(revoke, "server.production").action(
    handle<SigningOptions>(async ({ options, args, config, output }) => {
      const { changeKeys } = await import("../keys/change-keys.ts");
      const [keyId = ""] = args;
      const signing = signingFrom(options, config);
      const documents = unwrap(await changeKeys(signing, { kind: "revoke", keyId }));
      reportSigned(output, "keys revoke", { documents, offline: options.offline, revoked: keyId });
    }),
  );
}

function registerCalendar(keys: Command): void {
  keys
    .command("calendar")
    .description("Print when what the offline keys signed runs out; exit 1 when something is due")
    .requiredOption(...OFFLINE_OPTION)
    .option("--within <days>", "what runs out this soon is due", wholeNumber, 30)
    .action(
      handle<{ readonly offline: string; readonly within: number }>(async ({ options, output }) => {
        const { expiryCalendar } = await import("../keys/calendar.ts");
        const { offline, within } = options;
        const rows = unwrap(await expiryCalendar(offline, { now: Date.now(), withinDays: within }));
        const due = rows.filter((row) => row.due).length;
        const dated = rows.map((row) => ({ ...row }));
        output.report({
          name: "keys calendar",
          rows: dated,
          summary: { documents: rows.length, due },
        });
        return due === 0 ? "ok" : "failed";
      }),
    );
}
