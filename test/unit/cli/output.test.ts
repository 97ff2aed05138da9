/** Tables, failures and exit codes as text. */
import { expect, test } from "@jest/globals";
import { EXIT_CODES, exitNameOf } from "../../../cli/exit-codes.ts";
import { renderFailure, renderTable } from "../../../cli/output.ts";
import { failed } from "../../../protocol/base/result.ts";

test("a table rounds to the digits of its column and marks what is absent", () => {
  const columns = [
    { key: "model", title: "model" },
    { key: "gain", title: "gain", digits: 2 },
    { key: "verdict", title: "verdict" },
  ];
  const text = renderTable(columns, [{ model: "resnet-50", gain: 1.5, verdict: null }]);
  const cells = text
    .split("\n")[3]
    ?.split("│")
    .map((cell) => cell.trim());
  expect(cells).toEqual(["", "resnet-50", "1.50", "-", ""]);
});

test("a share is drawn, and never longer than its bar", () => {
  const columns = [{ key: "busy", title: "busy", bar: true as const }];
  const drawn = [0, 0.5, 1, 1.5].map((busy) => renderTable(columns, [{ busy }]).split("\n")[3]);
  const bars = drawn.map((line) => line?.replaceAll("│", "").trim());
  expect(bars).toEqual(["░░░░░░░░  0%", "████░░░░ 50%", "████████100%", "████████150%"]);
});

test("a failure without a known next step still shows its details", () => {
  const text = renderFailure(failed("DISK_FULL", "No space left.", { bytesNeeded: 7 }));
  expect(text).toContain("DISK_FULL");
  expect(text).toContain("bytesNeeded: 7");
});

test("what never started exits 2, what failed exits 1", () => {
  expect(EXIT_CODES[exitNameOf("CONFIG_INVALID")].code).toBe(2);
  expect(EXIT_CODES[exitNameOf("SNAPSHOT_ROLLBACK")].code).toBe(1);
});
