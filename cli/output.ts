/**
 * What a command prints. With --json: one object on standard output and nothing else there.
 * Without: tables on standard output. Prose, progress and errors go to standard error either way.
 */
import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { chalkStderr } from "chalk";
import Table from "cli-table3";
import type { Failure } from "../protocol/base/result.ts";
import { nextStep } from "./next-steps.ts";
import type { Progress } from "./progress.ts";
import { startProgress } from "./progress.ts";

export type Cell = string | number | boolean | null;
export type Row = Readonly<Record<string, Cell>>;

export interface Report {
  /** The command, or the bench: `driver build`. */
  readonly name: string;
  readonly rows: readonly Row[];
  readonly summary: Readonly<Record<string, unknown>>;
}

export interface Column {
  readonly key: string;
  readonly title: string;
  /** Digits after the point of a number; 0 when absent. */
  readonly digits?: number;
  /** A number from 0 to 1, drawn as a bar with its percentage. */
  readonly bar?: true;
}

export interface Output {
  readonly json: boolean;
  /** A line of prose. */
  say(text: string): void;
  /** The command's result; call it once, last. */
  report(report: Report, columns?: readonly Column[]): void;
  /** A table on the way to the result: shown to people, absent from JSON. */
  table(columns: readonly Column[], rows: readonly Row[]): void;
  failure(name: string, failure: Failure): void;
  progress(label: string, totalCount: number): Progress;
}

export function createOutput(json: boolean): Output {
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const table: Output["table"] = (columns, rows) => {
    (json ? process.stderr : process.stdout).write(`${renderTable(columns, rows)}\n`);
  };
  return {
    json,
    say,
    table,
    report(report, columns) {
      if (json) return writeJson(report);
      if (report.rows.length > 0) table(columns ?? columnsOf(report.rows), report.rows);
      for (const [key, value] of Object.entries(report.summary)) {
        if (isTable(value)) continue;
        process.stdout.write(`${key}: ${renderValue(value)}\n`);
      }
    },
    failure(name, failure) {
      const { code, message, details } = failure;
      say(renderFailure(failure));
      if (json) writeJson({ name, rows: [], summary: { error: { code, message, details } } });
    },
    progress: startProgress,
  };
}

export function renderTable(columns: readonly Column[], rows: readonly Row[]): string {
  const table = new Table({
    head: columns.map(({ title }) => title),
    colAligns: columns.map(({ key }) =>
      rows.some((row) => typeof row[key] === "number") ? "right" : "left",
    ),
    style: { head: [], border: [] },
  });
  for (const row of rows) table.push(columns.map((column) => renderCell(row[column.key], column)));
  return table.toString();
}

export function renderFailure({ code, message, details }: Failure): string {
  const lines = [`${chalkStderr.red("error")} ${chalkStderr.bold(code)}: ${message}`];
  for (const [key, value] of Object.entries(details)) lines.push(`  ${key}: ${value}`);
  const next = nextStep(code);
  if (next !== undefined) lines.push(`${chalkStderr.cyan("next")}: ${next}`);
  return lines.join("\n");
}

function renderValue(value: unknown): string {
  if (typeof value === "string") return value;
  return JSON.stringify(typeof value === "number" ? Number(value.toFixed(DIGITS_MAX)) : value);
}

function renderCell(cell: Cell | undefined, column: Column): string {
  if (cell === undefined || cell === null) return "-";
  if (typeof cell !== "number") return String(cell);
  return column.bar === true ? renderBar(cell) : cell.toFixed(column.digits ?? 0);
}

/** Behind the point, of a number in a summary; JSON has them all. */
const DIGITS_MAX = 3;
const BAR_LENGTH = 8;

function renderBar(share: number): string {
  const filled = Math.min(BAR_LENGTH, Math.max(0, Math.round(share * BAR_LENGTH)));
  const percent = `${Math.round(100 * share)}%`.padStart(4);
  return `${"█".repeat(filled)}${"░".repeat(BAR_LENGTH - filled)}${percent}`;
}

/** Rows, which people have seen as a table. */
function isTable(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "object");
}

function columnsOf(rows: readonly Row[]): Column[] {
  return Object.keys(rows[0] ?? {}).map((key) => ({ key, title: key }));
}

function writeJson({ name, rows, summary }: Report): void {
  const whole = { name, commit: commit(), machine: machine(), rows, summary };
  process.stdout.write(`${JSON.stringify(whole)}\n`);
}

/** The commit of the checkout, `-dirty` when files differ from it; `unknown` outside of one. */
function commit(): string {
  const cwd = fileURLToPath(new URL("..", import.meta.url));
  try {
    const args = ["describe", "--always", "--dirty", "--exclude=*", "--abbrev=40"];
    return execFileSync("git", args, {
      cwd,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "unknown";
  }
}

function machine(): Readonly<Record<string, Cell>> {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${process.platform}-${process.arch}`,
    node: process.versions.node,
  };
}
