/** Tables of comma-separated values (RFC 4180): quoted cells, any line ends, with or without a byte order mark. */

/** The cells of one record by column name; blanks around a cell do not count, a missing cell is empty. */
export interface CsvRecord {
  /** Of the file, counted from one. */
  readonly line: number;
  readonly cell: (column: string) => string;
}

export interface CsvTable {
  readonly columns: readonly string[];
  /** Lines without any cell are left out. */
  readonly records: readonly CsvRecord[];
}

/** A quote that nothing closes is a character like any other, so that it costs its own cell and not the table. */
const CELL = /[ \t]*"((?:[^"]|"")*)"[ \t]*(?=,|\r?\n|\r|$)|([^,\r\n]*)/y;
const LINE_END = /\r\n|\n|\r/g;
const BYTE_ORDER_MARK = "\uFEFF";

export function readCsv(text: string): CsvTable {
  const [header, ...records] = linesOf(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text);
  const columns = header?.cells ?? [];
  return {
    columns,
    records: records.map(({ line, cells }) => ({
      line,
      cell: (column) => cells[columns.indexOf(column)] ?? "",
    })),
  };
}

interface Line {
  readonly line: number;
  readonly cells: readonly string[];
}

function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  for (let at = 0, line = 1; at < text.length;) {
    const cells: string[] = [];
    const start = at;
    for (let more = true; more;) {
      CELL.lastIndex = at;
      const [whole = "", quoted, plain = ""] = CELL.exec(text) ?? [];
      cells.push((quoted?.replaceAll('""', '"') ?? plain).trim());
      at += whole.length;
      more = text[at] === ",";
      if (more) at++;
    }
    if (text.startsWith("\r\n", at)) at++;
    at++;
    if (cells.some((cell) => cell !== "")) lines.push({ line, cells });
    line += text.slice(start, at).match(LINE_END)?.length ?? 0;
  }
  return lines;
}
