/** Where the embedded database keeps its files and its socket. */
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, realpathSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { RunAs } from "./binaries.ts";

export interface Places {
  readonly cluster: string;
  /** The cluster could not lie in the data folder. */
  readonly isApart: boolean;
  /** Holds the socket: its path must stay below 107 bytes, so it is short and hashed. */
  readonly socketFolder: string;
  readonly log: string;
  readonly passwordFile: string;
}

/** For root, whose files may lie where the database's user cannot follow. */
const ROOT_HOME = "/var/lib/retile";

export function placesOf(dataDirectory: string, runAs: RunAs | null): Places {
  mkdirSync(dataDirectory, { recursive: true });
  const folder = realpathSync(dataDirectory);
  const digest = createHash("sha256").update(folder).digest("hex").slice(0, 12);
  const cluster = clusterFolder(folder, { digest, runAs });
  return {
    cluster,
    isApart: dirname(cluster) !== folder,
    socketFolder: join(tmpdir(), `retile-${digest}`),
    log: join(folder, "database.log"),
    passwordFile: join(folder, "database.password"),
  };
}

function clusterFolder(
  dataDirectory: string,
  { digest, runAs }: { readonly digest: string; readonly runAs: RunAs | null },
): string {
  if (runAs === null) return join(dataDirectory, "database");
  // To pass through, not to list: what must stay secret in there is closed by itself.
  if (!mayPass(dataDirectory, runAs)) chmodSync(dataDirectory, 0o711);
  if (pathToRoot(dataDirectory).every((folder) => mayPass(folder, runAs))) {
    return join(dataDirectory, "database");
  }
  mkdirSync(ROOT_HOME, { recursive: true, mode: 0o755 });
  return join(ROOT_HOME, digest);
}

function mayPass(folder: string, runAs: RunAs): boolean {
  const { uid, mode } = statSync(folder);
  return uid === runAs.uid ? (mode & 0o100) !== 0 : (mode & 0o001) !== 0;
}

function pathToRoot(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...pathToRoot(parent)];
}
