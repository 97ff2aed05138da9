/** Lint: the type checker's blind spots, and the limits and purity rules of the project's style. */
import tseslint from "typescript-eslint";

/** Folders where bytes go in and bytes come out; the world arrives as arguments (ports). */
const PURE = [
  "protocol/**/*.ts",
  "compiler/**/*.ts",
  "device-agent/{soc,runtime,update,slots,workload,benchmark,report}/**/*.ts",
  "server/{rollout,ingest}/**/*.ts",
];

/** Folders whose results are bits or cycles that must be equal on every machine and engine. */
const BIT_EXACT = ["protocol/**/*.ts", "compiler/**/*.ts", "device-agent/{soc,runtime}/**/*.ts"];

/** ECMAScript leaves the accuracy of these to the engine. */
const ENGINE_DEFINED = [
  ...["acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "cos", "cosh"],
  ...["exp", "expm1", "hypot", "log", "log10", "log1p", "log2", "pow", "sin", "sinh"],
  ...["tan", "tanh"],
];

const CLOCK_AND_DICE = [
  { object: "Math", property: "random", message: "Take a Random (protocol/base/random.ts)." },
  { object: "Date", property: "now", message: "Pure code takes an Instant." },
  { object: "performance", property: "now", message: "Pure code takes an Instant." },
  { object: "crypto", property: "getRandomValues", message: "Pure code takes its bytes." },
];

const TRANSCENDENTAL = ENGINE_DEFINED.map((property) => ({
  object: "Math",
  property,
  message: "Engine-defined accuracy: use protocol/base/math.ts.",
}));

const SHELL_GLOBALS = ["process", "fetch", "setTimeout", "setInterval", "setImmediate", "console"];

export default tseslint.config(
  { ignores: ["node_modules/", "dist/", ".retile/", "**/generated/**", "test/**/fixtures/**"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  tseslint.configs.recommended,
  {
    files: ["**/*.ts", "**/*.tsx", "**/*.mjs"],
    rules: {
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
      "max-lines": ["error", 400],
      "max-lines-per-function": ["error", 70],
      "max-params": ["error", 3],
      "max-depth": ["error", 3],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "@typescript-eslint/consistent-type-imports": "error",
    },
  },
  {
    files: ["**/*.ts", "**/*.tsx"],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
  {
    files: PURE,
    rules: {
      "no-restricted-globals": ["error", ...SHELL_GLOBALS],
      "no-restricted-properties": ["error", ...CLOCK_AND_DICE],
      "no-restricted-syntax": [
        "error",
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0]",
          message: "Pure code takes an Instant.",
        },
      ],
    },
  },
  {
    files: BIT_EXACT,
    rules: { "no-restricted-properties": ["error", ...CLOCK_AND_DICE, ...TRANSCENDENTAL] },
  },
  {
    // A `describe` callback is a list of tests, not a function to read in one go.
    files: ["**/*.test.ts"],
    rules: { "max-lines-per-function": "off" },
  },
);
