/** Runs work again and again, never twice at once, and soon when asked; ends without leaving work behind. */

export interface Schedule {
  /** Runs the work before its time; many requests in a moment are one run. */
  soon(): void;
  /** No run begins after this; resolves when the last one has ended. */
  stop(): Promise<void>;
}

export interface ScheduleOptions {
  readonly everyMs: number;
  /** How long `soon` waits for more of the same. */
  readonly gatherMs: number;
  readonly work: () => Promise<unknown>;
  readonly onError: (error: unknown) => void;
}

export function startSchedule({ everyMs, gatherMs, work, onError }: ScheduleOptions): Schedule {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<unknown> | undefined;
  let isWanted = false;
  let isStopped = false;
  const arm = (delayMs: number): void => {
    clearTimeout(timer);
    if (isStopped) return;
    timer = setTimeout(run, delayMs);
    timer.unref();
  };
  const run = (): void => {
    isWanted = false;
    running = work()
      .catch(onError)
      .finally(() => {
        running = undefined;
        arm(isWanted ? gatherMs : everyMs);
      });
  };
  arm(everyMs);
  return {
    soon: () => {
      if (isWanted) return;
      isWanted = true;
      if (!running) arm(gatherMs);
    },
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
