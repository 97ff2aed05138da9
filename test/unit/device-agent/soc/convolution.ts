/**
 * A 1x1 convolution of one crouton, by hand: DMA brings the pointer table, the activations, weights, bias and
 * multipliers, HMX multiplies, the other DMA queue stores. Semaphores: 0 = dma0, 1 = hmx0.
 */
import type { HtpSegment, Program } from "../../../../protocol/program/index.ts";
import { programOf, streamsOf, WEIGHTS } from "./programs.ts";

const copy = (text: string): string =>
  `${text} rows=1 destinationRowStride=0 sourceRowStride=0 planes=1 destinationPlaneStride=0 sourcePlaneStride=0`;

/** Weights region: pointer table at 0, weight tile at 256, bias at 1280, multipliers at 1408. */
export const CONVOLUTION = [
  `dma0: dma.copy ${copy("destination=r0+0x0 source=r4+0x0 bytes=16")} wait= signal= origin=0`,
  `dma0: dma.copy ${copy("destination=r0+0x2000 source=r2+0x0 bytes=2048")} wait= signal= origin=0`,
  `dma0: dma.copy ${copy("destination=r0+0x6000 source=r4+0x500 bytes=256")} wait= signal=0 origin=0`,
  `dma0: dma.copy ${copy("destination=r0+0x5000 source=r4+0x100 bytes=1024")} wait= signal=0 origin=0`,
  "hmx0: hmx.load set=0 bias=r0+0x6000 wait=0>=1 signal= origin=1",
  "hmx0: hmx.mac set=0 rows=8 columns=8 tapColumns=1 activations=<r0+0x0,0,0,1,1,1,1> tapBegin=0 tapCount=1 " +
    "dilationY=1 dilationX=1 tileBegin=0 tileCount=1 weights=r0+0x5000 weightTapPitch=0 weightTilePitch=0 " +
    "wait=0>=2 signal= origin=1",
  "hmx0: hmx.store set=0 mode=0 rows=8 columns=8 destination=r0+0x4000 multipliers=r0+0x6080 zeroPoint=0 " +
    "low=-128 high=127 wait= signal=1 origin=1",
  `dma1: dma.copy ${copy("destination=r3+0x0 source=r0+0x4000 bytes=2048")} wait=1>=1 signal= origin=2`,
].join("\n");

export const TABLES: HtpSegment["tables"] = {
  vtcmOffset: 0,
  bytes: 16,
  region: WEIGHTS,
  regionOffset: 0,
};

export function convolution(text: string): Program {
  const weights = new Uint8Array(2048);
  const view = new DataView(weights.buffer);
  view.setUint32(0, 0x2000, true);
  for (let at = 0; at < 1024; at++) weights[256 + at] = at * 37;
  for (let channel = 0; channel < 32; channel++) {
    view.setInt32(1280 + channel * 4, channel * 100 - 1600, true);
    view.setFloat32(1408 + channel * 4, 0.01, true);
  }
  return programOf({
    streams: streamsOf(text),
    weights,
    tables: TABLES,
    inputBytes: 2048,
    outputBytes: 2048,
  });
}
