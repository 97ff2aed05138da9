/** The command line as a script sees it: streams, JSON shape, exit codes. */
import { describe, expect, test } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { buildProgram, leavesOf } from "../../../cli/program.ts";
import { fullName } from "../../../cli/command.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

function retile(...args: string[]) {
  const environment = { PATH: process.env["PATH"], NO_COLOR: "1" };
  const options = { cwd: ROOT, encoding: "utf8", env: environment } as const;
  return spawnSync(process.execPath, ["bin/retile.mjs", ...args], options);
}

describe("retile", () => {
  test("--json prints one object on standard output", () => {
    const { status, stdout } = retile("config", "--json", "--soc", "sm8350");
    expect(status).toBe(0);
    const report = JSON.parse(stdout);
    expect(Object.keys(report)).toEqual(["name", "commit", "machine", "rows", "summary"]);
    expect(report.rows).toContainEqual(
      expect.objectContaining({ key: "soc", value: "sm8350", from: "--soc" }),
    );
  });

  test("without --json standard output is the table and standard error stays empty", () => {
    const { status, stdout, stderr } = retile("config");
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("RETILE_SERVER_PORT");
  });

  test("a failure shows code, message, details and the next step, and is JSON on request", () => {
    const { status, stdout, stderr } = retile("config", "--json", "--server-port", "99999");
    expect(status).toBe(2);
    expect(stderr).toMatch(/error CONFIG_INVALID: .*\n {2}key: server\.port\nnext: /);
    expect(JSON.parse(stdout).summary.error.code).toBe("CONFIG_INVALID");
  });

  test("an unknown option is wrong usage", () => expect(retile("config", "--nope").status).toBe(2));
  test("an unknown command is wrong usage", () => expect(retile("nope").status).toBe(2));
  test("--help is no failure", () => expect(retile("--help").status).toBe(0));
});

describe("every command", () => {
  const leaves = leavesOf(buildProgram());
  test.each(leaves.map((leaf) => [fullName(leaf), leaf] as const))("%s", (_name, leaf) => {
    expect(leaf.description()).not.toBe("");
    const flags = leaf.options.map((option) => option.long);
    expect(flags).toEqual(expect.arrayContaining(["--json", "--config"]));
    expect(new Set(flags).size).toBe(flags.length);
    for (const option of leaf.options) expect(option.description).not.toBe("");
  });
});
