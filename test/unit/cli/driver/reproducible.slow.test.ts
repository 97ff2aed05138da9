import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { releasedVersions } from "../../../../cli/driver/build-bundle.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { buildIn, copyCheckout, nodeFromRegistry, THIS_NODE } from "../../../bench/reproducible.ts";

const home = await mkdtemp(join(tmpdir(), "retile-reproducible-"));
afterAll(() => rm(home, { recursive: true }));
const one = await copyCheckout(join(home, "one"));
const other = await copyCheckout(join(home, "somewhere/else entirely"));

test.each(await releasedVersions())(
  "driver build of %s gives the same bytes in two folders",
  async (version) => {
    const [first, second] = [
      await buildIn(one, THIS_NODE, version),
      await buildIn(other, THIS_NODE, version),
    ];
    expect(second.sha256).toBe(first.sha256);
    expect(second.bytes).toBe(first.bytes);
  },
);

test.each(await releasedVersions())(
  "driver build of %s gives the same bytes on Node 20 and Node 24",
  async (version) => {
    const first = await buildIn(one, unwrap(await nodeFromRegistry("node@20")), version);
    const second = await buildIn(other, unwrap(await nodeFromRegistry("node@24")), version);
    expect([first.node, second.node].map((node) => node.split(".")[0])).toEqual(["20", "24"]);
    expect(second.sha256).toBe(first.sha256);
  },
);
