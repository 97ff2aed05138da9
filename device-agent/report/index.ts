/** Signed reports and their outbox. */
export * from "./outbox.ts";
