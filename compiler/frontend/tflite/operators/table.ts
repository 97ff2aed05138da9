/** Every operator that the TFLite front end imports. */
import { DETECTION } from "./detection.ts";
import { ELEMENTWISE } from "./elementwise.ts";
import type { Handler } from "./handler.ts";
import { MATRICES } from "./matrices.ts";
import { PICKING } from "./picking.ts";
import { RECURRENT } from "./recurrent.ts";
import { SHAPES } from "./shapes.ts";
import { SLICES } from "./slices.ts";
import { STORED } from "./stored.ts";
import { WINDOWS } from "./windows.ts";

export const HANDLERS: ReadonlyMap<string, Handler> = new Map([
  ...Object.entries(WINDOWS),
  ...Object.entries(ELEMENTWISE),
  ...Object.entries(MATRICES),
  ...Object.entries(SHAPES),
  ...Object.entries(SLICES),
  ...Object.entries(PICKING),
  ...Object.entries(DETECTION),
  ...Object.entries(RECURRENT),
  ...Object.entries(STORED),
]);
