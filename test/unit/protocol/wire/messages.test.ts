import { describe, expect, test } from "@jest/globals";
import { brand, instant, type Sha256 } from "../../../../protocol/base/brand.ts";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import type { Result } from "../../../../protocol/base/result.ts";
import { nativeSigner, sha256Hex, verifyDetached } from "../../../../protocol/crypto/index.ts";
import {
  decodeCheckInReply,
  decodeCheckInRequest,
  decodeEnrolReply,
  decodeEnrolRequest,
  decodeReportAck,
  decodeReportBatch,
  decodeSignedReports,
  encodeCheckInReply,
  encodeCheckInRequest,
  encodeEnrolReply,
  encodeEnrolRequest,
  encodeReportAck,
  encodeReportBatch,
  gainOf,
  HOLD_CODES,
  openReports,
  REPORTS_PER_BATCH_MAX,
  REQUEST_BYTES_MAX,
  signReports,
  type CheckInRequest,
  type LifecycleStage,
  type Measured,
  type ModelVerdict,
  type Report,
  type ReportBatch,
} from "../../../../protocol/wire/index.ts";
import { retile } from "../../../../protocol/wire/generated/wire.js";
import { fc, property } from "../../../support/property.ts";

const v1 = retile.wire.v1;
const SIGNER = nativeSigner(new Uint8Array(32).fill(1));
const SHA: Sha256 = sha256Hex(utf8("bundle"));
const DRIVER = { version: "1.0.0", sha256: SHA };
const NEWER = { version: "1.1.0-rc.1", sha256: sha256Hex(utf8("newer")) };

const MEASURED: Measured = {
  beforeCycles: 2 ** 40,
  afterCycles: 2 ** 39,
  beforeMicroseconds: 812.5,
  afterMicroseconds: 406.25,
  outputSnrDb: 41.5,
};

const CHECK_IN: CheckInRequest = {
  tenant: brand("acme"),
  device: brand("phone-1"),
  soc: "sm8650",
  agentVersion: "0.1.0",
  current: NEWER,
  previous: DRIVER,
  recovery: DRIVER,
  metadata: { root: 1, timestamp: 9, snapshot: 4, targets: 3 },
  models: [{ model: brand("squeezenet-1.1"), sha256: SHA }],
  reportEpoch: 2,
  acknowledgedSequence: 77,
  assignment: { epoch: 1, sequence: 5 },
  sandbox: "strong",
  assignmentSha256: sha256Hex(utf8("order")),
  refusedOrder: null,
};

const VERDICTS: readonly ModelVerdict[] = [
  { kind: "kept", measured: MEASURED },
  { kind: "kept", measured: { ...MEASURED, outputSnrDb: Infinity } },
  { kind: "refused_slower", measured: MEASURED },
  { kind: "refused_wrong", measured: { ...MEASURED, outputSnrDb: -Infinity } },
  { kind: "failed", code: "DEADLOCK", message: "Queue 3 waits for itself." },
];

const STAGES: readonly LifecycleStage[] = [
  { kind: "accepted" },
  { kind: "installed" },
  { kind: "compiled" },
  { kind: "measured" },
  { kind: "committed" },
  { kind: "install_failed", code: "DISK_FULL", message: "12 bytes missing" },
  { kind: "rolled_back", code: "CRASH_LOOP", message: "" },
];

function report(body: Report["body"]): Report {
  const rollout = brand<Report["rollout"] & string>("rollout-7");
  const deviceTime = instant(1_790_000_000_000);
  return { deviceTime, rollout, soc: "sm8650", from: DRIVER, to: NEWER, body };
}

function outcome(verdict: ModelVerdict): Report {
  const kind = "model_outcome";
  const model = brand<CheckInRequest["models"][number]["model"]>("resnet50");
  return report({ kind, model, modelSha256: SHA, temperatureCelsius: 38.25, verdict });
}

const BATCH: ReportBatch = {
  tenant: brand("acme"),
  device: brand("phone-1"),
  epoch: 2,
  firstSequence: 78,
  reports: [
    ...VERDICTS.map(outcome),
    ...STAGES.map((stage) => report({ kind: "lifecycle", stage })),
    { ...report({ kind: "lifecycle", stage: { kind: "committed" } }), rollout: null },
  ],
};

function codeOf(result: Result<unknown>): string {
  return result.ok ? "ok" : result.code;
}

describe("what is encoded is decoded", () => {
  test("enrolment", () => {
    const request = {
      tenant: CHECK_IN.tenant,
      device: CHECK_IN.device,
      publicKey: SIGNER.publicKey,
      soc: "sm8650",
      agentVersion: "0.1.0",
      token: "let me in",
    };
    expect(decodeEnrolRequest(encodeEnrolRequest(request))).toEqual({ ok: true, value: request });
    const serverTime = instant(1_790_000_000_123);
    const { keyId } = SIGNER;
    const reply = { keyId, reportEpoch: 1, pollIntervalSeconds: 60, serverTime };
    expect(decodeEnrolReply(encodeEnrolReply(reply))).toEqual({ ok: true, value: reply });
  });

  test.each([
    ["a device with a history", CHECK_IN],
    ["a new device", { ...CHECK_IN, previous: null, models: [] }],
    ["a device that took no order", { ...CHECK_IN, assignmentSha256: null, refusedOrder: null }],
    ["a device that refused one", { ...CHECK_IN, refusedOrder: "ASSIGNMENT_REPLAYED" }],
    ["a device with a weaker sandbox", { ...CHECK_IN, sandbox: "degraded" as const }],
  ])("check-in of %s", (_which, request) => {
    expect(decodeCheckInRequest(encodeCheckInRequest(request))).toEqual({
      ok: true,
      value: request,
    });
  });

  test.each([
    { kind: "assignment" as const, envelope: utf8("{}") },
    ...HOLD_CODES.map((code) => ({ kind: "hold" as const, code })),
  ])("check-in reply %j", (decision) => {
    const reply = {
      decision,
      pollIntervalSeconds: 30,
      directorEpoch: 3,
      explanation: "Stage 1 of 3.",
      serverTime: instant(1),
    };
    expect(decodeCheckInReply(encodeCheckInReply(reply))).toEqual({ ok: true, value: reply });
  });

  test("reports of every kind", () => {
    expect(decodeReportBatch(encodeReportBatch(BATCH))).toEqual({ ok: true, value: BATCH });
  });

  test("an acknowledgement", () => {
    const ack = { epoch: 2, acknowledgedSequence: 90 };
    expect(decodeReportAck(encodeReportAck(ack))).toEqual({ ok: true, value: ack });
  });
});

describe("a batch of reports", () => {
  async function signed() {
    const read = decodeSignedReports(await signReports(BATCH, SIGNER));
    if (!read.ok) throw new Error(read.message);
    return read.value;
  }
  const verify = (message: Uint8Array, signature: Uint8Array) =>
    verifyDetached(message, signature, SIGNER.publicKey);

  test("is opened with the key of the device that signed it", async () => {
    const batch = await signed();
    expect(batch.keyId).toBe(SIGNER.keyId);
    expect(openReports(batch, verify)).toEqual({ ok: true, value: BATCH });
  });

  test("with another payload is refused", async () => {
    const other = encodeReportBatch({ ...BATCH, firstSequence: 79 });
    const forged = { ...(await signed()), payload: other };
    expect(codeOf(openReports(forged, verify))).toBe("REPORTS_BAD_SIGNATURE");
  });

  test("of another device is refused", async () => {
    const other = nativeSigner(new Uint8Array(32).fill(2)).publicKey;
    const opened = openReports(await signed(), (m, s) => verifyDetached(m, s, other));
    expect(codeOf(opened)).toBe("REPORTS_BAD_SIGNATURE");
  });

  test("signed without its context is refused: no other document passes for reports", async () => {
    const payload = encodeReportBatch(BATCH);
    const signature = await SIGNER.sign(payload);
    const forged = { payload, keyId: SIGNER.keyId, signature };
    expect(codeOf(openReports(forged, verify))).toBe("REPORTS_BAD_SIGNATURE");
  });
});

describe("a field is refused when", () => {
  const valid = v1.CheckInRequest.decode(encodeCheckInRequest(CHECK_IN));
  const driver = { version: "1.0.0", sha256: new Uint8Array(32) };
  const CASES: [string, retile.wire.v1.ICheckInRequest, string][] = [
    ["the tenant is empty", { tenant: "" }, "tenant"],
    ["the device leads out of a folder", { device: "../x" }, "device"],
    ["the driver is missing", { current: null }, "current"],
    ["a version is not semantic", { current: { ...driver, version: "1" } }, "current.version"],
    ["a hash is short", { current: { ...driver, sha256: new Uint8Array(31) } }, "current.sha256"],
    ["the metadata versions are missing", { metadata: null }, "metadata"],
    ["the sandbox level is unknown", { sandbox: 9 as 1 }, "sandbox"],
    ["a number is beyond 2^53", { reportEpoch: 2 ** 60 }, "report_epoch"],
    ["there are too many models", { models: Array(257).fill({ model: "m" }) }, "models"],
  ];
  test.each(CASES)("%s", (_why, change, field) => {
    const bytes = v1.CheckInRequest.encode({ ...valid, ...change }).finish();
    const read = decodeCheckInRequest(bytes);
    expect(read).toMatchObject({ ok: false, code: "WIRE_FIELD_INVALID", details: { field } });
  });

  test("a public key of small order is enrolled", () => {
    const publicKey = new Uint8Array(32);
    publicKey[0] = 1;
    const request = { tenant: "a", device: "b", publicKey, soc: "s", agentVersion: "1", token: "" };
    const bytes = v1.EnrolRequest.encode(request).finish();
    const details = { field: "public_key" };
    expect(decodeEnrolRequest(bytes)).toMatchObject({ code: "WIRE_FIELD_INVALID", details });
  });

  const measured = { ...MEASURED };
  const body = (modelOutcome: retile.wire.v1.IModelOutcome) => ({
    modelOutcome: { model: "m", modelSha256: new Uint8Array(32), ...modelOutcome },
  });
  const REPORTS: [string, retile.wire.v1.IReport, string][] = [
    ["a report says nothing", {}, "body"],
    ["a verdict is missing", body({}), "verdict"],
    ["cycles are zero", body({ kept: { ...measured, afterCycles: 0 } }), "after_cycles"],
    [
      "a time is negative",
      body({ kept: { ...measured, afterMicroseconds: -1 } }),
      "after_microseconds",
    ],
    [
      "a time is infinite",
      body({ kept: { ...measured, beforeMicroseconds: Infinity } }),
      "before_microseconds",
    ],
    [
      "an error is not a number",
      body({ kept: { ...measured, outputSnrDb: NaN } }),
      "output_snr_db",
    ],
    [
      "a temperature is not a number",
      body({ kept: measured, temperatureCelsius: NaN }),
      "temperature_celsius",
    ],
    ["a stage is unknown", { lifecycle: { stage: 99 as 1 } }, "stage"],
    ["a failure gives no reason", { lifecycle: { stage: v1.Stage.STAGE_ROLLED_BACK } }, "failed"],
    [
      "a failure's code is prose",
      body({ failed: { code: "it broke", message: "" } }),
      "verdict.code",
    ],
  ];
  test.each(REPORTS)("%s", (_why, change, field) => {
    const facts = { deviceTimeMs: 1, rollout: "r", soc: "s", from: driver, to: driver };
    const reports = [{ ...facts, ...change }];
    const batch = { tenant: "a", device: "b", epoch: 1, firstSequence: 1, reports };
    const read = decodeReportBatch(v1.ReportBatch.encode(batch).finish());
    expect(read).toMatchObject({ ok: false, code: "WIRE_FIELD_INVALID", details: { field } });
  });

  test("a batch is empty or too long", () => {
    const many = Array<Report>(REPORTS_PER_BATCH_MAX + 1).fill(
      outcome(VERDICTS[0] as ModelVerdict),
    );
    expect(codeOf(decodeReportBatch(encodeReportBatch({ ...BATCH, reports: [] })))).toBe(
      "WIRE_FIELD_INVALID",
    );
    expect(codeOf(decodeReportBatch(encodeReportBatch({ ...BATCH, reports: many })))).toBe(
      "WIRE_FIELD_INVALID",
    );
  });
});

const DECODERS = {
  decodeEnrolRequest,
  decodeEnrolReply,
  decodeCheckInRequest,
  decodeCheckInReply,
  decodeSignedReports,
  decodeReportBatch,
  decodeReportAck,
};

test.each(Object.entries(DECODERS))("%s survives any bytes", (_name, decode) => {
  property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    const read = decode(bytes);
    if (!read.ok) expect(read.code).toMatch(/^WIRE_(MALFORMED|FIELD_INVALID)$/);
  });
  expect(codeOf(decode(new Uint8Array(REQUEST_BYTES_MAX + 1)))).toBe("WIRE_TOO_LARGE");
});

test("a truncated or altered batch never throws", () => {
  const bytes = encodeReportBatch(BATCH);
  for (let length = 0; length < bytes.length; length += 7) {
    decodeReportBatch(bytes.subarray(0, length));
  }
  property(fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 })), ([index, value]) => {
    const altered = bytes.slice();
    altered[index] = value;
    const read = decodeReportBatch(altered);
    if (!read.ok) expect(read.code).toMatch(/^WIRE_/);
  });
});

test("the gain is the ratio of cycles", () => {
  expect(gainOf(MEASURED)).toBe(2);
});
