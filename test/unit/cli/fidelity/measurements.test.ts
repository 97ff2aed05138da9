/** Which rows of a table of measurements are compared, and how agreement is counted. */
import { describe, expect, test } from "@jest/globals";
import { compareAll } from "../../../../cli/fidelity/fidelity.ts";
import { readMeasurements } from "../../../../cli/fidelity/measurements.ts";
import { meanErrorPercent, spearman } from "../../../../cli/fidelity/statistics.ts";
import { unwrap } from "../../../../protocol/base/result.ts";

const read = (...lines: string[]): unknown[][] =>
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

test("what another runtime measured is compared where none of the known ones did, each of its lines", () => {
  const header = "model,precision,runtime,soc,latency_us";
  const others = ["a,float,litert,x,3", "a,float,genie,x,4", "a,float,litert,x,5"];
  expect(read(header, ...others).map((row) => row[3])).toEqual([3, 4, 5]);
  expect(read(header, ...others, "a,float,onnx,x,6").map((row) => row[3])).toEqual([6]);
});

test("a table without one of its columns is refused", () => {
  expect(readMeasurements("model,precision,soc\na,float,x")).toMatchObject({
    ok: false,
    code: "USAGE",
    message: "the table has no column latency_us",
  });
});

test.each(["fast", "", "0", "-3", "Infinity", "NaN"])(
  "the latency %p costs its own row, with a reason",
  (latency) => {
    const [good, bad] = unwrap(
      readMeasurements(`model,precision,soc,latency_us\na,float,x,1\na,float,x,${latency}`),
    );
    expect(good).toEqual({ model: "a", precision: "float", soc: "x", measuredUs: 1 });
    const reason = `BAD_LATENCY: line 3 has the latency "${latency}"`;
    expect(bad).toEqual({ model: "a", precision: "float", soc: "x", measuredUs: null, reason });
  },
);

test("of several runtimes one without a latency does not replace one that has one", () => {
  const header = "model,precision,runtime,soc,latency_us";
  const rows = read(header, "a,float,tflite,x,", "a,float,onnx,x,3");
  expect(rows.map((row) => row[3])).toEqual([null, 3]);
});

test.each([
  ["Windows line ends", "model,precision,soc,latency_us\r\na,float,x,1\r\n"],
  ["a byte order mark", "\uFEFFmodel,precision,soc,latency_us\na,float,x,1"],
  ["quotes", '"model","precision","soc","latency_us"\n"a","float","x","1"'],
  ["blanks around cells", " model , precision,soc,latency_us\na, float ,x , 1 "],
  ["empty lines", "\nmodel,precision,soc,latency_us\n\na,float,x,1\n\n,,,\n"],
  ["other columns", 'note,model,precision,soc,latency_us,n\n"1,5 ""x""\ny",a,float,x,1,2'],
  ["a quote that nothing closes", 'model,precision,soc,latency_us,note\na,float,x,1,"oh'],
])("a table with %s is read alike", (_, text) => {
  expect(read(text)).toEqual([["a", "float", "x", 1]]);
});

test("rows that name what there is not get a reason, and the others are compared", async () => {
  const rows = unwrap(
    readMeasurements(
      [
        "soc,latency_us,model,precision",
        "sm8650,700,squeezenet1_1,w8a8",
        "sm8650,700,squeezenet9,w8a8",
        "sm9999,700,squeezenet1_1,w8a8",
        "sm8650,700,squeezenet1_1,int4",
        "sm8650,soon,squeezenet1_1,w8a8",
        "sm8650,350,squeezenet1_1,w8a8",
      ].join("\n"),
    ),
  );
  const compared = await compareAll(rows, () => {});
  expect(compared.map(({ reason }) => reason.split(":")[0])).toEqual([
    ...["", "INPUT_NOT_FOUND", "SOC_UNKNOWN", "USAGE", "BAD_LATENCY", ""],
  ]);
  expect(compared[5]?.simulatedUs).toBe(compared[0]?.simulatedUs);
  expect(compared[5]?.error).not.toBe(compared[0]?.error);
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
