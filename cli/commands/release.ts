/** `retile release`: sign and publish driver bundles, and list what is published. */
import type { Command } from "commander";
import { brand } from "../../protocol/base/brand.ts";
import type { TenantId } from "../../protocol/base/brand.ts";
import { failed, succeeded, unwrap } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { isSemver } from "../../protocol/base/semver.ts";
import { handle, settingFlags } from "../command.ts";
import type { BundleSource } from "../keys/publish-release.ts";
import { connect, OPERATOR_SETTINGS } from "../operator/connect.ts";

interface PublishOptions {
  readonly bundle?: string;
  readonly release?: string;
  readonly offline: string;
  readonly securityFloor: string;
}

export function register(program: Command): void {
  const release = program.command("release").description("Sign, publish and list driver releases");
  registerPublish(release);
  registerList(release);
}

function registerPublish(release: Command): void {
  const publish = release
    .command("publish")
    .description("Sign a bundle with the offline targets keys, upload and publish it")
    .option("--bundle <file>", "the bundle to publish, or")
    .option("--release <version>", "a release to build first, for instance 1.1.0")
    .requiredOption("--offline <folder>", "folder of the offline keys")
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
      const request = { bundle, offline, tenant, demo, securityFloor };
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
