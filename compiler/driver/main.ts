/** The driver: answers the ABI's calls with the compiler and kernels of one release. */
import { ABI_VERSION, decodeRequest } from "../../protocol/abi/index.ts";
import type { Driver, DriverHost, Request } from "../../protocol/abi/index.ts";
import { unreachable } from "../../protocol/base/assert.ts";
import { CodedError, failed, succeeded, toFailure } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { ISA_VERSION } from "../../protocol/isa/index.ts";
import { PASSES } from "../passes/index.ts";
import type { Recipe } from "../releases/index.ts";
import { answerTo } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { answerCompile } from "./compile.ts";
import { FAMILIES } from "./families.ts";
import { useHostSha256 } from "./host-crypto.ts";
import { PLACEMENT } from "./placement.ts";
import { answerReference } from "./reference.ts";

const FORMATS = ["onnx", "tflite"] as const;

export function createDriver(recipe: Recipe): Driver {
  return {
    handle(frame, host) {
      useHostSha256((bytes) => host.sha256(bytes));
      const request = decodeRequest(frame);
      const answer = answerTo(request.ok ? request.value.id : 0, host);
      const outcome = request.ok ? attempt(request.value, { recipe, host, answer }) : request;
      if (!outcome.ok) answer.failed(outcome);
    },
  };
}

interface Call {
  readonly recipe: Recipe;
  readonly host: DriverHost;
  readonly answer: Answer;
}

/** A CodedError is the world's failure; anything else is a bug of ours and answered as INTERNAL. */
function attempt(request: Request, call: Call): Result<void> {
  try {
    return dispatch(request, call);
  } catch (error) {
    if (error instanceof CodedError) return toFailure(error);
    return failed("INTERNAL", error instanceof Error ? error.message : String(error));
  }
}

function dispatch(request: Request, { recipe, host, answer }: Call): Result<void> {
  switch (request.call) {
    case "describe":
      answer.described({
        version: recipe.version,
        abi: ABI_VERSION,
        isa: ISA_VERSION,
        families: FAMILIES,
        formats: FORMATS,
        passes: [...PASSES.map((pass) => pass.name), PLACEMENT],
      });
      return succeeded(undefined);
    case "compile":
      return answerCompile(request.compile, { recipe, host, answer });
    case "reference":
      return answerReference(request.reference, host, answer);
    case "cancel":
      // Calls are answered one after another: nothing is under way that could be cancelled.
      return failed("CANCELLED", "there is nothing to cancel");
    default:
      return unreachable(request);
  }
}
