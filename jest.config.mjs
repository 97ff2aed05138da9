/** The quick suites: every test/**\/*.test.ts except the slow ones (see jest.slow.config.mjs). */

const typescript = { parser: { syntax: "typescript" }, target: "es2022" };

export default {
  testEnvironment: "<rootDir>/test/support/environment.mjs",
  extensionsToTreatAsEsm: [".ts"],
  transform: {
    "^.+\\.ts$": [
      "@swc/jest",
      { swcrc: false, jsc: typescript, module: { type: "es6" }, sourceMaps: "inline" },
    ],
  },
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/", "\\.slow\\.test\\.ts$"],
  // dist/ holds bundles and releases: copies of package.json there would be taken for packages of ours.
  modulePathIgnorePatterns: ["<rootDir>/dist/", "<rootDir>/.retile/"],
  reporters: ["default", "<rootDir>/test/support/count-reporter.mjs"],
  maxWorkers: 2,
  testTimeout: 30_000,
};
