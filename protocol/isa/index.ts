/** The chip's instruction set. */
export * from "./table.ts";
export { decodeInstructions, encodeInstructions } from "./codec.ts";
export { accessesOf } from "./accesses.ts";
export { spansMeet } from "./spans.ts";
export { placeImmediate, placeOf, tapImmediate, tapOf } from "./place.ts";
export type { WindowPlace } from "./place.ts";
export type { Accesses, ReadPointer, Span } from "./accesses.ts";
export { parseInstruction, parseMicroOp, printInstruction, printMicroOp } from "./text.ts";
export {
  isProduct,
  macsOf,
  productCycles,
  productForm,
  TILE_MACS,
  tileCyclesOf,
} from "./matrix.ts";
export type { Product, ProductForm } from "./matrix.ts";
export { hvxCycles, packetCount, usesOf } from "./packets.ts";
export type { VectorWork } from "./packets.ts";
export { isaManual } from "./manual.ts";
export type { SocDescription } from "./soc.ts";
export { isHvxRun, missingFeature } from "./features.ts";
export { ELEMENTARY, elementaryTable, sumChannels } from "./elementary.ts";
export type { ElementaryName } from "./elementary.ts";
