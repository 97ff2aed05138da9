/** The audit log. */
import { succeeded } from "../../../protocol/base/result.ts";
import { readOperation } from "../operation.ts";
import { auditView, limitQuery } from "../schemas.ts";
import { auditEntryViewOf } from "../views.ts";

const list = readOperation({
  method: "get",
  path: "/v1/audit",
  summary: "Who did what, newest first; the hash chain is checked on every reading.",
  role: "viewer",
  status: 200,
  query: limitQuery,
  reply: auditView,
  handle: async ({ context, operator, query }) => {
    const { audit } = context.store;
    const entries = await audit.list(operator.tenant, query);
    const firstBroken = await audit.firstBroken(operator.tenant);
    return succeeded({ items: entries.map(auditEntryViewOf), firstBroken });
  },
});

export const AUDIT = [list];
