/**
 * Drivers for tests of the agent: their one model is the identity over 128 values, their programs real ones
 * that the chip verifies and times. How often they copy weights decides how fast they are.
 */
import { bundleOf, described, driverScript } from "./driver-bundle.ts";

export interface CopyDriver {
  readonly version: string;
  /** Of 64 KiB each: about 0.9 µs on sm8650. Negative: a program without any instruction. */
  readonly copies: number;
  /** What the output's scale is multiplied by: anything but one is wrong. */
  readonly outputFactor?: number;
  /** Instead of compiling. */
  readonly compile?: string;
  readonly describedVersion?: string;
}

export const ELEMENTS = 128;
/** Models that these drivers refuse begin with this. */
export const BROKEN_MODEL = "broken";

export function copyDriverBundle(driver: CopyDriver): Uint8Array {
  const { version, copies, outputFactor = 1, compile, describedVersion = version } = driver;
  const script = driverScript(
    `
    const shape = [1, 1, 1, ${ELEMENTS}];
    if (request.call === "describe") { ${described(describedVersion)} return; }
    const model = request[request.call].model;
    const bytes = host.readBlob(model.sha256);
    if (new TextDecoder().decode(bytes).startsWith("${BROKEN_MODEL}")) {
      reply({ outcome: "failed", code: "BAD_MODEL", message: "the file ends early", where: "node 3" });
      return;
    }
    if (request.call === "reference") {
      const { inputs, calibrate } = request.reference;
      const ports = (name) => [{ name, dtype: "f32", shape }];
      reply({ outcome: "referenced", reference: {
        outputs: inputs.map((name) => blob(host.readBlob(name))),
        encodings: calibrate ? blob(new TextEncoder().encode("{}")) : undefined,
        inputPorts: ports("x"), outputPorts: ports("y") } });
      return;
    }
    ${compile ?? ""}
    const weights = new Uint8Array(65536);
    const hash = hex(host.sha256(weights));
    const copy = (text) => parseInstruction("dma.copy " + text +
      " rows=1 destinationRowStride=0 sourceRowStride=0 planes=1 destinationPlaneStride=0" +
      " sourcePlaneStride=0 wait= signal= origin=0");
    const instructions = [];
    for (let at = 0; at < ${copies}; at++) {
      instructions.push(copy("destination=r0+0x1000 source=r3+0x0 bytes=65536"));
    }
    if (${copies} >= 0) {
      instructions.push(copy("destination=r0+0x0 source=r1+0x0 bytes=${ELEMENTS}"));
      instructions.push(copy("destination=r2+0x0 source=r0+0x0 bytes=${ELEMENTS}"));
    }
    const port = (name, region, scale) => ({ name, dtype: "f32", shape, region,
      storage: { kind: "pixels", element: "int8", scale, zeroPoint: 0, rows: 1, columns: ${ELEMENTS}, channels: 1 } });
    const program = blob(encodeProgram({
      isa: ISA_VERSION, soc: "sm8650", modelName: model.name, modelSha256: model.sha256,
      driverVersion: "${version}", options: "{}",
      regions: [
        { kind: "vtcm", bytes: 131072 }, { kind: "input", bytes: ${ELEMENTS} },
        { kind: "output", bytes: ${ELEMENTS} }, { kind: "weights", bytes: 65536, sha256: hash } ],
      inputs: [port("x", 1, Math.fround(0.04))],
      tensors: [],
      outputs: [port("y", 2, Math.fround(${0.04 * outputFactor}))],
      origins: ["identity"],
      segments: [{ kind: "htp", tables: { vtcmOffset: 0, bytes: 0, region: 3, regionOffset: 0 },
        streams: [{ queue: { core: 0, engine: "dma", index: 0 }, instructions }] }],
      counters: { macsInt8: 0, macsFp16: 0, macsInt16: 0, ddrReadBytes: 0, ddrWriteBytes: 0, vtcmPeakBytes: 0 },
      blobs: new Map([[hash, weights]]) }));
    const sizes = { macs: 0, vtcmPeakBytes: 0, weightBytes: 0 };
    reply({ outcome: "compiled", summary: { program, ...sizes, warnings: [] } });`,
    `import { ISA_VERSION, parseInstruction } from "./protocol/isa/index.ts";
     import { encodeProgram } from "./protocol/program/index.ts";`,
  );
  return bundleOf(version, script);
}
