import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { op } from "../../../../protocol/wasm/expression.ts";
import { moduleBuilder } from "../../../../protocol/wasm/module.ts";
import { CPU_MODULE_LIMITS, validateCpuModule } from "../../../../protocol/wasm/validate.ts";

function valid(): Uint8Array {
  const module = moduleBuilder({ pagesMin: 2, pagesMax: 3 });
  module.function({ name: "run", parameters: ["i32"], result: "i32", exported: true }, (_f, [x]) =>
    op("i32.add", x, 1),
  );
  return module.encode();
}

const HEADER = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const ENV_MEMORY = [3, 0x65, 0x6e, 0x76, 6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79];
const section = (id: number, content: number[]): number[] => [id, content.length, ...content];
const code = (bytes: number[]): string => {
  const result = validateCpuModule(Uint8Array.from([...HEADER, ...bytes]));
  return result.ok ? "ok" : result.code;
};
const importOf = (kind: number[], name = ENV_MEMORY): number[] => section(2, [1, ...name, ...kind]);

describe("validateCpuModule", () => {
  test("a module with an imported memory and exported functions passes", () => {
    const result = validateCpuModule(valid());
    expect(result).toMatchObject({
      ok: true,
      value: { memoryPagesMin: 2, memoryPagesMax: 3, exports: ["run"] },
    });
  });

  test.each([
    ["a memory without a maximum", importOf([2, 0, 1])],
    ["a shared memory", importOf([2, 3, 1, 1])],
    ["an imported function", importOf([0, 0])],
    ["a memory of another name", importOf([2, 1, 1, 1], [1, 0x61, 1, 0x62])],
    ["no memory at all", []],
    ["its own memory", [...importOf([2, 1, 1, 1]), ...section(5, [1, 1, 1, 1])]],
    ["a start function", [...importOf([2, 1, 1, 1]), ...section(8, [0])]],
    ["a table", [...importOf([2, 1, 1, 1]), ...section(4, [1, 0x70, 0, 1])]],
    ["a custom section", [...importOf([2, 1, 1, 1]), ...section(0, [1, 0x61])]],
    ["an exported memory", [...importOf([2, 1, 1, 1]), ...section(7, [1, 1, 0x6d, 2, 0])]],
  ])("%s is forbidden", (_name, bytes) => {
    expect(code(bytes)).toBe("CPU_MODULE_FORBIDDEN");
  });

  test("a size above the limit is refused before anything is read", () => {
    const result = validateCpuModule(valid(), { ...CPU_MODULE_LIMITS, bytesMax: 16 });
    expect(result).toMatchObject({ ok: false, code: "CPU_MODULE_TOO_LARGE" });
  });

  test("code of the wrong type is left to the engine, and refused", () => {
    const module = moduleBuilder({ pagesMin: 1, pagesMax: 1 });
    module.function({ name: "f", parameters: ["f32"], result: "i32" }, (_f, [x]) => x as never);
    expect(validateCpuModule(module.encode())).toMatchObject({ code: "CPU_MODULE_INVALID" });
  });

  test("truncated and damaged modules end in a failure, never in an exception", () => {
    const bytes = valid();
    for (let length = 0; length < bytes.length; length++) {
      const part = bytes.slice(0, length);
      if (validateCpuModule(part).ok) expect(WebAssembly.validate(part)).toBe(true);
    }
    expect(validateCpuModule(bytes.subarray(0, bytes.length - 1)).ok).toBe(false);
    const index = fc.integer({ min: 0, max: bytes.length - 1 });
    fc.assert(
      fc.property(index, fc.integer({ min: 0, max: 255 }), (position, byte) => {
        const damaged = bytes.slice();
        damaged[position] = byte;
        const result = validateCpuModule(damaged);
        if (result.ok) expect(WebAssembly.validate(damaged)).toBe(true);
      }),
    );
  });
});
