import { describe, expect, test } from "@jest/globals";
import type { Expression, Operand } from "../../../../protocol/wasm/expression.ts";
import {
  assemble,
  at,
  f32,
  f32x4,
  f64,
  i32,
  i32x4,
  i64,
  load,
  loadLane,
  memoryArgument,
  op,
  select,
  shuffle,
  vector,
} from "../../../../protocol/wasm/expression.ts";
import { call } from "../../../../protocol/wasm/function.ts";
import type { ModuleBuilder } from "../../../../protocol/wasm/module.ts";
import { moduleBuilder } from "../../../../protocol/wasm/module.ts";
import type { Mnemonic, Row, ValueType } from "../../../../protocol/wasm/table.ts";
import { INSTRUCTIONS, instruction } from "../../../../protocol/wasm/table.ts";

const MEMORY = { pagesMin: 1, pagesMax: 1 };

function instantiate(module: ModuleBuilder): {
  exports: Readonly<Record<string, (...values: number[]) => number>>;
  bytes: Uint8Array;
  floats: Float32Array;
} {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), {
    env: { memory },
  });
  return {
    exports,
    bytes: new Uint8Array(memory.buffer),
    floats: new Float32Array(memory.buffer),
  };
}

/** The value of an i32 expression. */
function evaluate(value: Operand<"i32">): number {
  const module = moduleBuilder(MEMORY);
  module.function({ name: "f", parameters: [], result: "i32", exported: true }, () =>
    typeof value === "number" ? i32(value) : value,
  );
  return instantiate(module).exports["f"]!();
}

/** The 16 bytes of a vector expression, as `View`. */
function evaluateVector<T>(value: Expression<"v128">, View: new (buffer: ArrayBuffer) => T): T {
  const module = moduleBuilder(MEMORY);
  module.function({ name: "f", parameters: [], exported: true }, (f) =>
    f.store("v128.store", 0, value),
  );
  const { exports, bytes } = instantiate(module);
  exports["f"]!();
  return new View(bytes.slice(0, 16).buffer);
}

describe("instruction table", () => {
  const rows = Object.entries(INSTRUCTIONS) as unknown as [Mnemonic, Row][];
  const zero: Record<ValueType, Expression> = {
    i32: i32(0),
    i64: i64(0n),
    f32: f32(0),
    f64: f64(0),
    v128: i32x4(0),
  };

  test.each(rows)("the engine gives %s the types of its row", (mnemonic, [, , immediate]) => {
    const { takes, gives } = instruction(mnemonic);
    const immediates = {
      memory: memoryArgument(0),
      lane: [0],
      "memory lane": [...memoryArgument(0), 0],
      none: [],
    }[immediate ?? "none"];
    const code = assemble(
      mnemonic,
      takes.map((type) => zero[type]),
      immediates,
    );
    const module = moduleBuilder(MEMORY);
    module.function({ name: "f", parameters: [], result: gives ?? "none" }, () => code as never);
    expect(WebAssembly.validate(module.encode())).toBe(true);
  });

  test("no opcode is in the table twice", () => {
    const codes = rows.map(([mnemonic]) => instruction(mnemonic).opcode.join());
    expect(new Set(codes).size).toBe(codes.length);
  });
});

describe("expressions", () => {
  test.each([
    ["constants at the edges of LEB128", op("i32.add", i32(-64), i32(8192)), 8128],
    ["an unsigned constant", op("i32.shr_u", 0xffffffff, 31), 1],
    ["the smallest constant", op("i32.eq", i32(-0x80000000), 0x80000000), 1],
    ["64 bits", op("i32.wrap_i64", op("i64.shr_u", i64(-1n), i64(60n))), 15],
    ["float32 rounding", op("f32.eq", f32(0.1), op("f32.demote_f64", f64(0.1))), 1],
    ["saturating truncation", op("i32.trunc_sat_f32_s", f32(1e20)), 0x7fffffff],
    ["select", select(0, i32(3), i32(4)), 4],
  ])("%s", (_name, value, expected) => {
    expect(evaluate(value)).toBe(expected);
  });

  test("dot_i16x8_s adds products of neighbouring lanes", () => {
    const a = vector([1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 0xff, 0xff, 8, 0]);
    const b = op("i16x8.splat", 10);
    const dot = op("i32x4.dot_i16x8_s", a, b);
    expect([...evaluateVector(dot, Int32Array)]).toEqual([30, 70, 110, 70]);
  });

  test("narrowing saturates, nearest rounds half to even", () => {
    const rounded = op("f32x4.nearest", op("f32x4.mul", f32x4(0.5), f32x4(5)));
    expect([...evaluateVector(rounded, Float32Array)]).toEqual([2, 2, 2, 2]);
    const narrow = op("i8x16.narrow_i16x8_s", op("i16x8.splat", 300), op("i16x8.splat", -300));
    const expected = [...Array<number>(8).fill(127), ...Array<number>(8).fill(-128)];
    expect([...evaluateVector(narrow, Int8Array)]).toEqual(expected);
  });

  test("shuffle numbers the bytes of both operands, bitselect takes a where the mask is set", () => {
    const ascending = vector([...Array(16).keys()]);
    const reversed = [...Array(16).keys()].reverse();
    const mixed = shuffle([31, ...reversed.slice(1)], ascending, op("i8x16.neg", ascending));
    expect([...evaluateVector(mixed, Int8Array)]).toEqual([-15, ...reversed.slice(1)]);
    const mask = op("f32x4.lt", f32x4(1), f32x4(2));
    const chosen = op("v128.bitselect", i32x4(7), i32x4(9), mask);
    expect([...evaluateVector(chosen, Int32Array)]).toEqual([7, 7, 7, 7]);
    const wide = select<"v128">(1, i32x4(1), i32x4(2));
    expect([...evaluateVector(wide, Int32Array)]).toEqual([1, 1, 1, 1]);
  });

  test("an operand of the wrong type is a bug, also where the mnemonic is computed", () => {
    const computed = "f32x4.add" as "i32.add";
    expect(() => op(computed, 1, 2)).toThrow("f32x4.add takes v128 v128, got i32 i32");
  });
});

describe("functions", () => {
  test("the example of module.ts: axpy in a range", () => {
    const module = moduleBuilder(MEMORY);
    module.function(
      { name: "axpy", parameters: ["i32", "i32", "i32", "f32"], exported: true },
      (f, [x, y, count, a]) => {
        const scale = f.local("v128");
        const offset = f.local("i32");
        f.set(scale, op("f32x4.splat", a));
        f.forRange(offset, { begin: 0, end: op("i32.shl", count, 2), step: 16 }, () => {
          const from = load("v128.load", op("i32.add", x, offset));
          const to = op("i32.add", y, offset);
          const sum = op("f32x4.add", load("v128.load", to), op("f32x4.mul", scale, from));
          f.store("v128.store", to, sum);
        });
      },
    );
    const { exports, floats } = instantiate(module);
    floats.set([1, 2, 3, 4, 5, 6, 7, 8], 0);
    floats.fill(1, 16, 24);
    exports["axpy"]!(0, 64, 8, 2);
    expect([...floats.subarray(16, 25)]).toEqual([3, 5, 7, 9, 11, 13, 15, 17, 0]);
    exports["axpy"]!(0, 64, 0, 2);
    expect(floats[16]).toBe(3);
  });

  test("calls, switch, early return and branches out of nested blocks", () => {
    const module = moduleBuilder(MEMORY);
    const square = module.function(
      { name: "square", parameters: ["i32"], result: "i32" },
      (_f, [x]) => op("i32.mul", x, x),
    );
    module.function(
      { name: "f", parameters: ["i32"], result: "i32", exported: true },
      (f, [which]) => {
        const total = f.local("i32");
        f.switch(which, [
          () => f.set(total, call(square, 7)),
          () => f.return(i32(5)),
          () =>
            f.block((end) =>
              f.loop((again) => {
                f.if(op("i32.ge_s", total, 10), () => f.branch(end));
                f.increment(total, 3);
                f.branch(again);
              }),
            ),
        ]);
        return total;
      },
    );
    const { f } = instantiate(module).exports;
    expect([f!(0), f!(1), f!(2)]).toEqual([49, 5, 12]);
    expect(() => f!(3)).toThrow("unreachable");
  });

  test("lanes are loaded and stored alone; areas are copied and filled", () => {
    const module = moduleBuilder(MEMORY);
    module.function({ name: "f", parameters: [], exported: true }, (f) => {
      const from = { address: at(0, 4), lane: 2 };
      f.storeLane(
        "v128.store32_lane",
        { address: 32, lane: 2 },
        loadLane("v128.load32_lane", from, i32x4(0)),
      );
      f.copyBytes(64, 0, 8);
      f.fillBytes(72, 1, 2);
    });
    const { exports, bytes } = instantiate(module);
    bytes.set([1, 2, 3, 4, 5, 6, 7, 8]);
    exports["f"]!();
    expect([...bytes.subarray(32, 37)]).toEqual([5, 6, 7, 8, 0]);
    expect([...bytes.subarray(64, 75)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 1, 1, 0]);
  });
});
