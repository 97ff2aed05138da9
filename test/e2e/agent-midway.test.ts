/** What changes while an update is under way: it is renewed, held up, stopped or displaced before the switch. */
import { describe, expect, test } from "@jest/globals";
import type { AgentProgress } from "../../device-agent/index.ts";
import { machineClock } from "../../device-agent/shell/clock.ts";
import { instant } from "../../protocol/base/brand.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { testNow, type DeviceServer } from "../support/device-server.ts";
import { NOW } from "../support/signed-metadata.ts";
import { told } from "../support/test-agent.ts";
import {
  isAsBefore,
  TINY_FASTER as FASTER,
  TINY_NEWER as NEWER,
  TINY_OLD as OLD,
  tinyDevice,
  type TinyDevice,
} from "../support/tiny-device.ts";

const HOUR_MS = 3_600_000;
const ALL_GOOD = "accepted installed compiled kept kept measured committed";

type Stage = "download" | "compile" | "measure";
const STAGES: readonly Stage[] = ["download", "compile", "measure"];
/** What was told before the server was asked again after that stage. */
const BEFORE = {
  download: "accepted",
  compile: "accepted installed compiled",
  measure: "accepted installed compiled kept kept measured",
} as const satisfies Record<Stage, string>;
const END = { download: "install_failed", compile: "rolled_back", measure: "rolled_back" } as const;

interface Midway extends TinyDevice {
  /** Time that passes. */
  pass(milliseconds: number): void;
}

/** `happen` is called once, when that stage begins. */
async function midway(stage: Stage, happen: (device: Midway) => void): Promise<Midway> {
  let passed = 0;
  const now = () => instant(testNow() + passed);
  let waiting: Midway | undefined;
  const onProgress = (at: AgentProgress): void => {
    if (at.stage !== stage || !waiting) return;
    happen(waiting);
    waiting = undefined;
  };
  const device = await tinyDevice({ onProgress, clock: { ...machineClock, now } });
  device.server.activateBefore = instant(NOW + HOUR_MS);
  waiting = { ...device, pass: (milliseconds) => void (passed += milliseconds) };
  return waiting;
}

describe.each(STAGES)("during the %s", (stage) => {
  test("an assignment that runs out is renewed, and the update goes on", async () => {
    const { agent, server } = await midway(stage, ({ pass, server: late }) => {
      pass(2 * HOUR_MS);
      late.activateBefore = instant(NOW + 9 * HOUR_MS);
    });
    expect(unwrap(await agent.poll())).toMatchObject({ kind: "committed" });
    expect(told(server)).toBe(ALL_GOOD);
  });

  test("one that nobody renews ends before the switch: ASSIGNMENT_EXPIRED", async () => {
    const { agent, server } = await midway(stage, ({ pass }) => pass(2 * HOUR_MS));
    expect(unwrap(await agent.poll())).toMatchObject({
      kind: "refused",
      code: "ASSIGNMENT_EXPIRED",
    });
    expect(told(server)).toBe(`${BEFORE.measure} rolled_back`);
    expect(await isAsBefore(agent)).toBe(true);
  });

  test("a recall stops it, and its version never comes again", async () => {
    const { agent, server } = await midway(stage, ({ server: warned }) => {
      warned.recall(FASTER, OLD);
    });
    expect(unwrap(await agent.poll())).toMatchObject({
      ...{ kind: "refused", code: "RECALLED", to: { version: "1.1.0" } },
    });
    expect(told(server)).toBe(`${BEFORE[stage]} ${END[stage]}`);
    expect(await isAsBefore(agent)).toBe(true);
  });

  test("a rollout that is halted stops it", async () => {
    const { agent, server } = await midway(stage, ({ server: halting }) => {
      halting.answerWith = { kind: "hold", code: "ROLLOUT_HALTED" };
    });
    const outcome = unwrap(await agent.poll());
    server.answerWith = undefined;
    expect(outcome).toMatchObject({ kind: "refused", code: "ROLLOUT_HALTED" });
    expect(told(server)).toBe(`${BEFORE[stage]} ${END[stage]}`);
    expect(await isAsBefore(agent)).toBe(true);
  });

  test("an operator's hold lets it wait where it stands, over a restart, until it is lifted", async () => {
    const { agent, server, restart } = await midway(stage, ({ server: holding }) => {
      holding.answerWith = { kind: "hold", code: "HELD_BY_OPERATOR" };
    });
    const waiting = { kind: "waiting", code: "HELD_BY_OPERATOR" };
    expect(unwrap(await agent.poll())).toMatchObject(waiting);
    expect(unwrap(await restart().poll())).toMatchObject(waiting);
    expect(told(server)).toBe(BEFORE[stage]);
    server.answerWith = undefined;
    expect(unwrap(await restart().poll())).toMatchObject({ kind: "committed" });
    expect(told(server)).toBe(ALL_GOOD);
  });

  test("an order for another driver takes its place", async () => {
    const publish = (server: DeviceServer) => server.publish([OLD, FASTER, NEWER], NEWER);
    let published: Promise<void> | undefined;
    const { agent, server } = await midway(stage, (device) => {
      published = publish(device.server);
    });
    const outcome = unwrap(await agent.poll());
    await published;
    expect(outcome).toMatchObject({ kind: "committed", to: { version: "1.2.0" } });
    expect(told(server)).toBe(`${BEFORE[stage]} ${END[stage]} ${ALL_GOOD}`);
  });

  test("a server that falls silent does not stop what it has ordered", async () => {
    const { agent, server } = await midway(stage, (device) => {
      // The bundle itself must still come.
      if (stage === "download") setTimeout(() => (device.server.down = true), 0);
      else device.server.down = true;
    });
    const outcome = await agent.poll();
    server.down = false;
    if (stage !== "download") expect(unwrap(outcome)).toMatchObject({ kind: "committed" });
    const next = unwrap(await agent.poll());
    expect(["committed", "held"]).toContain(next.kind);
    expect(told(server)).toBe(ALL_GOOD);
  });
});

test("a download that was never begun may not begin when its time is over and nobody renews it", async () => {
  const { agent, server, restart } = await tinyDevice();
  // Accepted, and then the power went; the next start finds no server, and the assignment has run out.
  const http = { send: server.http.send };
  const cut: typeof http.send = (request) => {
    if (request.url.includes("/drivers/")) throw new Error("power loss");
    return http.send(request);
  };
  await expect(restart({ http: { send: cut } }).poll()).rejects.toThrow("power loss");
  server.down = true;
  const late = { ...machineClock, now: () => instant(NOW + 400 * 24 * HOUR_MS) };
  expect(unwrap(await restart({ clock: late }).poll())).toMatchObject({
    ...{ kind: "refused", code: "ASSIGNMENT_EXPIRED" },
  });
  server.down = false;
  expect(await isAsBefore(agent)).toBe(true);
});
