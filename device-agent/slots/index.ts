/** What the agent keeps on disk: drivers by content, pointers, journal. */
export * from "./disk.ts";
export * from "./file-system.ts";
export * from "./memory-disk.ts";
