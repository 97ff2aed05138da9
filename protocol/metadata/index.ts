/** TUF roles, the trusted set, driver targets and the director's documents. */
export * from "./author.ts";
export * from "./codes.ts";
export * from "./delegations.ts";
export * from "./director.ts";
export * from "./director-author.ts";
export * from "./drivers.ts";
export * from "./dsse.ts";
export * from "./envelope.ts";
export * from "./hardware-policy.ts";
export * from "./layout.ts";
export * from "./limits.ts";
export * from "./provenance.ts";
export * from "./roles.ts";
export * from "./trusted-set.ts";
export { hashesMatch } from "./checks.ts";
