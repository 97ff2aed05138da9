/** The operator's side of the REST API, typed; every refusal is a failure with the server's own code. */
import { z } from "zod";
import { fromHex } from "../../protocol/base/bytes.ts";
import { present } from "../../protocol/base/assert.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import { metadataFilePath, TIMESTAMP_FILE_PATH } from "../../protocol/metadata/index.ts";
import {
  decodeReportAck,
  DEVICE_ROUTES,
  deviceView,
  modelOutcomeView,
  problemDetails,
  releaseView,
  rolloutView,
  repositoryRoute,
} from "../../protocol/wire/index.ts";
import type {
  CreateRollout,
  DeviceView,
  ModelOutcomeView,
  ReleaseView,
  RolloutAction,
  RolloutView,
} from "../../protocol/wire/index.ts";
import { evidenceView, offlineAssignmentView, repositoryView } from "../../server/http/schemas.ts";
import type { Fetch } from "../../device-agent/update/index.ts";

/** What offline keys signed, to be published together. */
export interface Publication {
  /** The first publication starts with root 1. */
  readonly roots: readonly Uint8Array[];
  /** By role: `targets` and delegated ones. */
  readonly targets: ReadonlyMap<string, Uint8Array>;
  /** Of what they list and the server does not have yet. */
  readonly contents: readonly Uint8Array[];
}

/** The public halves of the server's keys, which root and the director's key set name. */
export interface OnlineKeys {
  readonly snapshot: Uint8Array;
  readonly timestamp: Uint8Array;
  readonly director: Uint8Array;
}

const onlineKey = z.object({ public: z.string() });
const keysReply = z.object({ snapshot: onlineKey, timestamp: onlineKey, director: onlineKey });
const enrolmentReply = z.object({ token: z.string() });
const publicationReply = z.object({
  versions: z.object({ root: z.int(), targets: z.int(), snapshot: z.int(), timestamp: z.int() }),
  releases: z.array(z.object({ path: z.string(), version: z.string(), sha256: z.string() })),
});
export type PublicationReply = z.infer<typeof publicationReply>;
export type EvidenceView = z.output<typeof evidenceView>;

/** Uploads of the largest bundles included. */
const ANSWER_MS_MAX = 120_000;
const PAGE_SIZE = 1000;

const itemsOf = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item) });

export class OperatorClient {
  private readonly url: string;
  private readonly token: string;

  constructor(url: string, token: string) {
    this.url = url;
    this.token = token;
  }

  async onlineKeys(): Promise<Result<OnlineKeys>> {
    const reply = await this.call(keysReply, { method: "GET", path: "/v1/keys" });
    if (!reply.ok) return reply;
    const bytes = (key: { public: string }): Uint8Array =>
      present(fromHex(key.public), "a public key in hexadecimal");
    const { snapshot, timestamp, director } = reply.value;
    return succeeded({
      snapshot: bytes(snapshot),
      timestamp: bytes(timestamp),
      director: bytes(director),
    });
  }

  async enrolmentToken(uses: number, validForSeconds: number): Promise<Result<string>> {
    const body = { uses, validForSeconds };
    const request = { method: "POST", path: "/v1/enrolment-tokens", body } as const;
    const reply = await this.call(enrolmentReply, request);
    return reply.ok ? succeeded(reply.value.token) : reply;
  }

  /** Uploads contents first: metadata is published only when all that it lists is there. */
  async publish(publication: Publication): Promise<Result<PublicationReply>> {
    const { roots, targets, contents } = publication;
    const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
    for (const content of new Set(contents)) {
      const path = `/v1/uploads/${sha256Hex(content)}`;
      const uploaded = await this.call(z.unknown(), { method: "PUT", path, bytes: content });
      if (!uploaded.ok) return uploaded;
    }
    const documents = [...targets].map(([role, bytes]) => [role, text(bytes)]);
    const body = { roots: roots.map(text), targets: Object.fromEntries(documents) };
    return this.call(publicationReply, { method: "POST", path: "/v1/publications", body });
  }

  async releases(): Promise<Result<readonly ReleaseView[]>> {
    return this.list(releaseView, "/v1/releases");
  }

  async recall(version: string, because: string): Promise<Result<RecallReply>> {
    const body = { version, because };
    return this.call(recallReply, { method: "POST", path: "/v1/recalls", body });
  }

  /** The newest entries of the audit log, newest first, page by page; `onPage` hears how many are there. */
  async audit(limit: number, onPage?: (entries: number) => void): Promise<Result<AuditReply>> {
    const items: AuditReply["items"] = [];
    let firstBroken: number | null = null;
    while (items.length < limit) {
      const size = Math.min(PAGE_SIZE, limit - items.length);
      const before = items.at(-1)?.sequence;
      const query = `limit=${size}${before === undefined ? "" : `&before=${before}`}`;
      const page = await this.call(auditReply, { method: "GET", path: `/v1/audit?${query}` });
      if (!page.ok) return page;
      items.push(...page.value.items);
      firstBroken ??= page.value.firstBroken;
      onPage?.(page.value.items.length);
      if (page.value.items.length < size) break;
    }
    return succeeded({ items, firstBroken });
  }

  /** All of them, page by page. */
  async devices(): Promise<Result<readonly DeviceView[]>> {
    const devices: DeviceView[] = [];
    for (let after = ""; ; after = devices.at(-1)?.id ?? "") {
      const query = `limit=${PAGE_SIZE}${after && `&after=${after}`}`;
      const page = await this.list(deviceView, `/v1/devices?${query}`);
      if (!page.ok) return page;
      devices.push(...page.value);
      if (page.value.length < PAGE_SIZE) return succeeded(devices);
    }
  }

  async rollouts(): Promise<Result<readonly RolloutView[]>> {
    return this.list(rolloutView, "/v1/rollouts");
  }

  async createRollout(rollout: CreateRollout): Promise<Result<RolloutView>> {
    return this.call(rolloutView, { method: "POST", path: "/v1/rollouts", body: rollout });
  }

  async rollout(id: string): Promise<Result<RolloutView>> {
    return this.call(rolloutView, { method: "GET", path: rolloutPath(id) });
  }

  async evidence(id: string): Promise<Result<EvidenceView>> {
    return this.call(evidenceView, { method: "GET", path: `${rolloutPath(id)}/evidence` });
  }

  async act(id: string, action: RolloutAction): Promise<Result<RolloutView>> {
    const path = `${rolloutPath(id)}/actions`;
    return this.call(rolloutView, { method: "POST", path, body: action });
  }

  async outcomes(id: string): Promise<Result<readonly ModelOutcomeView[]>> {
    return this.list(modelOutcomeView, `${rolloutPath(id)}/outcomes`);
  }

  /** The newest published version of every metadata role; empty before the first publication. */
  async metadataVersions(): Promise<Result<ReadonlyMap<string, number>>> {
    const reply = await this.call(repositoryView, { method: "GET", path: "/v1/repository" });
    if (!reply.ok) return reply;
    return succeeded(new Map(reply.value.roles.map(({ role, version }) => [role, version])));
  }

  /** A published metadata file, as JSON that nobody has verified. */
  async metadata(role: string, version: number): Promise<Result<unknown>> {
    const file = role === "timestamp" ? TIMESTAMP_FILE_PATH : metadataFilePath(role, version);
    return this.call(z.unknown(), { method: "GET", path: repositoryRoute(file) });
  }

  /** A published target that is JSON; `file` as `targetFilePath` names it. */
  async jsonTarget(file: string): Promise<Result<unknown>> {
    return this.call(z.unknown(), { method: "GET", path: repositoryRoute(file) });
  }

  /** What the device would be given now, to be carried to it. */
  async offlineAssignment(device: string, days: number): Promise<Result<OfflineAssignment>> {
    const path = `/v1/devices/${encodeURIComponent(device)}/offline-assignment`;
    const request = { method: "POST", path, body: { days } } as const;
    const reply = await this.call(offlineAssignmentView, request);
    if (!reply.ok) return reply;
    const { envelope, recall, ...rest } = reply.value;
    const bytes = (text: string | null) =>
      text === null ? undefined : new Uint8Array(Buffer.from(text, "base64"));
    return succeeded({ ...rest, assignment: bytes(envelope), recall: bytes(recall) });
  }

  /** A file of the repository as devices read it. */
  async repositoryFile(path: string, bytesMax: number): ReturnType<Fetch> {
    const response = await this.request({ method: "GET", path: repositoryRoute(path) });
    if (!response.ok) return failed("FETCH_FAILED", response.message, { path });
    const { status } = response.value;
    if (status === 404) return failed("NOT_FOUND", `${path} is not published.`, { path });
    if (status !== 200) return failed("FETCH_FAILED", `the server answered ${status}`, { path });
    const bytes = new Uint8Array(await response.value.arrayBuffer());
    if (bytes.length <= bytesMax) return succeeded(bytes);
    return failed("FETCH_TOO_LARGE", `${path} has more than ${bytesMax} bytes`, { path });
  }

  /** A batch that a device signed, as it came on a stick; the sequence up to which the server now has all. */
  async importReports(batch: Uint8Array): Promise<Result<number>> {
    const response = await this.request({
      method: "POST",
      path: DEVICE_ROUTES.reports,
      bytes: batch,
    });
    if (!response.ok) return response;
    const body = new Uint8Array(await response.value.arrayBuffer());
    if (response.value.status >= 400) {
      return refusal(response.value.status, JSON.parse(new TextDecoder().decode(body)));
    }
    const ack = decodeReportAck(body);
    return ack.ok ? succeeded(ack.value.acknowledgedSequence) : ack;
  }

  private async list<Item extends z.ZodType>(
    item: Item,
    path: string,
  ): Promise<Result<readonly z.output<Item>[]>> {
    const reply = await this.call(itemsOf(item), { method: "GET", path });
    return reply.ok ? succeeded(reply.value.items) : reply;
  }

  private async call<Schema extends z.ZodType>(
    schema: Schema,
    request: Request,
  ): Promise<Result<z.output<Schema>>> {
    const answer = await this.send(request);
    if (!answer.ok) return answer;
    const { status, json } = answer.value;
    if (status >= 400) return refusal(status, json);
    const parsed = schema.safeParse(json);
    if (parsed.success) return succeeded(parsed.data);
    return failed("SERVER_BAD_REPLY", `the server's reply to ${request.path} is not understood`);
  }

  private async send(request: Request): Promise<Result<{ status: number; json: unknown }>> {
    const response = await this.request(request);
    if (!response.ok) return response;
    return succeeded({ status: response.value.status, json: await response.value.json() });
  }

  private async request({ method, path, body, bytes }: Request): Promise<Result<Response>> {
    const headers = new Headers({ authorization: `Bearer ${this.token}` });
    if (body !== undefined) headers.set("content-type", "application/json");
    if (bytes !== undefined) headers.set("content-type", "application/octet-stream");
    const payload = bytes === undefined ? JSON.stringify(body) : new Uint8Array(bytes);
    try {
      const signal = AbortSignal.timeout(ANSWER_MS_MAX);
      const init = { method, headers, signal, ...(payload !== undefined && { body: payload }) };
      return succeeded(await fetch(new URL(path, this.url), init));
    } catch (error) {
      const { message: why } = ((error as Error).cause ?? error) as Error;
      return failed("SERVER_DOWN", `no server answers at ${this.url}: ${why}`, { url: this.url });
    }
  }
}

export interface OfflineAssignment {
  /** Either may be absent, not both. */
  readonly assignment: Uint8Array | undefined;
  readonly recall: Uint8Array | undefined;
  /** Of the assignment. */
  readonly target: { readonly path: string; readonly version: string } | null;
  readonly family: string;
  readonly startBefore: string;
}

const recallReply = z.object({
  number: z.int(),
  version: z.string(),
  sha256s: z.array(z.string()),
});
export type RecallReply = z.output<typeof recallReply>;

const auditReply = z.object({
  items: z.array(
    z.object({
      sequence: z.int(),
      at: z.string(),
      actor: z.string(),
      action: z.string(),
      subject: z.string(),
      details: z.record(z.string(), z.unknown()),
    }),
  ),
  /** The first entry that does not fit the one before it. */
  firstBroken: z.int().nullable(),
});
export type AuditReply = z.output<typeof auditReply>;

interface Request {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  readonly bytes?: Uint8Array;
}

function rolloutPath(id: string): string {
  return `/v1/rollouts/${encodeURIComponent(id)}`;
}

function refusal(status: number, json: unknown): Result<never> {
  const problem = problemDetails.safeParse(json);
  if (!problem.success) return failed("SERVER_REFUSED", `the server answered ${status}`);
  return failed(problem.data.code, problem.data.detail, { status });
}
