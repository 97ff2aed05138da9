/** How V8 treats code in a process that lives for one call. */
import v8 from "node:v8";

/**
 * V8 optimises a function when it has run for so many bytes of its code. In a process of one call, optimising as early
 * as V8 does by itself takes more time than it brings.
 */
const INTERRUPT_BUDGET_BYTES = 400_000;

/** To be called first. A version of V8 that has no such flag says so on the error output and goes on. */
export function optimizeLater(): void {
  v8.setFlagsFromString(`--interrupt-budget=${INTERRUPT_BUDGET_BYTES}`);
}
