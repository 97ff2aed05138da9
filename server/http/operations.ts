/** Every operation of the REST API. */
import type { Operation } from "./operation.ts";
import { ACCESS } from "./resources/access.ts";
import { AUDIT } from "./resources/audit.ts";
import { DEVICES } from "./resources/devices.ts";
import { RELEASES } from "./resources/releases.ts";
import { ROLLOUTS } from "./resources/rollouts.ts";

export const OPERATIONS: readonly Operation[] = [
  ...RELEASES,
  ...ROLLOUTS,
  ...DEVICES,
  ...AUDIT,
  ...ACCESS,
];
