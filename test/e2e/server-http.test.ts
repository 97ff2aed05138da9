/** What the server's HTTP edge does with requests good and bad. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Updater } from "tuf-js";
import { unwrap } from "../../protocol/base/result.ts";
import { nativeSigner, sha256Hex } from "../../protocol/crypto/index.ts";
import { driverPath } from "../../protocol/metadata/index.ts";
import {
  DEVICE_ROUTES,
  NONCE_HEADER,
  problemDetails,
  REQUEST_BYTES_MAX,
} from "../../protocol/wire/index.ts";
import { createOffline, testBundle, type Offline } from "../support/server/offline.ts";
import { TestDevice } from "../support/server/device.ts";
import { startTestServer, type TestServer } from "../support/server/server.ts";

const BUNDLE = testBundle("1.0.0");
const DRIVER = { version: "1.0.0", sha256: sha256Hex(BUNDLE) };
const TARGET = `/repository/targets/drivers/sm8650/${DRIVER.sha256}.1.0.0`;

let server: TestServer;
let offline: Offline;
let enrolmentToken: string;

beforeAll(async () => {
  server = await startTestServer();
  offline = await createOffline(server);
  unwrap(await server.operator.publish(await offline.publication([BUNDLE])));
  const request = { uses: 100, validForSeconds: 600 };
  enrolmentToken = unwrap(await server.operator.createEnrolmentToken(request)).token;
}, 60_000);
afterAll(() => server.remove());

interface Sent {
  readonly method?: string;
  readonly path: string;
  readonly token?: string | null;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

async function send({ method = "GET", path, token = server.token, body, headers }: Sent) {
  const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
  const json = body === undefined ? {} : { "content-type": "application/json" };
  return fetch(new URL(path, server.url), {
    method,
    headers: { ...authorization, ...json, ...headers },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
}

/** Every error has the one shape; this gives its status and code. */
async function refusal(sent: Sent): Promise<readonly [number, string]> {
  const response = await send(sent);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const problem = problemDetails.parse(await response.json());
  expect(problem.status).toBe(response.status);
  expect(problem.instance).toBe(`urn:request:${response.headers.get("x-request-id")}`);
  return [problem.status, problem.code];
}

describe("errors have one shape", () => {
  test("without a token", async () =>
    expect(await refusal({ path: "/v1/rollouts", token: null })).toEqual([401, "TOKEN_MISSING"]));
  test("with a token that is made up", async () =>
    expect(await refusal({ path: "/v1/rollouts", token: "operator~default~00~x" })).toEqual([
      401,
      "TOKEN_INVALID",
    ]));
  test("for a path that is not there", async () =>
    expect(await refusal({ path: "/v1/nothing" })).toEqual([404, "NOT_FOUND"]));
  test("for a rollout that is not there", async () =>
    expect(await refusal({ path: "/v1/rollouts/none" })).toEqual([404, "NOT_FOUND"]));
  test("for a body that is not JSON", async () =>
    expect(await refusal({ method: "POST", path: "/v1/rollouts", body: "{" })).toEqual([
      400,
      "REQUEST_INVALID",
    ]));
  test("for a query that is not known", async () =>
    expect(await refusal({ path: "/v1/devices?limit=0" })).toEqual([400, "REQUEST_INVALID"]));
  test("for a body that is too large", async () => {
    const body = { name: "x".repeat(2 << 20), role: "viewer" };
    const sent = { method: "POST", path: "/v1/tokens", body };
    expect(await refusal(sent)).toEqual([413, "BODY_TOO_LARGE"]);
  });
  test("and name every field that is wrong", async () => {
    const body = { id: "a b", version: "x" };
    const response = await send({ method: "POST", path: "/v1/rollouts", body });
    const problem = problemDetails.parse(await response.json());
    const paths = new Set(problem.errors?.map(({ path }) => path));
    expect(paths).toEqual(new Set(["id", "version", "previousVersion", "stages", "gate"]));
  });
});

describe("roles", () => {
  const tokenOf = async (role: string): Promise<{ id: string; token: string }> => {
    const body = { name: role, role };
    const response = await send({ method: "POST", path: "/v1/tokens", body });
    return (await response.json()) as { id: string; token: string };
  };
  test("a viewer reads and changes nothing", async () => {
    const { token } = await tokenOf("viewer");
    expect((await send({ path: "/v1/rollouts", token })).status).toBe(200);
    const sent = { method: "POST", path: "/v1/enrolment-tokens", body: {}, token };
    expect(await refusal(sent)).toEqual([403, "ROLE_NOT_ALLOWED"]);
    expect(await refusal({ path: "/v1/tokens", token })).toEqual([403, "ROLE_NOT_ALLOWED"]);
  });
  test("a revoked token opens nothing, at once", async () => {
    const { id, token } = await tokenOf("release");
    expect((await send({ method: "DELETE", path: `/v1/tokens/${id}` })).status).toBe(200);
    expect(await refusal({ path: "/v1/rollouts", token })).toEqual([401, "TOKEN_INVALID"]);
  });
});

describe("the static repository", () => {
  const get = (path: string, headers: Record<string, string> = {}) =>
    send({ path, token: null, headers });
  test("gives targets as immutable files", async () => {
    const response = await get(TARGET);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(BUNDLE);
    expect(response.headers.get("cache-control")).toMatch(/immutable/);
    const etag = response.headers.get("etag") ?? "";
    expect((await get(TARGET, { "if-none-match": etag })).status).toBe(304);
  });
  test("has the timestamp asked for again, by its content", async () => {
    const response = await get("/repository/metadata/timestamp.json");
    expect(response.headers.get("cache-control")).toBe("public, no-cache");
    const etag = response.headers.get("etag") ?? "";
    expect(etag).toBe(`"${sha256Hex(new Uint8Array(await response.arrayBuffer()))}"`);
    const again = await get("/repository/metadata/timestamp.json", { "if-none-match": etag });
    expect(again.status).toBe(304);
  });
  const RANGES = [
    ["bytes=0-3", 206, 0, 4],
    ["bytes=10-", 206, 10, BUNDLE.length],
    ["bytes=-5", 206, BUNDLE.length - 5, BUNDLE.length],
    ["bytes=5-999999999", 206, 5, BUNDLE.length],
    ["bytes=3-1", 200, 0, BUNDLE.length],
    ["bytes=0-1,4-5", 200, 0, BUNDLE.length],
    ["lines=1-2", 200, 0, BUNDLE.length],
  ] as const;
  for (const [range, status, from, to] of RANGES) {
    test(`answers ${range} with ${status}`, async () => {
      const response = await get(TARGET, { range });
      expect(response.status).toBe(status);
      expect(new Uint8Array(await response.arrayBuffer())).toEqual(BUNDLE.subarray(from, to));
      if (status !== 206) return;
      const expected = `bytes ${from}-${to - 1}/${BUNDLE.length}`;
      expect(response.headers.get("content-range")).toBe(expected);
    });
  }
  test("refuses a range behind the end", async () => {
    const response = await get(TARGET, { range: `bytes=${BUNDLE.length}-` });
    expect(response.status).toBe(416);
    expect(response.headers.get("content-range")).toBe(`bytes */${BUNDLE.length}`);
  });
  test("gives the whole file when it changed since the range was asked for", async () => {
    const response = await get(TARGET, { range: "bytes=0-3", "if-range": '"other"' });
    expect(response.status).toBe(200);
  });
  for (const path of [
    "/repository/targets/..%2fadmin-token",
    "/repository/targets/%2e%2e/admin-token",
    "/repository/metadata/.hidden",
    "/repository/metadata/",
    "/repository/metadata/9.root.json",
  ]) {
    test(`has nothing at ${path}`, async () => expect((await get(path)).status).toBe(404));
  }
  test("is read by a foreign TUF client", async () => {
    const folder = mkdtempSync(join(tmpdir(), "retile-tuf-"));
    writeFileSync(join(folder, "root.json"), offline.root);
    const updater = new Updater({
      metadataDir: folder,
      metadataBaseUrl: `${server.url}/repository/metadata`,
      targetDir: folder,
      targetBaseUrl: `${server.url}/repository/targets`,
    });
    await updater.refresh();
    const info = await updater.getTargetInfo(driverPath({ family: "sm8650", version: "1.0.0" }));
    expect(info?.hashes["sha256"]).toBe(DRIVER.sha256);
    if (info) await updater.downloadTarget(info, join(folder, "driver"));
    rmSync(folder, { recursive: true, force: true });
  });
});

function newDevice(device: string, seed?: Uint8Array): TestDevice {
  const { url, tenant, now } = server;
  const own = seed && { seed };
  return new TestDevice({ url, tenant, device, driver: DRIVER, clock: now, ...own });
}

describe("devices", () => {
  const outcome = async (answer: Promise<{ status: number; problem: unknown }>) => {
    const { status, problem } = await answer;
    return [status, (problem as { code?: string } | undefined)?.code];
  };
  test("join with a token and their own signature", async () => {
    const device = newDevice("joins");
    await device.enrol(enrolmentToken);
    const reply = await device.checkIn();
    expect(reply.decision).toEqual({ kind: "hold", code: "NO_ROLLOUT" });
    expect(reply.directorEpoch).toBe(1);
  });
  test("do not join with a token that is made up", async () => {
    const answer = outcome(newDevice("guesses").tryEnrol("enrol~000000000000~x"));
    expect(await answer).toEqual([403, "ENROLMENT_TOKEN_INVALID"]);
  });
  test("do not join under a name that another key has", async () => {
    await newDevice("cloned").enrol(enrolmentToken);
    const clone = newDevice("cloned", new Uint8Array(32).fill(7));
    expect(await outcome(clone.tryEnrol(enrolmentToken))).toEqual([409, "DEVICE_ALREADY_ENROLLED"]);
  });
  test("do not join with a key that fits every signature", async () => {
    const device = newDevice("small-order");
    const smallOrder = new Uint8Array(32);
    smallOrder[0] = 1;
    Object.assign(device.signer, { publicKey: smallOrder });
    expect(await outcome(device.tryEnrol(enrolmentToken))).toEqual([400, "WIRE_FIELD_INVALID"]);
  });
  test("are not believed without their signature, with another's, or over other bytes", async () => {
    const device = newDevice("impersonated");
    await device.enrol(enrolmentToken);
    const body = device.checkInBytes();
    const unsigned = await fetch(new URL(DEVICE_ROUTES.checkIn, server.url), {
      method: "POST",
      body: new Uint8Array(body),
    });
    expect(problemDetails.parse(await unsigned.json()).code).toBe("SIGNATURE_MISSING");
    const stranger = nativeSigner(new Uint8Array(32).fill(9));
    const forged = device.post(DEVICE_ROUTES.checkIn, body, { signer: stranger });
    expect(await outcome(forged)).toEqual([401, "SIGNATURE_WRONG"]);
    const unknown = newDevice("never-enrolled");
    const absent = unknown.post(DEVICE_ROUTES.checkIn, unknown.checkInBytes());
    expect(await outcome(absent)).toEqual([401, "DEVICE_UNKNOWN"]);
  });
  test("with a wrong clock recover with the server's nonce, which serves no other key", async () => {
    const device = newDevice("born-1970");
    await device.enrol(enrolmentToken);
    const send = (nonce?: string, signer = device.signer) =>
      device.post(DEVICE_ROUTES.checkIn, device.checkInBytes(), {
        createdSeconds: 5,
        signer,
        ...(nonce !== undefined && { nonce }),
      });
    const skewed = await send();
    expect([skewed.status, skewed.problem?.code]).toEqual([401, "SIGNATURE_CLOCK_SKEW"]);
    const nonce = skewed.headers.get(NONCE_HEADER) ?? "";
    expect((await send(nonce)).status).toBe(200);
    expect((await send(`${nonce}x`)).status).toBe(401);
    const other = newDevice("other-clock");
    await other.enrol(enrolmentToken);
    const borrowed = await other.post(DEVICE_ROUTES.checkIn, other.checkInBytes(), {
      ...{ createdSeconds: 5, nonce },
    });
    expect(borrowed.status).toBe(401);
  });
  test("cannot make the server read without end", async () => {
    const device = newDevice("talkative");
    const answer = device.post(DEVICE_ROUTES.reports, new Uint8Array(REQUEST_BYTES_MAX + 1));
    expect(await outcome(answer)).toEqual([413, "BODY_TOO_LARGE"]);
  });
  test("sign their reports: another's batch is not believed", async () => {
    const device = newDevice("reporter");
    await device.enrol(enrolmentToken);
    const impostor = newDevice("reporter", new Uint8Array(32).fill(8));
    impostor.epoch = 1;
    const report = impostor.lifecycle("r", DRIVER, { kind: "accepted" });
    expect(await outcome(impostor.tryReport([report]))).toEqual([401, "REPORTS_BAD_SIGNATURE"]);
  });
});

describe("publications are refused", () => {
  const publish = async (changes: Record<string, unknown>) =>
    refusal({ method: "POST", path: "/v1/publications", body: changes });
  test("when nobody signed them", async () => {
    const { targets } = await offline.publication([]);
    const document = Buffer.from(targets?.get("targets") ?? []).toString();
    const unsigned = JSON.stringify({ ...JSON.parse(document), signatures: [] });
    const [status, code] = await publish({ targets: { targets: unsigned } });
    expect([status, code]).toEqual([422, "TARGETS_BAD_SIGNATURES"]);
  });
  test("when a content is missing", async () => {
    const { targets } = await offline.publication([testBundle("7.0.0")]);
    const document = Buffer.from(targets?.get("targets") ?? []).toString();
    expect(await publish({ targets: { targets: document } })).toEqual([422, "CONTENT_MISSING"]);
  });
  test("when an upload is not what its name says", async () => {
    const path = `/v1/uploads/${DRIVER.sha256}`;
    expect(await refusal({ method: "PUT", path, body: "x" })).toEqual([422, "CONTENT_MISMATCH"]);
  });
});

test("the description of the API names every operation with its schemas", async () => {
  const document = (await (await send({ path: "/openapi.json", token: null })).json()) as {
    paths: Record<string, Record<string, { responses: unknown }>>;
    components: { schemas: Record<string, unknown> };
  };
  expect(Object.keys(document.paths)).toContain("/v1/rollouts/{id}/actions");
  for (const name of ["Rollout", "ProblemDetails", "GatePolicy", "Publication"]) {
    expect(document.components.schemas).toHaveProperty(name);
  }
});

test("health and metrics are open to everybody", async () => {
  expect((await send({ path: "/healthz", token: null })).status).toBe(200);
  const text = await (await send({ path: "/metrics", token: null })).text();
  expect(text).toMatch(/retile_requests_total\{route="\/healthz",status="200"\} 1/);
});
