/**
 * A server for tests of one device: real metadata, real signatures, real assignments, in memory. It assigns
 * one bundle until the device has it or has refused it, and it counts every report.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { instant, type Instant } from "../../protocol/base/brand.ts";
import { brand } from "../../protocol/base/brand.ts";
import { hex, utf8 } from "../../protocol/base/bytes.ts";
import { canonicalJson } from "../../protocol/base/canonical-json.ts";
import { failed, succeeded, unwrap, type Result } from "../../protocol/base/result.ts";
import { keyObject, sha256Hex, verifyDetached } from "../../protocol/crypto/index.ts";
import {
  authorAssignment,
  authorDirectorKeys,
  authorRecall,
  describeDriver,
  describeFile,
  directorKeysPath,
  signMetadata,
  targetFilePath,
} from "../../protocol/metadata/index.ts";
import {
  decodeCheckInRequest,
  decodeEnrolRequest,
  decodeSignedReports,
  DELTAS_ROUTE,
  DEVICE_ROUTES,
  encodeCheckInReply,
  encodeEnrolReply,
  encodeReportAck,
  METADATA_ROUTE,
  openReports,
  TARGETS_ROUTE,
  type CheckInDecision,
  type Report,
} from "../../protocol/wire/index.ts";
import type { Http, HttpCode, HttpRequest, HttpResponse } from "../../device-agent/shell/http.ts";
import { listDrivers } from "./listed-drivers.ts";
import { KEYS, LATER, makeRepository, makeRoot, NOW, PAST } from "./signed-metadata.ts";

export const TENANT = "acme";
export const DEVICE = "phone-1";
/** Security floor of every published driver. */
const FLOOR = "0.0.1";
export const SERVER_URL = "http://server.test";

const NO_KEY = "0".repeat(64);

interface Served {
  readonly status: number;
  readonly body: Uint8Array;
}

const FOLDERS = [
  [TARGETS_ROUTE, "targets/"],
  [DELTAS_ROUTE, "deltas/"],
] as const;

const FORBIDDEN: Served = { status: 403, body: new Uint8Array(0) };

export interface DeviceServer {
  readonly root: Uint8Array;
  /** Every report in the order of its sequence number, each once. */
  readonly reports: Report[];
  /** Bytes that are served for a path of a target, in place of the true ones. */
  readonly corrupted: Map<string, Uint8Array>;
  /** What goes wrong: answers with no answer at all. */
  down: boolean;
  /** The connection breaks after so many bytes of this file. */
  breaksOff: { readonly path: string; readonly bytes: number } | undefined;
  activateBefore: Instant;
  /** Answers every check-in with this. */
  answerWith: CheckInDecision | undefined;
  /** The assignment that a device would be given that has none of it yet. */
  order(): Promise<Uint8Array>;
  /** Until the device has left it, or has taken the recall while it was on the way to it: no device may run `bundle` any more; it goes back to `returnTo`. */
  recall(bundle: Uint8Array, returnTo: Uint8Array): void;
  /** As if no update had ever been; the device stays enrolled. */
  forget(): void;
  /** Restores what the server knows at this moment, any number of times. */
  save(): () => void;
  /** Equal for servers that answer alike from now on. */
  fingerprint(): string;
  /** Published beside everything else, over a file of the same path. */
  addFiles(more: ReadonlyMap<string, Uint8Array>): void;
  publish(bundles: readonly Uint8Array[], assigned: Uint8Array | undefined): Promise<void>;
  handle(path: string, body: Uint8Array): Promise<Served>;
  readonly http: Http;
  listen(): Promise<{ readonly url: string; close(): Promise<void> }>;
}

export async function deviceServer(soc = "sm8650"): Promise<DeviceServer> {
  let files: ReadonlyMap<string, Uint8Array> = new Map();
  let edition = 0;
  let editions = 0;
  const director = new TestDirector(soc);
  const server: DeviceServer = {
    root: await makeRoot(),
    reports: director.reports,
    corrupted: new Map(),
    down: false,
    breaksOff: undefined,
    activateBefore: LATER,
    answerWith: undefined,
    forget: () => {
      files = new Map([...files].filter(([path]) => !path.startsWith("deltas/")));
      edition = ++editions;
      director.forget();
    },
    publish: async (bundles, next) => {
      director.assigned = next;
      server.addFiles(await publishedFiles(bundles, ++director.version));
    },
    order: async () => {
      const decision = await director.decide({ current: "", sequence: 0 }, server.activateBefore);
      return decision.kind === "assignment" ? decision.envelope : new Uint8Array(0);
    },
    recall: (bundle, returnTo) => {
      director.recalled = { bundle, returnTo };
    },
    addFiles: (more) => {
      files = new Map([...files, ...more]);
      edition = ++editions;
    },
    save: () => {
      const { down, activateBefore, answerWith } = server;
      const [corrupted, restoreDirector] = [[...server.corrupted], director.save()];
      const [keptFiles, keptEdition] = [files, edition];
      return () => {
        [files, edition] = [keptFiles, keptEdition];
        server.corrupted.clear();
        for (const [path, bytes] of corrupted) server.corrupted.set(path, bytes);
        Object.assign(server, { down, activateBefore, answerWith });
        restoreDirector();
      };
    },
    fingerprint: () => {
      const corrupted = [...server.corrupted].map(([path, bytes]) => `${path} ${sha256Hex(bytes)}`);
      const { down, activateBefore, answerWith } = server;
      const answers = [edition, corrupted, down, activateBefore, answerWith ?? null];
      return JSON.stringify([answers, director.fingerprint()]);
    },
    handle: async (path, body) => {
      if (path.startsWith(METADATA_ROUTE)) {
        return served(files.get(path.slice(METADATA_ROUTE.length)));
      }
      for (const [route, folder] of FOLDERS) {
        if (!path.startsWith(route)) continue;
        const name = folder + path.slice(route.length);
        return served(server.corrupted.get(name) ?? files.get(name));
      }
      if (path === DEVICE_ROUTES.enrol && !director.knows(body)) return FORBIDDEN;
      return { status: 200, body: await director.answer(path, body, server) };
    },
    http: { send: (request) => sendTo(server, request) },
    listen: () => listen(server),
  };
  return server;
}

interface IssuedAssignment {
  readonly assigned: Uint8Array;
  readonly activateBefore: Instant;
  readonly sequence: number;
  readonly decision: CheckInDecision;
}

/** Assigns, and takes reports. */
class TestDirector {
  readonly reports: Report[] = [];
  assigned: Uint8Array | undefined;
  recalled: { readonly bundle: Uint8Array; readonly returnTo: Uint8Array } | undefined;
  version = 0;
  private readonly soc: string;
  private sequence = 0;
  private recallSequence = 0;
  private last: IssuedAssignment | undefined;
  private publicKey: Uint8Array = new Uint8Array(32);

  constructor(soc: string) {
    this.soc = soc;
  }

  forget(): void {
    this.reports.length = 0;
    this.sequence = 0;
    this.recalled = undefined;
    this.last = undefined;
  }

  save(): () => void {
    const { assigned, recalled, version, sequence, recallSequence, last, publicKey } = this;
    const reports = [...this.reports];
    return () => {
      Object.assign(this, {
        assigned,
        recalled,
        version,
        sequence,
        recallSequence,
        last,
        publicKey,
      });
      this.reports.splice(0, Infinity, ...reports);
    };
  }

  fingerprint(): string {
    const { assigned, recalled, version, sequence, recallSequence, last, publicKey, reports } =
      this;
    const bundles = [assigned, recalled?.bundle, recalled?.returnTo, last?.assigned].map(
      (bundle) => bundle && sha256Hex(bundle),
    );
    const told = { reports, publicKey: [...publicKey] };
    // JSON has no infinity, and ratios of equal outputs are.
    const issued = [version, sequence, recallSequence, last?.sequence, last?.activateBefore];
    return JSON.stringify([bundles, issued, told], (_, value: unknown) =>
      typeof value === "number" ? String(value) : value,
    );
  }

  /** One device, one key, for ever. */
  knows(enrolment: Uint8Array): boolean {
    const { publicKey } = unwrap(decodeEnrolRequest(enrolment));
    return [NO_KEY, hex(publicKey)].includes(hex(this.publicKey));
  }

  async answer(
    path: string,
    body: Uint8Array,
    { activateBefore, answerWith }: Pick<DeviceServer, "activateBefore" | "answerWith">,
  ): Promise<Uint8Array> {
    const common = { pollIntervalSeconds: 60, serverTime: NOW };
    if (path === DEVICE_ROUTES.enrol) {
      this.publicKey = unwrap(decodeEnrolRequest(body)).publicKey;
      return encodeEnrolReply({ ...common, keyId: "key", reportEpoch: 1 });
    }
    if (path === DEVICE_ROUTES.checkIn) {
      const { current, assignment } = unwrap(decodeCheckInRequest(body));
      const facts = { current: current.sha256, sequence: assignment.sequence };
      const decision = answerWith ?? (await this.decide(facts, activateBefore));
      return encodeCheckInReply({ ...common, decision, directorEpoch: 1, explanation: "test" });
    }
    const verify = (text: Uint8Array, signature: Uint8Array): boolean =>
      verifyDetached(text, signature, this.publicKey);
    const batch = unwrap(openReports(unwrap(decodeSignedReports(body)), verify));
    const known = this.reports.length - batch.firstSequence + 1;
    if (known < 0) throw new Error("a report is missing");
    const fresh = batch.reports.slice(known);
    this.reports.push(...fresh);
    if (fresh.some(endsUpdate)) this.last = undefined;
    return encodeReportAck({ epoch: 1, acknowledgedSequence: this.reports.length });
  }

  async decide(
    { current, sequence }: { readonly current: string; readonly sequence: number },
    activateBefore: Instant,
  ): Promise<CheckInDecision> {
    const { assigned, recalled, last } = this;
    const isUnderWay = assigned === recalled?.bundle && sequence !== this.recallSequence;
    if (recalled && (isUnderWay || current === sha256Hex(recalled.bundle))) {
      const document = authorRecall({
        tenant: brand(TENANT),
        device: brand(DEVICE),
        epoch: 1,
        sequence: ++this.sequence,
        startBefore: LATER,
        recalled: [sha256Hex(recalled.bundle)],
        returnTo: this.targetOf(recalled.returnTo),
        reason: "test",
      });
      this.recallSequence = this.sequence;
      return { kind: "assignment", envelope: await signMetadata(document, [KEYS.director]) };
    }
    if (!assigned || current === sha256Hex(assigned) || this.isRefused(sha256Hex(assigned))) {
      return { kind: "hold", code: "UP_TO_DATE" };
    }
    const isSame = last?.assigned === assigned && last.activateBefore === activateBefore;
    // The device has taken it, and asks whether it still stands.
    if (isSame && last.sequence === sequence) return last.decision;
    const document = authorAssignment({
      tenant: brand(TENANT),
      device: brand(DEVICE),
      target: this.targetOf(assigned),
      rollout: brand("rollout-1"),
      stage: 0,
      epoch: 1,
      sequence: ++this.sequence,
      startBefore: LATER,
      activateBefore,
      evidence: { policyHash: sha256Hex(utf8("policy")), watermark: 0 },
    });
    const envelope = await signMetadata(document, [KEYS.director]);
    const decision = { kind: "assignment", envelope } as const;
    this.last = { assigned, activateBefore, sequence: this.sequence, decision };
    return decision;
  }

  private targetOf(bundle: Uint8Array) {
    const paths = [...unwrap(describeDriver(bundle, FLOOR)).keys()];
    const path = paths.find((name) => name.startsWith(`drivers/${this.soc}/`)) ?? paths[0] ?? "";
    return { path, sha256: sha256Hex(bundle), length: bundle.length };
  }

  private isRefused(sha256: string): boolean {
    return this.reports.some(
      ({ to, body }) => to.sha256 === sha256 && body.kind === "lifecycle" && "code" in body.stage,
    );
  }
}

function endsUpdate({ body }: Report): boolean {
  return body.kind === "lifecycle" && (body.stage.kind === "committed" || "code" in body.stage);
}

async function publishedFiles(
  bundles: readonly Uint8Array[],
  version: number,
): Promise<Map<string, Uint8Array>> {
  const keys = canonicalJson(
    authorDirectorKeys({
      tenant: brand(TENANT),
      epoch: 1,
      threshold: 1,
      keys: new Map([[KEYS.director.keyId, keyObject(KEYS.director.publicKey)]]),
      validFrom: PAST,
      validUntil: LATER,
    }),
  );
  const path = directorKeysPath(brand(TENANT));
  const targets = new Map([[path, describeFile(keys)]]);
  const contents = new Map([[targetFilePath({ path, sha256: sha256Hex(keys) }), keys]]);
  const listed = await listDrivers(bundles, { signers: [KEYS.targets], securityFloor: FLOOR });
  for (const [name, file] of listed.targets) targets.set(name, file);
  for (const [name, bytes] of listed.contents) {
    contents.set(targetFilePath({ path: name, sha256: sha256Hex(bytes) }), bytes);
  }
  const metadata = await makeRepository({ version, targets: { targets, version } });
  return new Map([...contents, ...metadata]);
}

async function sendTo(
  server: DeviceServer,
  request: HttpRequest,
): Promise<Result<HttpResponse, HttpCode>> {
  if (server.down) return failed("SERVER_DOWN", "No connection: refused.");
  const { pathname } = new URL(request.url);
  const answer = await server.handle(pathname, request.body ?? new Uint8Array(0));
  const { status, body } = ranged(answer, request.headers["range"]);
  if (body.length > request.bytesMax) return failed("ANSWER_TOO_LARGE", "too large");
  const isTaken = status < 300 && request.onPiece !== undefined;
  const { breaksOff } = server;
  const bytes = breaksOff && pathname.endsWith(breaksOff.path) ? breaksOff.bytes : body.length;
  if (isTaken) await request.onPiece(body.subarray(0, bytes), status);
  if (bytes < body.length) return failed("SERVER_DOWN", "No connection: broken off.");
  return succeeded({ status, headers: new Map(), body: isTaken ? new Uint8Array(0) : body });
}

function served(body: Uint8Array | undefined): Served {
  return body ? { status: 200, body } : { status: 404, body: new Uint8Array(0) };
}

function ranged(answer: Served, range: string | undefined): Served {
  const offset = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? -1);
  if (offset < 0 || answer.status !== 200) return answer;
  return { status: 206, body: answer.body.subarray(offset) };
}

async function listen(server: DeviceServer) {
  const listener: Server = createServer((request, response) => {
    const parts: Uint8Array[] = [];
    request.on("data", (bytes: Uint8Array) => parts.push(bytes));
    request.on("end", () => {
      const answer = server.handle(request.url ?? "", new Uint8Array(Buffer.concat(parts)));
      void answer.then((found) => {
        const { status, body } = ranged(found, request.headers.range);
        response.writeHead(status, { "content-length": body.length }).end(body);
      });
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const { port } = listener.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise<void>((resolve) => {
        listener.closeAllConnections();
        listener.close(() => resolve());
      }),
  };
}

/** A clock that starts at the tests' time and runs as this machine's does. */
export function testNow(): Instant {
  return instant(NOW + Math.round(performance.now()));
}
