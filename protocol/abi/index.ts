/** The driver ABI: what crosses the boundary between the agent and a driver. */
export * from "./abi.ts";
export { decodeReply, decodeRequest, encodeReply, encodeRequest } from "./codec.ts";
export type { FrameCode } from "./codec.ts";
