/** hvx.pack in WebAssembly: element by element. */
import { load, op, select } from "../../../protocol/wasm/expression.ts";
import type { Expression } from "../../../protocol/wasm/expression.ts";
import type { ModuleBuilder } from "../../../protocol/wasm/module.ts";

/** (wide, transposed, tiles, source, destination, sourcePitch, destinationPitch) */
export function addPackKernel(module: ModuleBuilder): void {
  const parameters = ["i32", "i32", "i32", "i32", "i32", "i32", "i32"] as const;
  module.function({ name: "hvx_pack", parameters, exported: true }, (f, locals) => {
    const [wide, transposed, tiles, source, destination, sourcePitch, destinationPitch] = locals;
    const [tile, index, from, to] = [0, 1, 2, 3].map(() => f.local("i32"));
    f.forRange(tile!, { begin: 0, end: tiles, step: 1 }, () => {
      f.forRange(index!, { begin: 0, end: 1024, step: 1 }, () => {
        const position = op("i32.shr_u", index!, 5);
        const channel = op("i32.and", index!, 31);
        const c = select(transposed, channel, position);
        const o = select(transposed, position, channel);
        f.set(to!, paired(c, o));
        // The positions of a 16-bit crouton pair up as the channels of a weight tile do.
        f.set(from!, index!);
        f.if(wide, () => f.set(from!, paired(position, channel)));
        f.if(
          wide,
          () => {
            const place = op("i32.add", source, op("i32.shl", from!, 1));
            const target = op("i32.add", destination, op("i32.shl", to!, 1));
            f.store("i32.store16", target, load("i32.load16_u", place));
          },
          () => {
            const place = op("i32.add", source, from!);
            f.store("i32.store8", op("i32.add", destination, to!), load("i32.load8_u", place));
          },
        );
      });
      f.increment(source, sourcePitch);
      f.increment(destination, destinationPitch);
    });
  });
}

/** Element (c div 2) * 64 + o * 2 + c mod 2. */
function paired(c: Expression<"i32">, o: Expression<"i32">): Expression<"i32"> {
  const row = op("i32.shl", op("i32.shr_u", c, 1), 6);
  return op("i32.add", row, op("i32.add", op("i32.shl", o, 1), op("i32.and", c, 1)));
}
