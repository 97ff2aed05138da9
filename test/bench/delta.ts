/** Bench: what an update between adjacent driver releases costs on the wire, and what applying it costs the device. */
import type { ExitName } from "../../cli/exit-codes.ts";
import type { Output } from "../../cli/output.ts";
import { buildBundle, releaseSource } from "../../cli/driver/build-bundle.ts";
import { inflateBrotli } from "../../device-agent/shell/inflate.ts";
import { present } from "../../protocol/base/assert.ts";
import { equalBytes } from "../../protocol/base/bytes.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { applyDelta } from "../../protocol/bundle/index.ts";
import { BROTLI } from "../../server/jobs/deltas.ts";
import { compressBundle, makeDelta } from "../../server/release/index.ts";
import type { BenchOptions } from "./options.ts";

const RELEASES = ["1.0.0", "1.1.0"];
const SHARE_MAX = 0.15;
const APPLY_MS_MAX = 1000;
const APPLY_BYTES_MAX = 100 << 20;

export async function benchDelta(_options: BenchOptions, output: Output): Promise<ExitName> {
  const [base, target] = await Promise.all(
    RELEASES.map((name) => buildBundle(releaseSource(name))),
  );
  const [from, to] = [present(base, "a base").bytes, present(target, "a target").bytes];
  const whole = compressBundle(to, BROTLI).bytes.length;
  const delta = present(makeDelta(from, to, BROTLI), "a delta");
  const residentBefore = process.memoryUsage().rss;
  const startedAt = performance.now();
  const applied = unwrap(
    applyDelta(delta.bytes, from, { inflate: inflateBrotli, resultBytesMax: to.length }),
  );
  const applyMs = performance.now() - startedAt;
  const applyBytes = Math.max(0, process.memoryUsage().rss - residentBefore);
  const share = delta.bytes.length / whole;
  const summary = {
    ...{ from: RELEASES[0] ?? "", to: RELEASES[1] ?? "", algorithm: delta.algorithm },
    ...{ bundleBytes: to.length, compressedBytes: whole, deltaBytes: delta.bytes.length },
    share: Number(share.toFixed(4)),
    applyMs: Math.round(applyMs),
    applyMiB: Math.round(applyBytes / (1 << 20)),
  };
  output.report({ name: "bench:delta", rows: [], summary });
  const isKept =
    equalBytes(applied, to) &&
    share <= SHARE_MAX &&
    applyMs <= APPLY_MS_MAX &&
    applyBytes <= APPLY_BYTES_MAX;
  return isKept ? "ok" : "failed";
}
