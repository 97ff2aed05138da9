/** Attacks on where an image comes from: its provenance statement, and the kernels of vendors that it names. */
import { utf8 } from "../../../protocol/base/bytes.ts";
import { canonicalJson } from "../../../protocol/base/canonical-json.ts";
import { sha256Hex } from "../../../protocol/crypto/index.ts";
import { signDsse, signProvenance } from "../../../protocol/metadata/index.ts";
import { testStatement } from "../../support/listed-drivers.ts";
import type { Attack } from "./attack.ts";
import { FACTS, signedImage } from "./attacks-orders.ts";
import { CURRENT, FAMILY, KEYS, signedStatement, WANTED } from "./recipe.ts";

const origin = async (
  name: string,
  code: string,
  statement: Promise<Uint8Array>,
): Promise<Attack> => {
  const recipe = signedImage(WANTED, { statement: await statement });
  return { name: `provenance: ${name}`, code, recipe };
};
const described = (name: string, code: string, custom: object): Attack => {
  const recipe = signedImage(WANTED, { custom });
  return { name: `provenance: ${name}`, code, recipe };
};

const SILENT_FACTS = Object.fromEntries(
  Object.entries(FACTS).filter(([name]) => name !== "provenance"),
);
const honest = testStatement(WANTED);
const payload = canonicalJson(honest);
const tampered = async (): Promise<Uint8Array> => {
  const envelope = JSON.parse(Buffer.from(await signedStatement(WANTED)).toString());
  const forged = { ...honest, predicate: testStatement(WANTED, { recipe: "other" }).predicate };
  return canonicalJson({
    ...envelope,
    payload: Buffer.from(canonicalJson(forged)).toString("base64"),
  });
};

const STATEMENT_ATTACKS: readonly Attack[] = await Promise.all<Attack>([
  origin("of other bytes", "PROVENANCE_WRONG_SUBJECT", signedStatement(CURRENT)),
  origin("by a stranger", "PROVENANCE_BAD_SIGNATURES", signedStatement(WANTED, KEYS.stranger)),
  origin(
    "by the top-level keys",
    "PROVENANCE_BAD_SIGNATURES",
    signedStatement(WANTED, KEYS.targets),
  ),
  origin("changed after it was signed", "PROVENANCE_BAD_SIGNATURES", tampered()),
  origin("not an envelope", "PROVENANCE_MALFORMED", Promise.resolve(payload)),
  origin(
    "of another payload type",
    "PROVENANCE_MALFORMED",
    signDsse({ payloadType: "text/plain", payload }, KEYS.delegate),
  ),
  origin(
    "that names no sources",
    "PROVENANCE_MALFORMED",
    signProvenance(
      { ...honest, predicate: { ...honest.predicate, buildDefinition: {} as never } },
      KEYS.delegate,
    ),
  ),
  origin(
    "of another version",
    "PROVENANCE_DISAGREES",
    signProvenance(testStatement(WANTED, { version: "1.2.1" }), KEYS.delegate),
  ),
]);

export const ORIGIN_ATTACKS: readonly Attack[] = [
  ...STATEMENT_ATTACKS,
  described("none is named", "PROVENANCE_MISSING", SILENT_FACTS),
  described("the one named is listed nowhere", "PROVENANCE_MISSING", {
    ...FACTS,
    provenance: "gone.json",
  }),
  described("a vendor's kernel that no vendor signs", "KERNEL_DISAGREES", {
    ...FACTS,
    kernels: [{ path: `kernels/acme/${FAMILY}/add.hvx`, sha256: sha256Hex(utf8("add")) }],
  }),
];
