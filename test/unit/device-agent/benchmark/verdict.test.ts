import { describe, expect, test } from "@jest/globals";
import {
  DEFAULT_POLICY,
  judgeModel,
  judgeUpdate,
  medianOf,
  scoreOf,
  signalToNoiseDb,
  simulatedThermometer,
  type BenchmarkPolicy,
  type Comparison,
} from "../../../../device-agent/benchmark/index.ts";
import { brand, type ModelId } from "../../../../protocol/base/brand.ts";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import { sha256Hex } from "../../../../protocol/crypto/index.ts";
import type { Measured, ModelVerdict } from "../../../../protocol/wire/index.ts";

const MEASURED: Measured = {
  beforeCycles: 1000,
  afterCycles: 1000,
  beforeMicroseconds: 100,
  afterMicroseconds: 100,
  outputSnrDb: 30,
};
const EQUAL: Comparison = { ...MEASURED, beforeSnrDb: 30, isHostTimed: false };

describe("a model is", () => {
  test.each<[ModelVerdict["kind"], string, Partial<Comparison>]>([
    ["kept", "as fast and as good", {}],
    ["kept", "slower by just the margin", { afterMicroseconds: 102 }],
    ["refused_slower", "slower by more", { afterMicroseconds: 102.1 }],
    ["kept", "slower by half on the host's clock", { afterMicroseconds: 150, isHostTimed: true }],
    ["refused_slower", "slower by more there", { afterMicroseconds: 151, isHostTimed: true }],
    ["kept", "worse by just the margin", { outputSnrDb: 27 }],
    ["refused_wrong", "worse by more", { outputSnrDb: 26.9 }],
    ["kept", "below the floor under both alike", { outputSnrDb: 9, beforeSnrDb: 9 }],
    ["refused_wrong", "newly below the floor", { outputSnrDb: 9, beforeSnrDb: 11 }],
    ["refused_wrong", "not a number", { outputSnrDb: -Infinity }],
    ["refused_wrong", "slower and wrong", { outputSnrDb: 0, afterMicroseconds: 900 }],
    ["kept", "exact under both", { outputSnrDb: Infinity, beforeSnrDb: Infinity }],
    ["refused_wrong", "no longer exact", { outputSnrDb: 90, beforeSnrDb: Infinity }],
  ])("%s when it is %s", (kind, _name, change) => {
    expect(judgeModel({ ...EQUAL, ...change }, DEFAULT_POLICY).kind).toBe(kind);
  });
});

describe("an update", () => {
  const driver = { version: "1.0.0", sha256: sha256Hex(utf8("old")) };
  const judged = (name: string, kind: Exclude<ModelVerdict["kind"], "failed">) => ({
    model: brand<ModelId>(name),
    verdict: { kind, measured: MEASURED } as ModelVerdict,
  });
  const pinning: BenchmarkPolicy = { ...DEFAULT_POLICY, refusedModel: "pin_model" };
  const decide = (models: Parameters<typeof judgeUpdate>[0], policy = DEFAULT_POLICY) =>
    judgeUpdate(models, policy, () => driver);

  test("of good models alone, or of none, is committed", () => {
    expect(decide([judged("a", "kept")])).toEqual({ kind: "commit", pins: [] });
    expect(decide([])).toEqual({ kind: "commit", pins: [] });
  });

  test("with one bad model is refused, by that model's name and reason", () => {
    expect(decide([judged("a", "kept"), judged("b", "refused_wrong")])).toEqual({
      kind: "refuse",
      code: "MODEL_WRONG",
      message: "b: outputs at 30.0 dB",
    });
    expect(decide([judged("b", "refused_slower")])).toMatchObject({ code: "MODEL_SLOWER" });
  });

  test("leaves a bad model behind where the policy lets it, but not all of them", () => {
    const models = [judged("a", "kept"), judged("b", "refused_slower")];
    expect(decide(models, pinning)).toEqual({ kind: "commit", pins: [{ model: "b", driver }] });
    expect(decide([judged("b", "refused_slower")], pinning)).toMatchObject({ kind: "refuse" });
  });

  test("that does not compile a model bears the code of that", () => {
    const verdict = { kind: "failed", code: "DRIVER_TIMEOUT", message: "late" } as const;
    const decision = decide([{ model: brand<ModelId>("a"), verdict }]);
    expect(decision).toMatchObject({ kind: "refuse", code: "DRIVER_TIMEOUT" });
  });
});

test("the score is 1000 at registration and grows with the geometric mean of the gains", () => {
  expect(scoreOf([])).toBeUndefined();
  expect(scoreOf([{ referenceMicroseconds: 7, microseconds: 7 }])).toBeCloseTo(1000, 9);
  const both = [
    { referenceMicroseconds: 100, microseconds: 50 },
    { referenceMicroseconds: 100, microseconds: 200 },
  ];
  expect(scoreOf(both)).toBeCloseTo(1000, 9);
  expect(scoreOf([{ referenceMicroseconds: 9, microseconds: 8 }])).toBeCloseTo(1125, 9);
});

describe("the signal-to-noise ratio", () => {
  const values = (...numbers: number[]) => [Float32Array.from(numbers)];
  const cases: readonly (readonly [string, Float32Array[], Float32Array[], number])[] = [
    ["equal outputs", values(1, 2), values(1, 2), Infinity],
    ["a tenth of the amplitude", values(10, 0), values(11, 0), 20],
    ["another number of runs", values(1), [], -Infinity],
    ["another length", values(1, 2), values(1), -Infinity],
    ["not a number", values(1), values(NaN), -Infinity],
    ["an infinite output", values(1), values(Infinity), -Infinity],
    ["silence that became noise", values(0), values(1), -Infinity],
  ];
  test.each(cases.map(([name, ...numbers]) => [name, numbers] as const))("%s", (_name, numbers) => {
    const [goldens, outputs, expected] = numbers;
    const ratio = signalToNoiseDb(goldens, outputs);
    if (Number.isFinite(expected)) expect(ratio).toBeCloseTo(expected, 9);
    else expect(ratio).toBe(expected);
  });
});

test("the median is of one side's samples alone", () => {
  const sample = (which: "before" | "after", cycles: number) => ({
    which,
    cycles,
    microseconds: cycles / 10,
    temperatureCelsius: 25,
  });
  const samples = [sample("before", 10), sample("after", 99), sample("before", 20)];
  expect(medianOf(samples, "before")).toEqual({ cycles: 15, microseconds: 1.5 });
});

test("the part warms up under load and never beyond what its load can hold", () => {
  const thermometer = simulatedThermometer();
  const start = thermometer.celsius();
  thermometer.work(1000);
  const warm = thermometer.celsius();
  for (let second = 0; second < 100; second++) thermometer.work(1_000_000);
  expect(warm).toBeGreaterThan(start);
  expect(thermometer.celsius()).toBeGreaterThan(warm);
  expect(thermometer.celsius()).toBeLessThanOrEqual(start + 24);
});
