import { expect, test } from "@jest/globals";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import { canonicalJson } from "../../../../protocol/base/canonical-json.ts";
import {
  readHardwarePolicy,
  type HardwarePolicyJson,
} from "../../../../protocol/metadata/index.ts";
import { codeOf } from "../../../support/trusted-sets.ts";

const POLICY: HardwarePolicyJson = {
  _type: "hardware-policy",
  family: "sm8650",
  securityFloor: "1.1.0",
  revoked: [],
};

test.each([
  ["a policy", canonicalJson(POLICY), "ok"],
  ["another family's", canonicalJson({ ...POLICY, family: "sm8350" }), "HARDWARE_POLICY_MALFORMED"],
  ["no version", canonicalJson({ ...POLICY, securityFloor: "new" }), "HARDWARE_POLICY_MALFORMED"],
  ["no hash", canonicalJson({ ...POLICY, revoked: ["x"] }), "HARDWARE_POLICY_MALFORMED"],
  ["no JSON", utf8("{"), "HARDWARE_POLICY_MALFORMED"],
  ["too large", new Uint8Array(100_000), "HARDWARE_POLICY_MALFORMED"],
])("%s", (_what, bytes, code) => {
  expect(codeOf(readHardwarePolicy(bytes, "sm8650"))).toBe(code);
});
