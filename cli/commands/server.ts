/** `retile server`: runs until it is told to stop. */
import type { Command } from "commander";
import { brand } from "../../protocol/base/brand.ts";
import type { TenantId } from "../../protocol/base/brand.ts";
import { commandVault } from "../../server/release/signers/command-vault.ts";
import type { KeyVault } from "../../server/release/signers/vault.ts";
import type { Config } from "../config.ts";
import { handle, settingFlags } from "../command.ts";
import { adminTokenFile, serverFolder } from "../places.ts";
import { stopSignal } from "../stop-signal.ts";

export function register(program: Command): void {
  const server = program
    .command("server")
    .description("Run the server, with a database of its own unless one is named, until Ctrl-C");
  settingFlags(
    server,
    ...(["dataDir", "tenant", "server.host", "server.port", "server.databaseUrl"] as const),
    ...(["server.vault", "server.production", "agent.pollSeconds"] as const),
  ).action(
    handle(async ({ config, output }) => {
      const { startServer } = await import("../../server/index.ts");
      const stop = stopSignal();
      const progress = output.progress("start server", 1);
      const server = await startServer({ ...serverOptions(config), vault: vaultOf(config) });
      progress.advance(1, server.url);
      progress.finish();
      const { url, tenant, banner } = server;
      if (banner !== null) output.say(banner);
      const summary = {
        url,
        tenant,
        adminTokenFile: adminTokenFile(config),
        demo: banner !== null,
      };
      output.report({ name: "server", rows: [], summary });
      output.say("Ctrl-C stops it.");
      await aborted(stop);
      output.say(`${stop.reason}: stopping.`);
      await server.stop();
    }),
  );
}

function serverOptions(config: Config) {
  const databaseUrl = config["server.databaseUrl"].value;
  return {
    dataDirectory: serverFolder(config),
    host: config["server.host"].value,
    port: config["server.port"].value,
    mode: config["server.production"].value ? "production" : "demo",
    tenant: brand<TenantId>(config.tenant.value),
    pollIntervalSeconds: Math.round(config["agent.pollSeconds"].value),
    ...(databaseUrl !== "" && { databaseUrl }),
  } as const;
}

function vaultOf(config: Config): KeyVault | undefined {
  const program = config["server.vault"].value;
  return program === "" ? undefined : commandVault(program);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve());
  });
}
