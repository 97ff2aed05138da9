/** A detector whose last step the HTP has not: its body on the HTP, the rest on the CPU, against another runtime's outputs. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { DATA_FOLDER } from "../../../cli/data-folder.ts";
import { InProcessDriver } from "../../../cli/driver/in-process.ts";
import { createDriver } from "../../../compiler/driver/main.ts";
import { RELEASES } from "../../../compiler/releases/index.ts";
import { openSession } from "../../../device-agent/runtime/index.ts";
import { socNamed } from "../../../device-agent/soc/index.ts";
import { workerEngine } from "../../../device-agent/shell/cpu/engine.ts";
import { fromUtf8 } from "../../../protocol/base/bytes.ts";
import { canonicalJson } from "../../../protocol/base/canonical-json.ts";
import { unwrap } from "../../../protocol/base/result.ts";

const NAME = "ssd-mobilenet-v1-u8";
const zoo = join(DATA_FOLDER, "zoo");
const read = (path: string): Uint8Array => new Uint8Array(readFileSync(join(zoo, path)));
/** Of the input: real = (stored - 128) / 128. */
const real = (stored: Uint8Array): Float32Array =>
  Float32Array.from(stored, (value) => (value - 128) / 128);

(existsSync(zoo) ? test : test.skip)(
  "SSD (needs the shared zoo) runs on both, and finds what TFLite finds",
  () => {
    const soc = socNamed("sm8650")!;
    const input = (index: number): Float32Array =>
      real(read(`golden/${NAME}/case${index}/input_0.bin`));
    const driver = new InProcessDriver(createDriver(RELEASES.get("1.1.0")!));
    const sha256 = driver.put(read(`models/${NAME}.tflite`));
    // Its encodings are in the model.
    const compiled = driver.compile({
      model: { format: "tflite", sha256, name: NAME, inputShapes: [] },
      soc: fromUtf8(canonicalJson(soc)),
      ...{ backend: "htp", encodings: undefined, dumpAfter: undefined },
    });
    const program = driver.get(unwrap(compiled).program);
    const opened = unwrap(openSession(program, soc, workerEngine()));
    expect(opened.program.segments.map(({ kind }) => kind)).toEqual(["htp", "cpu"]);
    for (const index of [0, 1]) {
      const { outputs, timing } = unwrap(
        opened.run(new Map([["normalized_input_image_tensor", input(index)]])),
      );
      [...outputs.values()].forEach((values, at) => {
        const bytes = read(`golden/${NAME}/case${index}/output_${at}.bin`);
        const wanted = new Float32Array(bytes.slice().buffer);
        expect(values.length).toBe(wanted.length);
        values.forEach((value, element) => expect(value).toBeCloseTo(wanted[element]!, 4));
      });
      expect(timing.cpuMicroseconds).toBeGreaterThan(0);
      expect(timing.microseconds).toBeGreaterThan(opened.timing.microseconds);
    }
  },
  120_000,
);
