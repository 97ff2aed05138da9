/** A jest reporter whose last line is `N passed, N failed, N skipped`. */

export default class CountReporter {
  onRunComplete(_contexts, results) {
    // A file that does not even load has no tests to count, yet it failed.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    process.stdout.write(
      `${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped\n`,
    );
  }
}
