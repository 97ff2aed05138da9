/** Why an ONNX file was refused: as for every front end. */
export { ImportError, LIMITS, refuse } from "../failure.ts";
export type { ImportCode } from "../failure.ts";
