/** Device and server messages (protobuf), operator API (zod), request signatures. */
export * from "./check-in.ts";
export * from "./enrol.ts";
export * from "./http-signature.ts";
export * from "./limits.ts";
export * from "./messages.ts";
export * from "./operator.ts";
export * from "./reports.ts";
export * from "./routes.ts";
export type { WireCode } from "./reader.ts";
