/** Commands of retile in this process, by their report and exit code. */
import { jest } from "@jest/globals";
import { buildProgram } from "../../cli/program.ts";

export interface Ended {
  readonly exit: typeof process.exitCode;
  /** Undefined where the command prints nothing. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever the command reports
  readonly report: any;
}

export async function retile(...args: string[]): Promise<Ended> {
  const written: string[] = [];
  const mute = [
    jest.spyOn(process.stdout, "write").mockImplementation((text) => written.push(`${text}`) > 0),
    jest.spyOn(process.stderr, "write").mockImplementation(() => true),
  ];
  const exitBefore = process.exitCode;
  try {
    await buildProgram().parseAsync(["node", "retile", ...args, "--json"]);
    const text = written.join("");
    return { exit: process.exitCode, report: text === "" ? undefined : JSON.parse(text) };
  } finally {
    process.exitCode = exitBefore;
    for (const spy of mute) spy.mockRestore();
  }
}
