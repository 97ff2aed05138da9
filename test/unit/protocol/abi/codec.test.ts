/** ABI frames: what goes in comes out; what is malformed has a code. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  decodeReply,
  decodeRequest,
  encodeReply,
  encodeRequest,
  FAILURE_CODES,
  FRAME_BYTES_MAX,
} from "../../../../protocol/abi/index.ts";
import type { Reply, Request } from "../../../../protocol/abi/index.ts";
import type { Sha256 } from "../../../../protocol/base/brand.ts";

const hash = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString("hex") as Sha256);
const id = fc.nat(0xffffffff);
const shape = fc.array(fc.integer({ min: 1, max: 4096 }), { maxLength: 5 });
const model = fc.record({
  format: fc.constantFrom("onnx" as const, "tflite" as const),
  sha256: hash,
  name: fc.string(),
  inputShapes: fc.array(fc.record({ input: fc.string(), shape }), { maxLength: 3 }),
});
const port = fc.record({ name: fc.string(), dtype: fc.constant("f32"), shape });
const version = fc.record({ major: fc.nat(99), minor: fc.nat(99) });
const whole = fc.nat(2 ** 31 - 1);

const request: fc.Arbitrary<Request> = fc.oneof(
  fc.record({ id, call: fc.constant("describe" as const) }),
  fc.record({ id, call: fc.constant("cancel" as const) }),
  fc.record({
    id,
    call: fc.constant("compile" as const),
    compile: fc.record({
      model,
      soc: fc.string(),
      backend: fc.constantFrom("htp" as const, "cpu" as const),
      encodings: fc.option(hash, { nil: undefined }),
      dumpAfter: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
    }),
  }),
  fc.record({
    id,
    call: fc.constant("reference" as const),
    reference: fc.record({
      model,
      inputs: fc.array(hash, { maxLength: 4 }),
      calibrate: fc.boolean(),
    }),
  }),
);

const reply: fc.Arbitrary<Reply> = fc.oneof(
  fc.record({
    id,
    outcome: fc.constant("progress" as const),
    stage: fc.string(),
    fraction: fc.double({ min: 0, max: 1, noNaN: true, noDefaultInfinity: true }),
  }),
  fc.record({
    id,
    outcome: fc.constant("described" as const),
    driver: fc.record({
      version: fc.string(),
      abi: version,
      isa: version,
      families: fc.array(fc.string(), { maxLength: 4 }),
      formats: fc.array(fc.string(), { maxLength: 4 }),
      passes: fc.array(fc.string(), { maxLength: 4 }),
    }),
  }),
  fc.record({
    id,
    outcome: fc.constant("compiled" as const),
    summary: fc.record({
      program: hash,
      macs: whole,
      vtcmPeakBytes: whole,
      weightBytes: whole,
      warnings: fc.array(fc.string(), { maxLength: 4 }),
      dump: fc.option(hash, { nil: undefined }),
    }),
  }),
  fc.record({
    id,
    outcome: fc.constant("referenced" as const),
    reference: fc.record({
      outputs: fc.array(hash, { maxLength: 4 }),
      encodings: fc.option(hash, { nil: undefined }),
      inputPorts: fc.array(port, { maxLength: 2 }),
      outputPorts: fc.array(port, { maxLength: 2 }),
    }),
  }),
  fc.record({
    id,
    outcome: fc.constant("failed" as const),
    code: fc.constantFrom(...FAILURE_CODES),
    message: fc.string(),
    where: fc.string(),
  }),
);

describe("ABI frames", () => {
  test("every request survives the wire", () => {
    fc.assert(
      fc.property(request, (sent) => {
        expect(decodeRequest(encodeRequest(sent))).toEqual({ ok: true, value: sent });
      }),
    );
  });

  test("every reply survives the wire", () => {
    fc.assert(
      fc.property(reply, (sent) => {
        expect(decodeReply(encodeReply(sent))).toEqual({ ok: true, value: sent });
      }),
    );
  });

  test("arbitrary bytes are a BAD_FRAME or a frame, never an exception", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const decoded of [decodeRequest(bytes), decodeReply(bytes)]) {
          if (!decoded.ok) expect(decoded.code).toBe("BAD_FRAME");
        }
      }),
    );
  });

  test("a frame above the limit is refused unread", () => {
    const decoded = decodeReply(new Uint8Array(FRAME_BYTES_MAX + 1));
    expect(decoded).toMatchObject({ ok: false, code: "BAD_FRAME" });
  });

  test("an older host reads an unknown failure code as INTERNAL", () => {
    const sent = encodeReply({
      id: 1,
      outcome: "failed",
      code: "NEW" as never,
      message: "",
      where: "",
    });
    expect(decodeReply(sent)).toMatchObject({ ok: true, value: { code: "INTERNAL" } });
  });
});
