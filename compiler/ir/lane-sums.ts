/** Sums over channels in the order in which a chip forms them: 32 lanes, tile by tile, and then the lanes. */
import { sumChannels } from "../../protocol/isa/index.ts";

const LANES = 32;
const { fround } = Math;

/** The float32 sum of `valueAt` over the channels. */
export function laneSum(channels: number, valueAt: (channel: number) => number): number {
  const lanes = new Float32Array(LANES);
  for (let channel = 0; channel < channels; channel++) {
    lanes[channel % LANES] = fround(lanes[channel % LANES]! + valueAt(channel));
  }
  return sumChannels(lanes);
}
