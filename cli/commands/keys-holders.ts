/** `retile keys sign | rotate | revoke | calendar`: what holders of offline keys do, without any server but for its public keys. */
import { join } from "node:path";
import type { Command } from "commander";
import { instant } from "../../protocol/base/brand.ts";
import { failed, unwrap } from "../../protocol/base/result.ts";
import { handle, settingFlags, wholeNumber } from "../command.ts";
import type { RootChange } from "../keys/next-root.ts";
import { PASSPHRASE_OPTION, readPassphrase } from "../keys/passphrase.ts";
import { connect, OPERATOR_SETTINGS } from "../operator/connect.ts";

interface HolderOptions {
  readonly offline: string;
  readonly passphraseFile?: string;
}

const OFFLINE = ["--offline <folder>", "folder of the offline keys"] as const;

export function registerHolderCommands(keys: Command): void {
  registerSign(keys);
  registerRotate(keys);
  registerRevoke(keys);
  registerCalendar(keys);
}

function registerSign(keys: Command): void {
  keys
    .command("sign")
    .description("Add this folder's signatures to a metadata file; exit 1 while others are missing")
    .argument("<file>", "root or targets metadata, on its way from holder to holder")
    .requiredOption(...OFFLINE)
    .option("--root <file>", "root that says whose signatures count; default: the folder's own")
    .option(...PASSPHRASE_OPTION)
    .action(
      handle<HolderOptions & { readonly root?: string }>(async ({ options, args, output }) => {
        const { signFile } = await import("../keys/sign-file.ts");
        const { offline: folder, root = join(folder, "metadata", "root.json") } = options;
        const passphrase = unwrap(readPassphrase(options.passphraseFile));
        const signed = unwrap(await signFile({ folder, passphrase, root, file: args[0] ?? "" }));
        output.report({ name: "keys sign", rows: [], summary: { ...signed } });
        return signed.isComplete ? "ok" : "failed";
      }),
    );
}

function registerRotate(keys: Command): void {
  const rotate = keys
    .command("rotate")
    .description("Draft the next root with fresh keys for a role; `keys publish` hands it in")
    .argument("<role>", "root, targets, or online: the server's own, as it has them now")
    .requiredOption(...OFFLINE)
    .option(...PASSPHRASE_OPTION);
  settingFlags(rotate, ...OPERATOR_SETTINGS, "server.production").action(
    handle<HolderOptions>(async ({ options, args, config, output }) => {
      const [role = ""] = args;
      const online =
        role === "online" ? unwrap(await unwrap(await connect(config)).onlineKeys()) : undefined;
      const change: RootChange = online
        ? { kind: "online", keys: online }
        : { kind: "rotate", role: unwrap(offlineRole(role)) };
      const demo = !config["server.production"].value;
      const drafted = await draft(options, change, demo);
      output.report({ name: "keys rotate", rows: [], summary: { role, ...drafted } });
    }),
  );
}

function registerRevoke(keys: Command): void {
  const revoke = keys
    .command("revoke")
    .description("Draft the next root without a key; `keys publish` hands it in")
    .argument("<key>", "its id, as `keys list` prints it")
    .requiredOption(...OFFLINE)
    .option(...PASSPHRASE_OPTION);
  settingFlags(revoke, "server.production").action(
    handle<HolderOptions>(async ({ options, args, config, output }) => {
      const keyId = args[0] ?? "";
      const demo = !config["server.production"].value;
      const drafted = await draft(options, { kind: "revoke", keyId }, demo);
      output.report({ name: "keys revoke", rows: [], summary: { key: keyId, ...drafted } });
    }),
  );
}

async function draft(options: HolderOptions, change: RootChange, demo: boolean) {
  const { draftNextRoot } = await import("../keys/next-root.ts");
  const passphrase = unwrap(readPassphrase(options.passphraseFile));
  const now = instant(Date.now());
  const { offline: folder } = options;
  return unwrap(await draftNextRoot({ folder, passphrase, demo, now, change }));
}

function offlineRole(role: string) {
  if (role === "root" || role === "targets") return { ok: true, value: role } as const;
  return failed("USAGE", `there is no role ${role} to rotate: root, targets or online`);
}

function registerCalendar(keys: Command): void {
  keys
    .command("calendar")
    .description("Print when what the offline keys signed runs out; exit 1 when something is due")
    .requiredOption(...OFFLINE)
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
