/** One zoo or user model through one release in this process: encodings once, then a program a chip. */
import { modelFormat } from "../../compiler/frontend/import.ts";
import type { CompileSummary, ModelSource, ReferenceSummary } from "../../protocol/abi/index.ts";
import { fromUtf8 } from "../../protocol/base/bytes.ts";
import { canonicalJson } from "../../protocol/base/canonical-json.ts";
import { succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import { createDriver } from "../../compiler/driver/main.ts";
import type { Recipe } from "../../compiler/releases/index.ts";
import { InProcessDriver } from "./in-process.ts";

export interface ModelInputs {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly inputShapes: ModelSource["inputShapes"];
  /** A run each: the float32 values of all inputs, one after another. */
  readonly runs: readonly Float32Array[];
}

export interface CompiledModel {
  readonly program: Uint8Array;
  readonly summary: CompileSummary;
  readonly compileMs: number;
}

export class ModelSession {
  readonly driver: InProcessDriver;
  readonly model: ModelSource;
  private readonly inputs: ModelInputs;
  private referenced: ReferenceSummary | undefined;

  constructor(recipe: Recipe, inputs: ModelInputs) {
    this.driver = new InProcessDriver(createDriver(recipe));
    this.inputs = inputs;
    const sha256 = this.driver.put(inputs.bytes);
    const { name, bytes, inputShapes } = inputs;
    this.model = { format: modelFormat(bytes), sha256, name, inputShapes };
  }

  /** Float32 outputs of every run, and encodings. */
  reference(): Result<ReferenceSummary> {
    if (this.referenced !== undefined) return succeeded(this.referenced);
    const inputs = this.inputs.runs.map((run) =>
      this.driver.put(new Uint8Array(run.buffer, run.byteOffset, run.byteLength)),
    );
    const result = this.driver.reference({ model: this.model, inputs, calibrate: true });
    if (result.ok) this.referenced = result.value;
    return result;
  }

  compile(soc: SocDescription, backend: "htp" | "cpu", dumpAfter?: string): Result<CompiledModel> {
    const reference = backend === "htp" ? this.reference() : undefined;
    if (reference?.ok === false) return reference;
    const startedAt = performance.now();
    const result = this.driver.compile({
      model: this.model,
      soc: fromUtf8(canonicalJson(soc)),
      backend,
      encodings: reference?.value.encodings,
      dumpAfter,
    });
    const compileMs = performance.now() - startedAt;
    if (!result.ok) return result;
    const program = this.driver.get(result.value.program);
    return succeeded({ program, summary: result.value, compileMs });
  }
}
