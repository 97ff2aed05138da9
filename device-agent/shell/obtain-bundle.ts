/**
 * Brings a bundle onto the disk with the fewest bytes: by a delta from a driver that is here, compressed, or
 * as it is. However it comes, it has the hash that the offline keys signed before anything reads it.
 */
import type { Sha256 } from "../../protocol/base/brand.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import {
  applyDelta,
  DELTA_INDEX_BYTES_MAX,
  deltaIndexPath,
  deltaPath,
  readDeltaIndex,
  usableDeltas,
  type DeltaEntry,
} from "../../protocol/bundle/index.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import { targetFilePath } from "../../protocol/metadata/index.ts";
import {
  checkSpace,
  download,
  downloadPath,
  paced,
  reachableDrivers,
  rebuildBundle,
  type Candidate,
  type PaceLimits,
  type PacePorts,
} from "../slots/index.ts";
import type { Context } from "./context.ts";
import { inflateBrotli } from "./inflate.ts";

/** An index may lie: after so many deltas that did not help, the bundle itself is taken. */
const DELTAS_TRIED_MAX = 2;

const OF_THE_NETWORK = ["SERVER_DOWN", "SERVER_TIMEOUT", "SERVER_BUSY"];
/** Trying again may help, and for the bundle itself there is no other way. */
const TRANSIENT: ReadonlySet<string> = new Set([
  ...OF_THE_NETWORK,
  "SERVER_REFUSED",
  "DOWNLOAD_CUT_SHORT",
]);

export function isTransient({ code }: { readonly code: string }): boolean {
  return TRANSIENT.has(code);
}

export async function obtainBundle(context: Context, candidate: Candidate): Promise<Result<void>> {
  const { ports } = context;
  const { driver, bytes, path } = candidate;
  const kept = await ports.files.stat(downloadPath(driver.sha256));
  // Whole, or partly here without a delta: going on with it needs no second way.
  const deltas = kept === undefined ? await deltasFor(context, candidate) : [];
  for (const delta of deltas.slice(0, DELTAS_TRIED_MAX)) {
    const applied = await obtainByDelta(context, candidate, delta);
    if (applied.ok || [...OF_THE_NETWORK, "NO_SPACE"].includes(applied.code)) return applied;
    await ports.files.discard(downloadPath(delta.sha256));
    const { code, message } = applied;
    ports.log({ event: "delta_refused", details: { driver: driver.version, code, message } });
  }
  const report = progressOf(context, candidate, bytes);
  const wanted = { sha256: driver.sha256, bytes, onProgress: report };
  const file = targetFilePath({ path, sha256: driver.sha256 });
  const read = ports.server.readTarget(file, bytes);
  const whole = await download(ports.files, wanted, paced(read, ...paceOf(context)));
  return whole.ok ? succeeded(undefined) : whole;
}

async function deltasFor(
  { ports, journal }: Context,
  { driver, bytes }: Candidate,
): Promise<readonly DeltaEntry[]> {
  const fetched = await ports.server.fetch(deltaIndexPath(driver.sha256), DELTA_INDEX_BYTES_MAX);
  const index = fetched.ok ? readDeltaIndex(fetched.value) : undefined;
  const { slots } = journal.state;
  const has = new Set(reachableDrivers(slots).map(({ sha256 }) => sha256));
  has.delete(driver.sha256);
  return index ? usableDeltas(index, has, bytes) : [];
}

async function obtainByDelta(
  context: Context,
  candidate: Candidate,
  { from, sha256, bytes, algorithm }: DeltaEntry,
): Promise<Result<void>> {
  const { ports } = context;
  const { driver } = candidate;
  const base = await baseOf(context, from);
  if (!base.ok) return base;
  const wanted = { sha256, bytes, onProgress: progressOf(context, candidate, bytes) };
  const read = ports.server.readTarget(deltaPath(sha256), bytes);
  const delta = await download(ports.files, wanted, paced(read, ...paceOf(context)));
  if (!delta.ok) return delta;
  const result = applyDelta(delta.value, base.value, {
    inflate: inflateBrotli,
    resultBytesMax: candidate.bytes,
  });
  if (!result.ok) return result;
  const isWanted =
    result.value.length === candidate.bytes && sha256Hex(result.value) === driver.sha256;
  if (!isWanted)
    return failed("DELTA_WRONG_RESULT", "The delta makes another bundle than was signed.");
  const room = await checkSpace(ports.files, 2 * candidate.bytes);
  if (!room.ok) return room;
  await ports.files.placeFile(downloadPath(driver.sha256), result.value);
  const details = { driver: driver.version, algorithm, bytes, of: candidate.bytes };
  ports.log({ event: from === null ? "unpacked" : "delta_applied", details });
  return succeeded(undefined);
}

async function baseOf({ ports }: Context, from: Sha256 | null): Promise<Result<Uint8Array>> {
  return from === null ? succeeded(new Uint8Array(0)) : rebuildBundle(ports.files, from);
}

function paceOf({ ports }: Context): [PaceLimits, PacePorts] {
  const { clock, consent, isBusy } = ports;
  const sleep = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => void clock.after(milliseconds, resolve));
  return [consent.pace, { now: () => clock.now(), sleep, isBusy }];
}

function progressOf({ ports }: Context, { driver }: Candidate, bytes: number) {
  const report = (done: number): void =>
    ports.onProgress({ stage: "download", subject: driver.version, fraction: done / bytes });
  report(0);
  return report;
}
