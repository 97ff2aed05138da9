/** `retile release publish | publish-kernels`: into the role of every family, or of a vendor. */
import type { Command } from "commander";
import { failed, succeeded, unwrap } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { isSemver } from "../../protocol/base/semver.ts";
import type { ProvenanceStatement } from "../../protocol/metadata/index.ts";
import { handle, settingFlags } from "../command.ts";
import type { Kernels } from "../driver/build-bundle.ts";
import { PASSPHRASE_OPTION } from "../keys/passphrase.ts";
import type { BundleSource } from "../keys/publish-release.ts";
import { reportSigned, signedRows, summaryOf } from "../keys/signed-rows.ts";
import { OFFLINE_OPTION, signingFrom } from "../keys/signing-options.ts";
import type { SigningOptions } from "../keys/signing-options.ts";
import { connect, OPERATOR_SETTINGS } from "../operator/connect.ts";

interface SourceOptions {
  readonly bundle?: string;
  readonly provenance?: string;
  readonly release?: string;
}

interface PublishOptions extends SourceOptions, SigningOptions {
  readonly kernels?: string;
  readonly securityFloor: string;
  readonly families?: string;
  readonly allowDirty?: boolean;
}

export function registerPublishCommands(release: Command): void {
  registerPublish(release);
  registerPublishKernels(release);
}

function registerPublish(release: Command): void {
  const publish = release
    .command("publish")
    .description(
      "Sign a bundle and where it comes from into the role of each of its SoC families, upload and publish it",
    )
    .option("--bundle <file>", "the bundle to publish, or")
    .option("--provenance <file>", "the bundle's statement; the default is BUNDLE.provenance.json")
    .option("--release <version>", "a release to build first, for instance 1.1.0")
    .option(
      "--kernels <folder>",
      "build it with these kernels in the place of those of the same name",
    )
    .option("--families <names>", "only for these; the default is all whose keys the folder holds")
    .requiredOption(...OFFLINE_OPTION)
    .option(...PASSPHRASE_OPTION)
    .option("--security-floor <version>", "no version below this may run any more", "0.0.0")
    .option(
      "--allow-dirty",
      "publish what was built from a checkout with changes, in production too",
    );
  settingFlags(publish, ...OPERATOR_SETTINGS, "tenant", "server.production").action(
    handle<PublishOptions>(async ({ options, config, output }) => {
      const { readKernels } = await import("../driver/build-bundle.ts");
      const kernels = options.kernels && unwrap(await readKernels(options.kernels));
      const source = unwrap(bundleSource({ ...options, kernels: kernels || undefined }));
      const { securityFloor, offline } = options;
      if (!isSemver(securityFloor)) {
        const message = `--security-floor ${securityFloor} is no semantic version`;
        return unwrap(failed("USAGE", message));
      }
      const client = unwrap(await connect(config));
      const { loadBundle, publishRelease } = await import("../keys/publish-release.ts");
      const progress = output.progress("publish", 2);
      const loaded = unwrap(await loadBundle(source));
      unwrap(
        checkClean(loaded.statement, options.allowDirty ?? !config["server.production"].value),
      );
      progress.advance(1, "built, now signing");
      const families = options.families?.split(",");
      const request = { ...loaded, securityFloor, families };
      const signing = signingFrom(options, config);
      const published = unwrap(await publishRelease(client, signing, request));
      progress.advance(1);
      progress.finish();
      const { signed, left, versions, ...facts } = published;
      if (signed.length === 0) output.say("It was published before; nothing is new.");
      if (left.length > 0)
        output.say(`Not signed here, for want of a role or of its keys: ${left.join(", ")}.`);
      const { complete, next } = summaryOf(signed, offline);
      const isOut = versions !== undefined;
      const outcome = { published: isOut, left, versions, ...(complete ? {} : { next }) };
      const rows = signedRows(signed);
      output.report({ name: "release publish", rows, summary: { ...facts, ...outcome } });
      return complete ? "ok" : "failed";
    }),
  );
}

export function bundleSource(
  options: SourceOptions & { readonly kernels?: Kernels | undefined },
): Result<BundleSource, "USAGE"> {
  const { bundle, provenance, release, kernels } = options;
  if (bundle !== undefined && release === undefined && kernels === undefined) {
    return succeeded({ kind: "file", path: bundle, provenance });
  }
  if (release !== undefined && bundle === undefined && provenance === undefined) {
    return succeeded({ kind: "release", version: release, kernels });
  }
  return failed("USAGE", "name what to publish: either --bundle FILE or --release VERSION");
}

/** A commit that does not hold what was built says nothing of it. */
function checkClean(statement: ProvenanceStatement, mayBeDirty: boolean): Result<void> {
  const { resolvedDependencies } = statement.predicate.buildDefinition;
  const isDirty = resolvedDependencies.some(({ annotations }) => {
    return (annotations as { dirty?: unknown } | undefined)?.dirty === true;
  });
  if (!isDirty || mayBeDirty) return succeeded(undefined);
  const message = "it was built from a checkout with changes that no commit holds";
  return failed("SOURCE_DIRTY", message);
}

interface KernelOptions extends SigningOptions {
  readonly vendor: string;
  readonly families?: string;
}

function registerPublishKernels(release: Command): void {
  const kernels = release
    .command("publish-kernels")
    .description(
      "Sign a folder of kernels into their vendor's role and publish it; drivers that hold them name them",
    )
    .argument("<folder>", "folder of .hvx files")
    .requiredOption("--vendor <name>", "whose they are: the role kernels-VENDOR signs")
    .option("--families <names>", "comma-separated SoC families; the default is every known chip")
    .requiredOption(...OFFLINE_OPTION)
    .option(...PASSPHRASE_OPTION);
  settingFlags(kernels, ...OPERATOR_SETTINGS, "server.production").action(
    handle<KernelOptions>(async ({ options, args, config, output }) => {
      const { signKernels } = await import("../keys/kernel-targets.ts");
      const { familiesFrom } = await import("../soc.ts");
      const { publishFolder } = await import("../keys/outgoing.ts");
      const client = unwrap(await connect(config));
      const { vendor, offline } = options;
      const families = familiesFrom(options.families);
      const { readKernels } = await import("../driver/build-bundle.ts");
      const files = unwrap(await readKernels(args[0] ?? ""));
      const pack = { vendor, families, files };
      const signed = unwrap(await signKernels(signingFrom(options, config), pack));
      const versions = signed.isComplete ? unwrap(await publishFolder(client, offline)) : undefined;
      const published = versions !== undefined;
      const more = { vendor, kernels: files.size, published };
      reportSigned(output, "release publish-kernels", { documents: [signed], offline, ...more });
      return signed.isComplete ? "ok" : "failed";
    }),
  );
}
