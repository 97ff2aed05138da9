/** Kills a device's process at random moments of an update and looks at what the next start makes of it. */
import { spawn } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { seededRandom } from "../../protocol/base/random.ts";
import type { ProcessLine, ProcessOrder } from "./agent-process.ts";
import { copyDriverBundle } from "./copy-driver.ts";
import { DEVICE, deviceServer, TENANT } from "./device-server.ts";
import { NOW } from "./signed-metadata.ts";

export interface KillOutcome {
  readonly afterMs: number;
  readonly wasKilled: boolean;
  /** What the next start said. */
  readonly lines: readonly ProcessLine[];
  /** Kinds of the reports that the server has, in order. */
  readonly reports: readonly string[];
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** `moments` kills, spread by the seed over the time that an undisturbed update takes. */
export async function killAtRandomMoments(moments: number, seed: number): Promise<KillOutcome[]> {
  const home = await mkdtemp(join(tmpdir(), "retile-kill-"));
  const server = await deviceServer();
  const listener = await server.listen();
  try {
    const old = copyDriverBundle({ version: "1.0.0", copies: 100 });
    const next = copyDriverBundle({ version: "1.1.0", copies: 20 });
    await server.publish([old, next], next);
    await writeFile(join(home, "bundle"), old);
    await writeFile(join(home, "root"), server.root);
    const script = bundleProcess(home);
    const order: ProcessOrder = {
      mode: "prepare",
      directory: join(home, "template"),
      serverUrl: listener.url,
      childScript: join(ROOT, "dist/host/child.mjs"),
      tenant: TENANT as ProcessOrder["tenant"],
      device: DEVICE as ProcessOrder["device"],
      now: NOW,
      bundle: join(home, "bundle"),
      root: join(home, "root"),
    };
    await runProcess(script, order);

    const update = async (killAfterMs: number): Promise<KillOutcome> => {
      const directory = join(home, "device");
      await rm(directory, { recursive: true, force: true });
      await cp(order.directory, directory, { recursive: true });
      server.forget();
      const finish = { ...order, mode: "finish" as const, directory };
      const first = await runProcess(script, finish, killAfterMs);
      const { lines } = await runProcess(script, finish);
      const reports = server.reports.map(({ body }) =>
        body.kind === "lifecycle" ? body.stage.kind : body.verdict.kind,
      );
      return { afterMs: killAfterMs, wasKilled: first.wasKilled, lines, reports };
    };
    const startedAt = performance.now();
    await update(0);
    const wholeMs = performance.now() - startedAt;
    const random = seededRandom(seed);
    const outcomes: KillOutcome[] = [];
    for (let at = 0; at < moments; at++) outcomes.push(await update(random.uniform() * wholeMs));
    return outcomes;
  } finally {
    await listener.close();
    await rm(home, { recursive: true });
  }
}

/** One file: a start takes a tenth of a second then. */
function bundleProcess(home: string): string {
  const outfile = join(home, "agent-process.mjs");
  buildSync({
    absWorkingDir: ROOT,
    entryPoints: ["test/support/agent-process.ts"],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "error",
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
  return outfile;
}

interface Ended {
  readonly wasKilled: boolean;
  readonly lines: readonly ProcessLine[];
}

async function runProcess(
  script: string,
  order: ProcessOrder,
  killAfterMs?: number,
): Promise<Ended> {
  const child = spawn(process.execPath, [script, JSON.stringify(order)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (bytes: Uint8Array) => (output += new TextDecoder().decode(bytes)));
  const timer =
    killAfterMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfterMs);
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.on("close", (...how) => resolve(how)),
  );
  clearTimeout(timer);
  if (signal === null && code !== 0) throw new Error(`the agent ended with ${code}: ${output}`);
  const whole = output.slice(0, output.lastIndexOf("\n") + 1).trimEnd();
  const lines =
    whole === "" ? [] : whole.split("\n").map((line) => JSON.parse(line) as ProcessLine);
  return { wasKilled: signal === "SIGKILL", lines };
}

/** Why an outcome breaks the promise; empty when it keeps it. */
export function violationsOf({ lines, reports }: KillOutcome): string[] {
  const ran = lines.filter((line) => line.kind === "ran");
  const [first, last] = [ran[0], ran.at(-1)];
  const told = reports.join(" ");
  return [
    ...(first && ["1.0.0", "1.1.0"].includes(first.driver) && first.isRight
      ? []
      : [`after the kill the model does not run: ${JSON.stringify(first)}`]),
    ...(last?.driver === "1.1.0" && last.isRight
      ? []
      : [`the update did not complete: ${JSON.stringify(lines)}`]),
    ...(told === "accepted installed compiled kept measured committed" ? [] : [`reports: ${told}`]),
  ];
}
