/**
 * Drivers without processes, so that thousands of devices can live and die in a minute: the driver's file is
 * a few words of JSON, and this host reads them from the device's disk and answers as that driver would.
 * Their one model is the identity over 128 values; how often they copy weights decides how fast they are.
 */
import { decodeRequest, encodeReply, type Request } from "../../../protocol/abi/index.ts";
import type { Sha256 } from "../../../protocol/base/brand.ts";
import { fromUtf8, utf8 } from "../../../protocol/base/bytes.ts";
import { unwrap } from "../../../protocol/base/result.ts";
import { packBundle } from "../../../protocol/bundle/index.ts";
import { sha256Hex } from "../../../protocol/crypto/index.ts";
import { ISA_VERSION, parseInstruction } from "../../../protocol/isa/index.ts";
import { encodeProgram, NO_COUNTERS, type Port } from "../../../protocol/program/index.ts";
import { frameHeader, frameReader } from "../../../device-agent/host/frames.ts";
import type { ChildEvents, Processes } from "../../../device-agent/host/index.ts";
import { bytesOfRun } from "../../../device-agent/workload/runs.ts";

export const ELEMENTS = 128;
const SHAPE = [1, 1, 1, ELEMENTS];
const WEIGHT_BYTES = 4096;
const FRAME_BYTES_MAX = 1 << 20;
const CRASHED = 70;
/** Several sectors, so that a write of it can be torn. */
const PADDING = " ".repeat(1400);

export interface TinyDriver {
  readonly version: string;
  /** Of 4 KiB each: few, because the chip verifies and runs every one. */
  readonly copies: number;
  /** Every other byte of its kernel file, so that releases differ in more than a number. */
  readonly kernelSeed?: number;
  /** A model that it crashes on. */
  readonly refuses?: string;
}

export function tinyDriverBundle(driver: TinyDriver): Uint8Array {
  const kernel = Uint8Array.from({ length: 1500 }, (_, at) =>
    at % 2 === 0 ? at & 255 : (driver.kernelSeed ?? 0),
  );
  const files = new Map([
    ["driver.js", utf8(JSON.stringify(driver) + PADDING)],
    ["kernels/one", kernel],
  ]);
  return packBundle(files, {
    version: driver.version,
    abi: { major: 1, minor: 0 },
    isa: ISA_VERSION,
    socs: ["sm8650"],
    kernels: ["kernels/one"],
    builtFrom: { recipe: driver.version, sourceSha256: sha256Hex(utf8(driver.version)) },
  });
}

type ReadFile = (path: string) => Promise<Uint8Array | undefined>;

/** `readFile` takes the absolute paths that the sandbox is told. */
export function inProcessDrivers(readFile: ReadFile): Processes {
  return {
    spawn: ({ arguments: words }, events) => {
      const [files = "", blobs = ""] = words.slice(-2);
      const reader = frameReader(FRAME_BYTES_MAX);
      let isOver = false;
      const exit = (code: number): void => {
        if (!isOver) events.onExit({ kind: "exited", code });
        isOver = true;
      };
      const answer = async (frame: Uint8Array): Promise<void> => {
        const replies = await repliesTo(unwrap(decodeRequest(frame)), {
          readDriver: () => readFile(`${files}/driver.js`),
          readBlob: (sha256) => readFile(`${blobs}/${sha256}`),
        });
        if (replies === undefined) return exit(CRASHED);
        for (const reply of [...replies, new Uint8Array(0)]) send(events, reply);
      };
      return {
        write: (bytes) => {
          const frames = reader.push(bytes);
          if (frames !== "too_long") for (const frame of frames) void answer(frame);
        },
        endInput: () => queueMicrotask(() => exit(0)),
        kill: () => queueMicrotask(() => exit(CRASHED)),
        memory: () => Promise.resolve(undefined),
      };
    },
  };
}

function send(events: ChildEvents, frame: Uint8Array): void {
  events.onOutput(frameHeader(frame.length));
  if (frame.length > 0) events.onOutput(frame);
}

interface Folders {
  readDriver(): Promise<Uint8Array | undefined>;
  readBlob(sha256: Sha256): Promise<Uint8Array | undefined>;
}

/** Undefined: the driver's file is none, or it misses a blob; a real one would crash. */
async function repliesTo(request: Request, folders: Folders): Promise<Uint8Array[] | undefined> {
  const driver = parseDriver(await folders.readDriver());
  if (!driver || request.call === "cancel") return undefined;
  const { id } = request;
  const blob = (bytes: Uint8Array) =>
    encodeReply({ id, outcome: "blob", sha256: sha256Hex(bytes), bytes, last: true });
  const intact = async (sha256: Sha256): Promise<boolean> => {
    const bytes = await folders.readBlob(sha256);
    return bytes !== undefined && sha256Hex(bytes) === sha256;
  };
  switch (request.call) {
    case "describe":
      return [encodeReply({ id, outcome: "described", driver: identityOf(driver) })];
    case "compile": {
      const { model } = request.compile;
      if (!(await intact(model.sha256)) || model.name === driver.refuses) return undefined;
      const program = identityProgram(driver, model);
      const sizes = { macs: 0, vtcmPeakBytes: 0, weightBytes: 0 };
      const summary = { program: sha256Hex(program), ...sizes, warnings: [], dump: undefined };
      return [blob(program), encodeReply({ id, outcome: "compiled", summary })];
    }
    case "reference": {
      const { inputs, calibrate, model } = request.reference;
      if (!(await intact(model.sha256))) return undefined;
      const outputs = await Promise.all(inputs.map((sha256) => folders.readBlob(sha256)));
      const known = outputs.map((bytes) => bytes ?? bytesOfRun(new Float32Array(ELEMENTS)));
      const encodings = utf8("{}");
      const reference = {
        outputs: known.map((bytes) => sha256Hex(bytes)),
        encodings: calibrate ? sha256Hex(encodings) : undefined,
        inputPorts: [{ name: "x", dtype: "f32", shape: SHAPE }],
        outputPorts: [{ name: "y", dtype: "f32", shape: SHAPE }],
      };
      const blobs = calibrate ? [...known, encodings] : known;
      return [...blobs.map(blob), encodeReply({ id, outcome: "referenced", reference })];
    }
  }
}

function parseDriver(bytes: Uint8Array | undefined): TinyDriver | undefined {
  try {
    return bytes && (JSON.parse(fromUtf8(bytes)) as TinyDriver);
  } catch {
    return undefined;
  }
}

function identityOf({ version }: TinyDriver) {
  const abi = { major: 1, minor: 0 };
  return { version, abi, isa: ISA_VERSION, families: ["v75"], formats: ["onnx"], passes: [] };
}

function identityProgram(
  { version, copies }: TinyDriver,
  model: { readonly name: string; readonly sha256: Sha256 },
): Uint8Array {
  const weights = new Uint8Array(WEIGHT_BYTES);
  const sha256 = sha256Hex(weights);
  const copy = (destination: string, source: string, bytes: number) =>
    parseInstruction(
      `dma.copy destination=${destination} source=${source} bytes=${bytes} rows=1 ` +
        "destinationRowStride=0 sourceRowStride=0 planes=1 destinationPlaneStride=0 " +
        "sourcePlaneStride=0 wait= signal= origin=0",
    );
  const instructions = [
    ...Array.from({ length: copies }, () => copy("r0+0x1000", "r3+0x0", WEIGHT_BYTES)),
    copy("r0+0x0", "r1+0x0", ELEMENTS),
    copy("r2+0x0", "r0+0x0", ELEMENTS),
  ];
  return encodeProgram({
    isa: ISA_VERSION,
    soc: "sm8650",
    modelName: model.name,
    modelSha256: model.sha256,
    driverVersion: version,
    options: "{}",
    regions: [
      { kind: "vtcm", bytes: 16_384 },
      { kind: "input", bytes: ELEMENTS },
      { kind: "output", bytes: ELEMENTS },
      { kind: "weights", bytes: WEIGHT_BYTES, sha256 },
    ],
    inputs: [portOf("x", 1)],
    outputs: [portOf("y", 2)],
    tensors: [],
    origins: ["identity"],
    segments: [
      {
        kind: "htp",
        tables: { vtcmOffset: 0, bytes: 0, region: 3, regionOffset: 0 },
        streams: [{ queue: { core: 0, engine: "dma", index: 0 }, instructions }],
      },
    ],
    counters: NO_COUNTERS,
    blobs: new Map([[sha256, weights]]),
  });
}

function portOf(name: string, region: number): Port {
  const pixels = {
    kind: "pixels",
    element: "int8",
    zeroPoint: 0,
    rows: 1,
    columns: ELEMENTS,
    channels: 1,
  } as const;
  const storage = { ...pixels, scale: Math.fround(0.04) };
  return { name, dtype: "f32", shape: SHAPE, region, storage };
}
