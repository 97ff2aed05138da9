/** `retile audit`: the server's log of who did what, and what devices gave away of somebody else's doing. */
import type { Command } from "commander";
import { unwrap } from "../../protocol/base/result.ts";
import { handle, settingFlags, wholeNumber } from "../command.ts";
import type { Row } from "../output.ts";
import type { AuditReply } from "../operator/client.ts";
import { connect, OPERATOR_SETTINGS } from "../operator/connect.ts";

interface AuditOptions {
  readonly limit: number;
}

/** What only somebody can have caused who is not this server, its operators or an honest device. */
const FINDINGS: ReadonlySet<string> = new Set([
  "order.unexplained",
  "order.refused",
  "report.unexplained",
  "report.replayed",
  "device.cloned",
]);
export function register(program: Command): void {
  const audit = program.command("audit").description("Read the audit log, look for foul play");
  registerList(audit);
  registerFindings(audit);
}

function registerList(audit: Command): void {
  const list = audit
    .command("list")
    .description("Print the newest entries; exit 1 when the log's hash chain is broken")
    .option("--limit <count>", "how many", wholeNumber, 50);
  settingFlags(list, ...OPERATOR_SETTINGS).action(
    handle<AuditOptions>(async ({ options, config, output }) => {
      const found = unwrap(await unwrap(await connect(config)).audit(options.limit));
      const { firstBroken } = found;
      const summary = { entries: found.items.length, firstBroken };
      output.report({ name: "audit list", rows: rowsOf(found), summary });
      return firstBroken === null ? "ok" : "failed";
    }),
  );
}

function registerFindings(audit: Command): void {
  const findings = audit
    .command("assignments")
    .description(
      "Print orders that no log explains, refused orders, replayed reports, cloned devices; exit 1 when there are any",
    )
    .option(
      "--limit <count>",
      "how many of the newest entries to look through; the default is all of the log",
      wholeNumber,
    );
  settingFlags(findings, ...OPERATOR_SETTINGS).action(
    handle<Partial<AuditOptions>>(async ({ options, config, output }) => {
      const client = unwrap(await connect(config));
      const newest = unwrap(await client.audit(1)).items[0]?.sequence ?? 0;
      const limit = Math.min(options.limit ?? Infinity, newest);
      const progress = output.progress("audit log", limit);
      const found = unwrap(await client.audit(limit, (entries) => progress.advance(entries)));
      progress.finish();
      const rows = rowsOf(found).filter(({ action }) => FINDINGS.has(String(action)));
      const summary = { findings: rows.length, looked: found.items.length };
      output.report({ name: "audit assignments", rows, summary });
      return rows.length === 0 ? "ok" : "failed";
    }),
  );
}

function rowsOf({ items }: AuditReply): Row[] {
  return items.map(({ sequence, at, actor, action, subject, details }) => {
    return { sequence, at, actor, action, subject, details: JSON.stringify(details) };
  });
}
