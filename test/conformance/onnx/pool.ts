/** One test at a time in a process that is replaced when a test takes too long or ends it. */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Task, Verdict } from "./evaluate.ts";

export interface TestRunner {
  run(task: Task): Promise<Verdict>;
  close(): void;
}

const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));

/** `budgetMs` is what one test may take, its import included. */
export function testRunner(budgetMs: number): TestRunner {
  let worker: ChildProcess | undefined;
  const close = (): void => {
    worker?.kill("SIGKILL");
    worker = undefined;
  };
  return {
    async run(task) {
      worker ??= fork(WORKER);
      const { verdict, isOver } = await ask(worker, task, budgetMs);
      if (isOver) close();
      return verdict;
    },
    close,
  };
}

interface Answer {
  readonly verdict: Verdict;
  /** The process is of no use any more. */
  readonly isOver: boolean;
}

function ask(worker: ChildProcess, task: Task, budgetMs: number): Promise<Answer> {
  return new Promise((resolve) => {
    const finish = (answer: Answer): void => {
      clearTimeout(timer);
      worker.off("message", onMessage).off("exit", onExit);
      resolve(answer);
    };
    const lost = (reason: string): void =>
      finish({ verdict: { status: "fail", reason, fallback: "" }, isOver: true });
    const onMessage = (verdict: Verdict): void => finish({ verdict, isOver: false });
    const onExit = (code: number | null): void => lost(`crash: its process ended with ${code}`);
    const timer = setTimeout(() => lost(`it takes more than ${budgetMs / 1000} s`), budgetMs);
    worker.on("message", onMessage).on("exit", onExit);
    worker.send(task);
  });
}
