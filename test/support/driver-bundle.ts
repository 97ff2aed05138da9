/** Small drivers for tests: TypeScript around the real ABI codec, bundled as a driver is. */
import { buildSync } from "esbuild";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * `handle` is a function body that sees `request`, `host`, `reply(outcome)` and `blob(bytes)`, which sends
 * bytes and returns their hash; it runs in the driver's realm.
 */
export function bundleDriver(handle: string, beforeHandle = ""): Uint8Array {
  const contents = `
    import { decodeRequest, encodeReply } from "./protocol/abi/index.ts";
    import { hex } from "./protocol/base/bytes.ts";
    ${beforeHandle}
    globalThis.retileDriver = {
      handle(frame, host) {
        const decoded = decodeRequest(frame);
        if (!decoded.ok) throw new Error(decoded.message);
        const request = decoded.value;
        const reply = (outcome) => host.reply(encodeReply({ id: request.id, ...outcome }));
        const blob = (bytes) => {
          const sha256 = hex(host.sha256(bytes));
          for (let at = 0; at === 0 || at < bytes.length; at += 500000) {
            const last = at + 500000 >= bytes.length;
            reply({ outcome: "blob", sha256, bytes: bytes.subarray(at, at + 500000), last });
          }
          return sha256;
        };
        ${handle}
      },
    };`;
  const result = buildSync({
    stdin: { contents, resolveDir: ROOT, loader: "ts" },
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    format: "iife",
    external: ["fs", "node:*"],
    platform: "neutral",
    target: "es2022",
    mainFields: ["module", "main"],
    logLevel: "error",
  });
  const [output] = result.outputFiles;
  if (!output) throw new Error("esbuild gave no output");
  return output.contents;
}

export const DESCRIBED = `reply({ outcome: "described", driver: {
  version: "9.9.9", abi: { major: 1, minor: 0 }, isa: { major: 1, minor: 0 },
  families: ["v75"], formats: ["onnx"], passes: [] } });`;
