/** No server holds the agent up for ever, however slowly it answers (TUF: slow retrieval). */
import { expect, test } from "@jest/globals";
import { failed } from "../../../../protocol/base/result.ts";
import { nativeSigner } from "../../../../protocol/crypto/index.ts";
import { machineClock } from "../../../../device-agent/shell/clock.ts";
import type { HttpRequest } from "../../../../device-agent/shell/http.ts";
import { serverClient } from "../../../../device-agent/shell/server-client.ts";

const HOUR_MS = 3_600_000;

test("every question to a server has an end in time, in silence and in bytes", async () => {
  const asked: HttpRequest[] = [];
  const http = {
    send: (request: HttpRequest) => {
      asked.push(request);
      return Promise.resolve(failed("SERVER_DOWN", "no connection"));
    },
  };
  const client = serverClient({ serverUrl: "http://server.test", http, clock: machineClock });
  const signer = nativeSigner(new Uint8Array(32).fill(1));
  await client.fetch("timestamp.json", 1000);
  await client.readTarget("targets/a", 1000)(0, () => Promise.resolve(true));
  await client.sendReports(new Uint8Array(1), signer);
  expect(asked.length).toBe(3);
  for (const { durationMsMax, silenceMsMax, bytesMax } of asked) {
    expect(durationMsMax).toBeLessThanOrEqual(HOUR_MS);
    expect(silenceMsMax).toBeLessThanOrEqual(15_000);
    expect(bytesMax).toBeGreaterThan(0);
  }
});
