/** Uploads, publications and what they published. */
import { utf8, hex } from "../../../protocol/base/bytes.ts";
import { failed, succeeded } from "../../../protocol/base/result.ts";
import { BUNDLE_BYTES_MAX } from "../../../protocol/bundle/index.ts";
import { sha256 } from "../../../protocol/crypto/index.ts";
import { releaseView } from "../../../protocol/wire/index.ts";
import { bytesOperation, jsonOperation, listOf, readOperation } from "../operation.ts";
import {
  publicationRequest,
  publicationView,
  recallRequest,
  recallView,
  repositoryView,
  uploadView,
} from "../schemas.ts";
import { recallViewOf, releaseViews } from "../views.ts";
import { audit } from "./access.ts";

const PUBLICATION_BYTES_MAX = 16 << 20;

const upload = bytesOperation({
  method: "put",
  path: "/v1/uploads/{sha256}",
  summary: "Hands in the content of a target; nobody sees it before signed metadata lists it.",
  role: "release",
  status: 201,
  bytesMax: BUNDLE_BYTES_MAX,
  reply: uploadView,
  handle: async ({ context, parameters, body }) => {
    const named = parameters["sha256"] ?? "";
    const actual = hex(sha256(body));
    if (named !== actual) {
      const message = "The content does not have the SHA-256 that the path names.";
      return failed("CONTENT_MISMATCH", message, { named, actual });
    }
    const isNew = (await context.uploads.size(actual)) === undefined;
    if (isNew) await context.uploads.write(actual, body);
    return succeeded({ sha256: actual, bytes: body.length, isNew });
  },
});

const publish = jsonOperation({
  method: "post",
  path: "/v1/publications",
  summary: "Publishes metadata that offline keys signed; the server signs snapshot and timestamp.",
  role: "release",
  status: 201,
  accepts: publicationRequest,
  bytesMax: PUBLICATION_BYTES_MAX,
  reply: publicationView,
  handle: async ({ context, operator, body }) => {
    const roots = body.roots.map(utf8);
    const targets = new Map(Object.entries(body.targets).map(([role, text]) => [role, utf8(text)]));
    const published = await context.publisher.publish({ roots, targets });
    if (!published.ok) return published;
    const { versions, releases } = published.value;
    context.fleet.forget(operator.tenant);
    const subject = `snapshot ${versions.snapshot}`;
    const details = { ...versions, releases: releases.map(({ path }) => path).join(" ") };
    await audit({ context, operator }, { action: "repository.publish", subject, details });
    return succeeded({ versions, releases: [...releases] });
  },
});

const repository = readOperation({
  method: "get",
  path: "/v1/repository",
  summary: "The newest published version of every metadata role.",
  role: "viewer",
  status: 200,
  reply: repositoryView,
  handle: async ({ context }) => {
    const newest = await context.store.repository.newestMetadata();
    return succeeded({ roles: newest.map(({ role, version }) => ({ role, version })) });
  },
});

const releases = readOperation({
  method: "get",
  path: "/v1/releases",
  summary: "Published driver releases.",
  role: "viewer",
  status: 200,
  reply: listOf(releaseView),
  handle: async ({ context }) => {
    return succeeded({ items: releaseViews(await context.store.repository.releases()) });
  },
});

const recall = jsonOperation({
  method: "post",
  path: "/v1/recalls",
  summary:
    "Recalls a version: no device is sent it any more, and every device that runs it leaves it.",
  role: "release",
  status: 201,
  accepts: recallRequest,
  reply: recallView,
  handle: async ({ context, operator, body }) => {
    const { version, because: reason } = body;
    const published = await context.store.repository.releases();
    const sha256s = published.filter((one) => one.version === version).map((one) => one.sha256);
    if (sha256s.length === 0) {
      return failed("RELEASE_UNKNOWN", `No release ${version} is published.`, { version });
    }
    const { tenant, tokenId } = operator;
    const added = await context.store.orders.addRecall({
      ...{ tenant, version, reason, actor: `token:${tokenId}`, now: context.clock() },
      sha256s: [...new Set(sha256s)],
    });
    if (!added.ok) return added;
    const note = { action: "release.recall", subject: version, details: { reason } };
    await audit({ context, operator }, note);
    return succeeded(recallViewOf(added.value));
  },
});

const recalls = readOperation({
  method: "get",
  path: "/v1/recalls",
  summary: "Recalled versions, the first recall first.",
  role: "viewer",
  status: 200,
  reply: listOf(recallView),
  handle: async ({ context, operator }) => {
    const found = await context.store.orders.recalls(operator.tenant);
    return succeeded({ items: found.map(recallViewOf) });
  },
});

export const RELEASES = [upload, publish, repository, releases, recall, recalls];
