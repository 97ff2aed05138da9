/** From offline-signed metadata and bundles to a TUF repository of static files. */
export * from "./delta/make-delta.ts";
export * from "./listed.ts";
export * from "./offline-roles.ts";
export * from "./publish.ts";
export * from "./state.ts";
