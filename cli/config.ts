/**
 * Where a setting's value comes from: flag, then environment, then retile.config.yaml, then the default.
 * The decision is pure; `loadConfig` reads the environment and the file for it.
 */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parse as parseYaml } from "yaml";
import type { Result } from "../protocol/base/result.ts";
import { failed, succeeded } from "../protocol/base/result.ts";
import type { SettingKey, SettingValue } from "./settings.ts";
import { environmentName, flagName, SETTING_KEYS, SETTINGS } from "./settings.ts";

export const CONFIG_FILE_NAME = "retile.config.yaml";
const CONFIG_FILE_BYTES_MAX = 1 << 20;

export type Origin =
  | { readonly kind: "flag"; readonly name: string }
  | { readonly kind: "environment"; readonly name: string }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "default" };

export interface Resolved<Value> {
  readonly value: Value;
  readonly origin: Origin;
}

export type Config = { readonly [Key in SettingKey]: Resolved<SettingValue<Key>> };
export type ConfigError = "CONFIG_FILE_UNREADABLE" | "CONFIG_INVALID";

export interface Sources {
  /** Flags given on the command line, by the setting they set. */
  readonly flags: ReadonlyMap<SettingKey, string | boolean>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly file: { readonly path: string; readonly text: string } | undefined;
}

export function resolveConfig(sources: Sources): Result<Config, ConfigError> {
  const fromFile = readFileValues(sources.file);
  if (!fromFile.ok) return fromFile;
  const resolved = new Map<SettingKey, Resolved<unknown>>();
  for (const key of SETTING_KEYS) {
    const { value, origin } = firstOf(key, sources, fromFile.value);
    const parsed = SETTINGS[key].schema.safeParse(value);
    if (!parsed.success) {
      const why = parsed.error.issues[0]?.message ?? "not a valid value";
      return failed("CONFIG_INVALID", `${key}: ${why}, set by ${describeOrigin(origin)}.`, { key });
    }
    resolved.set(key, { value: parsed.data, origin });
  }
  return succeeded(Object.fromEntries(resolved) as unknown as Config);
}

/** Reads the environment and the file: the one named, or retile.config.yaml in the working folder. */
export function loadConfig(
  flags: Sources["flags"],
  configFile?: string,
): Result<Config, ConfigError> {
  const environment = process.env;
  const named = configFile ?? environment["RETILE_CONFIG"];
  const path = resolve(named ?? CONFIG_FILE_NAME);
  if (named === undefined && !existsSync(path)) {
    return resolveConfig({ flags, environment, file: undefined });
  }
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    return failed("CONFIG_FILE_UNREADABLE", `Cannot read ${path}: ${String(error)}.`, { path });
  }
  return resolveConfig({ flags, environment, file: { path, text } });
}

export function describeOrigin(origin: Origin): string {
  switch (origin.kind) {
    case "flag":
      return origin.name;
    case "environment":
      return origin.name;
    case "file":
      return origin.path;
    case "default":
      return "default";
  }
}

interface Candidate {
  readonly value: unknown;
  readonly origin: Origin;
}

function firstOf(
  key: SettingKey,
  sources: Sources,
  fromFile: ReadonlyMap<string, unknown>,
): Candidate {
  const flag = sources.flags.get(key);
  if (flag !== undefined) return { value: flag, origin: { kind: "flag", name: flagName(key) } };
  for (const name of environmentNames(key)) {
    const value = sources.environment[name];
    if (value !== undefined) return { value, origin: { kind: "environment", name } };
  }
  if (sources.file && fromFile.has(key)) {
    return { value: fromFile.get(key), origin: { kind: "file", path: sources.file.path } };
  }
  return { value: SETTINGS[key].fallback, origin: { kind: "default" } };
}

function environmentNames(key: SettingKey): readonly string[] {
  // The name that every PostgreSQL hosting service sets.
  return key === "server.databaseUrl"
    ? [environmentName(key), "DATABASE_URL"]
    : [environmentName(key)];
}

function readFileValues(
  file: Sources["file"],
): Result<ReadonlyMap<string, unknown>, "CONFIG_INVALID"> {
  if (!file) return succeeded(new Map());
  const { path, text } = file;
  if (text.length > CONFIG_FILE_BYTES_MAX) {
    return failed("CONFIG_INVALID", `${path} is longer than ${CONFIG_FILE_BYTES_MAX} characters.`);
  }
  let document: unknown;
  try {
    document = parseYaml(text);
  } catch (error) {
    return failed("CONFIG_INVALID", `${path} is not YAML: ${String(error)}.`, { path });
  }
  const values = flatten(document);
  const known: ReadonlySet<string> = new Set(SETTING_KEYS);
  const stranger = [...values.keys()].find((key) => !known.has(key));
  if (stranger !== undefined) {
    const message = `${path} sets ${stranger}, which is no setting; \`retile config\` lists them.`;
    return failed("CONFIG_INVALID", message, { path, key: stranger });
  }
  return succeeded(values);
}

/** `{ server: { port: 1 } }` → `server.port` → 1. */
function flatten(node: unknown, prefix = ""): Map<string, unknown> {
  if (node === null || node === undefined) return new Map();
  if (typeof node !== "object") return new Map([[prefix, node]]);
  return new Map(
    Object.entries(node).flatMap(([key, child]) => [
      ...flatten(child, prefix === "" ? key : `${prefix}.${key}`),
    ]),
  );
}
