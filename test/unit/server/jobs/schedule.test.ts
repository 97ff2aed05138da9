/** Work that runs again and again: soon when asked, never twice at once, never after the end. */
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { startSchedule } from "../../../../server/jobs/schedule.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

function scheduled(
  work: () => Promise<unknown>,
  onError: (error: unknown) => void = () => undefined,
) {
  return startSchedule({ everyMs: 1000, gatherMs: 10, work, onError });
}

test("runs every period", async () => {
  let runs = 0;
  const schedule = scheduled(async () => void runs++);
  await jest.advanceTimersByTimeAsync(3500);
  expect(runs).toBe(3);
  await schedule.stop();
});

test("many requests in a moment are one run", async () => {
  let runs = 0;
  const schedule = scheduled(async () => void runs++);
  for (let count = 0; count < 100; count++) schedule.soon();
  await jest.advanceTimersByTimeAsync(20);
  expect(runs).toBe(1);
  await schedule.stop();
});

test("a request during a run is another run after it", async () => {
  let runs = 0;
  let finish: () => void = () => undefined;
  const schedule = scheduled(() => {
    runs += 1;
    return new Promise<void>((resolve) => (finish = resolve));
  });
  schedule.soon();
  await jest.advanceTimersByTimeAsync(20);
  schedule.soon();
  await jest.advanceTimersByTimeAsync(500);
  expect(runs).toBe(1);
  finish();
  await jest.advanceTimersByTimeAsync(20);
  expect(runs).toBe(2);
  finish();
  await schedule.stop();
});

test("a failure is told and does not end the schedule", async () => {
  const errors: unknown[] = [];
  const schedule = scheduled(
    () => Promise.reject(new Error("no")),
    (error) => errors.push(error),
  );
  await jest.advanceTimersByTimeAsync(2500);
  expect(errors).toHaveLength(2);
  await schedule.stop();
});

test("the end waits for the run under way, and none begins after it", async () => {
  let runs = 0;
  let finish: () => void = () => undefined;
  const schedule = scheduled(() => {
    runs += 1;
    return new Promise<void>((resolve) => (finish = resolve));
  });
  await jest.advanceTimersByTimeAsync(1000);
  let isStopped = false;
  const stopped = schedule.stop().then(() => (isStopped = true));
  await jest.advanceTimersByTimeAsync(5000);
  expect([runs, isStopped]).toEqual([1, false]);
  finish();
  await stopped;
  await jest.advanceTimersByTimeAsync(5000);
  expect(runs).toBe(1);
});
