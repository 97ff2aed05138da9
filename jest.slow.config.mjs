/** The slow suites alone: full-size models, many kills, long properties. */
import base from "./jest.config.mjs";

export default {
  ...base,
  testMatch: ["<rootDir>/test/**/*.slow.test.ts"],
  testPathIgnorePatterns: ["/node_modules/"],
  // One at a time: these suites measure time and memory.
  maxWorkers: 1,
  testTimeout: 900_000,
};
