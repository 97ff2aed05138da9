/** `retile agent tuf`: the agent's TUF client by itself, in the form in which public TUF suites drive clients. */
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { instant } from "../../protocol/base/brand.ts";
import { CodedError, failed, succeeded, toFailure, unwrap } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { fullName, handle } from "../command.ts";
import type { Output } from "../output.ts";

interface TufOptions {
  readonly metadataDir: string;
  readonly metadataUrl?: readonly string[];
  readonly targetName?: readonly string[];
  readonly targetDir?: string;
  readonly targetBaseUrl?: string;
}

export function registerTuf(agent: Command): void {
  const tuf = agent
    .command("tuf")
    .description("Be a bare TUF client: init, refresh, download; exit 0 or 1")
    .argument("<action>", "init, refresh or download")
    .argument("[root]", "init: root.json that is trusted first")
    .requiredOption("--metadata-dir <folder>", "where trusted metadata is kept")
    .option("--metadata-url <url>", "metadata of the repository; repeat it for mirrors", collect)
    .option("--target-name <path>", "target to download; may be repeated", collect)
    .option("--target-dir <folder>", "where to keep what is downloaded")
    .option("--target-base-url <url>", "where the targets are");
  tuf.action(
    handle<TufOptions>(async ({ options, args, output }) => {
      try {
        const done = await act(args, options, output);
        if (done.ok) return "ok";
        output.failure(fullName(tuf), done);
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        output.failure(fullName(tuf), toFailure(error));
      }
      return "failed";
    }),
  );
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

async function act(
  [action = "", root]: readonly string[],
  options: TufOptions,
  output: Output,
): Promise<Result<unknown>> {
  const client = await import("../../device-agent/shell/tuf-client.ts");
  const { machineHttp } = await import("../../device-agent/shell/http.ts");
  const common = {
    metadataDirectory: options.metadataDir,
    http: machineHttp,
    now: instant(Date.now()),
    onNotice: ({ code, role }: { code: string; role: string }) => output.say(`${code}: ${role}`),
  };
  const { metadataUrl = [], targetName = [], targetDir, targetBaseUrl } = options;
  const [first, ...mirrors] = metadataUrl;
  switch (action) {
    case "init":
      if (root === undefined) return failed("USAGE", "init takes the root.json to trust");
      return client.initTufClient(common, new Uint8Array(await readRoot(root)));
    case "refresh":
      if (first === undefined) return failed("USAGE", "refresh needs --metadata-url");
      return client.refreshTufClient(common, [first, ...mirrors]);
    case "download":
      if (first === undefined || targetDir === undefined || targetBaseUrl === undefined) {
        return failed("USAGE", "download needs --metadata-url, --target-dir, --target-base-url");
      }
      return client.downloadTufTargets(common, {
        metadataUrls: [first, ...mirrors],
        targetNames: targetName,
        targetDirectory: targetDir,
        targetBaseUrl,
      });
    default:
      return failed("USAGE", `there is no action ${action}: init, refresh or download`);
  }
}

async function readRoot(path: string): Promise<Uint8Array> {
  const read = await readFile(path).then(succeeded, () =>
    failed("INPUT_NOT_FOUND", `there is no file ${path}`, { path }),
  );
  return unwrap(read);
}
