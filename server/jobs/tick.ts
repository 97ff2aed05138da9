/** Lets the gate judge rollouts: reads evidence, decides, and writes by compare-and-set. */
import { instant, type Instant, type TenantId } from "../../protocol/base/brand.ts";
import { canonicalJson } from "../../protocol/base/canonical-json.ts";
import type { Sha256 } from "../../protocol/base/brand.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import {
  decideRollout,
  SILENCE_MS_MAX,
  type Evidence,
  type Forbidden,
  type Rollout,
} from "../rollout/index.ts";
import type { Store, TenantStore } from "../store/index.ts";
import type { Fleet } from "./fleet.ts";

export interface TickOptions {
  readonly store: Pick<Store, "rollouts"> & { readonly tenants: Pick<TenantStore, "list"> };
  readonly fleet: Fleet;
  readonly clock: () => Instant;
}

/** The rollouts that changed. */
export async function tickEveryTenant(options: TickOptions): Promise<readonly Rollout[]> {
  const changed: Rollout[] = [];
  for (const tenant of await options.store.tenants.list()) {
    changed.push(...(await tick(tenant, options)));
  }
  return changed;
}

export async function tick(tenant: TenantId, options: TickOptions): Promise<readonly Rollout[]> {
  const changed: Rollout[] = [];
  for (const rollout of await options.store.rollouts.list(tenant)) {
    if (rollout.state !== "running" && rollout.state !== "completed") continue;
    const after = await tickOne(rollout, options);
    if (!after) continue;
    options.fleet.forget(tenant);
    changed.push(after);
  }
  return changed;
}

/** How a rollout stands now: what the gate knows, and who is left out. */
export interface Standing {
  readonly evidence: Evidence;
  readonly forbidden: readonly Forbidden[];
}

export async function standingOf(
  rollout: Rollout,
  { store, fleet, clock }: TickOptions,
): Promise<Standing> {
  const silentBefore = instant(clock() - SILENCE_MS_MAX);
  const evidence = await store.rollouts.evidence(rollout, silentBefore);
  const { reachable, forbidden } = await fleet.reach(rollout);
  return { evidence: { ...evidence, reachable }, forbidden };
}

/** SHA-256 of the policy in canonical JSON, its fractions written as text, which canonical JSON has not. */
export function policySha256Of({ stages, gate }: Pick<Rollout, "stages" | "gate">): Sha256 {
  const text = JSON.stringify({ stages, gate }, (_, value: unknown) =>
    typeof value === "number" ? String(value) : value,
  );
  return sha256Hex(canonicalJson(JSON.parse(text)));
}

async function tickOne(rollout: Rollout, options: TickOptions): Promise<Rollout | undefined> {
  const { evidence } = await standingOf(rollout, options);
  const decision = decideRollout(rollout, evidence);
  if (!decision?.change) return undefined;
  const { stage, verdict, change } = decision;
  const policySha256 = policySha256Of(rollout);
  const changed = await options.store.rollouts.change({
    rollout,
    change,
    decided: { stage, verdict, policySha256, rollout, evidence },
    actor: "gate",
    action: `rollout.${verdict.kind}`,
    now: options.clock(),
  });
  // Somebody was faster, with the same evidence or a person's word: the next tick looks again.
  return changed.ok ? changed.value : undefined;
}
