/** `retile driver`: build a release into a bundle, measure releases against each other, look inside a compilation. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { failed, unwrap } from "../../protocol/base/result.ts";
import { handle, settingFlags, wholeNumber } from "../command.ts";

interface BuildOptions {
  readonly release: string;
  readonly kernels?: string;
  readonly out: string;
}

interface BenchOptions {
  readonly only?: string;
  readonly seed: number;
  readonly soc?: string;
  readonly releases?: string;
  readonly top: number;
  readonly profile?: boolean;
}

interface DumpOptions {
  readonly after: string;
  readonly shape?: string;
  readonly out?: string;
}

interface TraceOptions {
  readonly soc: string;
  readonly precision: string;
  readonly release: string;
  readonly shape?: string;
  readonly out: string;
  readonly top: number;
}

export function register(program: Command): void {
  const driver = program.command("driver").description("Build, measure and inspect drivers");
  registerBuild(driver);
  registerBench(driver);
  registerDump(driver);
  registerTrace(driver);
}

function registerTrace(driver: Command): void {
  driver
    .command("trace")
    .description("Write when each engine of a chip does what, as a Chrome or Perfetto trace")
    .argument("<model>", "a model file, or the name of a zoo model or of a measured network")
    .option("--soc <name>", "the chip", "sm8650")
    .option(
      "--precision <name>",
      "float, w8a8 or w8a16; models of stored numbers are as they are",
      "w8a8",
    )
    .option("--release <version>", "a release, or parity: as the published stack does it", "parity")
    .option("--shape <shapes>", "shapes of inputs that the model leaves open: input=1x3x48x192,…")
    .option("--out <file>", "where to write the trace", "trace.json")
    .option("--top <number>", "slowest operators to print, 0 for none", wholeNumber, 10)
    .action(
      handle<TraceOptions>(async ({ options, args, output }) => {
        const { traceModel } = await import("../driver/trace.ts");
        return traceModel({ model: args[0] ?? "", ...options }, output);
      }),
    );
}

function registerBuild(driver: Command): void {
  driver
    .command("build")
    .description(
      "Build a released driver into a bundle, with a statement of where it comes from; equal sources give equal bytes",
    )
    .requiredOption("--release <version>", "the release to build, for instance 1.1.0")
    .option("--kernels <folder>", "kernels in the place of those of the same name, from a vendor")
    .requiredOption("--out <folder>", "where to write retile-htp-driver-<version>.bundle")
    .action(
      handle<BuildOptions>(async ({ options, output }) => {
        const { buildBundle, readKernels, releasedVersions, releaseSource } =
          await import("../driver/build-bundle.ts");
        const versions = await releasedVersions();
        if (!versions.includes(options.release)) {
          const message = `there is no release ${options.release}; there are ${versions.join(", ")}`;
          return unwrap(failed("RELEASE_UNKNOWN", message));
        }
        const kernels =
          options.kernels === undefined ? undefined : unwrap(await readKernels(options.kernels));
        const { version, bytes, sha256 } = await buildBundle(
          releaseSource(options.release, kernels),
        );
        await mkdir(options.out, { recursive: true });
        const file = join(options.out, `retile-htp-driver-${version}.bundle`);
        await writeFile(file, bytes);
        const { stateProvenance, statementPath } = await import("../driver/provenance.ts");
        const statement = await stateProvenance(bytes, kernels);
        const provenance = statementPath(file);
        await writeFile(provenance, `${JSON.stringify(statement, null, 2)}\n`);
        const summary = { version, bytes: bytes.length, sha256, provenance };
        output.report({ name: "driver build", rows: [{ file, ...summary }], summary });
      }),
    );
}

function registerBench(driver: Command): void {
  driver
    .command("bench")
    .description(
      "Compile the model zoo with every release, compare on the chip's clock, and say where the time goes",
    )
    .option("--only <pattern>", "models whose name matches this regular expression")
    .option("--releases <versions>", "comma-separated; the default is all, oldest first")
    .option("--soc <names>", "comma-separated chips; the default is sm8350,sm8650")
    .option("--seed <number>", "seed of the input images", wholeNumber, 1)
    .option(
      "--top <number>",
      "slowest operators to print of each model, 0 for none",
      wholeNumber,
      5,
    )
    .option("--profile", "operators of every release, not of the newest alone")
    .action(
      handle<BenchOptions>(async ({ options, output }) => {
        const { runBench } = await import("../driver/bench.ts");
        return runBench(options, output);
      }),
    );
}

function registerDump(driver: Command): void {
  const dump = driver
    .command("dump")
    .description(
      "Print a model's graph after a pass, as text that can be parsed back, or which segment computes what",
    )
    .argument("<model>", "an ONNX file, or the name of a zoo model")
    .requiredOption(
      "--after <pass>",
      "the pass, for instance fuse-clamp, or placement; `retile driver dump` lists them on a wrong name",
    )
    .option("--shape <shapes>", "shapes of inputs that the model leaves open: input=1x3x48x192,…")
    .option("--out <file>", "write there instead of standard output");
  settingFlags(dump, "soc").action(
    handle<DumpOptions>(async ({ options, args, config, output }) => {
      const { dumpAfter } = await import("../driver/dump.ts");
      const request = { ...options, model: args[0] ?? "", soc: config.soc.value };
      return dumpAfter(request, output);
    }),
  );
}
