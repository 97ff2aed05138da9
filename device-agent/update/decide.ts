/**
 * Decides whether this device installs something now. What may ever run is the offline keys' word (TUF
 * targets), who gets it now the director's (an assignment): both must say the same thing.
 */
import { unreachable } from "../../protocol/base/assert.ts";
import type { DeviceId, Instant, Sha256, TenantId } from "../../protocol/base/brand.ts";
import { failed, succeeded, type Failure, type Result } from "../../protocol/base/result.ts";
import type { InterfaceVersion } from "../../protocol/bundle/index.ts";
import {
  driverFactsSchema,
  driverPath,
  FORBIDDEN_CODES,
  forbiddenDriver,
  forbiddenSandbox,
  parseDriverPath,
  PROVENANCE_CODES,
  securityFloorOf,
  verifyOrder,
  type AcceptedAssignment,
  type Assignment,
  type DescribedTarget,
  type DirectorCode,
  type DirectorKeys,
  type DriverFacts,
  type HardwarePolicy,
  type Order,
  type Recall,
} from "../../protocol/metadata/index.ts";
import type { DriverRef, SandboxLevel } from "../../protocol/wire/index.ts";
import { checkOrigin, type OriginCode, type OriginPorts } from "./provenance.ts";
import type { ResolveCode, ResolvedTarget } from "./resolve.ts";

/** What the device is; none of it comes from the network. */
export interface DeviceFacts {
  readonly tenant: TenantId;
  readonly device: DeviceId;
  /** The hardware id. */
  readonly soc: string;
  /** The driver ABI that the agent's host speaks. */
  readonly abi: InterfaceVersion;
  /** The instruction set that the chip executes. */
  readonly isa: InterfaceVersion;
  readonly sandbox: SandboxLevel;
  readonly current: DriverRef;
  readonly previous: DriverRef | null;
  readonly recovery: DriverRef;
  readonly accepted: AcceptedAssignment | null;
  /** Bundles that an earlier order recalled. */
  readonly recalled: readonly Sha256[];
}

export type UpdateDecision =
  | {
      readonly kind: "install";
      readonly target: DescribedTarget;
      readonly facts: DriverFacts;
      readonly assignment: Assignment;
    }
  | {
      readonly kind: "nothing";
      readonly because: string;
      /** Done by having nothing to do: to be remembered as finished. */
      readonly assignment: Assignment;
    }
  | {
      readonly kind: "recall";
      readonly recall: Recall;
      /** What runs from now on; the current driver where that is not recalled. */
      readonly to: DriverRef;
    };

export const IMAGE_CODES = [
  "ASSIGNMENT_DISAGREES_WITH_IMAGE",
  "NOT_A_DRIVER",
  "WRONG_HARDWARE",
  "WRONG_ABI",
  "WRONG_ISA",
  "IMAGE_RECALLED",
  "KERNEL_DISAGREES",
  ...FORBIDDEN_CODES,
  ...PROVENANCE_CODES,
] as const;
export type ImageCode = (typeof IMAGE_CODES)[number];
export const RECALL_CODES = ["RECALL_OF_RECOVERY", "RECALL_TO_UNCOMMITTED"] as const;
export type RecallCode = (typeof RECALL_CODES)[number];
export type DecideCode = DirectorCode | OriginCode | ImageCode | RecallCode;

export interface DecideOptions extends OriginPorts {
  /** The signed document from the check-in reply or from a stick. */
  readonly envelope: Uint8Array;
  readonly directorKeys: DirectorKeys;
  /** What the offline keys forbid on this hardware; undefined where they have said nothing. */
  readonly policy: HardwarePolicy | undefined;
  readonly facts: DeviceFacts;
  readonly now: Instant;
  /** What `policy` and every target rest on. */
  readonly metadata: { readonly timestampVersion: number; readonly isStale: boolean };
}

type Outcome = Result<UpdateDecision, DecideCode>;

export async function decideUpdate(options: DecideOptions): Promise<Outcome> {
  const { envelope, directorKeys, facts, now } = options;
  const { tenant, device, accepted } = facts;
  const order = verifyOrder(envelope, directorKeys, { tenant, device, accepted, now });
  if (!order.ok) return order;
  const stale = checkFreshness(order.value, options);
  if (stale) return stale;
  switch (order.value._type) {
    case "assignment":
      return decideAssignment(order.value, options);
    case "recall":
      return decideRecall(order.value, options);
    default:
      return unreachable(order.value);
  }
}

/** Metadata that has run out serves an order that was made for a stick, and that knew of none newer. */
function checkFreshness(
  order: Order,
  { metadata }: DecideOptions,
): Failure<"TIMESTAMP_EXPIRED"> | undefined {
  if (!metadata.isStale) return undefined;
  const versionMin = order.airGapped === true ? order.timestampVersion : undefined;
  if (versionMin !== undefined && metadata.timestampVersion >= versionMin) return undefined;
  const details = { had: metadata.timestampVersion, versionMin: versionMin ?? 0 };
  const message = "The metadata has run out, and the order was not made for it.";
  return failed("TIMESTAMP_EXPIRED", message, details);
}

async function decideAssignment(assignment: Assignment, options: DecideOptions): Promise<Outcome> {
  const image = await checkImage(assignment.target, options);
  if (!image.ok) return image;
  const { target, driver, resolved } = image.value;
  if (options.facts.recalled.includes(target.sha256)) return recalledImage(driver.version);
  if (options.facts.current.sha256 === target.sha256) {
    const because = `Driver ${driver.version} is already installed.`;
    return succeeded({ kind: "nothing", because, assignment });
  }
  const tooWeak = forbiddenSandbox(options.facts.sandbox, options.policy);
  if (tooWeak) return tooWeak;
  const origin = await checkOrigin(resolved, driver, options);
  if (!origin.ok) return origin;
  return succeeded({ kind: "install", target, facts: driver, assignment });
}

/** To a version that this device has committed before and that the offline keys still allow, or nowhere. */
async function decideRecall(recall: Recall, options: DecideOptions): Promise<Outcome> {
  const { current, previous, recovery } = options.facts;
  const isRecalled = ({ sha256 }: DriverRef): boolean => recall.recalled.includes(sha256);
  if (isRecalled(recovery)) {
    const message = "The recovery driver cannot be recalled: a device is never without a driver.";
    return failed("RECALL_OF_RECOVERY", message, { sha256: recovery.sha256 });
  }
  const { returnTo } = recall;
  if (returnTo === null) {
    return succeeded({ kind: "recall", recall, to: await nextAllowed(isRecalled, options) });
  }
  const committed = [current, recovery, ...(previous ? [previous] : [])];
  const to = committed.find(({ sha256 }) => sha256 === returnTo.sha256);
  if (!to) {
    const message = "The recall names a version that this device has not committed before.";
    return failed("RECALL_TO_UNCOMMITTED", message, { path: returnTo.path });
  }
  if (isRecalled(to)) return recalledImage(to.version);
  const image = await checkImage(returnTo, options);
  return image.ok ? succeeded({ kind: "recall", recall, to }) : image;
}

/** The current driver, the one before it, or in the end the recovery driver, which is never refused. */
async function nextAllowed(
  isRecalled: (driver: DriverRef) => boolean,
  options: DecideOptions,
): Promise<DriverRef> {
  const { current, previous, recovery, soc } = options.facts;
  if (!isRecalled(current)) return current;
  if (previous === null || isRecalled(previous)) return recovery;
  const path = driverPath({ family: soc, version: previous.version });
  const image = await checkImage({ path, sha256: previous.sha256, length: undefined }, options);
  return image.ok ? previous : recovery;
}

function recalledImage(version: string): Failure<"IMAGE_RECALLED"> {
  return failed("IMAGE_RECALLED", `Driver ${version} has been recalled.`, { version });
}

/** What an order says of the image; a device that goes back by itself knows no length. */
interface NamedImage {
  readonly path: string;
  readonly sha256: Sha256;
  readonly length: number | undefined;
}

/** Whether the image that an order names may run here: both authorities must say the same of it. */
async function checkImage(
  named: NamedImage,
  { facts, policy, resolve }: DecideOptions,
): Promise<Result<Image, ImageCode | ResolveCode>> {
  const resolved = await resolve(named.path);
  if (!resolved.ok) return resolved;
  const { target, role } = resolved.value;
  const agree =
    named.sha256 === target.sha256 &&
    (named.length === undefined || named.length === target.length);
  if (!agree) {
    const details = { assigned: named.sha256, signed: target.sha256 };
    const message = "The assignment names other bytes than the offline keys signed.";
    return failed("ASSIGNMENT_DISAGREES_WITH_IMAGE", message, details);
  }
  const image = readImage(resolved.value);
  if (!image.ok) return image;
  const { family, driver } = image.value;
  const refusal =
    checkHardware(family, driver, facts) ??
    checkInterface("abi", driver, facts) ??
    checkInterface("isa", driver, facts) ??
    forbiddenDriver(
      { version: driver.version, sha256: target.sha256 },
      { roleFloor: securityFloorOf(role, family), policy },
    );
  return refusal ?? image;
}

interface Image {
  readonly target: DescribedTarget;
  readonly resolved: ResolvedTarget;
  readonly family: string;
  readonly driver: DriverFacts;
}

function readImage(resolved: ResolvedTarget): Result<Image, ImageCode> {
  const { target } = resolved;
  const name = parseDriverPath(target.path);
  const driver = driverFactsSchema.safeParse(target.custom);
  if (name && driver.success && driver.data.version === name.version) {
    return succeeded({ target, resolved, family: name.family, driver: driver.data });
  }
  return failed("NOT_A_DRIVER", `The target ${target.path} is not described as a driver.`);
}

function checkHardware(
  family: string,
  driver: DriverFacts,
  { soc }: DeviceFacts,
): Failure<ImageCode> | undefined {
  if (family === soc && driver.socs.includes(soc)) return undefined;
  const message = `The driver is for ${driver.socs.join(", ")}, this device is a ${soc}.`;
  return failed("WRONG_HARDWARE", message, { soc, family });
}

const INTERFACE_CODES = { abi: "WRONG_ABI", isa: "WRONG_ISA" } as const;

/** Equal majors; a minor only adds, so the device must know at least the driver's. */
function checkInterface(
  which: "abi" | "isa",
  driver: DriverFacts,
  facts: DeviceFacts,
): Failure<ImageCode> | undefined {
  const wants = driver[which];
  const has = facts[which];
  if (wants.major === has.major && wants.minor <= has.minor) return undefined;
  const details = { wants: `${wants.major}.${wants.minor}`, has: `${has.major}.${has.minor}` };
  const message = `The driver wants ${which.toUpperCase()} ${details.wants}, this device has ${details.has}.`;
  return failed(INTERFACE_CODES[which], message, details);
}
