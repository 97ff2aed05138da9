/** Reports in, changes out: pure. */
export * from "./ingest.ts";
export * from "./model.ts";
