/** Tokens of operators and devices, and the public halves of the online keys. */
import { instant } from "../../../protocol/base/brand.ts";
import { present } from "../../../protocol/base/assert.ts";
import { failed, succeeded, type Details } from "../../../protocol/base/result.ts";
import { jsonOperation, listOf, readOperation, type Call } from "../operation.ts";
import {
  enrolmentTokenRequest,
  keysView,
  newEnrolmentTokenView,
  newTokenView,
  tokenRequest,
  tokenView,
} from "../schemas.ts";
import { mintToken } from "../tokens.ts";
import { publicKeyOf, timeText, timeTextOrNull } from "../views.ts";

const keys = readOperation({
  method: "get",
  path: "/v1/keys",
  summary: "The public halves of the online keys, for root metadata and the director's key set.",
  role: "viewer",
  status: 200,
  reply: keysView,
  handle: async ({ context, operator }) => {
    const { snapshot, timestamp, director } = context.keys;
    return succeeded({
      snapshot: publicKeyOf(snapshot),
      timestamp: publicKeyOf(timestamp),
      director: publicKeyOf(present(director(operator.tenant), "the tenant's director key")),
    });
  },
});

const tokens = readOperation({
  method: "get",
  path: "/v1/tokens",
  summary: "Operator tokens, without their secrets.",
  role: "admin",
  status: 200,
  reply: listOf(tokenView),
  handle: async ({ context, operator }) => {
    const found = await context.store.tenants.operatorTokens(operator.tenant);
    const items = found.map(({ id, name, role, createdAt, revokedAt }) => ({
      ...{ id, name, role },
      createdAt: timeText(createdAt),
      revokedAt: timeTextOrNull(revokedAt),
    }));
    return succeeded({ items });
  },
});

const createToken = jsonOperation({
  method: "post",
  path: "/v1/tokens",
  summary: "Makes an operator token; its secret is shown this once.",
  role: "admin",
  status: 201,
  accepts: tokenRequest,
  reply: newTokenView,
  handle: async ({ context, operator, body }) => {
    const { tenant } = operator;
    const { id, secretSha256, text } = mintToken("operator", [tenant], context.randomBytes);
    const createdAt = context.clock();
    const row = { tenant, id, ...body, secretSha256, createdAt, revokedAt: null };
    await context.store.tenants.addOperatorToken(row);
    await audit({ context, operator }, { action: "token.create", subject: id, details: body });
    return succeeded({ id, token: text });
  },
});

const revokeToken = readOperation({
  method: "delete",
  path: "/v1/tokens/{id}",
  summary: "Revokes an operator token at once.",
  role: "admin",
  status: 200,
  reply: tokenView.pick({ id: true }),
  handle: async ({ context, operator, parameters }) => {
    const { id = "" } = parameters;
    const { tenants } = context.store;
    if (!(await tenants.revokeOperatorToken(operator.tenant, id, context.clock()))) {
      return failed("NOT_FOUND", `There is no token ${id} to revoke.`);
    }
    await audit({ context, operator }, { action: "token.revoke", subject: id, details: {} });
    return succeeded({ id });
  },
});

const createEnrolmentToken = jsonOperation({
  method: "post",
  path: "/v1/enrolment-tokens",
  summary: "Makes a token with which devices may enrol.",
  role: "release",
  status: 201,
  accepts: enrolmentTokenRequest,
  reply: newEnrolmentTokenView,
  handle: async ({ context, operator, body }) => {
    const { tenant } = operator;
    const { id, secretSha256, text } = mintToken("enrol", [], context.randomBytes);
    const createdAt = context.clock();
    const expiresAt = instant(createdAt + body.validForSeconds * 1000);
    const row = { tenant, id, secretSha256, usesLeft: body.uses, createdAt, expiresAt };
    await context.store.tenants.addEnrolmentToken(row);
    const entry = { action: "enrolment-token.create", subject: id, details: body };
    await audit({ context, operator }, entry);
    return succeeded({ id, token: text, expiresAt: timeText(expiresAt) });
  },
});

export const ACCESS = [keys, tokens, createToken, revokeToken, createEnrolmentToken];

interface AuditNote {
  readonly action: string;
  readonly subject: string;
  readonly details: Details;
}

/** Notes what an operator did. */
export async function audit(
  { context, operator }: Pick<Call<unknown, unknown>, "context" | "operator">,
  note: AuditNote,
): Promise<void> {
  const { tenant, tokenId } = operator;
  const at = context.clock();
  await context.store.audit.append({ tenant, at, actor: `token:${tokenId}`, ...note });
}
