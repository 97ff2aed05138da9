import { readdirSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import {
  instantiate,
  KERNEL_NAMES,
  kernelFile,
  operandList,
  parseKernel,
} from "../../../../compiler/kernels/index.ts";
import { printMicroOp } from "../../../../protocol/isa/index.ts";
import { kernels } from "../../../support/chip-run.ts";

const FOLDER = new URL("../../../../compiler/kernels/", import.meta.url);

test("the library is exactly the kernel files of its folder", () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".hvx"));
  expect(files.sort()).toEqual(KERNEL_NAMES.map(kernelFile).sort());
});

test("every kernel is named like its file", () => {
  for (const name of KERNEL_NAMES) expect(kernels.kernel(name).name).toBe(name);
});

const SUM = `
kernel sum   # adds a family of operands
operand x[count]
operand y
parameter outside
body
  load_i8 total x
  repeat more
    load_i8 value x[]
    add_i32 total total value
  end
  store_i8 total y outside
`;

describe("instantiation", () => {
  test("repeats, families and registers", () => {
    const shape = { counts: { count: 2, more: 2 }, parameters: { outside: -3 } };
    const { body } = instantiate(parseKernel(SUM, "sum.hvx"), shape);
    expect(body.map(printMicroOp)).toEqual([
      "load_i8:r0,@0,dy=0,dx=0",
      "load_i8:r1,@0,dy=0,dx=0",
      "add_i32:r0,r0,r1",
      "load_i8:r1,@1,dy=0,dx=0",
      "add_i32:r0,r0,r1",
      "store_i8:r0,@2,#-3",
    ]);
  });
  test("a repeat of none is left out", () => {
    const shape = { counts: { count: 1, more: 0 }, parameters: { outside: 0 } };
    expect(instantiate(parseKernel(SUM, "sum.hvx"), shape).body).toHaveLength(2);
  });
  test("equal requests share their code", () => {
    const shape = { parameters: { outside: 1 } };
    const lut = kernels.kernel("lut_i8");
    expect(kernels.code(lut, shape)).toBe(kernels.code(lut, { ...shape }));
  });
  test.each([
    ["a missing count", { counts: { count: 1 }, parameters: { outside: 0 } }],
    ["a missing parameter", { counts: { count: 1, more: 1 } }],
  ])("%s is refused", (_, shape) => {
    expect(() => instantiate(parseKernel(SUM, "sum.hvx"), shape)).toThrow(/kernel sum: .* missing/);
  });
  test("a missing operand is refused", () => {
    expect(() => operandList(parseKernel(SUM, "sum.hvx"), {})).toThrow("operand x is missing");
  });
  test("more registers than there are is refused", () => {
    const loads = Array.from({ length: 17 }, (_, i) => `load_i8 r${i} x`).join("\n");
    const kernel = parseKernel(`kernel many\noperand x\nbody\n${loads}`, "many.hvx");
    expect(() => instantiate(kernel, {})).toThrow("more than 16 registers");
  });
});

describe("bad kernel files are refused with file and line", () => {
  test.each([
    ["", "the file is empty"],
    ["body", "bad.hvx:1: the first statement is `kernel`"],
    ["kernel a b", "bad.hvx:1: one name is expected"],
    ["kernel a\nload_i8 r x", "bad.hvx:2: a micro-op stands before the first section"],
    ["kernel a\nbody\nfly x", "bad.hvx:3: there is no micro-op fly"],
    ["kernel a\nbody\nadd_i32 x y", "bad.hvx:3: add_i32 takes 3 terms"],
    ["kernel a\nbody\nadd_i32 x y !", 'bad.hvx:3: "!" is no term'],
    ["kernel a\nbody\nend", "bad.hvx:3: end without repeat"],
    ["kernel a\nbody\nrepeat n", "a repeat is not closed"],
  ])("%j", (text, message) => {
    expect(() => parseKernel(text, "bad.hvx")).toThrow(message);
  });
});
