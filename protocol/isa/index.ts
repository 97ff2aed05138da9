/** The chip's instruction set. */
export * from "./table.ts";
export { decodeInstructions, encodeInstructions } from "./codec.ts";
export { accessesOf, tapImmediate, tapOf } from "./accesses.ts";
export type { Accesses, ReadPointer, Span } from "./accesses.ts";
export { parseInstruction, parseMicroOp, printInstruction, printMicroOp } from "./text.ts";
export { hvxCycles, packetCount } from "./packets.ts";
export { isaManual } from "./manual.ts";
export type { SocDescription } from "./soc.ts";
