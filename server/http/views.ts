/** Domain values as the REST API shows them. */
import type { z } from "zod";
import type { Instant } from "../../protocol/base/brand.ts";
import { exp } from "../../protocol/base/math.ts";
import { hex } from "../../protocol/base/bytes.ts";
import type { Signer } from "../../protocol/crypto/index.ts";
import {
  gainOf,
  type DeviceView,
  type ModelOutcomeView,
  type ReleaseView,
  type RolloutView,
} from "../../protocol/wire/index.ts";
import {
  cumulated,
  decideRollout,
  judgeCell,
  type AssignmentFact,
  type Rollout,
} from "../rollout/index.ts";
import type { Standing } from "../jobs/tick.ts";
import type {
  AuditEntry,
  DecisionRecord,
  Device,
  Recall,
  Release,
  StoredOutcome,
} from "../store/index.ts";
import type {
  assignmentView,
  auditEntryView,
  decisionView,
  evidenceView,
  keysView,
} from "./schemas.ts";

export function timeText(at: Instant): string {
  return new Date(at).toISOString();
}

export function timeTextOrNull(at: Instant | null): string | null {
  return at === null ? null : timeText(at);
}

export function publicKeyOf(signer: Signer): z.input<typeof keysView>["snapshot"] {
  return { keyId: signer.keyId, public: hex(signer.publicKey) };
}

/** One release for all hardware classes that it was published for. */
export function releaseViews(releases: readonly Release[]): ReleaseView[] {
  const bySha256 = new Map<string, Release[]>();
  for (const release of releases) {
    bySha256.set(release.sha256, [...(bySha256.get(release.sha256) ?? []), release]);
  }
  return [...bySha256.values()].flatMap(([first, ...more]) => {
    if (!first) return [];
    const { version, sha256, length, facts, publishedAt } = first;
    const socs = [first, ...more].map(({ family }) => family);
    const { abi, isa } = facts;
    return [{ version, sha256, bytes: length, socs, abi, isa, publishedAt: timeText(publishedAt) }];
  });
}

export function rolloutView(rollout: Rollout): RolloutView {
  const { tenant, id, version, previousVersion, stages, gate, state, stageIndex, salt } = rollout;
  const { because, revision, createdAt, updatedAt } = rollout;
  return {
    ...{ tenant, id, version, previousVersion, gate, state, stageIndex, salt, revision },
    stages: [...stages],
    ...(because !== null && { because }),
    createdAt: timeText(createdAt),
    updatedAt: timeText(updatedAt),
  };
}

export function deviceViewOf(device: Device, rollout: string | null): DeviceView {
  const { tenant, soc, keyId, agentVersion, sandbox } = device;
  return {
    id: device.device,
    tenant,
    soc,
    keyId,
    agentVersion,
    current: device.current?.version ?? null,
    previous: device.previousVersion,
    rollout,
    sandbox,
    lastSeenAt: timeTextOrNull(device.lastSeenAt),
  };
}

export function assignmentViewOf(fact: AssignmentFact): z.input<typeof assignmentView> {
  const { assignedAt, acceptedAt } = fact;
  return { ...fact, assignedAt: timeText(assignedAt), acceptedAt: timeTextOrNull(acceptedAt) };
}

export function outcomeView(outcome: StoredOutcome): ModelOutcomeView {
  const { device, soc, model, fromVersion, toVersion, verdict, measured, receivedAt } = outcome;
  const snr = measured?.outputSnrDb ?? null;
  return {
    device,
    soc,
    model,
    from: fromVersion,
    to: toVersion,
    verdict,
    beforeMicroseconds: measured?.beforeMicroseconds ?? null,
    afterMicroseconds: measured?.afterMicroseconds ?? null,
    gain: measured && finiteOrNull(gainOf(measured)),
    outputSnrDb: snr === null ? null : finiteOrNull(snr),
    exact: snr === Infinity,
    receivedAt: timeText(receivedAt),
  };
}

export function evidenceViewOf(
  rollout: Rollout,
  { evidence, forbidden }: Standing,
): z.input<typeof evidenceView> {
  const known = cumulated(evidence.stages.slice(0, rollout.stageIndex + 1));
  return {
    watermark: evidence.watermark,
    forbidden: [...forbidden],
    stages: rollout.stages.map(({ percent }, index) => ({
      percent,
      reachable: evidence.reachable[index] ?? 0,
      ...(evidence.stages[index]?.devices ?? cumulated([]).devices),
    })),
    cells: known.cells.map((cell) => {
      const { interval, verdict, because } = judgeCell(cell, rollout.gate);
      const { model, hardwareClass, moments, failures } = cell;
      return {
        model,
        hardwareClass,
        devices: moments.count,
        failures,
        gain: exp(interval.mean),
        gainLower: interval.lower === -Infinity ? null : exp(interval.lower),
        gainUpper: interval.upper === Infinity ? null : exp(interval.upper),
        verdict,
        because,
      };
    }),
  };
}

export function decisionViewOf(record: DecisionRecord): z.input<typeof decisionView> {
  const { revision, stage, verdict, policySha256, evidence, decidedAt, rollout } = record;
  const replayed = decideRollout(rollout, evidence);
  return {
    revision,
    stage,
    verdict: verdict.kind,
    because: verdict.because,
    policySha256,
    watermark: evidence.watermark,
    decidedAt: timeText(decidedAt),
    replay: replayed?.verdict.kind ?? null,
  };
}

export function auditEntryViewOf(entry: AuditEntry): z.input<typeof auditEntryView> {
  const { sequence, at, actor, action, subject, details, previousSha256, sha256 } = entry;
  const shown = { sequence, actor, action, subject, previousSha256, sha256 };
  return { ...shown, at: timeText(at), details: { ...details } };
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

export function recallViewOf({ number, version, sha256s, reason, actor, createdAt }: Recall) {
  return {
    ...{ number, version, sha256s: [...sha256s], because: reason, actor },
    createdAt: timeText(createdAt),
  };
}
