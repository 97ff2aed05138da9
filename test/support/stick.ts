/** A stick from the tests' server, filled as `retile release export` fills one. */
import { fillStick } from "../../cli/offline/export.ts";
import { brand } from "../../protocol/base/brand.ts";
import { failed, succeeded, unwrap } from "../../protocol/base/result.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import { METADATA_ROUTE, TARGETS_ROUTE } from "../../protocol/wire/index.ts";
import { TENANT, type DeviceServer } from "./device-server.ts";
import { NOW } from "./signed-metadata.ts";

export async function stickFor(
  server: DeviceServer,
  bundle: Uint8Array,
  version: string,
): Promise<Uint8Array> {
  // The tests' device is given its first root by hand.
  server.addFiles(new Map([["1.root.json", server.root]]));
  const fetch = async (path: string) => {
    const folder = path.startsWith("targets/") ? TARGETS_ROUTE : METADATA_ROUTE;
    const { status, body } = await server.handle(
      folder + path.replace(/^targets\//, ""),
      new Uint8Array(0),
    );
    return status === 200 ? succeeded(body) : failed("NOT_FOUND", `no ${path}`);
  };
  const order = await server.order();
  const path = `drivers/sm8650/${version}`;
  const orders = { assignment: order, path, family: "sm8650" };
  const filled = unwrap(await fillStick(fetch, { ...orders, tenant: brand(TENANT), now: NOW }));
  if (!Buffer.from(filled.bytes).includes(Buffer.from(bundle)))
    throw new Error(`no ${sha256Hex(bundle)} on it`);
  return filled.bytes;
}
