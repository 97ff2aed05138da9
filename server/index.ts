/** Starts the whole server: database, keys, jobs and HTTP, in this process. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pino, type Logger } from "pino";
import { brand, instant, type Instant, type TenantId } from "../protocol/base/brand.ts";
import { CodedError, unwrap } from "../protocol/base/result.ts";
import type { Signer } from "../protocol/crypto/index.ts";
import { createApplication } from "./http/application.ts";
import type { OnlineKeys, ServerContext } from "./http/context.ts";
import { createDeviceListener } from "./http/device/listener.ts";
import { createMetrics } from "./http/metrics.ts";
import { OPERATIONS } from "./http/operations.ts";
import { assignRequestId } from "./http/request-id.ts";
import { mintToken } from "./http/tokens.ts";
import { createFleet } from "./jobs/fleet.ts";
import { listedReleases } from "./jobs/listed-releases.ts";
import { createPublisher } from "./jobs/publisher.ts";
import { startSchedule } from "./jobs/schedule.ts";
import { tickEveryTenant } from "./jobs/tick.ts";
import { fileVault } from "./release/signers/file-vault.ts";
import { openSigner, type KeyVault, type OnlineRole } from "./release/signers/vault.ts";
import { fileFolder } from "./store/files.ts";
import { openStore, type DatabaseOptions, type Store } from "./store/index.ts";

export interface ServerOptions {
  /** Everything that the server keeps: database, online keys, published files. */
  readonly dataDirectory: string;
  /** Zero takes a free one. */
  readonly port: number;
  /** Production refuses keys that a demo made. */
  readonly mode: "production" | "demo";
  readonly host?: string;
  /** Files of the snapshot, timestamp and director keys; `online` in the data directory when absent. */
  readonly onlineKeyFolder?: string;
  /** Holds those keys in the place of files. */
  readonly vault?: KeyVault | undefined;
  /** PostgreSQL to use instead of the embedded one. */
  readonly databaseUrl?: string;
  /** The first tenant, made when there is none. */
  readonly tenant?: TenantId;
  /** What devices are told to wait between check-ins. */
  readonly pollIntervalSeconds?: number;
  /** Between two looks of the gate; new reports bring a look forward. */
  readonly tickEveryMs?: number;
  readonly clock?: () => Instant;
  readonly log?: Logger;
  /** Settings of the embedded database, for tests. */
  readonly databaseSettings?: Readonly<Record<string, string>>;
}

export interface RunningServer {
  readonly url: string;
  /** An administrator's token of the first tenant; null when it was made by an earlier start and taken away. */
  readonly adminToken: string | null;
  readonly tenant: TenantId;
  /** For the person at the terminal; null in production. */
  readonly banner: string | null;
  stop(): Promise<void>;
}

const VERSION = "0.1.0";
const TICK_EVERY_MS = 15_000;
const TICK_GATHER_MS = 200;
const REFRESH_EVERY_MS = 3600_000;
const SNAPSHOT_AGE_MS_MAX = 2_000;
const DEFAULT_TENANT = brand<TenantId>("default");
const DEMO_BANNER =
  "DEMO: this server signs with demo keys. Nothing that it publishes may be trusted by real devices.";

/** Throws CodedError: DEMO_KEY_IN_PRODUCTION, DATABASE_LOCKED, PORT_TAKEN and the like. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  mkdirSync(options.dataDirectory, { recursive: true });
  // Keys first: what must not run does not even start a database.
  const signers = await openSigners(options);
  const store = await openStore(databaseOptions(options));
  try {
    return await startOver(store, signers, options);
  } catch (error) {
    await store.close();
    throw error;
  }
}

function databaseOptions(options: ServerOptions): DatabaseOptions {
  const { dataDirectory, databaseUrl, databaseSettings: settings } = options;
  if (databaseUrl) return { kind: "external", url: databaseUrl };
  return { kind: "embedded", dataDirectory, ...(settings && { settings }) };
}

async function startOver(
  store: Store,
  keys: OnlineKeys,
  options: ServerOptions,
): Promise<RunningServer> {
  const { dataDirectory, mode, tenant = DEFAULT_TENANT } = options;
  const clock = options.clock ?? (() => instant(Date.now()));
  const log = options.log ?? pino({ name: "retile-server" }, pino.destination(2));
  const adminToken = await firstToken({ store, tenant, dataDirectory, now: clock() });
  const files = fileFolder(join(dataDirectory, "repository"));
  const uploads = fileFolder(join(dataDirectory, "uploads"));
  const { snapshot: snapshotSigner, timestamp: timestampSigner } = keys;
  const ports = { store, files, uploads, snapshotSigner, timestampSigner, clock };
  const publisher = createPublisher(ports);
  await publisher.restoreFiles();
  const listed = listedReleases({ repository: store.repository, files });
  const fleet = createFleet({
    ...{ store, listedReleases: listed, clock },
    ageMsMax: SNAPSHOT_AGE_MS_MAX,
  });
  const jobs = startJobs({ store, fleet, publisher, clock, log, options });
  const context: ServerContext = {
    ...{ store, files, uploads, publisher, fleet, keys, clock, log },
    listedReleases: listed,
    tickSoon: jobs.tickSoon,
    randomBytes: secureBytes,
    metrics: createMetrics(),
    pollIntervalSeconds: options.pollIntervalSeconds ?? 60,
  };
  const server = createHttpServer(context);
  try {
    await listen(server, options);
  } catch (error) {
    await jobs.stop();
    throw error;
  }
  const { address, port, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${port}`,
    adminToken,
    tenant,
    banner: mode === "demo" ? DEMO_BANNER : null,
    stop: async () => {
      await closeServer(server);
      await jobs.stop();
      await store.close();
    },
  };
}

function secureBytes(count: number): Uint8Array {
  return new Uint8Array(randomBytes(count));
}

/** Throws CodedError. */
async function openSigners(options: ServerOptions): Promise<OnlineKeys> {
  const { dataDirectory, mode, tenant = DEFAULT_TENANT } = options;
  const folder = options.onlineKeyFolder ?? join(dataDirectory, "online");
  const vault = options.vault ?? fileVault({ folder, mode, randomBytes: secureBytes });
  const open = async (role: OnlineRole): Promise<Signer> => unwrap(await openSigner(vault, role));
  const director = await open("director");
  return {
    snapshot: await open("snapshot"),
    timestamp: await open("timestamp"),
    director: (id) => (id === tenant ? director : undefined),
  };
}

interface FirstToken {
  readonly store: Store;
  readonly tenant: TenantId;
  readonly dataDirectory: string;
  readonly now: Instant;
}

/** The first start makes a tenant and leaves its administrator's token in a file that only we can read. */
async function firstToken({
  store,
  tenant,
  dataDirectory,
  now,
}: FirstToken): Promise<string | null> {
  const path = join(dataDirectory, "admin-token");
  await store.tenants.add(tenant, now);
  const tokens = await store.tenants.operatorTokens(tenant);
  if (tokens.length > 0) return existsSync(path) ? readFileSync(path, "utf8").trim() : null;
  const { id, secretSha256, text } = mintToken("operator", [tenant], secureBytes);
  const token = { tenant, id, name: "first administrator", role: "admin", secretSha256 } as const;
  await store.tenants.addOperatorToken({ ...token, createdAt: now, revokedAt: null });
  writeFileSync(path, `${text}\n`, { mode: 0o600 });
  return text;
}

interface Jobs {
  readonly tickSoon: () => void;
  stop(): Promise<void>;
}

type JobOptions = Pick<ServerContext, "store" | "fleet" | "publisher" | "clock" | "log"> & {
  readonly options: ServerOptions;
};

function startJobs({ store, fleet, publisher, clock, log, options }: JobOptions): Jobs {
  const tick = startSchedule({
    everyMs: options.tickEveryMs ?? TICK_EVERY_MS,
    gatherMs: TICK_GATHER_MS,
    work: async () => {
      for (const rollout of await tickEveryTenant({ store, fleet, clock })) {
        const { tenant, id, state, stageIndex, because } = rollout;
        log.info({ tenant, rollout: id, state, stageIndex, because }, "the gate decided");
      }
    },
    onError: (error) => log.error({ error }, "the gate could not look"),
  });
  const refresh = startSchedule({
    everyMs: REFRESH_EVERY_MS,
    gatherMs: 0,
    work: async () => {
      const refreshed = await publisher.refresh();
      if (!refreshed.ok) log.error({ code: refreshed.code }, refreshed.message);
    },
    onError: (error) => log.error({ error }, "the timestamp could not be renewed"),
  });
  // A server that was off for a day comes back with an expired timestamp.
  refresh.soon();
  return {
    tickSoon: tick.soon,
    stop: async () => {
      await tick.stop();
      await refresh.stop();
    },
  };
}

function createHttpServer(context: ServerContext): Server {
  const application = createApplication(context, VERSION);
  const hot = createDeviceListener(context);
  const server = createServer((request, response) => {
    const requestId = assignRequestId(response);
    const startedAt = performance.now();
    response.on("finish", () => {
      const { method = "", url = "" } = request;
      const route = routeOf(url);
      const { statusCode: status } = response;
      context.metrics.countRequest(route, status);
      const ms = Math.round(performance.now() - startedAt);
      context.log.debug({ requestId, method, url, status, ms }, "answered");
    });
    if (!hot(request, response)) application(request, response);
  });
  server.requestTimeout = 60_000;
  server.headersTimeout = 10_000;
  return server;
}

/** The first two segments, where they are ours: a label for every path that is asked for would never end. */
function routeOf(url: string): string {
  const [, first = "", second = ""] = url.split("?", 1)[0]?.split("/") ?? [];
  const route = `/${first}/${second}`.replace(/\/$/, "");
  return ROUTES.has(route) ? route : "other";
}

const ROUTES: ReadonlySet<string> = new Set([
  ...["/v1/device", "/repository/metadata", "/repository/targets"],
  ...["/healthz", "/metrics", "/openapi.json"],
  ...OPERATIONS.map(({ path }) => path.split("/").slice(0, 3).join("/")),
]);

function listen(server: Server, { port, host = "127.0.0.1" }: ServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE") return reject(error);
      const message = `Port ${port} of ${host} is taken: name another one.`;
      reject(new CodedError("PORT_TAKEN", message, { host, port }).because(error));
    });
    server.listen(port, host, resolve);
  });
}

/** Open requests are answered; idle connections end. */
async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const deadline = setTimeout(() => server.closeAllConnections(), 5_000);
  await closed;
  clearTimeout(deadline);
}
