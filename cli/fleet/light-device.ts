/**
 * A light simulated device: real keys, real signed requests, real assignments, but no disk and no driver
 * child. What its chip would measure is looked up, having been measured once for its kind of chip.
 */
import type {
  DeviceId,
  Instant,
  ModelId,
  RolloutId,
  Sha256,
  TenantId,
} from "../../protocol/base/brand.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { Signer } from "../../protocol/crypto/index.ts";
import { verifyAssignment } from "../../protocol/metadata/index.ts";
import type {
  AcceptedAssignment,
  Assignment,
  DirectorKeys,
} from "../../protocol/metadata/index.ts";
import {
  decodeCheckInReply,
  decodeEnrolReply,
  decodeReportAck,
  DEVICE_ROUTES,
  encodeCheckInRequest,
  encodeEnrolRequest,
  MESSAGE_MEDIA_TYPE,
  signReports,
  signRequest,
} from "../../protocol/wire/index.ts";
import type {
  CheckInReply,
  DriverRef,
  HoldCode,
  LifecycleStage,
  ModelVerdict,
  Report,
} from "../../protocol/wire/index.ts";

export interface LightModel {
  readonly model: ModelId;
  readonly sha256: Sha256;
}

/** What this device's chip says of a model under two drivers. */
export type Judge = (model: LightModel, from: string, to: string) => ModelVerdict;

export interface LightDeviceOptions {
  readonly serverUrl: string;
  readonly tenant: TenantId;
  readonly device: DeviceId;
  readonly soc: string;
  readonly signer: Signer;
  readonly factory: DriverRef;
  readonly models: readonly LightModel[];
  readonly directorKeys: () => DirectorKeys;
  readonly judge: Judge;
  readonly temperatureCelsius: number;
  readonly now: () => Instant;
}

export type LightPoll =
  | { readonly kind: "held"; readonly code: HoldCode }
  | { readonly kind: "committed" | "rolled_back"; readonly version: string };

const AGENT_VERSION = "light-1";

export class LightDevice {
  private readonly options: LightDeviceOptions;
  private current: DriverRef;
  private previous: DriverRef | null = null;
  private accepted: AcceptedAssignment | null = null;
  private epoch = 1;
  private acknowledged = 0;

  constructor(options: LightDeviceOptions) {
    this.options = options;
    this.current = options.factory;
  }

  version(): string {
    return this.current.version;
  }

  async enrol(token: string): Promise<Result<void>> {
    const { tenant, device, soc, signer } = this.options;
    const publicKey = signer.publicKey;
    const request = { tenant, device, publicKey, soc, agentVersion: AGENT_VERSION, token };
    const answer = await this.post(DEVICE_ROUTES.enrol, encodeEnrolRequest(request));
    if (!answer.ok) return answer;
    const reply = decodeEnrolReply(answer.value);
    if (!reply.ok) return reply;
    this.epoch = reply.value.reportEpoch;
    return succeeded(undefined);
  }

  /** One check-in and, where it brings an assignment, the whole update. */
  async poll(): Promise<Result<LightPoll>> {
    const reply = await this.checkIn();
    if (!reply.ok) return reply;
    const { decision } = reply.value;
    if (decision.kind === "hold") return succeeded({ kind: "held", code: decision.code });
    const { tenant, device, now, directorKeys } = this.options;
    const context = { tenant, device, now: now(), accepted: this.accepted };
    const assignment = verifyAssignment(decision.envelope, directorKeys(), context);
    if (!assignment.ok) return assignment;
    return this.carryOut(assignment.value);
  }

  private async checkIn(): Promise<Result<CheckInReply>> {
    const { tenant, device, soc, factory, models } = this.options;
    const { epoch = 0, sequence = 0 } = this.accepted ?? {};
    const request = encodeCheckInRequest({
      tenant,
      device,
      soc,
      agentVersion: AGENT_VERSION,
      current: this.current,
      previous: this.previous,
      recovery: factory,
      metadata: { root: 1, timestamp: 1, snapshot: 1, targets: 1 },
      models,
      reportEpoch: this.epoch,
      acknowledgedSequence: this.acknowledged,
      assignment: { epoch, sequence },
      sandbox: "degraded",
      assignmentSha256: null,
      refusedOrder: null,
    });
    const answer = await this.post(DEVICE_ROUTES.checkIn, request);
    return answer.ok ? decodeCheckInReply(answer.value) : answer;
  }

  private async carryOut(assignment: Assignment): Promise<Result<LightPoll>> {
    const { epoch, sequence, contentSha256, target, rollout } = assignment;
    const version = target.path.slice(target.path.lastIndexOf("/") + 1);
    const to: DriverRef = { version, sha256: target.sha256 };
    const verdicts = this.options.models.map((model) => ({
      model,
      verdict: this.options.judge(model, this.current.version, version),
    }));
    // Going back to what ran before needs no measurement to speak for it.
    const isReturn = to.sha256 === this.previous?.sha256;
    const good = isReturn || verdicts.every(({ verdict }) => verdict.kind === "kept");
    const end: LifecycleStage = good
      ? { kind: "committed" }
      : { kind: "rolled_back", code: "MODEL_REFUSED", message: "a model got slower or wrong" };
    const report = this.reportOf(rollout, to);
    const reports = [
      ...(["accepted", "installed", "compiled"] as const).map((kind) =>
        lifecycle(report, { kind }),
      ),
      ...verdicts.map(({ model, verdict }) => this.outcome(report, model, verdict)),
      lifecycle(report, { kind: "measured" }),
      lifecycle(report, end),
    ];
    const sent = await this.report(reports);
    if (!sent.ok) return sent;
    this.accepted = { epoch, sequence, contentSha256, finished: true };
    if (good) [this.previous, this.current] = [this.current, to];
    return succeeded({ kind: good ? "committed" : "rolled_back", version });
  }

  private reportOf(rollout: RolloutId, to: DriverRef): Omit<Report, "body"> {
    const { soc, now } = this.options;
    return { deviceTime: now(), rollout, soc, from: this.current, to };
  }

  private outcome(report: Omit<Report, "body">, model: LightModel, verdict: ModelVerdict): Report {
    const { temperatureCelsius } = this.options;
    const facts = { model: model.model, modelSha256: model.sha256, temperatureCelsius };
    return { ...report, body: { kind: "model_outcome", ...facts, verdict } };
  }

  private async report(reports: readonly Report[]): Promise<Result<void>> {
    const { tenant, device, signer } = this.options;
    const firstSequence = this.acknowledged + 1;
    const batch = { tenant, device, epoch: this.epoch, firstSequence, reports };
    const answer = await this.post(DEVICE_ROUTES.reports, await signReports(batch, signer));
    if (!answer.ok) return answer;
    const ack = decodeReportAck(answer.value);
    if (!ack.ok) return ack;
    this.acknowledged = ack.value.acknowledgedSequence;
    return succeeded(undefined);
  }

  private async post(path: string, body: Uint8Array): Promise<Result<Uint8Array>> {
    const { serverUrl, signer, now } = this.options;
    const createdSeconds = Math.floor(now() / 1000);
    const signature = await signRequest(
      { method: "POST", path, query: "", body },
      { signer, createdSeconds },
    );
    const headers = { "content-type": MESSAGE_MEDIA_TYPE, ...signature };
    const init = { method: "POST", headers, body: new Uint8Array(body) };
    const response = await fetchPatiently(new URL(path, serverUrl), init);
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (response.ok) return succeeded(bytes);
    return failed("SERVER_REFUSED", new TextDecoder().decode(bytes), { status: response.status });
  }
}

const RETRIES_MAX = 3;

/** Every device request may be repeated: check-ins are idempotent, reports are numbered. */
async function fetchPatiently(url: URL, init: RequestInit): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await fetch(url, init);
    } catch (error) {
      if (attempt > RETRIES_MAX) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100 * attempt));
    }
  }
}

function lifecycle(report: Omit<Report, "body">, stage: LifecycleStage): Report {
  return { ...report, body: { kind: "lifecycle", stage } };
}
