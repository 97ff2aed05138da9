/** All operators that are understood, by domain and ONNX name. */
import { ATTENTION, PREVIEW } from "./attention.ts";
import { CONSTANTS } from "./constants.ts";
import { CONTROL } from "./control.ts";
import { ELEMENTWISE } from "./elementwise.ts";
import { GENERATION } from "./generation.ts";
import { LEARNED } from "./learned.ts";
import { LOSSES, TRAINING } from "./losses.ts";
import { MATRICES } from "./matrix.ts";
import { MICROSOFT } from "./microsoft.ts";
import { NORMALIZATIONS } from "./normalizations.ts";
import { QUANTIZATION } from "./quantization.ts";
import { RECURRENT } from "./recurrent.ts";
import { REGIONS } from "./regions.ts";
import { SELECTION } from "./selection.ts";
import { SEQUENCES } from "./sequences.ts";
import { SHAPES } from "./shapes.ts";
import { SIGNALS } from "./signals.ts";
import { TEXT } from "./text.ts";
import { WINDOWS } from "./windows.ts";
import type { Handler } from "./handler.ts";

/** Operator sets by domain; "" is the default one. */
const DOMAINS = {
  "": {
    ...ELEMENTWISE,
    ...WINDOWS,
    ...MATRICES,
    ...NORMALIZATIONS,
    ...RECURRENT,
    ...ATTENTION,
    ...SHAPES,
    ...REGIONS,
    ...SELECTION,
    ...GENERATION,
    ...SIGNALS,
    ...QUANTIZATION,
    ...LOSSES,
    ...TEXT,
    ...CONSTANTS,
    ...CONTROL,
    ...SEQUENCES,
  },
  "ai.onnx.ml": LEARNED,
  "ai.onnx.preview": PREVIEW,
  "ai.onnx.preview.training": TRAINING,
  "com.microsoft": MICROSOFT,
} as const satisfies Record<string, Readonly<Record<string, Handler>>>;

const HANDLERS: ReadonlyMap<string, ReadonlyMap<string, Handler>> = new Map(
  Object.entries(DOMAINS).map(([domain, handlers]) => [domain, new Map(Object.entries(handlers))]),
);

export function findHandler(domain: string, opType: string): Handler | undefined {
  return HANDLERS.get(domain)?.get(opType);
}
