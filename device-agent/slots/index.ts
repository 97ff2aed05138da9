/** What the agent keeps on disk: drivers by content, pointers, journal. */
export * from "./blobs.ts";
export * from "./disk.ts";
export * from "./download.ts";
export * from "./file-system.ts";
export * from "./fit.ts";
export * from "./pace.ts";
export * from "./recall.ts";
export * from "./state.ts";
export * from "./state-json.ts";
export * from "./store.ts";
export * from "./sweep.ts";
export * from "./window.ts";
