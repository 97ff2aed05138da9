/** The compiled-model file. */
export type * from "./program.ts";
export { flowOf, NO_COUNTERS, PIXEL_ELEMENTS, pixelElementBytes } from "./program.ts";
export { decodeProgram, encodeProgram } from "./codec.ts";
export type { ProgramCode } from "./codec.ts";
