/** Sweeps what neither a pointer, nor an update, nor a model refers to. */
import {
  BLOBS_DIRECTORY,
  DOWNLOADS_DIRECTORY,
  reachableDrivers,
  STORE_DIRECTORY,
  sweep,
} from "../slots/index.ts";
import { PROGRAMS_DIRECTORY, reachableWorkload, readModels } from "../workload/index.ts";
import type { Context } from "./context.ts";

export async function collectGarbage({ ports, workshop, journal }: Context): Promise<void> {
  const { files, soc } = ports;
  const { slots } = journal.state;
  const drivers = reachableDrivers(slots).map(({ sha256 }) => sha256);
  const pins = slots.pins.map(({ model, driver }) => ({ model, driver: driver.sha256 }));
  const models = await readModels(files);
  const reachable = await reachableWorkload(workshop.programs, { models, soc, drivers, pins });
  const removed = [
    ...(await sweep(files, STORE_DIRECTORY, new Set(drivers))),
    // What is under way may be a delta, whose name only its index knows.
    ...(slots.update.kind === "idle" ? await sweep(files, DOWNLOADS_DIRECTORY, new Set()) : []),
    ...(await sweep(files, PROGRAMS_DIRECTORY, reachable.programs)),
    ...(await sweep(files, BLOBS_DIRECTORY, reachable.blobs)),
  ];
  if (removed.length > 0) ports.log({ event: "swept", details: { entries: removed.length } });
}
