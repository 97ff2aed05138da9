/** docs/reference is what the code says, and the scan that finds error codes finds them. */
import { expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findCodes } from "../../../scripts/reference/errors.ts";
import { referencePages } from "../../../scripts/reference/pages.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

test("the pages on disk are current: `npm run docs` writes them", async () => {
  for (const [path, text] of await referencePages(ROOT)) {
    const onDisk = readFileSync(join(ROOT, path), "utf8");
    // First what is new, because one longer cell re-aligns a whole table.
    expect({ path, missing: linesOnlyIn(text, onDisk) }).toEqual({ path, missing: [] });
    expect(onDisk === text ? "current" : `${path} differs`).toBe("current");
  }
});

function linesOnlyIn(text: string, other: string): string[] {
  const lines = (whole: string): string[] => whole.replace(/ +|-+/g, " ").split("\n");
  const known = new Set(lines(other));
  return lines(text).filter((line) => !known.has(line));
}

function check(text: string, expected: readonly (readonly [string, string | undefined])[]): void {
  const found = findCodes([{ path: "server/http/x.ts", text }]);
  expect(found.map(({ code, message }) => [code, message])).toEqual(expected);
}

test("a code made by failed, with what is filled in left open", () => {
  check('failed("DISK_FULL", `No room for ${n} bytes.`)', [["DISK_FULL", "No room for … bytes."]]);
});
test("a message in two pieces", () => check('failed("A_B", "one " + "two")', [["A_B", "one two"]]));
test("a code thrown", () => check('new CodedError("A_B", text)', [["A_B", undefined]]));
test("a union of codes", () => {
  check('type StageError = "A_B" | "C"', [
    ["A_B", undefined],
    ["C", undefined],
  ]);
});
test("a constant list of codes", () =>
  check('const X_CODES = ["A_B"] as const', [["A_B", undefined]]));
test("other capitals are no codes", () => check('type Kind = "HTP"; f("HTP")', []));

test("a code made in two folders is listed once, with both", () => {
  const files = ["server/http/x.ts", "cli/x.ts"].map((path) => ({
    path,
    text: 'failed("A_B", "m")',
  }));
  expect(findCodes(files)).toEqual([
    { code: "A_B", folders: ["cli", "server/http"], message: "m" },
  ]);
});
