import { describe, expect, test } from "@jest/globals";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import { keyObject, type Signer } from "../../../../protocol/crypto/index.ts";
import type { DelegationsJson, ListedFile } from "../../../../protocol/metadata/index.ts";
import {
  downloadTarget,
  refresh,
  resolveTarget,
  resolveTopLevelTarget,
} from "../../../../device-agent/update/index.ts";
import {
  KEYS,
  makeRepository,
  makeRoot,
  makeTargets,
  testSigner,
  textTarget,
  type TargetsRecipe,
} from "../../../support/signed-metadata.ts";
import { codeOf } from "../../../support/trusted-sets.ts";
import { memoryWorld } from "./memory-ports.ts";

interface Role {
  readonly name: string;
  readonly paths: string[];
  readonly terminating?: boolean;
}

const DELEGATE = testSigner(30);

function delegationsTo(roles: readonly Role[], key: Signer = DELEGATE): DelegationsJson {
  return {
    keys: { [key.keyId]: keyObject(key.publicKey) },
    roles: roles.map(({ name, paths, terminating = false }) => {
      return { name, paths, terminating, keyids: [key.keyId], threshold: 1 };
    }),
  };
}

/** A role that describes the one path with its own name as content. */
function speaking(name: string, path: string, more: TargetsRecipe = {}): Promise<ListedFile> {
  const targets = new Map([[path, textTarget(name)]]);
  return makeTargets({ signers: [DELEGATE], targets, ...more });
}

/** Which role vouches for a path, told by the content; or why none does. */
async function voucher(
  path: string,
  top: TargetsRecipe,
  delegated: Readonly<Record<string, ListedFile>>,
): Promise<string> {
  const roles = new Map(Object.entries(delegated));
  const made = memoryWorld(
    await makeRoot(),
    await makeRepository({ targets: top, delegated: roles }),
  );
  const trusted = await refresh(made.ports);
  if (!trusted.ok) return trusted.code;
  const resolved = await resolveTarget(trusted.value, made.ports, path);
  if (!resolved.ok) return resolved.code;
  const names = ["targets", ...roles.keys()];
  const sha256 = resolved.value.target.sha256;
  return names.find((name) => textTarget(name).hashes["sha256"] === sha256) ?? "unknown";
}

const PATH = "drivers/sm8650/1.0.0";
const ALL = ["drivers/*/*"];

describe("TUF 5.6.7: the search", () => {
  test("the top-level role speaks before its delegates", async () => {
    const targets = new Map([[PATH, textTarget("targets")]]);
    const top = { targets, delegations: delegationsTo([{ name: "a", paths: ALL }]) };
    expect(await voucher(PATH, top, { a: await speaking("a", PATH) })).toBe("targets");
  });

  test("the first delegate that knows the path is heard", async () => {
    const top = {
      delegations: delegationsTo([
        { name: "silent", paths: ALL },
        { name: "a", paths: ALL },
        { name: "b", paths: ALL },
      ]),
    };
    const delegated = {
      silent: await makeTargets({ signers: [DELEGATE] }),
      a: await speaking("a", PATH),
      b: await speaking("b", PATH),
    };
    expect(await voucher(PATH, top, delegated)).toBe("a");
  });

  test("a delegate's delegate is heard before the delegate's sibling", async () => {
    const top = {
      delegations: delegationsTo([
        { name: "a", paths: ALL },
        { name: "b", paths: ALL },
      ]),
    };
    const delegated = {
      a: await makeTargets({
        signers: [DELEGATE],
        delegations: delegationsTo([{ name: "c", paths: ALL }]),
      }),
      b: await speaking("b", PATH),
      c: await speaking("c", PATH),
    };
    expect(await voucher(PATH, top, delegated)).toBe("c");
  });

  test("a delegate is not heard about paths that were not delegated to it", async () => {
    const top = { delegations: delegationsTo([{ name: "a", paths: ["drivers/sm8350/*"] }]) };
    expect(await voucher(PATH, top, { a: await speaking("a", PATH) })).toBe("TARGET_NOT_FOUND");
  });

  test("nor is its delegate: every role of the chain must be trusted with the path", async () => {
    const top = { delegations: delegationsTo([{ name: "a", paths: ["kernels/*"] }]) };
    const delegated = {
      a: await makeTargets({
        signers: [DELEGATE],
        delegations: delegationsTo([{ name: "b", paths: ALL }]),
      }),
      b: await speaking("b", PATH),
    };
    expect(await voucher(PATH, top, delegated)).toBe("TARGET_NOT_FOUND");
  });

  test("5.6.7.2.1: after a terminating delegate nobody is asked, neither sibling nor uncle", async () => {
    const top = {
      delegations: delegationsTo([
        { name: "a", paths: ALL },
        { name: "uncle", paths: ALL },
      ]),
    };
    const children = [
      { name: "last", paths: ALL, terminating: true },
      { name: "sibling", paths: ALL },
    ];
    const delegated = {
      a: await makeTargets({ signers: [DELEGATE], delegations: delegationsTo(children) }),
      last: await makeTargets({ signers: [DELEGATE] }),
      sibling: await speaking("sibling", PATH),
      uncle: await speaking("uncle", PATH),
    };
    expect(await voucher(PATH, top, delegated)).toBe("TARGET_NOT_FOUND");
  });

  test("5.6.7.1: roles that delegate in a circle are visited once", async () => {
    const top = { delegations: delegationsTo([{ name: "a", paths: ALL }]) };
    const delegated = {
      a: await makeTargets({
        signers: [DELEGATE],
        delegations: delegationsTo([{ name: "b", paths: ALL }]),
      }),
      b: await makeTargets({
        signers: [DELEGATE],
        delegations: delegationsTo([{ name: "a", paths: ALL }]),
      }),
    };
    expect(await voucher(PATH, top, delegated)).toBe("TARGET_NOT_FOUND");
  });

  test("5.6.7.1: the search ends after as many roles as its limit", async () => {
    const names = Array.from({ length: 40 }, (_, index) => `role${index}`);
    const top = { delegations: delegationsTo(names.map((name) => ({ name, paths: ALL }))) };
    const silent = await makeTargets({ signers: [DELEGATE] });
    const delegated = Object.fromEntries(names.map((name) => [name, silent]));
    const last = await speaking("role39", PATH);
    expect(await voucher(PATH, top, { ...delegated, role39: last })).toBe("TARGET_NOT_FOUND");
    expect(await voucher(PATH, top, { ...delegated, role30: await speaking("role30", PATH) })).toBe(
      "role30",
    );
  });

  test("a delegate signed by another key ends the search", async () => {
    const top = {
      delegations: delegationsTo([
        { name: "a", paths: ALL },
        { name: "b", paths: ALL },
      ]),
    };
    const delegated = {
      a: await speaking("a", PATH, { signers: [KEYS.stranger] }),
      b: await speaking("b", PATH),
    };
    expect(await voucher(PATH, top, delegated)).toBe("TARGETS_BAD_SIGNATURES");
  });
});

test("director keys are taken from the top-level role alone", async () => {
  const path = "director/keys-acme.json";
  const top = { delegations: delegationsTo([{ name: "a", paths: ["director/*"] }]) };
  const delegated = new Map([["a", await speaking("a", path)]]);
  const made = memoryWorld(await makeRoot(), await makeRepository({ targets: top, delegated }));
  const trusted = await refresh(made.ports);
  if (!trusted.ok) throw new Error(trusted.message);
  expect(codeOf(await resolveTarget(trusted.value, made.ports, path))).toBe("ok");
  expect(codeOf(resolveTopLevelTarget(trusted.value, path))).toBe("TARGET_NOT_FOUND");
});

describe("TUF 5.7.3: a download", () => {
  async function downloaded(served: string): Promise<string> {
    const targets = new Map([["a/b.js", textTarget("good")]]);
    const made = memoryWorld(await makeRoot(), await makeRepository({ targets: { targets } }));
    const trusted = await refresh(made.ports);
    if (!trusted.ok) throw new Error(trusted.message);
    const resolved = resolveTopLevelTarget(trusted.value, "a/b.js");
    if (!resolved.ok) throw new Error(resolved.message);
    const { target } = resolved.value;
    made.files.set(`targets/a/${target.sha256}.b.js`, utf8(served));
    return codeOf(await downloadTarget(made.ports, target));
  }

  test.each([
    ["good", "ok"],
    ["evil", "TARGET_HASH_MISMATCH"],
    ["bad", "TARGET_LENGTH_MISMATCH"],
    ["far too long", "FETCH_TOO_LARGE"],
  ])("of %j is %s", async (served, code) => {
    expect(await downloaded(served)).toBe(code);
  });
});
