/**
 * Time on a machine that has other work too. Bars are on processor time: what one free core would take, since
 * waiting for a core does not count. It sums all threads, so it errs on the long side.
 */

export interface Spent {
  readonly processorMs: number;
  readonly wallMs: number;
}

/** The fastest of several runs counts, by each measure: disturbances only ever add. */
export function fastest(runs: number, act: () => void): Spent {
  const all = Array.from({ length: runs }, () => timed(act));
  return {
    processorMs: Math.min(...all.map(({ processorMs }) => processorMs)),
    wallMs: Math.min(...all.map(({ wallMs }) => wallMs)),
  };
}

export function timed(act: () => void): Spent {
  const usage = process.cpuUsage();
  const startedAt = performance.now();
  act();
  const wallMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(usage);
  return { processorMs: (user + system) / 1000, wallMs };
}
