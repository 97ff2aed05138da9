/** A device as the server sees one: real keys, real signatures, real HTTP, and no chip. */
import { brand, type DeviceId, type Instant, type ModelId } from "../../../protocol/base/brand.ts";
import type { RolloutId, Sha256, TenantId } from "../../../protocol/base/brand.ts";
import { unwrap } from "../../../protocol/base/result.ts";
import { nativeSigner, sha256, sha256Hex, type Signer } from "../../../protocol/crypto/index.ts";
import { utf8 } from "../../../protocol/base/bytes.ts";
import {
  decodeCheckInReply,
  decodeEnrolReply,
  decodeReportAck,
  DEVICE_ROUTES,
  encodeCheckInRequest,
  encodeEnrolRequest,
  problemDetails,
  signReports,
  signRequest,
  type CheckInReply,
  type DriverRef,
  type LifecycleStage,
  type ModelVerdict,
  type ProblemDetails,
  type Report,
  type ReportAck,
} from "../../../protocol/wire/index.ts";

export interface TestDeviceOptions {
  readonly url: string;
  readonly tenant: TenantId;
  readonly device: string;
  readonly soc?: string;
  readonly driver: DriverRef;
  readonly models?: readonly string[];
  readonly clock: () => Instant;
  readonly seed?: Uint8Array;
}

export interface Answer {
  readonly status: number;
  readonly bytes: Uint8Array;
  readonly problem: ProblemDetails | undefined;
  readonly headers: Headers;
}

export class TestDevice {
  readonly id: DeviceId;
  readonly signer: Signer;
  current: DriverRef;
  accepted = { epoch: 0, sequence: 0 };
  acceptedSha256: Sha256 | null = null;
  refusedOrder: string | null = null;
  epoch = 0;
  acknowledged = 0;
  readonly options: TestDeviceOptions;

  constructor(options: TestDeviceOptions) {
    this.options = options;
    this.id = brand<DeviceId>(options.device);
    this.signer = nativeSigner(options.seed ?? sha256(utf8(`seed of ${options.device}`)));
    this.current = options.driver;
  }

  get soc(): string {
    return this.options.soc ?? "sm8650";
  }

  async tryEnrol(token: string): Promise<Answer> {
    const { tenant } = this.options;
    const { publicKey } = this.signer;
    const facts = { tenant, device: this.id, publicKey, soc: this.soc, agentVersion: "0.1.0" };
    return this.post(DEVICE_ROUTES.enrol, encodeEnrolRequest({ ...facts, token }));
  }

  async enrol(token: string): Promise<void> {
    const reply = unwrap(decodeEnrolReply(bytesOf(await this.tryEnrol(token))));
    this.epoch = reply.reportEpoch;
    this.acknowledged = 0;
  }

  checkInBytes(): Uint8Array {
    const { tenant, driver, models = [] } = this.options;
    return encodeCheckInRequest({
      tenant,
      device: this.id,
      soc: this.soc,
      agentVersion: "0.1.0",
      current: this.current,
      previous: null,
      recovery: driver,
      metadata: { root: 1, timestamp: 1, snapshot: 1, targets: 1 },
      models: models.map((model) => ({
        model: brand<ModelId>(model),
        sha256: sha256Hex(utf8(model)),
      })),
      reportEpoch: this.epoch,
      acknowledgedSequence: this.acknowledged,
      assignment: this.accepted,
      sandbox: "degraded",
      assignmentSha256: this.acceptedSha256,
      refusedOrder: this.refusedOrder,
    });
  }

  async checkIn(): Promise<CheckInReply> {
    const answer = await this.post(DEVICE_ROUTES.checkIn, this.checkInBytes());
    return unwrap(decodeCheckInReply(bytesOf(answer)));
  }

  async tryReport(reports: readonly Report[], firstSequence = this.acknowledged + 1) {
    const { tenant } = this.options;
    const batch = { tenant, device: this.id, epoch: this.epoch, firstSequence, reports };
    return this.post(DEVICE_ROUTES.reports, await signReports(batch, this.signer));
  }

  async report(reports: readonly Report[]): Promise<ReportAck> {
    const ack = unwrap(decodeReportAck(bytesOf(await this.tryReport(reports))));
    this.acknowledged = ack.acknowledgedSequence;
    return ack;
  }

  lifecycle(rollout: string, to: DriverRef, stage: LifecycleStage): Report {
    return { ...this.base(rollout, to), body: { kind: "lifecycle", stage } };
  }

  outcome(rollout: string, to: DriverRef, named: { model: string; verdict: ModelVerdict }): Report {
    const model = brand<ModelId>(named.model);
    const facts = { model, modelSha256: sha256Hex(utf8(model)), temperatureCelsius: 40 };
    const { verdict } = named;
    return { ...this.base(rollout, to), body: { kind: "model_outcome", ...facts, verdict } };
  }

  private base(rollout: string, to: DriverRef): Omit<Report, "body"> {
    const from = this.current;
    const deviceTime = this.options.clock();
    return { deviceTime, rollout: brand<RolloutId>(rollout), soc: this.soc, from, to };
  }

  async post(
    path: string,
    body: Uint8Array,
    signing: { createdSeconds?: number; nonce?: string; signer?: Signer } = {},
  ): Promise<Answer> {
    const { signer = this.signer, nonce } = signing;
    const createdSeconds = signing.createdSeconds ?? Math.floor(this.options.clock() / 1000);
    const request = { method: "POST", path, query: "", body };
    const signed = { signer, createdSeconds, ...(nonce !== undefined && { nonce }) };
    const headers = { ...(await signRequest(request, signed)) };
    const url = new URL(path, this.options.url);
    const response = await fetch(url, { method: "POST", headers, body: new Uint8Array(body) });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const problem = response.ok
      ? undefined
      : problemDetails.parse(JSON.parse(Buffer.from(bytes).toString()));
    return { status: response.status, bytes, problem, headers: response.headers };
  }
}

export function kept(gain: number, outputSnrDb = Infinity): ModelVerdict {
  return { kind: "kept", measured: measured(gain, outputSnrDb) };
}

export function measured(gain: number, outputSnrDb = Infinity) {
  const beforeCycles = 1_000_000;
  const afterCycles = Math.round(beforeCycles / gain);
  return {
    beforeCycles,
    afterCycles,
    beforeMicroseconds: beforeCycles / 1000,
    afterMicroseconds: afterCycles / 1000,
    outputSnrDb,
  };
}

function bytesOf({ status, bytes, problem }: Answer): Uint8Array {
  if (!problem) return bytes;
  throw new Error(`${status} ${problem.code}: ${problem.detail}`);
}
