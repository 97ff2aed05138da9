/** The factory's part: a driver that is never replaced, and the root of trust. No network. */
import type { DeviceId, TenantId } from "../../protocol/base/brand.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import { readBundle } from "../../protocol/bundle/index.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import { TrustedSet } from "../../protocol/metadata/index.ts";
import { EMPTY_OUTBOX } from "../report/index.ts";
import { checkFit, factoryState, stageBundle } from "../slots/index.ts";
import { readState, writeState, type AgentState } from "./agent-state.ts";
import { interfacesOf } from "./context.ts";
import { metadataStore } from "./metadata-store.ts";
import type { Machine } from "./options.ts";
import { settleHome } from "./settle.ts";
import { tryDriver } from "./start.ts";

export interface Factory {
  readonly tenant: TenantId;
  readonly device: DeviceId;
  /** The bundle of the recovery driver. */
  readonly bundle: Uint8Array;
  /** TUF root metadata. */
  readonly trustedRoot: Uint8Array;
}

const POLL_INTERVAL_SECONDS = 3600;

/** The state is written last: an installation that was cut short is simply done again. */
export async function installFactory(
  machine: Machine,
  factory: Factory,
): Promise<Result<AgentState>> {
  const { files, soc, clock } = machine;
  const sha256 = sha256Hex(factory.bundle);
  const present = await readState(files);
  if (present.ok) return alreadyInstalled(present.value, factory, sha256);
  if (present.code !== "NOT_INITIALISED") return present;
  const bundle = readBundle(factory.bundle);
  if (!bundle.ok) return bundle;
  const fit = checkFit(bundle.value.manifest, interfacesOf(soc));
  if (!fit.ok) return fit;
  const trusted = TrustedSet.start(factory.trustedRoot, clock.now());
  if (!trusted.ok) return trusted;
  await files.makeDirectory("");
  await settleHome(files);
  const staged = await stageBundle(files, factory.bundle, sha256);
  if (!staged.ok) return staged;
  const recovery = { version: staged.value.version, sha256 };
  const works = await tryDriver({ ports: machine }, recovery);
  if (!works.ok) return works;
  await metadataStore(files).put("root", factory.trustedRoot);
  const state: AgentState = {
    format: 1,
    tenant: factory.tenant,
    device: factory.device,
    slots: factoryState(recovery),
    outbox: EMPTY_OUTBOX,
    pollIntervalSeconds: POLL_INTERVAL_SECONDS,
    lastUpdate: null,
    refusedOrder: null,
  };
  await writeState(files, state);
  return succeeded(state);
}

function alreadyInstalled(
  state: AgentState,
  { tenant, device }: Factory,
  sha256: string,
): Result<AgentState> {
  const { recovery } = state.slots;
  const isSame = recovery.sha256 === sha256 && state.tenant === tenant && state.device === device;
  if (isSame) return succeeded(state);
  const message = `This directory is device ${state.device}'s, with factory driver ${recovery.version}.`;
  return failed("ALREADY_INITIALISED", message, { device: state.device });
}
