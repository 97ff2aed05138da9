/** Small drivers for tests: TypeScript around the real ABI codec, bundled as a driver is. */
import { fileURLToPath } from "node:url";

// A worker thread of esbuild's would keep jest from ending when it runs suites in its own process.
process.env["ESBUILD_WORKER_THREADS"] = "0";
const { buildSync } = await import("esbuild");
import { utf8 } from "../../protocol/base/bytes.ts";
import { packBundle, type ManifestFields } from "../../protocol/bundle/index.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import { ISA_VERSION } from "../../protocol/isa/index.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * The script of a driver. `handle` is a function body that sees `request`, `host`, `reply(outcome)` and
 * `blob(bytes)`, which sends bytes and returns their hash; it runs in the driver's realm.
 */
export function driverScript(handle: string, imports = ""): Uint8Array {
  const contents = `
    import { decodeRequest, encodeReply } from "./protocol/abi/index.ts";
    import { hex } from "./protocol/base/bytes.ts";
    import { useHostSha256 } from "./compiler/driver/host-crypto.ts";
    ${imports}
    globalThis.retileDriver = {
      handle(frame, host) {
        useHostSha256((bytes) => host.sha256(bytes));
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
    platform: "neutral",
    target: "es2022",
    mainFields: ["main"],
    external: ["fs", "node:fs"],
    alias: { "node:crypto": "./compiler/driver/host-crypto.ts" },
    logLevel: "error",
  });
  const [output] = result.outputFiles;
  if (!output) throw new Error("esbuild gave no output");
  return output.contents;
}

export function described(version: string): string {
  return `reply({ outcome: "described", driver: {
    version: "${version}", abi: { major: 1, minor: 0 }, isa: { major: 1, minor: 0 },
    families: ["v75"], formats: ["onnx"], passes: [] } });`;
}

export function bundleOf(
  version: string,
  script: Uint8Array,
  change: Partial<ManifestFields> = {},
): Uint8Array {
  return packBundle(new Map([["driver.js", script]]), {
    version,
    abi: { major: 1, minor: 0 },
    isa: ISA_VERSION,
    socs: ["sm8350", "sm8650"],
    kernels: [],
    builtFrom: { recipe: version, sourceSha256: sha256Hex(utf8(version)) },
    ...change,
  });
}
