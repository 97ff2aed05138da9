/** All operators of the default domain that are understood, by their ONNX names. */
import { ELEMENTWISE } from "./elementwise.ts";
import type { Handler } from "./handler.ts";
import { MATRICES } from "./matrix.ts";
import { REGIONS } from "./regions.ts";
import { SHAPES } from "./shapes.ts";
import { WINDOWS } from "./windows.ts";

export const HANDLERS: ReadonlyMap<string, Handler> = new Map(
  Object.entries({ ...ELEMENTWISE, ...WINDOWS, ...MATRICES, ...SHAPES, ...REGIONS }),
);
