/** How commands tell what was signed, and what its holder does next. */
import type { Output, Row } from "../output.ts";
import type { SignedDocument } from "./sign-next.ts";

export function signedRows(documents: readonly SignedDocument[]): Row[] {
  return documents.map(({ role, version, signatures, isComplete, file }) => {
    return { role, version, signatures, complete: isComplete, file };
  });
}

export interface SignedSummary {
  readonly documents: number;
  readonly complete: boolean;
  /** A command to type, or what else is to be done. */
  readonly next: string;
}

export function summaryOf(documents: readonly SignedDocument[], offline: string): SignedSummary {
  const waiting = documents.filter(({ isComplete }) => !isComplete);
  const complete = waiting.length === 0;
  const files = waiting.map(({ file }) => file).join(" ");
  const next = complete
    ? `retile keys publish --offline ${offline}`
    : `carry ${files} from holder to holder (retile keys sign FILE --offline THEIRS) and sign once more here`;
  return { documents: documents.length, complete, next };
}

/** Of one change to an offline folder. */
export function reportSigned(
  output: Output,
  name: string,
  {
    documents,
    offline,
    ...more
  }: { readonly documents: readonly SignedDocument[]; readonly offline: string } & Readonly<
    Record<string, unknown>
  >,
): void {
  const summary = { ...more, ...summaryOf(documents, offline) };
  output.report({ name, rows: signedRows(documents), summary });
}
