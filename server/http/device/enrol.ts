/** A device joins a tenant: a token opens the door, a signature proves that it holds its key. */
import { failed, succeeded } from "../../../protocol/base/result.ts";
import { keyIdOf } from "../../../protocol/crypto/index.ts";
import { decodeEnrolRequest, encodeEnrolReply } from "../../../protocol/wire/index.ts";
import { parseEnrolmentToken } from "../tokens.ts";
import type { DeviceHandler } from "./call.ts";

export const enrol: DeviceHandler = async ({ context, body, authenticate }) => {
  const decoded = decodeEnrolRequest(body);
  if (!decoded.ok) return decoded;
  const { tenant, device, publicKey, soc, agentVersion, token } = decoded.value;
  const signed = authenticate(publicKey);
  if (!signed.ok) return signed;
  const parsed = parseEnrolmentToken(token);
  if (!parsed) return failed("ENROLMENT_TOKEN_INVALID", "The enrolment token is not readable.");
  const now = context.clock();
  const keyId = keyIdOf(publicKey);
  const enrolled = await context.store.devices.enrol({
    ...{ tenant, device, publicKey, keyId, soc, agentVersion, now },
    tokenId: parsed.id,
    tokenSecretSha256: parsed.secretSha256,
  });
  if (!enrolled.ok) return enrolled;
  const { reportEpoch } = enrolled.value;
  context.fleet.forget(tenant);
  const entry = { tenant, at: now, actor: `device:${device}`, action: "device.enrol" };
  await context.store.audit.append({ ...entry, subject: device, details: { soc, reportEpoch } });
  const { pollIntervalSeconds } = context;
  return succeeded(encodeEnrolReply({ keyId, reportEpoch, pollIntervalSeconds, serverTime: now }));
};
