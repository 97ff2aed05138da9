/**
 * One bench per kind of chip: every (driver, chip, model) is compiled, run and timed once, and all light
 * devices of that kind report what came out, which on a deterministic chip is what each would measure.
 */
import { judgeModel, signalToNoiseDb, DEFAULT_POLICY } from "../../device-agent/benchmark/index.ts";
import { openSession } from "../../device-agent/runtime/index.ts";
import { socNamed } from "../../device-agent/soc/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { canonicalJson } from "../../protocol/base/canonical-json.ts";
import { fromUtf8 } from "../../protocol/base/bytes.ts";
import { succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { ReferenceSummary } from "../../protocol/abi/index.ts";
import type { ModelVerdict } from "../../protocol/wire/index.ts";
import type { InProcessDriver } from "../driver/in-process.ts";
import { loadBundle } from "../driver/load-bundle.ts";

/** Two kinds, so that a fleet of thirty has enough devices of each kind to conclude from. */
export const FLEET_SOCS = ["sm8350", "sm8650"] as const;

export interface LabModel {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly input: string;
  readonly shape: readonly number[];
  readonly runs: readonly Float32Array[];
}

interface Measured {
  readonly cycles: number;
  readonly microseconds: number;
  readonly outputSnrDb: number;
}

export class Lab {
  private readonly drivers = new Map<string, InProcessDriver>();
  private readonly models: ReadonlyMap<string, LabModel>;
  private readonly references = new Map<string, ReferenceSummary>();
  private readonly measured = new Map<string, Result<Measured>>();
  /** Makes goldens and encodings, as a device's recovery driver does. */
  private readonly recovery: InProcessDriver;

  constructor(models: readonly LabModel[], recovery: Uint8Array) {
    this.models = new Map(models.map((model) => [model.name, model]));
    this.recovery = loadBundle(recovery);
  }

  /**
   * Measures a driver on the fleet's kinds of chip. Each measurement blocks this process for a second or so, so the
   * event loop gets its turn between them.
   */
  async install(
    version: string,
    bundle: Uint8Array,
    onMeasured: (model: string, soc: string) => void,
  ): Promise<void> {
    this.drivers.set(version, loadBundle(bundle));
    for (const model of this.models.keys()) {
      for (const soc of FLEET_SOCS) {
        this.measure(model, soc, version);
        onMeasured(model, soc);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }

  measurements(): number {
    return this.models.size * FLEET_SOCS.length;
  }

  judge(question: {
    readonly model: string;
    readonly soc: string;
    readonly from: string;
    readonly to: string;
  }): ModelVerdict {
    const { model, soc, from, to } = question;
    const before = this.measure(model, soc, from);
    const after = this.measure(model, soc, to);
    if (!before.ok) return { kind: "failed", code: before.code, message: before.message };
    if (!after.ok) return { kind: "failed", code: after.code, message: after.message };
    const comparison = {
      beforeCycles: before.value.cycles,
      afterCycles: after.value.cycles,
      beforeMicroseconds: before.value.microseconds,
      afterMicroseconds: after.value.microseconds,
      outputSnrDb: after.value.outputSnrDb,
      beforeSnrDb: before.value.outputSnrDb,
      isHostTimed: false,
    };
    return judgeModel(comparison, DEFAULT_POLICY);
  }

  private measure(model: string, soc: string, version: string): Result<Measured> {
    const key = `${model} ${soc} ${version}`;
    const known = this.measured.get(key) ?? this.measureAnew(model, soc, version);
    this.measured.set(key, known);
    return known;
  }

  private measureAnew(name: string, socName: string, version: string): Result<Measured> {
    const model = present(this.models.get(name), `model ${name}`);
    const soc = present(socNamed(socName), `chip ${socName}`);
    const driver = present(this.drivers.get(version), `driver ${version}`);
    const reference = this.reference(model);
    if (!reference.ok) return reference;
    const encodings = present(reference.value.encodings, "encodings");
    driver.put(this.recovery.get(encodings));
    const compiled = driver.compile({
      model: sourceOf(model, driver),
      soc: fromUtf8(canonicalJson(soc)),
      backend: "htp",
      encodings,
      dumpAfter: undefined,
    });
    if (!compiled.ok) return compiled;
    const session = openSession(driver.get(compiled.value.program), soc);
    if (!session.ok) return session;
    const outputs: Float32Array[] = [];
    for (const run of model.runs) {
      const result = session.value.run(new Map([[model.input, run]]));
      if (!result.ok) return result;
      outputs.push(joined([...result.value.outputs.values()]));
    }
    const goldens = reference.value.outputs.map((blob) => floats(this.recovery.get(blob)));
    const { cycles, microseconds } = session.value.timing;
    return succeeded({ cycles, microseconds, outputSnrDb: signalToNoiseDb(goldens, outputs) });
  }

  private reference(model: LabModel): Result<ReferenceSummary> {
    const known = this.references.get(model.name);
    if (known !== undefined) return succeeded(known);
    const inputs = model.runs.map((run) => this.recovery.put(bytesOf(run)));
    const source = sourceOf(model, this.recovery);
    const result = this.recovery.reference({ model: source, inputs, calibrate: true });
    if (result.ok) this.references.set(model.name, result.value);
    return result;
  }
}

function sourceOf({ name, bytes, input, shape }: LabModel, driver: InProcessDriver) {
  const sha256 = driver.put(bytes);
  return { format: "onnx", sha256, name, inputShapes: [{ input, shape }] } as const;
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function floats(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer);
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
