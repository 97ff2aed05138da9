/** `retile keys calendar`: when the documents of an offline folder run out, the soonest first. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { readEnvelope, TARGETS_BYTES_MAX, targetsSchema } from "../../protocol/metadata/index.ts";
import { readDocument } from "./offline-folder.ts";
import { contentsFolder } from "./outgoing.ts";

export interface CalendarRow {
  readonly document: string;
  readonly version: number;
  readonly expires: string;
  readonly daysLeft: number;
  readonly due: boolean;
}

export interface CalendarOptions {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly withinDays: number;
}

const DAY_MS = 24 * 3600 * 1000;

/** Roots that a newer one follows, and drafts, run out without harm: both begin with their version. */
const CURRENT = /^(?!\d+\.).+\.json$/;

const metadata = z.object({ signed: z.looseObject({ version: z.int(), expires: z.string() }) });
const keySet = z.looseObject({
  _type: z.literal("director-keys"),
  tenant: z.string(),
  epoch: z.int(),
  validUntil: z.string(),
});

export async function expiryCalendar(
  folder: string,
  { now, withinDays }: CalendarOptions,
): Promise<Result<CalendarRow[], "KEYS_MISSING">> {
  const listed = await listedContents(folder);
  const dated = [
    ...(await documentsIn(join(folder, "metadata"), (name) => CURRENT.test(name))),
    // Key sets that a newer one follows lie there too.
    ...(await documentsIn(contentsFolder(folder), (name) => listed.has(name))),
  ];
  if (dated.length === 0) {
    return failed("KEYS_MISSING", `${folder} holds no signed metadata`, { folder });
  }
  const rows = dated.map(({ document, version, expires }) => {
    const daysLeft = Math.floor((Date.parse(expires) - now) / DAY_MS);
    return { document, version, expires, daysLeft, due: daysLeft < withinDays };
  });
  return succeeded(rows.sort((a, b) => a.daysLeft - b.daysLeft));
}

type Dated = Pick<CalendarRow, "document" | "version" | "expires">;

async function documentsIn(folder: string, isWanted: (name: string) => boolean): Promise<Dated[]> {
  const found: Dated[] = [];
  for (const name of (await readdir(folder).catch(() => [])).filter(isWanted)) {
    const json = parseJson(await readFile(join(folder, name), "utf8"));
    const signed = metadata.safeParse(json);
    if (signed.success) found.push({ document: name, ...datesOf(signed.data.signed) });
    const keys = keySet.safeParse(json);
    if (!keys.success) continue;
    const { tenant, epoch, validUntil } = keys.data;
    found.push({ document: `director keys of ${tenant}`, version: epoch, expires: validUntil });
  }
  return found;
}

/** SHA-256s of what the newest targets list. */
async function listedContents(folder: string): Promise<ReadonlySet<string>> {
  const bytes = await readDocument(folder, "targets");
  const read = bytes && readEnvelope(bytes, targetsSchema, TARGETS_BYTES_MAX);
  const files = read?.ok ? [...read.value.signed.targets.values()] : [];
  return new Set(files.map(({ hashes }) => hashes.get("sha256") ?? ""));
}

function datesOf({ version, expires }: { version: number; expires: string }) {
  return { version, expires };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A bundle among the contents.
    return undefined;
  }
}
