/** The hash chain of the audit log: each entry covers the one before it. */
import type { Sha256 } from "../../protocol/base/brand.ts";
import { brand } from "../../protocol/base/brand.ts";
import { canonicalJson } from "../../protocol/base/canonical-json.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import type { AuditEntry, NewAuditEntry } from "./ports.ts";

/** What the first entry names as the one before. */
const CHAIN_START: Sha256 = brand<Sha256>("0".repeat(64));

export function chained(
  entry: NewAuditEntry,
  before: { readonly sequence: number; readonly sha256: Sha256 } | undefined,
): AuditEntry {
  const sequence = (before?.sequence ?? 0) + 1;
  const previousSha256 = before?.sha256 ?? CHAIN_START;
  const { tenant, at, actor, action, subject, details } = entry;
  const content = { tenant, at, actor, action, subject, details, sequence, previousSha256 };
  return { ...content, sha256: sha256Hex(canonicalJson(content)) };
}

/** Oldest first in. Null when every entry fits. */
export function firstBrokenEntry(entries: readonly AuditEntry[]): number | null {
  let before: AuditEntry | undefined;
  for (const entry of entries) {
    if (chained(entry, before).sha256 !== entry.sha256) return entry.sequence;
    before = entry;
  }
  return null;
}
