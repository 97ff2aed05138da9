/** The calibration artefact as text: the same ranges give the same bytes. */
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { ChannelStatistics, Encodings, Range } from "./ranges.ts";

const FORMAT = "retile-encodings";
const VERSION = 1;
const VALUES_MAX = 1_000_000;

/** Entries sorted by name, one a line. */
export function exportEncodings(encodings: Encodings): string {
  const lines = [...encodings.keys()].sort().map((name) => {
    const { min, max, channels } = encodings.get(name) ?? { min: 0, max: 0 };
    return `  ${JSON.stringify({ name, min, max, channels })}`;
  });
  return `{"format":"${FORMAT}","version":${VERSION},"values":[\n${lines.join(",\n")}\n]}\n`;
}

export function importEncodings(text: string): Result<Encodings, "BAD_ENCODINGS"> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    return refuse(error instanceof Error ? error.message : "no JSON");
  }
  if (!isRecord(document) || document["format"] !== FORMAT || document["version"] !== VERSION) {
    return refuse(`it is not ${FORMAT} version ${VERSION}`);
  }
  const values = document["values"];
  if (!Array.isArray(values) || values.length > VALUES_MAX) return refuse("values is no list");
  const encodings = new Map<string, Range>();
  for (const value of values) {
    if (!isRecord(value) || typeof value["name"] !== "string") return refuse("a value has no name");
    const { name, min, max } = value;
    if (!isFiniteNumber(min) || !isFiniteNumber(max) || min > max) {
      return refuse(`the range of ${name} is no range`);
    }
    if (encodings.has(name)) return refuse(`${name} comes twice`);
    const channels = channelsOf(value["channels"]);
    if (channels === "bad") return refuse(`the channels of ${name} are no statistics`);
    encodings.set(name, channels === undefined ? { min, max } : { min, max, channels });
  }
  return succeeded(encodings);
}

function channelsOf(value: unknown): ChannelStatistics | undefined | "bad" {
  if (value === undefined) return undefined;
  if (!isRecord(value)) return "bad";
  const [minima, maxima, means] = [value["minima"], value["maxima"], value["means"]];
  if (!isNumberList(minima) || !isNumberList(maxima) || !isNumberList(means)) return "bad";
  const fits = minima.length === means.length && maxima.length === means.length;
  return fits ? { minima, maxima, means } : "bad";
}

function isNumberList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isFiniteNumber);
}

function refuse(reason: string) {
  return failed("BAD_ENCODINGS", `the encodings cannot be read: ${reason}`, { reason });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
