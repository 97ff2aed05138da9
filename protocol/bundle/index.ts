/** Driver bundles: manifest and archive. */
export * from "./archive.ts";
export * from "./delta.ts";
export * from "./delta-index.ts";
export * from "./limits.ts";
export * from "./manifest.ts";
export * from "./stick.ts";
