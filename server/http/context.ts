/** What every request handler is given. */
import type { Logger } from "pino";
import type { Instant, TenantId } from "../../protocol/base/brand.ts";
import type { Signer } from "../../protocol/crypto/index.ts";
import type { Fleet } from "../jobs/fleet.ts";
import type { ListedReleases } from "../jobs/listed-releases.ts";
import type { Publisher } from "../jobs/publisher.ts";
import type { FileFolder } from "../store/files.ts";
import type { Store } from "../store/index.ts";
import type { Metrics } from "./metrics.ts";

export interface ServerContext {
  readonly store: Store;
  /** `metadata/` and `targets/`, served as they are. */
  readonly files: FileFolder;
  /** Contents that wait for metadata that lists them, by their SHA-256. */
  readonly uploads: FileFolder;
  readonly publisher: Publisher;
  readonly fleet: Fleet;
  /** Without those that no role lists any more. */
  readonly listedReleases: ListedReleases;
  readonly keys: OnlineKeys;
  /** The gate looks at new reports soon, not at once. */
  readonly tickSoon: () => void;
  readonly clock: () => Instant;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly pollIntervalSeconds: number;
}

export interface OnlineKeys {
  readonly snapshot: Signer;
  readonly timestamp: Signer;
  /** Undefined for a tenant that this server does not have. */
  director(tenant: TenantId): Signer | undefined;
}
