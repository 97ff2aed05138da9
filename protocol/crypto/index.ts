/** The only place that signs, verifies or hashes. */
export * from "./ed25519.ts";
export * from "./hash.ts";
export * from "./metadata-keys.ts";
export * from "./sealed.ts";
export * from "./signer.ts";
