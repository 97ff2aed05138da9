/** A whole server for tests: in a folder of its own, on a free port, without durability. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { instant, type Instant } from "../../../protocol/base/brand.ts";
import { operatorClient, type OperatorClient } from "./operator-client.ts";
import { startServer, type RunningServer, type ServerOptions } from "../../../server/index.ts";

/** What is written to it survives the process, not the machine: tests need no more. */
export const NO_DURABILITY = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" };

export interface TestServer extends RunningServer {
  readonly dataDirectory: string;
  readonly operator: OperatorClient;
  readonly token: string;
  /** Moves the server's clock. */
  advance(ms: number): void;
  now(): Instant;
  /** Stops it and starts it again on the same folder. */
  restart(options?: Partial<ServerOptions>): Promise<TestServer>;
  remove(): Promise<void>;
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "retile-test-"));
}

export async function startTestServer(
  options: Partial<ServerOptions> = {},
  dataDirectory = temporaryFolder(),
  startOffsetMs = 0,
): Promise<TestServer> {
  let offsetMs = startOffsetMs;
  const now = (): Instant => instant(Date.now() + offsetMs);
  const server = await startServer({
    dataDirectory,
    port: 0,
    mode: "demo",
    clock: now,
    log: pino({ level: process.env["RETILE_TEST_LOG"] ?? "silent" }, pino.destination(2)),
    databaseSettings: NO_DURABILITY,
    tickEveryMs: 200,
    ...options,
  });
  const token = server.adminToken ?? "";
  return {
    ...server,
    dataDirectory,
    token,
    operator: operatorClient({ url: server.url, token }),
    advance: (ms) => {
      offsetMs += ms;
    },
    now,
    restart: async (more = {}) => {
      await server.stop();
      return startTestServer({ ...options, ...more }, dataDirectory, offsetMs);
    },
    remove: async () => {
      await server.stop();
      rmSync(dataDirectory, { recursive: true, force: true });
    },
  };
}
