/**
 * The demo's bad driver: release 1.1.0 with two mistakes that real drivers have shipped with. It keeps one
 * network's activations in DDR, and it reads another's calibration ranges wrongly.
 */
import type { DriverSource } from "../driver/build-bundle.ts";

export const FAULTY_VERSION = "1.9.9-faulty";

export function faultySource(slower: string, wrong: string): DriverSource {
  const entry = `
import { decodeRequest } from "./protocol/abi/index.ts";
import { createDriver } from "./compiler/driver/main.ts";
import { V1_0_0 } from "./compiler/releases/v1.0.0.ts";
import { V1_1_0 } from "./compiler/releases/v1.1.0.ts";
const version = ${JSON.stringify(FAULTY_VERSION)};
const sound = createDriver({ ...V1_1_0, version });
const slow = createDriver({ ...V1_1_0, version, lowering: V1_0_0.lowering });
const halved = (bytes) => {
  const text = new TextDecoder().decode(bytes);
  const ranges = text.replace(/"max":([-0-9.e]+)/g, (_, max) => '"max":' + Number(max) / 4);
  return new TextEncoder().encode(ranges);
};
globalThis.retileDriver = {
  handle(frame, host) {
    const request = decodeRequest(frame);
    const compile = request.ok && request.value.call === "compile" ? request.value.compile : undefined;
    const readBlob = (name) =>
      name === compile?.encodings ? halved(host.readBlob(name)) : host.readBlob(name);
    const isWrong = compile?.model.name === ${JSON.stringify(wrong)};
    const driver = compile?.model.name === ${JSON.stringify(slower)} ? slow : sound;
    driver.handle(frame, isWrong ? { ...host, readBlob } : host);
  },
};
`;
  return { version: FAULTY_VERSION, recipe: "demo-faulty", entry };
}
