/** Instructions of every engine as text, and random streams of them. */
import type { Stream } from "../../../../protocol/isa/index.ts";
import type { Random } from "../../../../protocol/base/random.ts";
import { streamsOf } from "./programs.ts";

export function copy(queue: string, fields: Readonly<Record<string, string | number>>): string {
  const all = {
    ...{ destination: "r0+0x0", source: "r4+0x0", bytes: 3200, rows: 1 },
    ...{ destinationRowStride: 0, sourceRowStride: 0, planes: 1 },
    ...{ destinationPlaneStride: 0, sourcePlaneStride: 0, wait: "", signal: "", origin: 0 },
    ...fields,
  };
  const text = Object.entries(all).map(([name, value]) => `${name}=${value}`);
  return `${queue}: dma.copy ${text.join(" ")}\n`;
}

const MAC =
  "hmx0: hmx.mac set=SET rows=8 columns=8 tapColumns=1 activations=<r0+0x0,0,0,1,1,1,1> tapBegin=0 tapCount=5 " +
  "dilationY=1 dilationX=1 tileBegin=0 tileCount=2 weights=r0+0x0 weightTapPitch=0 weightTilePitch=0 wait= signal= origin=1\n";
const STORE =
  "hmx0: hmx.store set=SET mode=0 rows=8 columns=8 destination=r0+0x0 multipliers=r0+0x0 zeroPoint=0 low=0 high=1 wait= signal= origin=1\n";
export const mac = (set: number): string => MAC.replace("SET", String(set));
export const store = (set: number): string => STORE.replace("SET", String(set));

/** Instructions on random queues; each may wait for signals of those drawn before it, so none waits for ever. */
export function randomStreams(random: Random): Stream[] {
  const queues = ["dma0", "dma1", "hmx0", "hvx0", "hvx1"];
  const signalled = queues.map(() => 0);
  let text = "";
  for (let count = 5 + random.below(30); count > 0; count--) {
    const number = random.below(queues.length);
    const queue = queues[number]!;
    const other = random.below(queues.length);
    const wait = random.below(2) === 0 ? "" : `${other}>=${random.below(signalled[other]! + 1)}`;
    const signal = random.below(2) === 0 ? "" : String(number);
    if (signal !== "") signalled[number]!++;
    const hvx =
      `${queue}: hvx.run vectors=${1 + random.below(30)} rows=8 columns=8 operands=[] ` +
      "code={|splat_i32:r0,#1|} wait= signal= origin=0\n";
    const set = random.below(2);
    const hmx = random.below(2) === 0 ? mac(set) : store(set);
    const line = queue.startsWith("dma")
      ? copy(queue, {
          bytes: 64 + random.below(5000),
          source: ["r4+0x0", "r0+0x2000"][random.below(2)]!,
        })
      : queue.startsWith("hvx")
        ? hvx
        : hmx;
    text += line.replace("wait=", `wait=${wait}`).replace("signal=", `signal=${signal}`);
  }
  return streamsOf(text);
}
