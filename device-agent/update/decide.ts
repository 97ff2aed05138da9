/**
 * Decides whether this device installs something now. What may ever run is the offline keys' word (TUF
 * targets), who gets it now the director's (an assignment): both must say the same thing.
 */
import { unreachable } from "../../protocol/base/assert.ts";
import type { DeviceId, Instant, TenantId } from "../../protocol/base/brand.ts";
import { failed, succeeded, type Failure, type Result } from "../../protocol/base/result.ts";
import { compareSemver } from "../../protocol/base/semver.ts";
import type { InterfaceVersion } from "../../protocol/bundle/index.ts";
import {
  driverFactsSchema,
  parseDriverPath,
  securityFloorOf,
  verifyAssignment,
  type AcceptedAssignment,
  type Assignment,
  type DescribedTarget,
  type DirectorCode,
  type DirectorKeys,
  type DriverFacts,
} from "../../protocol/metadata/index.ts";
import type { DriverRef } from "../../protocol/wire/index.ts";
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
  readonly current: DriverRef;
  readonly accepted: AcceptedAssignment | null;
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
    };

export const IMAGE_CODES = [
  "ASSIGNMENT_DISAGREES_WITH_IMAGE",
  "NOT_A_DRIVER",
  "WRONG_HARDWARE",
  "WRONG_ABI",
  "WRONG_ISA",
  "BELOW_SECURITY_FLOOR",
] as const;
export type ImageCode = (typeof IMAGE_CODES)[number];
export type DecideCode = DirectorCode | ResolveCode | ImageCode;

export interface DecideOptions {
  /** The signed document from the check-in reply or from a stick. */
  readonly envelope: Uint8Array;
  readonly directorKeys: DirectorKeys;
  readonly facts: DeviceFacts;
  readonly now: Instant;
  /** Looks a path up among the trusted targets. */
  readonly resolve: (path: string) => Promise<Result<ResolvedTarget, ResolveCode>>;
}

export async function decideUpdate(
  options: DecideOptions,
): Promise<Result<UpdateDecision, DecideCode>> {
  const { envelope, directorKeys, facts, now, resolve } = options;
  const { tenant, device, accepted } = facts;
  const context = { tenant, device, accepted, now };
  const assignment = verifyAssignment(envelope, directorKeys, context);
  if (!assignment.ok) return assignment;
  const resolved = await resolve(assignment.value.target.path);
  if (!resolved.ok) return resolved;
  return decideImage(assignment.value, resolved.value, facts);
}

/** Whether the image that an assignment names may run here. */
export function decideImage(
  assignment: Assignment,
  { target, role }: ResolvedTarget,
  facts: DeviceFacts,
): Result<UpdateDecision, ImageCode> {
  const named = assignment.target;
  const agree =
    named.path === target.path && named.sha256 === target.sha256 && named.length === target.length;
  if (!agree) {
    const details = { assigned: named.sha256, signed: target.sha256 };
    const message = "The assignment names other bytes than the offline keys signed.";
    return failed("ASSIGNMENT_DISAGREES_WITH_IMAGE", message, details);
  }
  const image = readImage(target);
  if (!image.ok) return image;
  const { family, driver } = image.value;
  const refusal =
    checkHardware(family, driver, facts) ??
    checkInterface("abi", driver, facts) ??
    checkInterface("isa", driver, facts) ??
    checkFloor(driver.version, securityFloorOf(role, family));
  if (refusal) return refusal;
  if (facts.current.sha256 === target.sha256) {
    const because = `Driver ${driver.version} is already installed.`;
    return succeeded({ kind: "nothing", because, assignment });
  }
  return succeeded({ kind: "install", target, facts: driver, assignment });
}

interface Image {
  readonly family: string;
  readonly driver: DriverFacts;
}

function readImage(target: DescribedTarget): Result<Image, ImageCode> {
  const name = parseDriverPath(target.path);
  const driver = driverFactsSchema.safeParse(target.custom);
  if (name && driver.success && driver.data.version === name.version) {
    return succeeded({ family: name.family, driver: driver.data });
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
  switch (which) {
    case "abi":
      return failed("WRONG_ABI", message, details);
    case "isa":
      return failed("WRONG_ISA", message, details);
    default:
      return unreachable(which);
  }
}

function checkFloor(version: string, floor: string | undefined): Failure<ImageCode> | undefined {
  if (floor === undefined || compareSemver(version, floor) >= 0) return undefined;
  const message = `Driver ${version} is below the security floor ${floor}.`;
  return failed("BELOW_SECURITY_FLOOR", message, { version, floor });
}
