/** The most memory that this process has had resident. */
import { readFileSync } from "node:fs";

/** Bytes. The kernel's own mark where there is one: the figure of getrusage(2) can be the parent's, kept over exec. */
export function residentBytesPeak(): number {
  const mark = /^VmHWM:\s*(\d+) kB$/m.exec(processStatus());
  return Number(mark?.[1] ?? process.resourceUsage().maxRSS) * 1024;
}

function processStatus(): string {
  try {
    return readFileSync("/proc/self/status", "utf8");
  } catch {
    return "";
  }
}
