/** Which drivers devices can still find, from documents as they are published. */
import { expect, test } from "@jest/globals";
import { keyObject } from "../../../../protocol/crypto/index.ts";
import { delegatedPaths, type DelegationsJson } from "../../../../protocol/metadata/index.ts";
import { listedDrivers, listedPolicies } from "../../../../server/release/index.ts";
import { listDrivers } from "../../../support/listed-drivers.ts";
import { makeTargets, testSigner, textTarget } from "../../../support/signed-metadata.ts";
import { testBundle } from "../../../support/server/offline.ts";

const HOLDER = testSigner(21);

function delegating(...families: string[]): DelegationsJson {
  return {
    keys: { [HOLDER.keyId]: keyObject(HOLDER.publicKey) },
    roles: families.map((family) => ({
      ...{ name: `drivers-${family}`, keyids: [HOLDER.keyId], threshold: 1, terminating: true },
      paths: delegatedPaths({ kind: "drivers", family }),
    })),
  };
}

async function check(families: readonly string[], expected: readonly string[]): Promise<void> {
  const bundle = testBundle("1.0.0", ["sm8350", "sm8650"]);
  const { targets } = await listDrivers([bundle], { signers: [HOLDER] });
  const role = await makeTargets({ targets, signers: [HOLDER] });
  const top = await makeTargets({ delegations: delegating(...families) });
  const documents = new Map([["targets", top.bytes]]);
  for (const family of ["sm8350", "sm8650"]) documents.set(`drivers-${family}`, role.bytes);
  const paths = [...listedDrivers(documents).keys()].map((key) => key.split(" ")[0]);
  expect(paths.sort()).toEqual(expected);
}

test("of every role that is delegated to", () =>
  check(["sm8350", "sm8650"], ["drivers/sm8350/1.0.0", "drivers/sm8650/1.0.0"]));
test("not of a role that was retired, nor another family's in the one that was not", () =>
  check(["sm8650"], ["drivers/sm8650/1.0.0"]));
test("of nobody", () => check([], []));

test("with the highest security floor that the role states for the family", async () => {
  const old = await listDrivers([testBundle("1.0.0", ["sm8650"])], { signers: [HOLDER] });
  const safe = { signers: [HOLDER], securityFloor: "1.1.0" };
  const fixed = await listDrivers([testBundle("1.1.0", ["sm8650"])], safe);
  const { bytes } = await makeTargets({ targets: new Map([...old.targets, ...fixed.targets]) });
  const listed = listedDrivers(new Map([["targets", bytes]]));
  expect([...listed.values()]).toEqual([{ roleFloor: "1.1.0" }, { roleFloor: "1.1.0" }]);
});

test("policies of the top-level role, and of no delegate", async () => {
  const policy = async (family: string) => {
    const targets = new Map([[`policy/${family}.json`, textTarget("{}")]]);
    return (await makeTargets({ targets })).bytes;
  };
  const documents = new Map([
    ["targets", await policy("sm8650")],
    ["drivers-sm8350", await policy("sm8350")],
  ]);
  expect([...listedPolicies(documents).keys()]).toEqual(["sm8650"]);
});
