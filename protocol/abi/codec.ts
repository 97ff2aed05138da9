/** ABI frames as protobuf bytes. Decoding checks once; inside, nothing is re-checked. */
import { unreachable } from "../base/assert.ts";
import { isSha256 } from "../base/brand.ts";
import type { Sha256 } from "../base/brand.ts";
import { CodedError, failed, succeeded } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { FAILURE_CODES, FRAME_BYTES_MAX } from "./abi.ts";
import type { FailureCode, ModelSource, PortType, Reply, Request } from "./abi.ts";
import { retile } from "./generated/abi.js";

export type FrameCode = "BAD_FRAME";

export function encodeRequest(request: Request): Uint8Array {
  return retile.abi.Request.encode({ id: request.id, ...requestCall(request) }).finish();
}

function requestCall(request: Request): retile.abi.IRequest {
  switch (request.call) {
    case "describe":
      return { describe: {} };
    case "cancel":
      return { cancel: {} };
    case "compile": {
      const { model, soc, backend, encodings, dumpAfter } = request.compile;
      const options = { backend, encodingsSha256: encodings ?? "", dumpAfter: dumpAfter ?? "" };
      return { compile: { model: toModel(model), soc, options } };
    }
    case "reference": {
      const { model, inputs, calibrate } = request.reference;
      return { reference: { model: toModel(model), inputsSha256: [...inputs], calibrate } };
    }
    default:
      return unreachable(request);
  }
}

function toModel(model: ModelSource): retile.abi.IModel {
  const { format, sha256, name } = model;
  const inputShapes = model.inputShapes.map(({ input, shape }) => ({ input, shape: [...shape] }));
  return { format, sha256, name, inputShapes };
}

export function decodeRequest(frame: Uint8Array): Result<Request, FrameCode> {
  return guarded(frame, () => {
    const from = retile.abi.Request.decode(frame);
    const { id } = from;
    if (from.describe) return { id, call: "describe" };
    if (from.cancel) return { id, call: "cancel" };
    if (from.compile) {
      const { model, soc, options } = from.compile;
      const backend = options?.backend === "cpu" ? "cpu" : "htp";
      const encodings = optionalHash(options?.encodingsSha256);
      const dumpAfter = options?.dumpAfter || undefined;
      return {
        id,
        call: "compile",
        compile: { model: fromModel(model), soc: soc ?? "", backend, encodings, dumpAfter },
      };
    }
    if (from.reference) {
      const { model, inputsSha256, calibrate } = from.reference;
      const inputs = (inputsSha256 ?? []).map(hash);
      return {
        id,
        call: "reference",
        reference: { model: fromModel(model), inputs, calibrate: calibrate ?? false },
      };
    }
    throw new CodedError("BAD_FRAME", "the request names no known call");
  });
}

function fromModel(model: retile.abi.IModel | null | undefined): ModelSource {
  return {
    format: model?.format === "tflite" ? "tflite" : "onnx",
    sha256: hash(model?.sha256),
    name: model?.name ?? "",
    inputShapes: (model?.inputShapes ?? []).map((bound) => ({
      input: bound.input ?? "",
      shape: bound.shape ?? [],
    })),
  };
}

export function encodeReply(reply: Reply): Uint8Array {
  return retile.abi.Reply.encode({ id: reply.id, ...replyOutcome(reply) }).finish();
}

function replyOutcome(reply: Reply): retile.abi.IReply {
  switch (reply.outcome) {
    case "progress":
      return { progress: { stage: reply.stage, fraction: reply.fraction } };
    case "blob":
      return { blob: { sha256: reply.sha256, bytes: reply.bytes, last: reply.last } };
    case "described": {
      const { version, abi, isa, families, formats, passes } = reply.driver;
      const versions = {
        abiMajor: abi.major,
        abiMinor: abi.minor,
        isaMajor: isa.major,
        isaMinor: isa.minor,
      };
      return {
        described: {
          version,
          ...versions,
          families: [...families],
          formats: [...formats],
          passes: [...passes],
        },
      };
    }
    case "compiled": {
      const { program, dump, warnings, ...rest } = reply.summary;
      return {
        compiled: {
          ...rest,
          warnings: [...warnings],
          programSha256: program,
          dumpSha256: dump ?? "",
        },
      };
    }
    case "referenced": {
      const { outputs, encodings, inputPorts, outputPorts } = reply.reference;
      const ports = { inputs: inputPorts.map(toPort), outputs: outputPorts.map(toPort) };
      return {
        referenced: { outputsSha256: [...outputs], encodingsSha256: encodings ?? "", ...ports },
      };
    }
    case "failed":
      return { failed: { code: reply.code, message: reply.message, where: reply.where } };
    default:
      return unreachable(reply);
  }
}

function toPort(port: PortType): retile.abi.IPortType {
  return { ...port, shape: [...port.shape] };
}

export function decodeReply(frame: Uint8Array): Result<Reply, FrameCode> {
  return guarded(frame, () => {
    const from = retile.abi.Reply.decode(frame);
    return fromReply(from.id, from);
  });
}

function fromReply(id: number, from: retile.abi.IReply): Reply {
  if (from.progress) {
    return {
      id,
      outcome: "progress",
      stage: from.progress.stage ?? "",
      fraction: from.progress.fraction ?? 0,
    };
  }
  if (from.blob) {
    const { sha256, bytes, last } = from.blob;
    return {
      id,
      outcome: "blob",
      sha256: hash(sha256),
      bytes: bytes ?? new Uint8Array(),
      last: last ?? false,
    };
  }
  if (from.described) return { id, outcome: "described", driver: fromDescribed(from.described) };
  if (from.compiled) {
    const { programSha256, macs, vtcmPeakBytes, weightBytes, warnings, dumpSha256 } = from.compiled;
    const sizes = {
      macs: macs ?? 0,
      vtcmPeakBytes: vtcmPeakBytes ?? 0,
      weightBytes: weightBytes ?? 0,
    };
    const summary = {
      ...sizes,
      program: hash(programSha256),
      warnings: warnings ?? [],
      dump: optionalHash(dumpSha256),
    };
    return { id, outcome: "compiled", summary };
  }
  if (from.referenced) {
    const { outputsSha256, encodingsSha256, inputs, outputs } = from.referenced;
    const ports = {
      inputPorts: (inputs ?? []).map(fromPort),
      outputPorts: (outputs ?? []).map(fromPort),
    };
    const encodings = optionalHash(encodingsSha256);
    return {
      id,
      outcome: "referenced",
      reference: { outputs: (outputsSha256 ?? []).map(hash), encodings, ...ports },
    };
  }
  if (from.failed) {
    const { code, message, where } = from.failed;
    return {
      id,
      outcome: "failed",
      code: failureCode(code),
      message: message ?? "",
      where: where ?? "",
    };
  }
  throw new CodedError("BAD_FRAME", "the reply has no known outcome");
}

function fromDescribed(
  from: retile.abi.IDescribed,
): Extract<Reply, { outcome: "described" }>["driver"] {
  return {
    version: from.version ?? "",
    abi: { major: from.abiMajor ?? 0, minor: from.abiMinor ?? 0 },
    isa: { major: from.isaMajor ?? 0, minor: from.isaMinor ?? 0 },
    families: from.families ?? [],
    formats: from.formats ?? [],
    passes: from.passes ?? [],
  };
}

function fromPort(port: retile.abi.IPortType): PortType {
  return { name: port.name ?? "", dtype: port.dtype ?? "", shape: port.shape ?? [] };
}

function failureCode(text: string | null | undefined): FailureCode {
  return FAILURE_CODES.find((known) => known === text) ?? "INTERNAL";
}

function hash(text: string | null | undefined): Sha256 {
  const value = text ?? "";
  if (!isSha256(value)) throw new CodedError("BAD_FRAME", "a blob's hash is malformed");
  return value;
}

function optionalHash(text: string | null | undefined): Sha256 | undefined {
  return text ? hash(text) : undefined;
}

function guarded<T>(frame: Uint8Array, decode: () => T): Result<T, FrameCode> {
  if (frame.length > FRAME_BYTES_MAX) return failed("BAD_FRAME", "the frame is larger than 1 MiB");
  try {
    return succeeded(decode());
  } catch (error) {
    // protobufjs reports malformed wire bytes as RangeError and plain Error.
    if (error instanceof Error && !error.message.startsWith("bug:"))
      return failed("BAD_FRAME", error.message);
    throw error;
  }
}
