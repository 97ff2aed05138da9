/**
 * `npm run --silent conformance:onnx -- --suite DIR`: the ONNX backend suite against the evaluator. Every test is
 * run; what is not passed has its reason. Exit 0 when the bar holds, 1 when not, 2 when it could not run.
 */
import { writeFileSync } from "node:fs";
import { Command, CommanderError, Option } from "commander";
import { handle, wholeNumber } from "../../../cli/command.ts";
import { EXIT_CODES } from "../../../cli/exit-codes.ts";
import type { ExitName } from "../../../cli/exit-codes.ts";
import type { Output } from "../../../cli/output.ts";
import { CodedError } from "../../../protocol/base/result.ts";
import { unpacked } from "../unpack.ts";
import type { Backend } from "./backends.ts";
import type { ConformanceRow } from "./evaluate.ts";
import { conformancePage } from "./markdown.ts";
import { testRunner } from "./pool.ts";
import { suiteTests } from "./suite.ts";

/** Of the whole suite; of a part all must pass. */
const PASSED_MIN = 1_880;

interface Options {
  readonly suite: string;
  readonly backend: Backend;
  readonly filter?: string;
  readonly markdown?: string;
  readonly budget: number;
}

const program = new Command("npm run --silent conformance:onnx --")
  .description(
    "Runs the ONNX backend suite and says of every test whether it passes, and if not, why",
  )
  .exitOverride()
  .showHelpAfterError()
  .requiredOption("--suite <path>", "the folder with node, simple, pytorch-…, or its .tar.zst")
  .addOption(
    new Option("--backend <name>", "what runs the models; cpu falls back on the evaluator")
      .choices(["evaluator", "cpu"])
      .default("evaluator"),
  )
  .option("--filter <regex>", "tests whose name matches this regular expression")
  .option("--markdown <file>", "write the table of tests not passed there")
  .option("--budget <seconds>", "what one test may take", wholeNumber, 60)
  .option("--json", "print one JSON object on standard output")
  .action(handle<Options>(async ({ options, output }) => runSuite(options, output)));

async function runSuite(options: Options, output: Output): Promise<ExitName> {
  const suite = await unpacked(options.suite);
  try {
    return await runUnpacked({ ...options, suite: suite.folder }, output);
  } finally {
    suite.remove();
  }
}

async function runUnpacked(options: Options, output: Output): Promise<ExitName> {
  const pattern = new RegExp(options.filter ?? "");
  const tests = suiteTests(options.suite).filter(({ test }) => pattern.test(test));
  if (tests.length === 0) {
    throw new CodedError("INPUT_NOT_FOUND", `${options.suite} holds no test that matches`);
  }
  const runner = testRunner(options.budget * 1000);
  const progress = output.progress("conformance", tests.length);
  const rows: ConformanceRow[] = [];
  for (const { test, group, folder } of tests) {
    rows.push({ test, group, ...(await runner.run({ folder, backend: options.backend })) });
    progress.advance(1, test);
  }
  progress.finish();
  runner.close();
  if (options.markdown !== undefined) writeFileSync(options.markdown, conformancePage(rows));
  const passed = rows.filter(({ status }) => status === "pass").length;
  const isCompiled = options.backend !== "evaluator";
  const fallenBack = rows.filter((row) => row.status === "pass" && row.fallback !== "").length;
  const shown = output.json ? rows : rows.filter(({ status }) => status !== "pass");
  output.report({
    name: "conformance:onnx",
    rows: shown.map(({ fallback, ...row }) => (isCompiled ? { ...row, fallback } : row)),
    summary: { total: rows.length, passed, ...(isCompiled && { fallback: fallenBack }) },
  });
  const isWhole = options.filter === undefined;
  return passed >= (isWhole ? PASSED_MIN : rows.length) ? "ok" : "failed";
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT_CODES.ok.code : EXIT_CODES.couldNotRun.code;
}
