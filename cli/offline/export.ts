/**
 * Collects what a device without a network needs, by being one: the update client runs over the published
 * repository, and every file that it fetched goes onto the stick.
 */
import {
  checkOrigin,
  downloadTarget,
  refresh,
  resolveTarget,
  resolveTopLevelTarget,
  type Fetch,
  type MetadataStore,
  type RefreshPorts,
} from "../../device-agent/update/index.ts";
import { instant, type TenantId } from "../../protocol/base/brand.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import { BUNDLE_BYTES_MAX, packStick } from "../../protocol/bundle/index.ts";
import {
  AIR_GAPPED_MS_MAX,
  directorKeysPath,
  driverFactsSchema,
  driverPath,
  hardwarePolicyPath,
  metadataFilePath,
  ROOT_BYTES_MAX,
  targetFilePath,
  type Targets,
  type TrustedSet,
} from "../../protocol/metadata/index.ts";

export interface StickRequest {
  /** From the server: the director's signed orders, one of them at least. */
  readonly assignment?: Uint8Array | undefined;
  readonly recall?: Uint8Array | undefined;
  /** Of the driver that is assigned. */
  readonly path?: string | undefined;
  /** The device's chip. */
  readonly family: string;
  readonly tenant: TenantId;
  readonly now: number;
}

export interface FilledStick {
  readonly bytes: Uint8Array;
  readonly files: number;
  /** When the metadata on it serves no longer; its order may end before. */
  readonly validUntil: number;
}

export async function fillStick(fetch: Fetch, request: StickRequest): Promise<Result<FilledStick>> {
  const files = new Map<string, Uint8Array>();
  const recording: Fetch = async (path, bytesMax) => {
    const fetched = await fetch(path, bytesMax);
    if (fetched.ok) files.set(path, fetched.value);
    return fetched;
  };
  const root = await recording(metadataFilePath("root", 1), ROOT_BYTES_MAX);
  if (!root.ok) return root;
  const ports: RefreshPorts = {
    fetch: recording,
    store: memoryStore(root.value),
    now: instant(request.now),
  };
  const trusted = await refresh(ports);
  if (!trusted.ok) return trusted;
  const { assignment, recall, family } = request;
  const order = assignment ?? recall;
  if (!order) return failed("NOTHING_TO_ASSIGN", "there is no order to carry");
  const wanted = [directorKeysPath(request.tenant), hardwarePolicyPath(family)];
  for (const path of wanted) {
    const target = resolveTopLevelTarget(trusted.value, path);
    // A chip without a policy of its own has no such file.
    if (!target.ok) continue;
    const bytes = await downloadTarget(ports, target.value.target);
    if (!bytes.ok) return bytes;
  }
  const role = await carryDriver(trusted.value, ports, request);
  if (!role.ok) return role;
  const bytes = packStick({ order, ...(assignment && { recall }), files });
  const validUntil = servesUntil(trusted.value, role.value);
  return succeeded({ bytes, files: files.size, validUntil });
}

/** The driver with what speaks for it; without one, the roles by which a device judges where to go back to. */
async function carryDriver(
  trusted: TrustedSet,
  ports: RefreshPorts,
  { path, family }: Pick<StickRequest, "path" | "family">,
): Promise<Result<Targets | undefined>> {
  const resolve = (wanted: string) => resolveTarget(trusted, ports, wanted);
  if (path === undefined) {
    await resolve(driverPath({ family, version: "0.0.0" }));
    return succeeded(trusted.targets);
  }
  const driver = await resolve(path);
  if (!driver.ok) return driver;
  const facts = driverFactsSchema.safeParse(driver.value.target.custom);
  if (!facts.success) return failed("NOT_A_DRIVER", `${path} describes no driver`);
  const origin = await checkOrigin(driver.value, facts.data, { fetch: ports.fetch, resolve });
  if (!origin.ok) return origin;
  const bundle = await ports.fetch(targetFilePath(driver.value.target), BUNDLE_BYTES_MAX);
  return bundle.ok ? succeeded(driver.value.role) : bundle;
}

/** What offline keys signed is never stretched; the online roles are, for an order that names them. */
function servesUntil(
  { root, timestamp, snapshot, targets }: TrustedSet,
  role: Targets | undefined,
): number {
  const offline = [root, targets, role].map((signed) => signed?.expires ?? 0);
  const online = [timestamp, snapshot].map((signed) => (signed?.expires ?? 0) + AIR_GAPPED_MS_MAX);
  return Math.min(...offline, ...online);
}

export function memoryStore(root: Uint8Array): MetadataStore {
  const kept = new Map([["root", root]]);
  return {
    get: (role) => Promise.resolve(kept.get(role)),
    put: (role, bytes) => Promise.resolve(void kept.set(role, bytes)),
    remove: (...roles) => Promise.resolve(roles.forEach((role) => kept.delete(role))),
  };
}
