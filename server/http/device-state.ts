/** What the decision of a check-in is told of a device. */
import type { DriverRef, ModelFact } from "../../protocol/wire/index.ts";
import type { AssignmentFact, DeviceState } from "../rollout/index.ts";
import type { Device } from "../store/index.ts";

export function deviceStateOf({
  device,
  current,
  models,
  assignments,
}: {
  readonly device: Device;
  readonly current: DriverRef;
  readonly models: readonly ModelFact[];
  readonly assignments: readonly AssignmentFact[];
}): DeviceState {
  const updates = assignments.filter(({ purpose }) => purpose === "update");
  return {
    device: device.device,
    hardwareClass: device.soc,
    models: models.map(({ model }) => model),
    status: device.status,
    current,
    assignments: new Map(updates.map((fact) => [fact.rollout, fact])),
  };
}
