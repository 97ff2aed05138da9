/** A jest reporter whose last line is `N passed, N failed, N skipped`. */
import { writeSync } from "node:fs";

export default class CountReporter {
  onRunComplete(_contexts, results) {
    // A file that does not even load has no tests to count, yet it failed.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    const line = `${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped\n`;
    // Jest appends its own summary to whatever the reporters print, so this waits for the very end.
    process.once("exit", () => writeSync(1, line));
  }
}
