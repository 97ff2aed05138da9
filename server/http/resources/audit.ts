/** The audit log. */
import { succeeded } from "../../../protocol/base/result.ts";
import { readOperation } from "../operation.ts";
import { auditView, auditQuery } from "../schemas.ts";
import { auditEntryViewOf } from "../views.ts";

const list = readOperation({
  method: "get",
  path: "/v1/audit",
  summary: "Who did what, newest first; the hash chain is checked with every first page.",
  role: "viewer",
  status: 200,
  query: auditQuery,
  reply: auditView,
  handle: async ({ context, operator, query }) => {
    const { audit } = context.store;
    const entries = await audit.list(operator.tenant, query);
    // The whole chain: once for a reading of many pages is enough.
    const isFirst = query.before === undefined;
    const firstBroken = isFirst ? await audit.firstBroken(operator.tenant) : null;
    return succeeded({ items: entries.map(auditEntryViewOf), firstBroken });
  },
});

export const AUDIT = [list];
