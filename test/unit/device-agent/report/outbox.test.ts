import { expect, test } from "@jest/globals";
import {
  acknowledge,
  acknowledgedSequence,
  BATCH_REPORTS_MAX,
  EMPTY_OUTBOX,
  enqueue,
  nextBatch,
  OUTBOX_REPORTS_MAX,
  outboxSchema,
  pendingReports,
  startEpoch,
  type Outbox,
  type ReportAuthor,
} from "../../../../device-agent/report/index.ts";
import { brand, instant } from "../../../../protocol/base/brand.ts";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { memorySigner, sha256Hex, verifyDetached } from "../../../../protocol/crypto/index.ts";
import { decodeSignedReports, openReports, type Report } from "../../../../protocol/wire/index.ts";
import { fc, property } from "../../../support/property.ts";

const AUTHOR: ReportAuthor = { tenant: brand("acme"), device: brand("phone-1") };
const SIGNER = memorySigner(new Uint8Array(32).fill(7));
const driver = { version: "1.0.0", sha256: sha256Hex(utf8("driver")) };

function report(at: number): Report {
  return {
    deviceTime: instant(at),
    rollout: null,
    soc: "sm8650",
    from: driver,
    to: driver,
    body: { kind: "lifecycle", stage: { kind: "committed" } },
  };
}

const exact: Report = {
  ...report(3),
  body: {
    kind: "model_outcome",
    model: brand("m"),
    modelSha256: sha256Hex(utf8("m")),
    temperatureCelsius: 25,
    verdict: {
      kind: "kept",
      measured: {
        beforeCycles: 2,
        afterCycles: 1,
        beforeMicroseconds: 2,
        afterMicroseconds: 1,
        outputSnrDb: Infinity,
      },
    },
  },
};

async function open(outbox: Outbox) {
  const bytes = unwrap(await nextBatch(outbox, AUTHOR, SIGNER));
  if (!bytes) return undefined;
  const verify = (message: Uint8Array, signature: Uint8Array): boolean =>
    verifyDetached(message, signature, SIGNER.publicKey);
  return unwrap(openReports(unwrap(decodeSignedReports(bytes)), verify));
}

test("reports go out signed, numbered in order, and survive JSON to the last bit", async () => {
  const outbox = enqueue(startEpoch(EMPTY_OUTBOX, 4), [report(1), exact], AUTHOR);
  const read = outboxSchema.parse(JSON.parse(JSON.stringify(outbox)));
  expect(await open(read)).toEqual({
    ...AUTHOR,
    epoch: 4,
    firstSequence: 1,
    reports: [report(1), exact],
  });
});

test("an empty outbox has no batch, a full one sends the oldest first", async () => {
  expect(await open(EMPTY_OUTBOX)).toBeUndefined();
  const many = Array.from({ length: BATCH_REPORTS_MAX + 5 }, (_, at) => report(at));
  const batch = await open(enqueue(startEpoch(EMPTY_OUTBOX, 1), many, AUTHOR));
  expect(batch?.reports).toEqual(many.slice(0, BATCH_REPORTS_MAX));
});

test("whatever is acknowledged in whatever order, no report is lost and none is sent under two numbers", () => {
  const steps = fc.array(fc.oneof(fc.constant("add"), fc.nat(6)), { maxLength: 30 });
  property(steps, (plan) => {
    let outbox = startEpoch(EMPTY_OUTBOX, 1);
    let made = 0;
    let highest = 0;
    for (const step of plan) {
      if (step === "add") outbox = enqueue(outbox, [report(++made)], AUTHOR);
      else {
        const ack = { epoch: 1, acknowledgedSequence: Math.min(Number(step), made) };
        outbox = unwrap(acknowledge(outbox, ack));
        highest = Math.max(highest, ack.acknowledgedSequence);
      }
      const times = unwrap(pendingReports(outbox)).map(({ deviceTime }) => Number(deviceTime));
      expect(times).toEqual(Array.from({ length: made - highest }, (_, at) => highest + at + 1));
      expect(acknowledgedSequence(outbox)).toBe(highest);
    }
  });
});

test("acknowledgements of another epoch or of the future are refused", () => {
  const outbox = enqueue(startEpoch(EMPTY_OUTBOX, 2), [report(1)], AUTHOR);
  const code = (epoch: number, acknowledged: number): string => {
    const result = acknowledge(outbox, { epoch, acknowledgedSequence: acknowledged });
    return result.ok ? "" : result.code;
  };
  expect(code(1, 1)).toBe("ACK_OF_ANOTHER_EPOCH");
  expect(code(2, 2)).toBe("ACK_OF_THE_FUTURE");
  expect(code(2, 1)).toBe("");
});

test("a new enrolment numbers what is left from one; the same one changes nothing", () => {
  const outbox = unwrap(
    acknowledge(enqueue(startEpoch(EMPTY_OUTBOX, 1), [report(1), report(2)], AUTHOR), {
      epoch: 1,
      acknowledgedSequence: 1,
    }),
  );
  expect(startEpoch(outbox, 1)).toEqual(outbox);
  expect(startEpoch(outbox, 2)).toMatchObject({ epoch: 2, firstSequence: 1 });
});

test("a device that is offline for ever keeps the newest reports", () => {
  const many = Array.from({ length: OUTBOX_REPORTS_MAX + 3 }, (_, at) => report(at));
  const outbox = enqueue(startEpoch(EMPTY_OUTBOX, 1), many, AUTHOR);
  expect(outbox.reports.length).toBe(OUTBOX_REPORTS_MAX);
  expect(outbox.firstSequence).toBe(4);
});
