/** dma.copy in WebAssembly. */
import { load, op } from "../../../protocol/wasm/expression.ts";
import type { FunctionBuilder, Local } from "../../../protocol/wasm/function.ts";
import type { ModuleBuilder } from "../../../protocol/wasm/module.ts";

/** Below this a loop is cheaper than the engine's memory.copy. */
const SMALL_BYTES = 16;

/** (destination, source, bytes, rows, destinationRow, sourceRow, planes, destinationPlane, sourcePlane) */
export function addDmaKernel(module: ModuleBuilder): void {
  const parameters = ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"] as const;
  module.function({ name: "dma_copy", parameters, exported: true }, (f, p) => {
    const [destination, source, bytes, rows, destinationRow, sourceRow] = p;
    const [planes, destinationPlane, sourcePlane] = [p[6], p[7], p[8]];
    const [plane, row, to, from] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
    f.forRange(plane, { begin: 0, end: planes, step: 1 }, () => {
      f.set(to, destination);
      f.set(from, source);
      f.forRange(row, { begin: 0, end: rows, step: 1 }, () => {
        copyRun(f, { to, from, bytes });
        f.increment(to, destinationRow);
        f.increment(from, sourceRow);
      });
      f.increment(destination, destinationPlane);
      f.increment(source, sourcePlane);
    });
  });
}

interface Run {
  readonly to: Local<"i32">;
  readonly from: Local<"i32">;
  readonly bytes: Local<"i32">;
}

function copyRun(f: FunctionBuilder, { to, from, bytes }: Run): void {
  const offset = f.local("i32");
  f.if(
    op("i32.eq", bytes, 32),
    () => {
      const half = f.local("v128");
      f.set(half, load("v128.load", from));
      f.store("v128.store", to, half);
      f.set(half, load("v128.load", { base: from, offset: 16 }));
      f.store("v128.store", { base: to, offset: 16 }, half);
    },
    () =>
      f.if(
        op("i32.lt_s", bytes, SMALL_BYTES),
        () =>
          f.forRange(offset, { begin: 0, end: bytes, step: 1 }, () => {
            const byte = load("i32.load8_u", op("i32.add", from, offset));
            f.store("i32.store8", op("i32.add", to, offset), byte);
          }),
        () => f.copyBytes(to, from, bytes),
      ),
  );
}
