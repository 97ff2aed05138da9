/** What `retile rollout create` asks for, from its options and what is published. */
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { compareSemver, isSemver } from "../../protocol/base/semver.ts";
import { createRollout } from "../../protocol/wire/index.ts";
import type { CreateRollout, RolloutStage } from "../../protocol/wire/index.ts";

export interface PlanOptions {
  readonly version: string;
  readonly id?: string;
  readonly from?: string;
  readonly stages: string;
  readonly margin: number;
  readonly accuracyFloor: number;
  readonly failureBudget: number;
  readonly minimumDevices: number;
  readonly confidence: number;
}

export type PlanCode = "USAGE" | "RELEASE_NOT_PUBLISHED";

/** `published`: the versions that the server has, in any order. */
export function planRollout(
  options: PlanOptions,
  published: readonly string[],
): Result<CreateRollout, PlanCode> {
  const { version } = options;
  if (!isSemver(version)) return failed("USAGE", `${version} is no semantic version`);
  const missing = [version, options.from].find(
    (wanted) => wanted !== undefined && !published.includes(wanted),
  );
  if (missing !== undefined) {
    return failed("RELEASE_NOT_PUBLISHED", `release ${missing} is not published`, {
      published: published.join(", "),
    });
  }
  const previousVersion = options.from ?? versionBefore(version, published);
  if (previousVersion === undefined) {
    const message = `no release before ${version} is published; --from names what devices run now`;
    return failed("USAGE", message);
  }
  const stages = parseStages(options.stages);
  if (!stages.ok) return stages;
  return checked({
    id: options.id ?? `to-${version}`,
    version,
    previousVersion,
    stages: stages.value,
    gate: {
      nonInferiorityMargin: options.margin,
      accuracyFloorDb: options.accuracyFloor,
      failureBudget: options.failureBudget,
      minimumDevices: options.minimumDevices,
      confidence: options.confidence,
    },
  });
}

/** `10,50:5,100`: percentages, each with the least number of devices that must report well, else one. */
export function parseStages(text: string): Result<RolloutStage[], "USAGE"> {
  const stages: RolloutStage[] = [];
  for (const part of text.split(",")) {
    const [whole, percent, devices = "1"] = /^(\d+(?:\.\d+)?)(?::(\d+))?$/.exec(part.trim()) ?? [];
    if (whole === undefined) {
      return failed("USAGE", `"${part}" is no stage; write 10,50,100 or 10:3,50:10,100:20`);
    }
    stages.push({ percent: Number(percent), minimumDevices: Number(devices) });
  }
  return succeeded(stages);
}

function versionBefore(version: string, published: readonly string[]): string | undefined {
  const older = published.filter((other) => compareSemver(other, version) < 0);
  return older.sort(compareSemver).at(-1);
}

/** What the server would refuse is refused here, in the words of the same schema. */
function checked(request: CreateRollout): Result<CreateRollout, "USAGE"> {
  const parsed = createRollout.safeParse(request);
  if (parsed.success) return succeeded(parsed.data);
  const [issue] = parsed.error.issues;
  return failed("USAGE", `${issue?.path.join(".") ?? "rollout"}: ${issue?.message ?? "invalid"}`);
}
