/** Check-in messages: the device says what it is, the server says what to run. */
import { unreachable } from "../base/assert.ts";
import type { Result } from "../base/result.ts";
import { pollInterval } from "./enrol.ts";
import { retile } from "./generated/wire.js";
import { MODELS_PER_DEVICE_MAX, REQUEST_BYTES_MAX, TEXT_LENGTH_MAX } from "./limits.ts";
import {
  HOLD_CODES,
  type CheckInDecision,
  type CheckInReply,
  type CheckInRequest,
  type DriverRef,
  type MetadataVersions,
  type ModelFact,
  type SandboxLevel,
} from "./messages.ts";
import {
  decodeWith,
  driver,
  hashBytes,
  identifier,
  invalid,
  required,
  sha256Field,
  text,
  time,
  whole,
  type WireCode,
} from "./reader.ts";

const v1 = retile.wire.v1;
type Wire = typeof retile.wire.v1;

export function encodeCheckInRequest(request: CheckInRequest): Uint8Array {
  const { previous, models, assignment, assignmentSha256, sandbox, refusedOrder, ...facts } =
    request;
  return v1.CheckInRequest.encode({
    ...facts,
    current: wireDriver(request.current),
    previous: previous === null ? null : wireDriver(previous),
    recovery: wireDriver(request.recovery),
    models: models.map(({ model, sha256 }) => ({ model, sha256: hashBytes(sha256) })),
    assignmentEpoch: assignment.epoch,
    assignmentSequence: assignment.sequence,
    ...(assignmentSha256 && { assignmentSha256: hashBytes(assignmentSha256) }),
    ...(refusedOrder !== null && { refusedOrder }),
    sandbox:
      sandbox === "strong"
        ? v1.SandboxLevel.SANDBOX_LEVEL_STRONG
        : v1.SandboxLevel.SANDBOX_LEVEL_DEGRADED,
  }).finish();
}

export function decodeCheckInRequest(bytes: Uint8Array): Result<CheckInRequest, WireCode> {
  return decodeWith(bytes, REQUEST_BYTES_MAX, {
    parse: (input) => v1.CheckInRequest.decode(input),
    check: (message) => ({
      tenant: identifier(message.tenant, "tenant"),
      device: identifier(message.device, "device"),
      soc: identifier(message.soc, "soc"),
      agentVersion: identifier(message.agentVersion, "agent_version"),
      current: driver(message.current, "current"),
      previous: message.previous ? driver(message.previous, "previous") : null,
      recovery: driver(message.recovery, "recovery"),
      metadata: metadataVersions(message.metadata),
      models: modelFacts(message.models),
      reportEpoch: whole(message.reportEpoch, "report_epoch"),
      acknowledgedSequence: whole(message.acknowledgedSequence, "acknowledged_sequence"),
      assignment: {
        epoch: whole(message.assignmentEpoch, "assignment_epoch"),
        sequence: whole(message.assignmentSequence, "assignment_sequence"),
      },
      assignmentSha256:
        message.assignmentSha256.length === 0
          ? null
          : sha256Field(message.assignmentSha256, "assignment_sha256"),
      sandbox: sandboxLevel(message.sandbox),
      refusedOrder:
        message.refusedOrder === "" ? null : text(message.refusedOrder, "refused_order", 64),
    }),
  });
}

export function encodeCheckInReply(reply: CheckInReply): Uint8Array {
  const { decision, pollIntervalSeconds, directorEpoch, explanation, serverTime } = reply;
  return v1.CheckInReply.encode({
    ...wireDecision(decision),
    pollIntervalSeconds,
    directorEpoch,
    explanation,
    serverTimeMs: serverTime,
  }).finish();
}

export function decodeCheckInReply(bytes: Uint8Array): Result<CheckInReply, WireCode> {
  return decodeWith(bytes, REQUEST_BYTES_MAX, {
    parse: (input) => v1.CheckInReply.decode(input),
    check: (message) => ({
      decision: decision(message),
      pollIntervalSeconds: pollInterval(message.pollIntervalSeconds),
      directorEpoch: whole(message.directorEpoch, "director_epoch"),
      explanation: text(message.explanation, "explanation", TEXT_LENGTH_MAX),
      serverTime: time(message.serverTimeMs, "server_time_ms"),
    }),
  });
}

export function wireDriver(value: DriverRef): { version: string; sha256: Uint8Array } {
  return { version: value.version, sha256: hashBytes(value.sha256) };
}

function metadataVersions(
  message: InstanceType<Wire["CheckInRequest"]>["metadata"],
): MetadataVersions {
  const versions = required(message, "metadata");
  return {
    root: whole(versions.root ?? 0, "metadata.root"),
    timestamp: whole(versions.timestamp ?? 0, "metadata.timestamp"),
    snapshot: whole(versions.snapshot ?? 0, "metadata.snapshot"),
    targets: whole(versions.targets ?? 0, "metadata.targets"),
  };
}

function modelFacts(models: InstanceType<Wire["CheckInRequest"]>["models"]): ModelFact[] {
  if (models.length > MODELS_PER_DEVICE_MAX) invalid("models", "lists too many models");
  return models.map((fact) => ({
    model: identifier(fact.model ?? "", "models.model"),
    sha256: sha256Field(fact.sha256 ?? new Uint8Array(0), "models.sha256"),
  }));
}

function sandboxLevel(value: number): SandboxLevel {
  if (value === v1.SandboxLevel.SANDBOX_LEVEL_STRONG) return "strong";
  if (value === v1.SandboxLevel.SANDBOX_LEVEL_DEGRADED) return "degraded";
  return invalid("sandbox", "is not a known level");
}

function wireDecision(value: CheckInDecision) {
  switch (value.kind) {
    case "assignment":
      return { assignment: value.envelope };
    case "hold":
      return { hold: { code: value.code } };
    default:
      return unreachable(value);
  }
}

function decision(message: InstanceType<Wire["CheckInReply"]>): CheckInDecision {
  if (message.assignment)
    return { kind: "assignment", envelope: new Uint8Array(message.assignment) };
  const wanted = required(message.hold, "decision").code;
  const code = HOLD_CODES.find((known) => known === wanted);
  return { kind: "hold", code: code ?? invalid("hold.code", "is not a known code") };
}
