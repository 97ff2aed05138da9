/** `retile release`: sign and publish driver bundles, and list what is published. */
import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { brand } from "../../protocol/base/brand.ts";
import type { TenantId } from "../../protocol/base/brand.ts";
import { failed, succeeded, unwrap } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { isSemver } from "../../protocol/base/semver.ts";
import { handle, settingFlags, wholeNumber } from "../command.ts";
import type { BundleSource } from "../keys/publish-release.ts";
import { PASSPHRASE_OPTION, readPassphrase } from "../keys/passphrase.ts";
import { connect, OPERATOR_SETTINGS } from "../operator/connect.ts";

interface PublishOptions {
  readonly bundle?: string;
  readonly release?: string;
  readonly offline: string;
  readonly securityFloor: string;
  readonly passphraseFile?: string;
}

export function register(program: Command): void {
  const release = program.command("release").description("Sign, publish and list driver releases");
  registerPublish(release);
  registerList(release);
  registerExport(release);
  registerRecall(release);
}

function registerRecall(release: Command): void {
  const recall = release
    .command("recall")
    .description(
      "Take a version back: no device is sent it, and every device that runs it leaves it",
    )
    .argument("<version>", "a published release")
    .requiredOption("--because <reason>", "why; devices log it");
  settingFlags(recall, ...OPERATOR_SETTINGS).action(
    handle<{ readonly because: string }>(async ({ options, args, config, output }) => {
      const client = unwrap(await connect(config));
      const { number, version, sha256s } = unwrap(
        await client.recall(args[0] ?? "", options.because),
      );
      const summary = { recall: number, version, bundles: sha256s.length };
      output.report({ name: "release recall", rows: [], summary });
    }),
  );
}

function registerPublish(release: Command): void {
  const publish = release
    .command("publish")
    .description("Sign a bundle with the offline targets keys, upload and publish it")
    .option("--bundle <file>", "the bundle to publish, or")
    .option("--release <version>", "a release to build first, for instance 1.1.0")
    .requiredOption("--offline <folder>", "folder of the offline keys")
    .option(...PASSPHRASE_OPTION)
    .option("--security-floor <version>", "no version below this may run any more", "0.0.0");
  settingFlags(publish, ...OPERATOR_SETTINGS, "tenant").action(
    handle<PublishOptions>(async ({ options, config, output }) => {
      const source = unwrap(bundleSource(options));
      if (!isSemver(options.securityFloor)) {
        const message = `--security-floor ${options.securityFloor} is no semantic version`;
        return unwrap(failed("USAGE", message));
      }
      const client = unwrap(await connect(config));
      const { loadBundle, publishRelease } = await import("../keys/publish-release.ts");
      const { offline, securityFloor } = options;
      const progress = output.progress("publish", 2);
      const bundle = unwrap(await loadBundle(source));
      progress.advance(1, "built, now signing");
      const demo = !config["server.production"].value;
      const tenant = brand<TenantId>(config.tenant.value);
      const passphrase = unwrap(readPassphrase(options.passphraseFile));
      const request = { bundle, offline, tenant, demo, securityFloor, passphrase };
      const published = unwrap(await publishRelease(client, request));
      progress.advance(1);
      progress.finish();
      if (published.targetsVersion === null) output.say("It was published before; nothing is new.");
      output.report({ name: "release publish", rows: [], summary: { ...published } });
    }),
  );
}

export function bundleSource(
  options: Pick<PublishOptions, "bundle" | "release">,
): Result<BundleSource, "USAGE"> {
  const { bundle, release } = options;
  if (bundle !== undefined && release === undefined) {
    return succeeded({ kind: "file", path: bundle });
  }
  if (release !== undefined && bundle === undefined) {
    return succeeded({ kind: "release", version: release });
  }
  return failed("USAGE", "name what to publish: either --bundle FILE or --release VERSION");
}

function registerList(release: Command): void {
  const list = release.command("list").description("List the published releases");
  settingFlags(list, ...OPERATOR_SETTINGS).action(
    handle(async ({ config, output }) => {
      const releases = unwrap(await unwrap(await connect(config)).releases());
      const rows = releases.map(({ version, sha256, bytes, socs, abi, isa, publishedAt }) => ({
        version,
        bytes,
        socs: socs.join(" "),
        abi: `${abi.major}.${abi.minor}`,
        isa: `${isa.major}.${isa.minor}`,
        publishedAt,
        sha256,
      }));
      output.report({ name: "release list", rows, summary: { releases: rows.length } });
    }),
  );
}

interface ExportOptions {
  readonly out: string;
  readonly days: number;
}

function registerExport(release: Command): void {
  const command = release
    .command("export")
    .description("Write one file with what a device without a network is to install now")
    .argument("<device>", "the device that it is for; no other takes it")
    .requiredOption("--out <file>", "the file to carry to `retile agent import`")
    .option("--days <count>", "how long the order may be taken up", wholeNumber, 7);
  settingFlags(command, ...OPERATOR_SETTINGS, "tenant").action(
    handle<ExportOptions>(async ({ options, args, config, output }) => {
      const client = unwrap(await connect(config));
      const { fillStick } = await import("../offline/export.ts");
      const assigned = unwrap(await client.offlineAssignment(args[0] ?? "", options.days));
      const { order, target, startBefore } = assigned;
      const tenant = brand<TenantId>(config.tenant.value);
      const fetch = client.repositoryFile.bind(client);
      const request = { order, path: target.path, tenant, now: Date.now() };
      const stick = unwrap(await fillStick(fetch, request));
      await writeFile(options.out, stick.bytes);
      const validUntil = new Date(
        Math.min(stick.validUntil, Date.parse(startBefore)),
      ).toISOString();
      const summary = { device: args[0] ?? "", version: target.version, validUntil };
      const size = { files: stick.files, bytes: stick.bytes.length, out: options.out };
      output.report({ name: "release export", rows: [], summary: { ...summary, ...size } });
    }),
  );
}
