/** A bundle's driver loaded into this process, for measuring what was just built; devices use the sandbox. */
import { runInThisContext } from "node:vm";
import type { Driver } from "../../protocol/abi/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { fromUtf8 } from "../../protocol/base/bytes.ts";
import { readBundle } from "../../protocol/bundle/index.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { InProcessDriver } from "./in-process.ts";

export function loadBundle(bundle: Uint8Array): InProcessDriver {
  const { files } = unwrap(readBundle(bundle));
  const script = fromUtf8(present(files.get("driver.js"), "driver.js"));
  const scope = globalThis as { retileDriver?: Driver | undefined };
  runInThisContext(script, { filename: "driver.js" });
  const driver = present(scope.retileDriver, "the driver that driver.js defines");
  delete scope.retileDriver;
  return new InProcessDriver(driver, { readFile: (path) => present(files.get(path), path) });
}
