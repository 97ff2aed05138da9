/** Settings: which of flag, environment, file and default wins, and what is refused. */
import { describe, expect, test } from "@jest/globals";
import type { Sources } from "../../../cli/config.ts";
import { describeOrigin, resolveConfig } from "../../../cli/config.ts";
import { environmentName, flagName, SETTING_KEYS, SETTINGS } from "../../../cli/settings.ts";

const NOTHING: Sources = { flags: new Map(), environment: {}, file: undefined };
const FLAG = { flags: new Map([["server.port", "1"] as const]) };
const ENVIRONMENT = { environment: { RETILE_SERVER_PORT: "2" } };
const FILE = { file: { path: "retile.config.yaml", text: "server: { port: 3 }" } };

describe("precedence", () => {
  function check(given: Partial<Sources>, value: number, origin: string): void {
    const result = resolveConfig({ ...NOTHING, ...given });
    if (!result.ok) throw new Error(result.message);
    const resolved = result.value["server.port"];
    expect([resolved.value, describeOrigin(resolved.origin)]).toEqual([value, origin]);
  }

  test("a flag beats everything", () => {
    check({ ...FLAG, ...ENVIRONMENT, ...FILE }, 1, "--server-port");
  });
  test("the environment beats the file", () => {
    check({ ...ENVIRONMENT, ...FILE }, 2, "RETILE_SERVER_PORT");
  });
  test("the file beats the default", () => check(FILE, 3, "retile.config.yaml"));
  test("the default is what is left", () => check({}, 8473, "default"));

  test("DATABASE_URL counts, RETILE_SERVER_DATABASE_URL counts more", () => {
    const both = { DATABASE_URL: "a", RETILE_SERVER_DATABASE_URL: "b" };
    for (const [environment, expected] of [
      [{ DATABASE_URL: "a" }, "a"],
      [both, "b"],
    ] as const) {
      const result = resolveConfig({ ...NOTHING, environment });
      expect(result.ok && result.value["server.databaseUrl"].value).toBe(expected);
    }
  });
});

describe("refusals", () => {
  function check(given: Partial<Sources>, message: RegExp): void {
    const result = resolveConfig({ ...NOTHING, ...given });
    expect(result).toMatchObject({ ok: false, code: "CONFIG_INVALID" });
    expect(!result.ok && result.message).toMatch(message);
  }
  const file = (text: string): Partial<Sources> => ({ file: { path: "f.yaml", text } });

  test("an unknown key in the file", () => check(file("server: { prot: 1 }"), /server\.prot/));
  test("a file that is not YAML", () => check(file("a: [1"), /not YAML/));
  test("a file that is a list", () => check(file("- 1"), /sets 0/));
  test("a value of the wrong type names its origin", () => {
    check({ environment: { RETILE_SERVER_PORT: "many" } }, /server\.port.*RETILE_SERVER_PORT/);
  });
  test("a boolean that is neither true nor false", () => {
    check(file("server: { production: maybe }"), /server\.production/);
  });
});

test("every default is valid by its own schema", () => {
  for (const key of SETTING_KEYS) {
    expect(SETTINGS[key].schema.safeParse(SETTINGS[key].fallback).success).toBe(true);
  }
});

test("names of a setting follow from its key", () => {
  expect(environmentName("server.databaseUrl")).toBe("RETILE_SERVER_DATABASE_URL");
  expect(flagName("server.databaseUrl")).toBe("--server-database-url");
});
