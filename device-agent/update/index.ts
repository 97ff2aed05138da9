/** What to install: the TUF client and the agreement of image and assignment. */
export * from "./decide.ts";
export * from "./mirrors.ts";
export * from "./ports.ts";
export * from "./provenance.ts";
export * from "./refresh.ts";
export * from "./resolve.ts";
