/** `retile release`: sign and publish driver bundles, and list what is published. */
import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { brand } from "../../protocol/base/brand.ts";
import type { TenantId } from "../../protocol/base/brand.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { handle, settingFlags, wholeNumber } from "../command.ts";
import { connect, OPERATOR_SETTINGS } from "../operator/connect.ts";
import { readInput } from "../read-input.ts";
import { registerPublishCommands } from "./release-publish.ts";

export function register(program: Command): void {
  const release = program
    .command("release")
    .description("Sign, publish, show and list driver releases");
  registerPublishCommands(release);
  registerList(release);
  registerShow(release);
  registerInspect(release);
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

function registerShow(release: Command): void {
  const show = release
    .command("show")
    .description(
      "Print where a published release comes from, verified as a device would; exit 1 where it is not",
    )
    .argument("<version>", "a published release")
    .option(
      "--root <file>",
      "root metadata to trust; the default is the server's first, unchecked",
    );
  settingFlags(show, ...OPERATOR_SETTINGS).action(
    handle<{ readonly root?: string }>(async ({ options, args, config, output }) => {
      const { originSummary, showRelease } = await import("../release/show.ts");
      const client = unwrap(await connect(config));
      const [version = ""] = args;
      const releases = unwrap(await client.releases());
      const families = releases.find((one) => one.version === version)?.socs ?? [];
      const root = options.root === undefined ? undefined : unwrap(await readInput(options.root));
      const request = { version, families, root, now: Date.now() };
      const fetch = client.repositoryFile.bind(client);
      const { rows, origin, isVerified } = unwrap(await showRelease(fetch, request));
      const summary = { version, verified: isVerified, ...(origin && originSummary(origin)) };
      output.report({ name: "release show", rows, summary });
      return isVerified ? "ok" : "failed";
    }),
  );
}

function registerInspect(release: Command): void {
  release
    .command("inspect")
    .description("Print what a bundle holds and where the statement beside it says it comes from")
    .argument("<file>", "a bundle, as `driver build` writes it")
    .option("--provenance <file>", "its statement; the default is FILE.provenance.json")
    .action(
      handle<{ readonly provenance?: string }>(async ({ options, args, output }) => {
        const { inspectBundle, originSummary } = await import("../release/show.ts");
        const { loadBundle } = await import("../keys/publish-release.ts");
        const source = { kind: "file", path: args[0] ?? "", ...options } as const;
        const loaded = unwrap(await loadBundle(source));
        const { files, manifest, origin } = unwrap(inspectBundle(loaded));
        const summary = { ...manifest, ...originSummary(origin) };
        output.report({ name: "release inspect", rows: files, summary });
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
      const { assignment, recall, target, family, startBefore } = assigned;
      const tenant = brand<TenantId>(config.tenant.value);
      const fetch = client.repositoryFile.bind(client);
      const orders = { assignment, recall, path: target?.path, family };
      const request = { ...orders, tenant, now: Date.now() };
      const stick = unwrap(await fillStick(fetch, request));
      await writeFile(options.out, stick.bytes);
      const validUntil = new Date(
        Math.min(stick.validUntil, Date.parse(startBefore)),
      ).toISOString();
      const carried = { version: target?.version ?? null, recalls: recall !== undefined };
      const summary = { device: args[0] ?? "", ...carried, validUntil };
      const size = { files: stick.files, bytes: stick.bytes.length, out: options.out };
      output.report({ name: "release export", rows: [], summary: { ...summary, ...size } });
    }),
  );
}
