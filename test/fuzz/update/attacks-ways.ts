/** Attacks on the other ways by which a bundle comes to a device: deltas that nobody signs, and sticks. */
import { present } from "../../../protocol/base/assert.ts";
import { concatBytes, utf8 } from "../../../protocol/base/bytes.ts";
import { canonicalJson } from "../../../protocol/base/canonical-json.ts";
import {
  deltaIndexPath,
  deltaPath,
  encodeDelta,
  packStick,
  STICK_BYTES_MAX,
  type DeltaStreams,
} from "../../../protocol/bundle/index.ts";
import { sha256Hex } from "../../../protocol/crypto/index.ts";
import type { Delegation } from "../../../protocol/metadata/index.ts";
import { BROTLI } from "../../../server/jobs/deltas.ts";
import { makeDelta } from "../../../server/release/index.ts";
import { lyingDelta } from "../../support/delta-files.ts";
import type { Attack } from "./attack.ts";
import { CURRENT, DELEGATE_NAME, WANTED, type Recipe } from "./recipe.ts";
import type { World } from "./world.ts";

const NOTHING = new Uint8Array(0);

/** Listed alone, as small as it is: the device tries it before it takes the whole bundle. */
function listDelta(world: World, bytes: Uint8Array, served = bytes): void {
  const sha256 = sha256Hex(bytes);
  const delta = { from: sha256Hex(CURRENT), sha256, bytes: bytes.length, algorithm: "any" };
  const index = canonicalJson({ format: 1, deltas: [delta] });
  world.files.set(deltaIndexPath(sha256Hex(WANTED)), index).set(deltaPath(sha256), served);
}

const delta = (name: string, code: string, bytes: Uint8Array): Attack => ({
  ...{ name: `delta: ${name}`, code, hasAnotherWay: true },
  recipe: ({ device }) => void (device.base = "whole"),
  world: (world) => listDelta(world, bytes),
});

function made(resultBytes: number, streams: Partial<DeltaStreams>): Uint8Array {
  const none = { operations: NOTHING, differences: NOTHING, literals: NOTHING };
  return encodeDelta(resultBytes, { ...none, ...streams }, BROTLI.compress);
}

/** A step that takes `literals`, then copies `copied` from where the base begins. */
const step = (literals: number, copied: number) => Uint8Array.of(literals, copied, 0);

const lie = lyingDelta(CURRENT, WANTED);
/** It inflates to more than it announces. */
const bomb = made(100, { literals: new Uint8Array(100) });
new DataView(bomb.buffer).setUint32(12 + 2 * 8, 1, true);

const withBase = (name: string, code: string, base: Recipe["device"]["base"]): Attack => ({
  ...{ name: `delta: ${name}`, code, hasAnotherWay: true },
  recipe: ({ device }) => void (base && (device.base = base)),
  world: (world) => listDelta(world, lie),
});

const served = (name: string, code: string, bytes: Uint8Array | undefined): Attack => ({
  ...{ name: `delta: ${name}`, code, hasAnotherWay: true },
  recipe: ({ device }) => void (device.base = "whole"),
  world: (world) => {
    listDelta(world, lie, bytes);
    if (!bytes) world.files.delete(deltaPath(sha256Hex(lie)));
  },
});

const DELTA_ATTACKS: readonly Attack[] = [
  delta("not one at all", "DELTA_MALFORMED", utf8("RTLDELT9 and what may follow, or not")),
  delta("a beginning", "DELTA_MALFORMED", lie.slice(0, 30)),
  delta("more than its streams", "DELTA_MALFORMED", concatBytes([lie, Uint8Array.of(0)])),
  delta("that adds up to less", "DELTA_MALFORMED", made(50, { operations: step(0, 9) })),
  delta("that inflates without end", "DELTA_MALFORMED", bomb),
  delta("of a result larger than any", "DELTA_TOO_LARGE", made(2 ** 31, {})),
  delta("of a result larger than signed", "DELTA_TOO_LARGE", made(2 ** 20, {})),
  delta(
    "of literals that it has not",
    "DELTA_OUT_OF_BOUNDS",
    made(50, { operations: step(50, 0), literals: utf8("few") }),
  ),
  delta(
    "from before its base",
    "DELTA_OUT_OF_BOUNDS",
    made(50, { operations: Uint8Array.of(0, 50, 1) }),
  ),
  delta("of another bundle", "DELTA_WRONG_RESULT", lie),
  delta("of another length", "DELTA_WRONG_RESULT", made(9, { operations: step(0, 9) })),
  withBase("from a driver that is not stored", "DRIVER_MISSING", undefined),
  withBase("from a driver that is damaged", "DRIVER_DAMAGED", "damaged"),
  served("listed and not there", "SERVER_REFUSED", undefined),
  served("shorter than listed", "DOWNLOAD_CUT_SHORT", lie.slice(1)),
  {
    ...{ name: "delta: other bytes than its name", code: "DOWNLOAD_CORRUPT", hasAnotherWay: true },
    recipe: ({ device }) => void (device.base = "whole"),
    world: (world, random) => {
      const at = random.below(lie.length);
      const other = lie.map((byte, index) => (index === at ? byte ^ 1 : byte));
      listDelta(world, lie, other);
    },
  },
];

const stick = (name: string, code: string, change: (bytes: Uint8Array) => Uint8Array): Attack => ({
  ...{ name: `stick: ${name}`, code },
  recipe: ({ device }) => void (device.hasStick = true),
  world: (world) => void (world.stick = change(packStick(world))),
});

/** Its pages are never touched. */
const LARGER_THAN_ANY = new Uint8Array(STICK_BYTES_MAX + 1);
const HEADER_OFFSET = 12;

/** `change` sees the list of files as text, and may not lengthen it. */
function relisted(bytes: Uint8Array, change: (header: string) => string): Uint8Array {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(8, true);
  const end = HEADER_OFFSET + length;
  const header = change(Buffer.from(bytes.subarray(HEADER_OFFSET, end)).toString());
  const copy = bytes.slice();
  copy.set(utf8(header.padEnd(length).slice(0, length)), HEADER_OFFSET);
  return copy;
}

const STICK_ATTACKS: readonly Attack[] = [
  stick("not one at all", "STICK_MALFORMED", (bytes) => bytes.slice(1)),
  stick("ends in its list", "STICK_MALFORMED", (bytes) => bytes.slice(0, HEADER_OFFSET + 20)),
  stick("ends in a file", "STICK_MALFORMED", (bytes) => bytes.slice(0, -1)),
  stick("more than it lists", "STICK_MALFORMED", (bytes) => concatBytes([bytes, Uint8Array.of(0)])),
  stick("a list of another format", "STICK_MALFORMED", (bytes) =>
    relisted(bytes, (header) => header.replace('"format":1', '"format":2')),
  ),
  stick("no order", "STICK_MALFORMED", (bytes) =>
    relisted(bytes, (header) => header.replace('"order"', '"odder"')),
  ),
  stick("larger than any", "STICK_TOO_LARGE", () => LARGER_THAN_ANY),
];

const asking = (name: string, delegation: Delegation): Attack => ({
  ...{ name: `wrong delegator: ${name}`, code: "TARGETS_NOT_DELEGATED" },
  recipe: ({ device }) => void (device.asksFor = delegation),
});

const DELEGATION_ATTACKS: readonly Attack[] = [
  asking("the top-level role, of a delegate", { role: "targets", delegator: DELEGATE_NAME }),
  asking("a role that another one delegates to", { role: DELEGATE_NAME, delegator: "stray" }),
  asking("a role that is its own delegator", { role: DELEGATE_NAME, delegator: DELEGATE_NAME }),
];

export const WAYS_ATTACKS: readonly Attack[] = [
  ...DELTA_ATTACKS,
  ...STICK_ATTACKS,
  ...DELEGATION_ATTACKS,
];

/** What the server alone could do is none of these: whatever is wrong with files and orders is wrong on a stick too. */
export function bringByStick(recipe: Recipe, attack: Attack): void {
  const isOnline = attack.code === "FETCH_FAILED" || !recipe.device.keepsLimits;
  if (!isOnline) recipe.device.hasStick = true;
}

const HONEST_DELTA = present(makeDelta(CURRENT, WANTED, BROTLI), "a delta").bytes;

/** An honest delta, for noise to hit. */
export function offerDelta(recipe: Recipe): (world: World) => void {
  recipe.device.base = "whole";
  return (world) => listDelta(world, HONEST_DELTA);
}
