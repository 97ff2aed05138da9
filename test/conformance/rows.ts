/** Rows of a conformance run, printed as they come or as one JSON object. */
export interface Row {
  readonly model: string;
  readonly status: "pass" | "fail" | "unsupported";
  /** Largest difference to a golden, as its bar measures it. */
  readonly maxError: number | null;
  /** Share of the elements that are equal bit for bit. */
  readonly exactShare: number | null;
  readonly bar: string;
  readonly seconds: number;
  readonly reason?: string;
}

/** Runs every entry, prints, and sets the exit code. */
export function reportRows<Entry>(
  entries: readonly Entry[],
  run: (entry: Entry) => Row,
  json: boolean,
): readonly Row[] {
  const rows = entries.map((entry) => {
    const row = run(entry);
    if (!json) console.log(rowText(row));
    return row;
  });
  const passed = rows.filter(({ status }) => status === "pass").length;
  const summary = { models: rows.length, passed };
  console.log(JSON.stringify(json ? { rows, summary } : summary));
  process.exitCode = passed === rows.length ? 0 : 1;
  return rows;
}

/** The table of models that are not passed. */
export function conformancePage(title: string, rows: readonly Row[]): string {
  const others = rows.filter(({ status }) => status !== "pass");
  const lines = others.map((row) => `| ${row.model} | ${row.status} | ${reasonOf(row)} |`);
  return [
    `# ${title}`,
    "",
    `${rows.length - others.length} of ${rows.length} tests pass. These do not:`,
    "",
    "| test | status | reason |",
    "| --- | --- | --- |",
    ...lines,
    "",
  ].join("\n");
}

function reasonOf({ reason, maxError, exactShare }: Row): string {
  const figures = `differs by up to ${maxError}; ${((exactShare ?? 0) * 100).toFixed(1)} % equal`;
  return (reason ?? figures).replace(/\s+/g, " ").replaceAll("|", "\\|").slice(0, 200);
}

function rowText({ model, status, maxError, exactShare, bar, seconds, reason }: Row): string {
  if (reason !== undefined) return `${status.padEnd(11)} ${model}: ${reason}`;
  const equal = `${((exactShare ?? 0) * 100).toFixed(2)} % equal`;
  const error = `error ${(maxError ?? 0).toExponential(2)}`;
  return `${status.padEnd(11)} ${model}: ${error}, ${equal}, bar ${bar}, ${seconds.toFixed(1)} s`;
}
