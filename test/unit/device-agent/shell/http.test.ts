/** The agent's HTTP against a real server that misbehaves. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, describe, expect, test } from "@jest/globals";
import { machineClock } from "../../../../device-agent/shell/clock.ts";
import { machineHttp } from "../../../../device-agent/shell/http.ts";
import { serverClient } from "../../../../device-agent/shell/server-client.ts";
import { brand } from "../../../../protocol/base/brand.ts";
import { concatBytes, utf8 } from "../../../../protocol/base/bytes.ts";
import { memorySigner } from "../../../../protocol/crypto/index.ts";
import {
  DEVICE_ROUTES,
  encodeEnrolReply,
  NONCE_HEADER,
  readSignature,
} from "../../../../protocol/wire/index.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const answers = new Map<string, Answer>();
const listener = createServer((request, response) => {
  request.resume();
  const answer = answers.get(new URL(request.url ?? "", "http://x").pathname);
  if (answer) answer(request, response);
  else response.writeHead(404).end("{}");
});
await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
afterAll(() => {
  listener.closeAllConnections();
  listener.close();
});
const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
const client = serverClient({ serverUrl: url, http: machineHttp, clock: machineClock });
const get = { method: "GET", headers: {}, bytesMax: 100, silenceMsMax: 20_000 } as const;

describe("a request", () => {
  test("brings status, headers and body", async () => {
    answers.set("/ok", (_request, response) => response.writeHead(200, { "x-y": "z" }).end("body"));
    const answer = await machineHttp.send({ ...get, url: `${url}/ok` });
    expect(answer).toMatchObject({ ok: true, value: { status: 200, body: utf8("body") } });
    expect(answer.ok && answer.value.headers.get("x-y")).toBe("z");
  });

  test("to nobody is SERVER_DOWN", async () => {
    const answer = await machineHttp.send({ ...get, url: "http://127.0.0.1:1/" });
    expect(answer).toMatchObject({ ok: false, code: "SERVER_DOWN" });
  });

  test("that is redirected is SERVER_DOWN: nobody may send a device elsewhere", async () => {
    answers.set("/to", (_request, response) => response.writeHead(302, { location: "/ok" }).end());
    const answer = await machineHttp.send({ ...get, url: `${url}/to` });
    expect(answer).toMatchObject({ ok: false, code: "SERVER_DOWN" });
  });

  test.each<[string, Answer]>([
    ["before its answer", () => undefined],
    ["in the middle of it", (_request, response) => void response.writeHead(200).write("x")],
  ])("that meets silence %s is SERVER_TIMEOUT", async (_name, answer) => {
    answers.set("/silent", answer);
    const result = await machineHttp.send({ ...get, silenceMsMax: 300, url: `${url}/silent` });
    expect(result).toMatchObject({ ok: false, code: "SERVER_TIMEOUT" });
  });

  test("whose answer does not end is ANSWER_TOO_LARGE", async () => {
    answers.set("/large", (_request, response) => response.end("x".repeat(101)));
    const answer = await machineHttp.send({ ...get, url: `${url}/large` });
    expect(answer).toMatchObject({ ok: false, code: "ANSWER_TOO_LARGE" });
  });
});

describe("the client", () => {
  const enrol = () =>
    client.enrol(
      {
        tenant: brand("acme"),
        device: brand("phone"),
        publicKey: signer.publicKey,
        soc: "sm8650",
        agentVersion: "1",
        token: "t",
      },
      signer,
    );
  const signer = memorySigner(new Uint8Array(32).fill(3));

  test("signs again with the server's nonce when its clock is wrong", async () => {
    const nonces: (string | null)[] = [];
    answers.set(DEVICE_ROUTES.enrol, (request, response) => {
      const claim = readSignature(request.headers);
      const nonce = claim.ok ? claim.value.nonce : "unsigned";
      nonces.push(nonce);
      if (nonce !== "n1") return void response.writeHead(401, { [NONCE_HEADER]: "n1" }).end();
      const times = { pollIntervalSeconds: 60, serverTime: machineClock.now() };
      response.end(encodeEnrolReply({ ...times, keyId: "k", reportEpoch: 1 }));
    });
    expect(await enrol()).toMatchObject({ ok: true, value: { reportEpoch: 1 } });
    expect(nonces).toEqual([null, "n1"]);
  });

  test.each([
    [400, "SERVER_REFUSED", "TOKEN_INVALID"],
    [503, "SERVER_BUSY", "DATABASE_LOCKED"],
  ])("hands on a problem of status %d as %s with the server's own code", async (...expected) => {
    const [status, code, own] = expected;
    const problem = { type: "about:blank", title: "No", status, detail: "because", code: own };
    answers.set(DEVICE_ROUTES.enrol, (_request, response) =>
      response.writeHead(status).end(JSON.stringify(problem)),
    );
    expect(await enrol()).toMatchObject({ ok: false, code, details: { status, code: own } });
  });

  test("tells a missing file from a server in trouble", async () => {
    answers.set("/repository/metadata/2.root.json", (_request, response) =>
      response.writeHead(500).end(),
    );
    expect(await client.fetch("9.root.json", 10)).toMatchObject({ code: "NOT_FOUND" });
    expect(await client.fetch("2.root.json", 10)).toMatchObject({ code: "FETCH_FAILED" });
  });

  test.each([
    ["answers with the rest", true],
    ["ignores the range", false],
  ])("resumes a target where the server %s", async (_name, knowsRanges) => {
    const whole = utf8("0123456789");
    answers.set("/repository/targets/a/b", (request, response) => {
      const offset = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1]);
      response.writeHead(knowsRanges ? 206 : 200).end(knowsRanges ? whole.subarray(offset) : whole);
    });
    const pieces: Uint8Array[] = [];
    const read = await client.readTarget("targets/a/b", 10)(4, async (piece) => {
      pieces.push(new Uint8Array(piece));
      return true;
    });
    expect(read.ok).toBe(true);
    expect(concatBytes(pieces)).toEqual(utf8("456789"));
  });
});
