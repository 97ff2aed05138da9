/** Lets a device die at one step of the disk during an update, and looks at what the next start makes of it. */
import { unwrap } from "../../protocol/base/result.ts";
import { copyDriverBundle } from "./copy-driver.ts";
import { dyingDisk, type Death, type DyingDisk } from "./dying-disk.ts";
import { runsRight, testDevices, told } from "./test-agent.ts";

export interface CrashLab {
  /** The disk's steps of an update that nothing disturbs. */
  readonly steps: readonly string[];
  /** Why the promise is broken; empty when it is kept. */
  violations(death: Death): Promise<readonly string[]>;
  close(): Promise<void>;
}

const COMPLETE = "accepted installed compiled kept kept measured committed";
const POLLS_MAX = 4;

export async function crashLab(): Promise<CrashLab> {
  const devices = await testDevices();
  const faster = copyDriverBundle({ version: "1.1.0", copies: 20 });

  /** The first process; its disk tells how far it came. */
  const live = async (death: Death) => {
    let disk: DyingDisk | undefined;
    const device = await devices.open(faster, {
      changeDisk: (whole) => (disk = dyingDisk(whole, death)),
    });
    await device.agent.poll().catch(() => undefined);
    return { device, steps: disk?.steps ?? [] };
  };
  const { steps } = await live({ atStep: Infinity, torn: false });

  return {
    steps,
    violations: async (death) => {
      const { device } = await live(death);
      const next = device.restart();
      const found: string[] = [];
      if (!(await runsRight(next))) found.push("after the crash the model does not run");
      for (let polls = 0; polls < POLLS_MAX; polls++) {
        const outcome = await next.poll();
        if (!outcome.ok) found.push(`poll: ${outcome.code} ${outcome.message}`);
        else if (outcome.value.kind === "held") break;
      }
      const { current, pendingReports } = unwrap(await next.status());
      if (current.version !== "1.1.0") found.push(`the update ended with ${current.version}`);
      if (pendingReports > 0) found.push("reports are left");
      if (told(device.server) !== COMPLETE) found.push(`reports: ${told(device.server)}`);
      return found;
    },
    close: () => devices.close(),
  };
}
