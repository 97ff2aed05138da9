/**
 * The shared memory between the agent and a CPU worker: one word that says whose turn it is, the result of a
 * turn, and the bytes of all ports. The module's own memory is none of it, so the module cannot write here.
 */
import type { CpuJob } from "../../runtime/index.ts";

export const TURN = {
  starting: 0,
  /** The worker waits for a run. */
  ready: 1,
  run: 2,
  done: 3,
  trapped: 4,
  /** The host cannot give the memory, or not compile the module. */
  noRoom: 5,
  /** Nothing was asked of it for long enough. */
  gone: 6,
} as const;
export type Turn = (typeof TURN)[keyof typeof TURN];

const TEXT_BYTES_MAX = 512;
const [TURN_WORD, STAGE_WORD, TEXT_LENGTH_WORD, WORDS] = [0, 1, 2, 4];

export interface Mailbox {
  readonly shared: SharedArrayBuffer;
  /** Of all input windows, one after another, then of all output windows. */
  readonly ports: Uint8Array;
  turn(): Turn;
  /** Gives the turn to the other side, unless it is no longer at `from`. */
  give(from: Turn, to: Turn): boolean;
  /** Until the turn is no longer `while_`; false when that takes too long. */
  waitWhile(while_: Turn, milliseconds: number): boolean;
  writeResult(result: MailboxResult): void;
  readResult(): MailboxResult;
}

export interface MailboxResult {
  readonly microseconds: number;
  readonly stage: number;
  readonly text: string;
}

export function createMailbox(job: Pick<CpuJob, "inputs" | "outputs">): Mailbox {
  const bytes = [...job.inputs, ...job.outputs].reduce((total, port) => total + port.bytes, 0);
  return openMailbox(new SharedArrayBuffer(PORTS_OFFSET + bytes));
}

const RESULT_OFFSET = WORDS * 4;
const TEXT_OFFSET = RESULT_OFFSET + 8;
const PORTS_OFFSET = TEXT_OFFSET + TEXT_BYTES_MAX;

export function openMailbox(shared: SharedArrayBuffer): Mailbox {
  const words = new Int32Array(shared, 0, WORDS);
  const microseconds = new Float64Array(shared, RESULT_OFFSET, 1);
  const text = new Uint8Array(shared, TEXT_OFFSET, TEXT_BYTES_MAX);
  return {
    shared,
    ports: new Uint8Array(shared, PORTS_OFFSET),
    turn: () => Atomics.load(words, TURN_WORD) as Turn,
    give: (from, to) => {
      if (Atomics.compareExchange(words, TURN_WORD, from, to) !== from) return false;
      Atomics.notify(words, TURN_WORD);
      return true;
    },
    waitWhile: (while_, milliseconds) =>
      Atomics.wait(words, TURN_WORD, while_, milliseconds) !== "timed-out",
    writeResult: (result) => {
      const said = new TextEncoder().encode(result.text).subarray(0, TEXT_BYTES_MAX);
      microseconds[0] = result.microseconds;
      words[STAGE_WORD] = result.stage;
      words[TEXT_LENGTH_WORD] = said.length;
      text.set(said);
    },
    readResult: () => ({
      microseconds: microseconds[0] ?? 0,
      stage: words[STAGE_WORD] ?? 0,
      text: new TextDecoder().decode(text.slice(0, words[TEXT_LENGTH_WORD])),
    }),
  };
}
