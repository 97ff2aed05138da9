/** The audit log through the client: however long it is, nothing is left out and nothing comes twice. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { OperatorClient } from "../../../../cli/operator/client.ts";
import { unwrap } from "../../../../protocol/base/result.ts";

const ENTRIES = 2345;
const BROKEN = 7;
let server: Server;
let client: OperatorClient;
const asked: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://test");
    asked.push(url.search);
    const limit = Number(url.searchParams.get("limit"));
    const before = Number(url.searchParams.get("before") ?? ENTRIES + 1);
    const count = Math.max(0, Math.min(limit, before - 1));
    const common = { at: "", actor: "", action: "", subject: "", details: {} };
    const items = Array.from({ length: count }, (_, index) => {
      return { sequence: before - 1 - index, ...common };
    });
    const firstBroken = url.searchParams.has("before") ? null : BROKEN;
    response.end(JSON.stringify({ items, firstBroken }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  client = new OperatorClient(`http://127.0.0.1:${port}`, "token");
});

afterAll(() => void server.close());

async function check(limit: number, expected: readonly string[]): Promise<void> {
  asked.length = 0;
  let heard = 0;
  const { items, firstBroken } = unwrap(await client.audit(limit, (count) => (heard += count)));
  const count = Math.min(limit, ENTRIES);
  expect(items.map(({ sequence }) => sequence)).toEqual(
    Array.from({ length: count }, (_, index) => ENTRIES - index),
  );
  expect([heard, firstBroken]).toEqual([count, BROKEN]);
  expect(asked).toEqual(expected);
}

test("a few", () => check(5, ["?limit=5"]));
test("more than a page", () => check(1500, ["?limit=1000", "?limit=500&before=1346"]));
test("all", () =>
  check(Infinity, ["?limit=1000", "?limit=1000&before=1346", "?limit=1000&before=346"]));
