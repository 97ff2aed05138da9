/**
 * A small assembler for WebAssembly modules: functions made of typed expressions over one imported
 * memory. Deterministic: the same calls give the same bytes.
 *
 * @example y[i] += a * x[i] over `count` floats, four at a time:
 *
 *     const module = moduleBuilder({ pagesMin: 1, pagesMax: 16 });
 *     module.function(
 *       { name: "axpy", parameters: ["i32", "i32", "i32", "f32"], exported: true },
 *       (f, [x, y, count, a]) => {
 *         const scale = f.local("v128");
 *         const offset = f.local("i32");
 *         f.set(scale, op("f32x4.splat", a));
 *         f.forRange(offset, { begin: 0, end: op("i32.shl", count, 2), step: 16 }, () => {
 *           const from = load("v128.load", op("i32.add", x, offset));
 *           const to = op("i32.add", y, offset);
 *           const sum = op("f32x4.add", load("v128.load", to), op("f32x4.mul", scale, from));
 *           f.store("v128.store", to, sum);
 *         });
 *       },
 *     );
 *     const bytes = module.encode(); // imports "env"."memory", exports "axpy"
 */
import { present } from "../base/assert.ts";
import { utf8 } from "../base/bytes.ts";
import type { Expression } from "./expression.ts";
import { TYPE_CODE } from "./expression.ts";
import type { FunctionBuilder, FunctionHandle, Local } from "./function.ts";
import { functionBuilder } from "./function.ts";
import type { ValueType } from "./table.ts";
import { unsigned } from "./table.ts";

export interface MemoryImport {
  /** Import names; "env" and "memory" when absent. */
  readonly module?: string;
  readonly name?: string;
  /** In pages of 65,536 bytes. */
  readonly pagesMin: number;
  readonly pagesMax: number;
}

export interface FunctionSignature<P extends readonly ValueType[], R extends ValueType | "none"> {
  readonly name: string;
  readonly parameters: P;
  /** "none" when absent. */
  readonly result?: R;
  readonly exported?: boolean;
}

export type Locals<P extends readonly ValueType[]> = {
  [Index in keyof P]: Local<P[Index]>;
};

/** Writes the body; what it returns is the function's result. */
export type Body<P extends readonly ValueType[], R extends ValueType | "none"> = (
  f: FunctionBuilder,
  parameters: Locals<P>,
) => R extends ValueType ? Expression<R> : void;

export interface ModuleBuilder {
  /** Adds a function; its handle can be called from bodies written later. Bodies may add functions. */
  function<const P extends readonly ValueType[], const R extends ValueType | "none" = "none">(
    signature: FunctionSignature<P, R>,
    body: Body<P, R>,
  ): FunctionHandle<P, R>;
  encode(): Uint8Array;
}

export const PAGE_BYTES = 65_536;

interface Encoded {
  readonly name: string;
  readonly exported: boolean;
  readonly type: readonly number[];
  readonly code: readonly number[];
}

export function moduleBuilder(memory: MemoryImport): ModuleBuilder {
  const functions: (Encoded | undefined)[] = [];
  return {
    function: (signature, body) => {
      const { name, parameters, result = "none", exported = false } = signature;
      const index = functions.push(undefined) - 1;
      const handle = { index, name, parameters, result };
      const { builder, locals, finish } = functionBuilder(parameters);
      const type = functionType(parameters, result);
      const returned = body(builder, locals as Locals<typeof parameters>);
      const code = finish(returned as Expression | undefined);
      functions[index] = { name, exported, type, code };
      return handle as never;
    },
    encode: () =>
      encode(
        memory,
        functions.map((f) => present(f, "function body")),
      ),
  };
}

function functionType(parameters: readonly ValueType[], result: ValueType | "none"): number[] {
  const results = result === "none" ? [] : [TYPE_CODE[result]];
  return [0x60, ...list(parameters.map((type) => [TYPE_CODE[type]])), results.length, ...results];
}

function encode(memory: MemoryImport, functions: readonly Encoded[]): Uint8Array {
  const types = [...new Map(functions.map((f) => [f.type.join(), f.type])).values()];
  const typeIndex = new Map(types.map((type, index) => [type.join(), index]));
  const { module = "env", name = "memory", pagesMin, pagesMax } = memory;
  const memoryImport = [...text(module), ...text(name), 2, 1];
  const limits = [...unsigned(pagesMin), ...unsigned(pagesMax)];
  const exports = functions.flatMap((f, index) =>
    f.exported ? [[...text(f.name), 0, ...unsigned(index)]] : [],
  );
  const indices = functions.map((f) => unsigned(typeIndex.get(f.type.join())!));
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list(types)),
    ...section(2, list([[...memoryImport, ...limits]])),
    ...section(3, list(indices)),
    ...section(7, list(exports)),
    ...section(10, list(functions.map((f) => f.code))),
  ]);
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length)].concat(content);
}

function list(items: readonly (readonly number[])[]): number[] {
  return unsigned(items.length).concat(items.flat());
}

function text(value: string): number[] {
  const bytes = utf8(value);
  return [...unsigned(bytes.length), ...bytes];
}
