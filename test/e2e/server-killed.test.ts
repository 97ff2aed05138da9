/** A server that is killed without warning: what it acknowledged is there after the next start, and devices go on. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import { createAgent } from "../../device-agent/index.ts";
import { machineHttp, type Http, type HttpRequest } from "../../device-agent/shell/http.ts";
import { socNamed } from "../../device-agent/soc/index.ts";
import { present } from "../../protocol/base/assert.ts";
import {
  brand,
  instant,
  type DeviceId,
  type ModelId,
  type TenantId,
} from "../../protocol/base/brand.ts";
import { seededRandom } from "../../protocol/base/random.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { packBundle, readBundle } from "../../protocol/bundle/index.ts";
import { inProcessDrivers, tinyDriverBundle } from "../support/crash/in-process-driver.ts";
import { createOffline } from "../support/server/offline.ts";
import { operatorClient, type OperatorClient } from "../support/server/operator-client.ts";
import { startTestServer, temporaryFolder } from "../support/server/server.ts";
import { modelOf } from "../support/test-agent.ts";

const CHILD = fileURLToPath(new URL("../support/server/child.ts", import.meta.url));
const TENANT = brand<TenantId>("default");
/** Two starts of a whole server, on a machine that may be busy. */
const TEST_MS_MAX = 120_000;

interface Doomed {
  readonly url: string;
  readonly token: string;
  readonly operator: OperatorClient;
  /** Resolves when it is dead. */
  kill(): Promise<unknown>;
}

async function startDoomed(dataDirectory: string): Promise<Doomed> {
  const child = spawn(process.execPath, ["--import", "tsx", CHILD, dataDirectory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const place = JSON.parse(line.toString()) as { url: string; token: string };
  const kill = (): Promise<unknown> => {
    const dead = once(child, "exit");
    child.kill("SIGKILL");
    return dead;
  };
  return { ...place, operator: operatorClient(place), kill };
}

test(
  "the acknowledged work is there, and the audit log is whole",
  async () => {
    const dataDirectory = temporaryFolder();
    const first = await startDoomed(dataDirectory);
    const uses = { uses: 1, validForSeconds: 60 };
    const made = unwrap(await first.operator.createEnrolmentToken(uses));
    await first.kill();
    const second = await startTestServer({}, dataDirectory);
    const { items, firstBroken } = unwrap(await second.operator.audit());
    expect(items.map(({ subject }) => subject)).toContain(made.id);
    expect(firstBroken).toBeNull();
    await second.remove();
  },
  TEST_MS_MAX,
);

const FACTORY = tinyDriverBundle({ version: "1.0.0", copies: 60 });
/** More than a connection holds at once, and nothing that a delta would help. */
const LARGE = largeBundle();

function largeBundle(): Uint8Array {
  const { manifest, files } = unwrap(
    readBundle(tinyDriverBundle({ version: "1.1.0", copies: 20 })),
  );
  const random = seededRandom(1);
  const filler = Uint8Array.from({ length: 1 << 19 }, () => random.below(256));
  return packBundle(new Map([...files, ["kernels/filler", filler]]), manifest);
}

/** Bytes that were asked for, and what happens when the first of them come. */
function watchedHttp(ranges: [string, string][], onFirstPiece: () => Promise<unknown>): Http {
  let first: Promise<unknown> | undefined;
  const watched = (request: HttpRequest): HttpRequest => {
    const { onPiece, url, headers } = request;
    if (!onPiece) return request;
    ranges.push([url, headers["range"] ?? ""]);
    return {
      ...request,
      onPiece: async (bytes, status) => {
        await (first ??= onFirstPiece());
        return onPiece(bytes, status);
      },
    };
  };
  return { send: (request) => machineHttp.send(watched(request)) };
}

test(
  "a download goes on where it stood, and every report arrives once",
  async () => {
    const dataDirectory = temporaryFolder();
    const home = temporaryFolder();
    const first = await startDoomed(dataDirectory);
    const now = () => instant(Date.now());
    const offline = await createOffline({ operator: first.operator, now, tenant: TENANT });
    unwrap(await first.operator.publish(await offline.publication([FACTORY, LARGE])));
    const uses = { uses: 1, validForSeconds: 600 };
    const { token } = unwrap(await first.operator.createEnrolmentToken(uses));
    const ranges: [string, string][] = [];
    const agent = createAgent({
      ...{ directory: home, tenant: TENANT, device: brand<DeviceId>("phone-1") },
      ...{ soc: present(socNamed("sm8650"), "sm8650"), serverUrl: first.url },
      http: watchedHttp(ranges, () => first.kill()),
      processes: inProcessDrivers((path) => readFile(path)),
    });
    unwrap(await agent.init(FACTORY, offline.root));
    unwrap(await agent.enrol(token));
    unwrap(await agent.registerModel(modelOf(brand<ModelId>("identity"))));
    unwrap(
      await first.operator.createRollout({
        ...{ id: "to-1.1.0", version: "1.1.0", previousVersion: "1.0.0" },
        stages: [{ percent: 100, minimumDevices: 1 }],
        gate: {
          ...{ nonInferiorityMargin: 0.02, accuracyFloorDb: 20, failureBudget: 0.1 },
          ...{ minimumDevices: 1, confidence: 0.95 },
        },
      }),
    );
    unwrap(await first.operator.act("to-1.1.0", { action: "start", because: "test" }));
    expect(unwrap(await agent.poll())).toMatchObject({ kind: "waiting", code: "SERVER_DOWN" });

    const port = Number(new URL(first.url).port);
    const second = await startTestServer({ port }, dataDirectory);
    expect(unwrap(await agent.poll())).toMatchObject({
      kind: "committed",
      to: { version: "1.1.0" },
    });
    const [[url, whole], ...rest] = ranges as [[string, string]];
    expect([whole, rest]).toEqual([
      "bytes=0-",
      [[url, expect.stringMatching(/^bytes=[1-9]\d*-$/)]],
    ]);
    const { items } = unwrap(await second.operator.assignments("to-1.1.0"));
    expect(items).toMatchObject([{ device: "phone-1", status: "committed", failure: null }]);
    expect(unwrap(await second.operator.outcomes("to-1.1.0")).items).toHaveLength(1);
    expect(unwrap(await agent.reports())).toEqual([]);
    await second.remove();
    await rm(home, { recursive: true });
  },
  TEST_MS_MAX,
);
