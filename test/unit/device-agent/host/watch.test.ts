/** What watches a child ends with it. */
import { expect, test } from "@jest/globals";
import { DEFAULT_BUDGETS, hostDriver } from "../../../../device-agent/host/index.ts";
import type { Clock, HostPorts, ResidentMemory } from "../../../../device-agent/host/index.ts";
import { instant } from "../../../../protocol/base/brand.ts";

test("a child that ends while its memory is being read is not watched any more", async () => {
  const timers = new Set<() => void>();
  const clock: Clock = {
    now: () => instant(0),
    after: (_milliseconds, act) => {
      timers.add(act);
      return () => void timers.delete(act);
    },
  };
  let read = (_memory: ResidentMemory | undefined): void => undefined;
  let exit = (): void => undefined;
  const processes: HostPorts["processes"] = {
    spawn: (_command, events) => {
      exit = () => events.onExit({ kind: "exited", code: 1 });
      const memory = () => new Promise<ResidentMemory | undefined>((resolve) => (read = resolve));
      const ignore = (): void => undefined;
      return { write: ignore, endInput: ignore, kill: ignore, memory };
    },
  };
  const folders = { files: "/files", blobs: "/blobs" };
  const tools = {
    ...{ node: "node", permissionFlag: "--permission", childScript: "/child.mjs" },
    ...{ withoutNetwork: undefined, prlimit: false, setpriv: false },
  };
  const described = hostDriver({ processes, clock, tools }, folders, DEFAULT_BUDGETS).describe();
  // The budget of time, and the next look.
  expect(timers.size).toBe(2);
  [...timers].forEach((act, index) => index === 1 && act());
  exit();
  read(undefined);
  expect(await described).toMatchObject({ ok: false, code: "DRIVER_CRASHED" });
  await Promise.resolve();
  expect(timers.size).toBe(0);
});
