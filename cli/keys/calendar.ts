/** `retile keys calendar`: when the documents of an offline folder run out, the soonest first. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";

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
  const dated = [
    ...(await documentsIn(join(folder, "metadata"))),
    ...(await documentsIn(join(folder, "contents"))),
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

async function documentsIn(folder: string): Promise<Dated[]> {
  const found: Dated[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    const json = parseJson(await readFile(join(folder, name), "utf8"));
    const signed = CURRENT.test(name) ? metadata.safeParse(json) : undefined;
    if (signed?.success) found.push({ document: name, ...datesOf(signed.data.signed) });
    const keys = keySet.safeParse(json);
    if (!keys.success) continue;
    const { tenant, epoch, validUntil } = keys.data;
    found.push({ document: `director keys of ${tenant}`, version: epoch, expires: validUntil });
  }
  return found;
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
