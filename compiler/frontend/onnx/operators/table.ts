/** All operators that are understood, by domain and ONNX name. */
import { CONSTANTS } from "./constants.ts";
import { CONTROL } from "./control.ts";
import { ELEMENTWISE } from "./elementwise.ts";
import type { Handler } from "./handler.ts";
import { MATRICES } from "./matrix.ts";
import { REGIONS } from "./regions.ts";
import { SEQUENCES } from "./sequences.ts";
import { SHAPES } from "./shapes.ts";
import { WINDOWS } from "./windows.ts";

/** Operator sets by domain; "" is the default one. */
const DOMAINS = {
  "": {
    ...ELEMENTWISE,
    ...WINDOWS,
    ...MATRICES,
    ...SHAPES,
    ...REGIONS,
    ...CONSTANTS,
    ...CONTROL,
    ...SEQUENCES,
  },
} as const satisfies Record<string, Readonly<Record<string, Handler>>>;

const HANDLERS: ReadonlyMap<string, ReadonlyMap<string, Handler>> = new Map(
  Object.entries(DOMAINS).map(([domain, handlers]) => [domain, new Map(Object.entries(handlers))]),
);

export function findHandler(domain: string, opType: string): Handler | undefined {
  return HANDLERS.get(domain)?.get(opType);
}
