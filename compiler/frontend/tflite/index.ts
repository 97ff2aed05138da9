/** The TFLite front end. */
export { importTflite } from "./import.ts";
export type { TfliteOptions } from "./import.ts";
export { isTflite } from "./flat-buffer.ts";
