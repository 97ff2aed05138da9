/** Many devices report in many orders: what the gate sees afterwards is the same, and no report counts twice. */
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { DeviceId } from "../../../../protocol/base/brand.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import type { ModelVerdict, Report } from "../../../../protocol/wire/index.ts";
import { kept, measured } from "../../../support/server/device.ts";
import { memoryStore } from "../../../support/server/memory-store.ts";
import {
  assign,
  AT,
  batchOf,
  deviceId,
  enrolDevice,
  lifecycle,
  outcome,
  testRollout,
} from "../../../support/server/contract-facts.ts";

const verdict: fc.Arbitrary<ModelVerdict> = fc.oneof(
  fc.double({ min: 0.8, max: 2, noNaN: true }).map((gain) => kept(gain)),
  fc.double({ min: 0.8, max: 2, noNaN: true }).map((gain) => kept(gain, 10)),
  fc.constant<ModelVerdict>({ kind: "refused_slower", measured: measured(0.9) }),
  fc.constant<ModelVerdict>({ kind: "refused_wrong", measured: measured(1, 1) }),
  fc.constant<ModelVerdict>({ kind: "failed", code: "COMPILE_FAILED", message: "" }),
);
const body: fc.Arbitrary<Report["body"]> = fc.oneof(
  fc.tuple(verdict, fc.constantFrom("a", "b")).map(([value, model]) => outcome(value, model)),
  fc.constantFrom("accepted", "installed", "committed").map((kind) => lifecycle({ kind })),
  fc.constant(lifecycle({ kind: "rolled_back", code: "CRASH_LOOP", message: "" })),
);
const DEVICES = 4;
/** What each device has to say, and the order in which devices get through, some batches more than once. */
const story = fc.record({
  said: fc.array(fc.array(body, { maxLength: 6 }), { minLength: DEVICES, maxLength: DEVICES }),
  turns: fc.array(fc.record({ device: fc.nat(DEVICES - 1), upTo: fc.nat(6) }), { maxLength: 30 }),
});

async function evidenceAfter(
  said: readonly (readonly Report["body"][])[],
  turns: readonly { readonly device: number; readonly upTo: number }[],
) {
  const store = memoryStore();
  await store.rollouts.create(testRollout(), "test");
  for (let number = 0; number < DEVICES; number++) {
    await enrolDevice(store, deviceId(number));
    await assign(store, deviceId(number), number % 2);
  }
  const send = async (device: DeviceId, bodies: readonly Report["body"][]): Promise<void> => {
    if (bodies.length > 0) unwrap(await store.reports.ingest(batchOf(device, bodies), AT));
  };
  for (const { device, upTo } of turns) {
    await send(deviceId(device), (said[device] ?? []).slice(0, upTo));
  }
  for (const [device, bodies] of said.entries()) await send(deviceId(device), bodies);
  const { stages } = await store.rollouts.evidence(testRollout(), AT);
  const cells = stages.map(
    (stage) => new Set(stage.cells.map((cell) => JSON.stringify(cell, text))),
  );
  return { devices: stages.map(({ devices }) => devices), cells };
}

function text(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

test("evidence does not depend on who reports first, nor on how often", async () => {
  await fc.assert(
    fc.asyncProperty(story, async ({ said, turns }) => {
      expect(await evidenceAfter(said, turns)).toEqual(await evidenceAfter(said, []));
    }),
    { numRuns: 60 },
  );
});

test("the last word of each device on each model is what is counted", async () => {
  await fc.assert(
    fc.asyncProperty(story, async ({ said, turns }) => {
      const { cells } = await evidenceAfter(said, turns);
      const counted = cells
        .flatMap((stage) => [...stage])
        .map((cell) => JSON.parse(cell) as { moments: { count: number }; failures: number })
        .reduce((total, { moments, failures }) => total + moments.count + failures, 0);
      const models = said.flatMap((bodies, device) =>
        bodies.flatMap((each) =>
          each.kind === "model_outcome" ? [`${device} ${each.model}`] : [],
        ),
      );
      expect(counted).toBe(new Set(models).size);
    }),
    { numRuns: 60 },
  );
});
