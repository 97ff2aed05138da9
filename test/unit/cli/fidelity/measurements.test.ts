/** Which rows of a table of measurements are compared, and how agreement is counted. */
import { describe, expect, test } from "@jest/globals";
import { readMeasurements } from "../../../../cli/fidelity/measurements.ts";
import { meanErrorPercent, spearman } from "../../../../cli/fidelity/statistics.ts";
import { unwrap } from "../../../../protocol/base/result.ts";

const read = (...lines: string[]): unknown[] =>
  unwrap(readMeasurements(lines.join("\n"))).map(Object.values);

test("of several runtimes TFLite is compared, then the compiled library, then ONNX", () => {
  const rows = read(
    "model,precision,runtime,soc,latency_us",
    "a,float,onnx,sm8550,3",
    "a,float,tflite,sm8550,1",
    "a,float,qnn_dlc,sm8550,2",
    "a,w8a16,onnx,sm8550,5",
    "a,w8a16,qnn_dlc,sm8550,4",
  );
  expect(rows).toEqual([
    ["a", "float", "sm8550", 1],
    ["a", "w8a16", "sm8550", 4],
  ]);
});

test("without a runtime every line counts, in any order of columns, unknown names too", () => {
  const rows = read("soc,latency_us,model,precision", "x,7.5,b,int4", "x,8,b,int4");
  expect(rows).toEqual([
    ["b", "int4", "x", 7.5],
    ["b", "int4", "x", 8],
  ]);
});

test.each([
  ["a column is missing", "model,precision,soc\na,float,x", "no column latency_us"],
  [
    "a latency is no number",
    "model,precision,soc,latency_us\na,float,x,fast",
    'line 2 has the latency "fast"',
  ],
  ["a latency is zero", "model,precision,soc,latency_us\na,float,x,0", "line 2"],
])("a table is refused when %s", (_, text, message) => {
  expect(readMeasurements(text)).toMatchObject({
    ok: false,
    code: "USAGE",
    message: expect.stringContaining(message),
  });
});

describe("agreement", () => {
  const pairs = (...each: [number, number][]) =>
    each.map(([measured, simulated]) => ({ measured, simulated }));

  test("errors are relative to what was measured, and count alike in both directions", () => {
    expect(meanErrorPercent(pairs([100, 110], [200, 180]))).toBeCloseTo(10);
  });

  test("rank correlation is 1 for any rising relation, -1 for a falling one, and shares ties", () => {
    expect(spearman(pairs([1, 1], [2, 100], [3, 101]))).toBeCloseTo(1);
    expect(spearman(pairs([1, 3], [2, 2], [3, 1]))).toBeCloseTo(-1);
    expect(spearman(pairs([1, 1], [2, 1], [3, 2]))).toBeCloseTo(Math.sqrt(3) / 2);
  });
});
