/** Whether a bundle is made for this device: what its signed description said is checked again in its manifest. */
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import type { BundleManifest, InterfaceVersion } from "../../protocol/bundle/index.ts";

export interface DeviceInterfaces {
  /** The SoC's name, which is its hardware id. */
  readonly soc: string;
  readonly abi: InterfaceVersion;
  readonly isa: InterfaceVersion;
}

export type FitCode = "WRONG_HARDWARE" | "WRONG_ABI" | "WRONG_ISA";

export function checkFit(
  manifest: BundleManifest,
  device: DeviceInterfaces,
): Result<void, FitCode> {
  const { socs, abi, isa } = manifest;
  if (!socs.includes(device.soc)) {
    const message = `The driver is for ${socs.join(", ")}, this device is a ${device.soc}.`;
    return failed("WRONG_HARDWARE", message, { soc: device.soc });
  }
  if (!understands(device.abi, abi)) return mismatch("WRONG_ABI", abi, device.abi);
  if (!understands(device.isa, isa)) return mismatch("WRONG_ISA", isa, device.isa);
  return succeeded(undefined);
}

/** Equal majors; a minor only adds, so the device must know at least the driver's. */
function understands(has: InterfaceVersion, wants: InterfaceVersion): boolean {
  return has.major === wants.major && has.minor >= wants.minor;
}

function mismatch(
  code: "WRONG_ABI" | "WRONG_ISA",
  wants: InterfaceVersion,
  has: InterfaceVersion,
): Result<never, FitCode> {
  const details = { wants: `${wants.major}.${wants.minor}`, has: `${has.major}.${has.minor}` };
  return failed(
    code,
    `The driver wants ${details.wants}, this device has ${details.has}.`,
    details,
  );
}
