/** Progress of long work on standard error: a bar on a terminal, a line now and then elsewhere. */
import { Presets, SingleBar } from "cli-progress";

export interface Progress {
  /** Some more is done; `note` says what is being done now. */
  advance(count?: number, note?: string): void;
  finish(): void;
}

const LINE_MILLISECONDS_MIN = 2_000;

export function startProgress(label: string, totalCount: number): Progress {
  return process.stderr.isTTY ? bar(label, totalCount) : lines(label, totalCount);
}

function bar(label: string, totalCount: number): Progress {
  const format = `${label} {bar} {value}/{total} {duration_formatted} {note}`;
  const options = { format, stream: process.stderr, hideCursor: true, clearOnComplete: false };
  const single = new SingleBar({ ...options, barsize: 30 }, Presets.shades_classic);
  single.start(totalCount, 0, { note: "" });
  return {
    advance: (count = 1, note = "") => single.increment(count, { note }),
    finish: () => single.stop(),
  };
}

function lines(label: string, totalCount: number): Progress {
  const startedAt = performance.now();
  let doneCount = 0;
  let [writtenAt, writtenCount] = [startedAt, -1];
  const write = (note: string): void => {
    [writtenAt, writtenCount] = [performance.now(), doneCount];
    const seconds = ((writtenAt - startedAt) / 1000).toFixed(1);
    const tail = note === "" ? "" : ` ${note}`;
    process.stderr.write(`${label} ${doneCount}/${totalCount} ${seconds} s${tail}\n`);
  };
  return {
    advance(count = 1, note = "") {
      doneCount += count;
      if (performance.now() - writtenAt >= LINE_MILLISECONDS_MIN) write(note);
    },
    finish: () => {
      if (doneCount !== writtenCount) write("");
    },
  };
}
