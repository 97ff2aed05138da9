/** The public halves of a role's keys in a file: what a holder hands to those who delegate to the role. */
import { writeFile } from "node:fs/promises";
import { z } from "zod";
import { fromHex, hex } from "../../protocol/base/bytes.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { isAcceptablePublicKey } from "../../protocol/crypto/index.ts";
import { readInput } from "../read-input.ts";

const schema = z.strictObject({
  format: z.literal(1),
  role: z.string(),
  keys: z.array(z.string().regex(/^[0-9a-f]{64}$/)).min(1),
});

export async function writePublicKeys(
  file: string,
  role: string,
  keys: readonly Uint8Array[],
): Promise<void> {
  const json: z.input<typeof schema> = { format: 1, role, keys: keys.map(hex) };
  await writeFile(file, `${JSON.stringify(json, null, 2)}\n`);
}

/** Undefined where no file is named. */
export async function readPublicKeyFile(
  file: string | undefined,
  role: string,
): Promise<Result<readonly Uint8Array[] | undefined>> {
  if (file === undefined) return succeeded(undefined);
  const bytes = await readInput(file);
  if (!bytes.ok) return bytes;
  const parsed = schema.safeParse(jsonOf(bytes.value));
  if (!parsed.success || parsed.data.role !== role) {
    return failed("KEY_FILE_INVALID", `${file} holds no public keys of ${role}`, { file });
  }
  const keys = parsed.data.keys.map((text) => fromHex(text) ?? new Uint8Array(0));
  if (keys.every(isAcceptablePublicKey)) return succeeded(keys);
  return failed("KEY_FILE_INVALID", `${file} holds a key that verifies nothing`, { file });
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
