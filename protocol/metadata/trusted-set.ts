/**
 * The metadata that a client trusts, and the only way into it: the workflow of TUF 1.0.34 section 5, one
 * step after the other. Downloading and keeping files is the caller's part; time stands still (TUF 5.1).
 *
 * What was kept from earlier runs is loaded first (`loadTimestamp`, `loadSnapshot`): its signatures are
 * verified again, but it may be expired or superseded, for it guards against rollback all the same. Such
 * metadata is never relied on for what comes after it.
 */
import { assert } from "../base/assert.ts";
import { instant, type Instant } from "../base/brand.ts";
import { failed, succeeded } from "../base/result.ts";
import {
  badSignatures,
  checkMetaFile,
  checkVersion,
  compareSnapshots,
  compareTimestamps,
  isRotated,
  isSignedByRole,
  withRole,
  type RolePrefix,
  type Step,
  type TimestampOrder,
} from "./checks.ts";
import { delegateNamed } from "./delegations.ts";
import { isSignedBy, readEnvelope, type Authority, type Envelope } from "./envelope.ts";
import {
  ROOT_BYTES_MAX,
  SNAPSHOT_BYTES_MAX,
  TARGETS_BYTES_MAX,
  TIMESTAMP_BYTES_MAX,
} from "./limits.ts";
import {
  rootSchema,
  SIGNED_AT,
  snapshotSchema,
  targetsSchema,
  timestampSchema,
  type MetaFile,
  type Root,
  type Snapshot,
  type Targets,
  type Timestamp,
} from "./roles.ts";

/** A delegated role is trusted only as a delegate of this very delegator. */
export interface Delegation {
  readonly role: string;
  readonly delegator: string;
}

export const TOP_LEVEL_TARGETS: Delegation = { role: "targets", delegator: "root" };

interface TrustedTargets {
  readonly delegation: Delegation;
  readonly signed: Targets;
}

export interface TrustOptions {
  /**
   * For metadata that was carried here: how long ago the online roles may have run out. Root and targets, which
   * offline keys sign for months, get none. The caller decides by `isStale` what stale metadata is good for.
   */
  readonly onlineGraceMs?: number;
}

export class TrustedSet {
  readonly #onlineGraceMs: number;
  #now: Instant;
  #root: Envelope<Root>;
  #isRootNew = false;
  #timestamp: Envelope<Timestamp> | undefined;
  #snapshot: Envelope<Snapshot> | undefined;
  /** Verified for one delegator says nothing about another: both are part of the key. */
  readonly #targets: TrustedTargets[] = [];

  private constructor(
    root: Envelope<Root>,
    startTime: Instant,
    { onlineGraceMs = 0 }: TrustOptions,
  ) {
    this.#root = root;
    this.#now = startTime;
    this.#onlineGraceMs = onlineGraceMs;
  }

  /** TUF 5.1 and 5.2: fixes the time and loads the trusted root, whose expiry does not matter yet. */
  static start(
    rootBytes: Uint8Array,
    startTime: Instant,
    options: TrustOptions = {},
  ): Step<TrustedSet> {
    const root = readRoot(rootBytes);
    if (!root.ok) return root;
    if (!isSignedByRole(root.value, root.value.signed, "root"))
      return badSignatures("ROOT", "itself");
    return succeeded(new TrustedSet(root.value, startTime, options));
  }

  /** The time that everything is judged by: the fixed start (TUF 5.1), or a signed time that is later. */
  get now(): Instant {
    return this.#now;
  }

  get root(): Root {
    return this.#root.signed;
  }

  get timestamp(): Timestamp | undefined {
    return this.#timestamp?.signed;
  }

  get snapshot(): Snapshot | undefined {
    return this.#snapshot?.signed;
  }

  /** Whether an online role has run out and is relied on by grace alone. */
  get isStale(): boolean {
    const online = [this.timestamp, this.snapshot];
    return online.some((signed) => signed !== undefined && signed.expires <= this.#now);
  }

  /** The top-level targets role. */
  get targets(): Targets | undefined {
    return this.targetsOf(TOP_LEVEL_TARGETS);
  }

  targetsOf(delegation: Delegation): Targets | undefined {
    const { role, delegator } = delegation;
    return this.#targets.find(
      (known) => known.delegation.role === role && known.delegation.delegator === delegator,
    )?.signed;
  }

  /**
   * TUF 5.3.4 to 5.3.7. The value says whether timestamp or snapshot keys were rotated, so that the caller
   * deletes both files before it keeps this root (TUF 5.3.11).
   */
  updateRoot(bytes: Uint8Array): Step<{ onlineKeysRotated: boolean }> {
    assert(this.#timestamp === undefined, "roots come before the timestamp");
    const read = readRoot(bytes);
    if (!read.ok) return read;
    const fresh = read.value;
    const trusted = this.#root.signed;
    // TUF 5.3.4
    if (!isSignedByRole(fresh, trusted, "root")) return badSignatures("ROOT", "the trusted root");
    if (!isSignedByRole(fresh, fresh.signed, "root")) return badSignatures("ROOT", "itself");
    // TUF 5.3.5
    if (fresh.signed.version !== trusted.version + 1) {
      const details = { had: trusted.version, got: fresh.signed.version };
      return failed("ROOT_WRONG_VERSION", "The new root is not the next version.", details);
    }
    // TUF 5.3.7
    this.#root = fresh;
    this.#isRootNew = true;
    const onlineKeysRotated =
      isRotated("timestamp", trusted, fresh.signed) || isRotated("snapshot", trusted, fresh.signed);
    return succeeded({ onlineKeysRotated });
  }

  /** TUF 5.3.10: no newer root is to be had, so this one must not have expired. */
  finishRoots(): Step<Root> {
    return this.#checkExpiry("ROOT", this.#root.signed) ?? succeeded(this.#root.signed);
  }

  /** A timestamp kept from an earlier run. Expiry is not checked: an expired one still guards against rollback. */
  loadTimestamp(bytes: Uint8Array): Step<Timestamp> {
    assert(this.#timestamp === undefined, "the kept timestamp is loaded once, first");
    const read = this.#readTimestamp(bytes);
    if (!read.ok) return read;
    this.#timestamp = read.value;
    // A new root has the last word on a stolen clock: what was signed under the old one sets no floor.
    if (!this.#isRootNew) this.#passTime(read.value.signed);
    return succeeded(read.value.signed);
  }

  /** TUF 5.4.2 to 5.4.4. Of an equal version the kept file stays, and no error is raised. */
  updateTimestamp(bytes: Uint8Array): Step<TimestampOrder> {
    assert(this.#snapshot === undefined, "the timestamp comes before the snapshot");
    const root = this.finishRoots();
    if (!root.ok) return root;
    // TUF 5.4.2
    const read = this.#readTimestamp(bytes);
    if (!read.ok) return read;
    const fresh = read.value;
    // TUF 5.4.3
    const order: Step<TimestampOrder> = this.#timestamp
      ? compareTimestamps(this.#timestamp, fresh)
      : succeeded("updated");
    if (!order.ok || order.value !== "updated") return order;
    // TUF 5.4.4
    const expired = this.#checkExpiry("TIMESTAMP", fresh.signed);
    if (expired) return expired;
    this.#timestamp = fresh;
    this.#passTime(fresh.signed);
    return order;
  }

  /** A snapshot kept from an earlier run: its signatures count, its age does not. */
  loadSnapshot(bytes: Uint8Array): Step<Snapshot> {
    assert(this.#snapshot === undefined, "the kept snapshot is loaded once, first");
    const read = this.#readSnapshot(bytes);
    if (!read.ok) return read;
    this.#snapshot = read.value;
    return succeeded(read.value.signed);
  }

  /** Whether the snapshot in hand is the one that the timestamp names. */
  isSnapshotCurrent(): boolean {
    return this.#snapshot?.signed.version === this.#timestamp?.signed.meta["snapshot.json"].version;
  }

  /** TUF 5.5.2 to 5.5.6. */
  updateSnapshot(bytes: Uint8Array): Step<Snapshot> {
    assert(this.#targets.length === 0, "the snapshot comes before targets");
    const listed = this.#finalTimestamp();
    if (!listed.ok) return listed;
    const meta = listed.value.meta["snapshot.json"];
    // TUF 5.5.2
    const mismatch = checkMetaFile("SNAPSHOT", bytes, meta);
    if (mismatch) return mismatch;
    // TUF 5.5.3
    const read = this.#readSnapshot(bytes);
    if (!read.ok) return read;
    const fresh = read.value;
    // TUF 5.5.4
    const versionWrong = checkVersion("SNAPSHOT", fresh.signed, meta);
    if (versionWrong) return versionWrong;
    // TUF 5.5.5
    const rollback = this.#snapshot && compareSnapshots(this.#snapshot, fresh);
    if (rollback) return rollback;
    // TUF 5.5.6
    const expired = this.#checkExpiry("SNAPSHOT", fresh.signed);
    if (expired) return expired;
    this.#snapshot = fresh;
    return succeeded(fresh.signed);
  }

  /** What the snapshot says of a targets role's file; the caller needs version and length to fetch it. */
  metaOf(role: string): Step<MetaFile> {
    const snapshot = this.#finalSnapshot();
    if (!snapshot.ok) return snapshot;
    const meta = snapshot.value.meta.get(`${role}.json`);
    if (meta) return succeeded(meta);
    const message = `The snapshot does not list the role ${role}.`;
    return failed("TARGETS_NOT_IN_SNAPSHOT", message, { role });
  }

  /** Whose keys speak for the delegate, as its delegator has signed. */
  authorityOver(delegation: Delegation): Step<Authority> {
    const { role, delegator } = delegation;
    if (delegator === "root") {
      return succeeded({ role: this.root.roles.targets, keys: this.root.keys });
    }
    const parent = this.#targets.find((known) => known.delegation.role === delegator);
    const delegations = parent?.signed.delegations;
    const delegated = delegations && delegateNamed(delegations, role);
    if (delegations && delegated) return succeeded({ role: delegated, keys: delegations.keys });
    const message = `${delegator} does not delegate to ${role}.`;
    return failed("TARGETS_NOT_DELEGATED", message, { role, delegator });
  }

  /** TUF 5.6.2 to 5.6.5, for the top-level targets and, with a delegation, for delegated ones. */
  updateTargets(bytes: Uint8Array, delegation: Delegation = TOP_LEVEL_TARGETS): Step<Targets> {
    const meta = this.metaOf(delegation.role);
    if (!meta.ok) return meta;
    const authority = this.authorityOver(delegation);
    if (!authority.ok) return authority;
    // TUF 5.6.2
    const mismatch = checkMetaFile("TARGETS", bytes, meta.value);
    if (mismatch) return mismatch;
    // TUF 5.6.3
    const read = withRole("TARGETS", readEnvelope(bytes, targetsSchema, TARGETS_BYTES_MAX));
    if (!read.ok) return read;
    const { role, keys } = authority.value;
    if (!isSignedBy(read.value, role, keys)) return badSignatures("TARGETS", delegation.delegator);
    // TUF 5.6.4
    const versionWrong = checkVersion("TARGETS", read.value.signed, meta.value);
    if (versionWrong) return versionWrong;
    // TUF 5.6.5
    const expired = this.#checkExpiry("TARGETS", read.value.signed);
    if (expired) return expired;
    this.#targets.push({ delegation, signed: read.value.signed });
    return succeeded(read.value.signed);
  }

  // ---- reading, and what must hold before anything is relied on

  #readTimestamp(bytes: Uint8Array): Step<Envelope<Timestamp>> {
    const read = withRole("TIMESTAMP", readEnvelope(bytes, timestampSchema, TIMESTAMP_BYTES_MAX));
    if (!read.ok || isSignedByRole(read.value, this.#root.signed, "timestamp")) return read;
    return badSignatures("TIMESTAMP", "the trusted root");
  }

  #readSnapshot(bytes: Uint8Array): Step<Envelope<Snapshot>> {
    const read = withRole("SNAPSHOT", readEnvelope(bytes, snapshotSchema, SNAPSHOT_BYTES_MAX));
    if (!read.ok || isSignedByRole(read.value, this.#root.signed, "snapshot")) return read;
    return badSignatures("SNAPSHOT", "the trusted root");
  }

  /** A kept timestamp was loaded whatever its age; nothing may follow from an expired one. */
  #finalTimestamp(): Step<Timestamp> {
    assert(this.#timestamp !== undefined, "the timestamp comes first");
    const root = this.finishRoots();
    if (!root.ok) return root;
    const timestamp = this.#timestamp.signed;
    return this.#checkExpiry("TIMESTAMP", timestamp) ?? succeeded(timestamp);
  }

  /** Likewise for a kept snapshot, which may also be another one than the timestamp names. */
  #finalSnapshot(): Step<Snapshot> {
    const timestamp = this.#finalTimestamp();
    if (!timestamp.ok) return timestamp;
    assert(this.#snapshot !== undefined, "the snapshot comes first");
    const snapshot = this.#snapshot.signed;
    const meta = timestamp.value.meta["snapshot.json"];
    return (
      checkVersion("SNAPSHOT", snapshot, meta) ??
      this.#checkExpiry("SNAPSHOT", snapshot) ??
      succeeded(snapshot)
    );
  }

  /**
   * A floor under a clock that is wrong (TUF 7.1): never earlier than what the trusted timestamp says of when
   * it was signed. That is bounded by its own expiry, and goes with its key when root replaces it (TUF 5.3.11),
   * so a thief of the key cannot stop a device's clock in the far future for good.
   */
  #passTime({ [SIGNED_AT]: signedAt, expires }: Timestamp): void {
    if (signedAt === undefined) return;
    this.#now = instant(Math.max(this.#now, Math.min(signedAt, expires)));
  }

  #checkExpiry(role: RolePrefix, signed: { readonly expires: Instant }) {
    const isOnline = role === "TIMESTAMP" || role === "SNAPSHOT";
    if (signed.expires + (isOnline ? this.#onlineGraceMs : 0) > this.#now) return undefined;
    const details = { expired: new Date(signed.expires).toISOString() };
    return failed(`${role}_EXPIRED`, `The ${role.toLowerCase()} metadata has expired.`, details);
  }
}

function readRoot(bytes: Uint8Array): Step<Envelope<Root>> {
  return withRole("ROOT", readEnvelope(bytes, rootSchema, ROOT_BYTES_MAX));
}
