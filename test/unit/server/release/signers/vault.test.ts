/** What a vault may do wrong, and a program in its place. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hex, utf8 } from "../../../../../protocol/base/bytes.ts";
import { CodedError, unwrap } from "../../../../../protocol/base/result.ts";
import { nativeSigner, verifyDetached } from "../../../../../protocol/crypto/index.ts";
import { commandVault } from "../../../../../server/release/signers/command-vault.ts";
import { openSigner, type KeyVault } from "../../../../../server/release/signers/vault.ts";
import { fakeHsm } from "../../../../support/server/fake-hsm.ts";
import { codeOf } from "../../../../support/trusted-sets.ts";

const MESSAGE = utf8("a message");

async function signingCode(vault: KeyVault): Promise<string> {
  const signer = unwrap(await openSigner(vault, "director"));
  try {
    const signature = await signer.sign(MESSAGE);
    return verifyDetached(MESSAGE, signature, signer.publicKey) ? "ok" : "wrong signature";
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
}

test("a module signs by handle, and the server's signer holds no private half", async () => {
  const hsm = fakeHsm();
  expect(await signingCode(hsm)).toBe("ok");
  expect(hsm.uses).toEqual(["slot-0/director"]);
  const signer = unwrap(await openSigner(hsm, "director"));
  expect(Object.keys(signer).sort()).toEqual(["keyId", "publicKey", "sign"]);
});

test("a module that is gone when it is to sign", async () => {
  const hsm = fakeHsm();
  const signer = unwrap(await openSigner(hsm, "director"));
  hsm.broken.add("director");
  await expect(signer.sign(MESSAGE)).rejects.toMatchObject({ code: "SIGNER_UNAVAILABLE" });
  hsm.broken.delete("director");
  expect(await signer.sign(MESSAGE)).toHaveLength(64);
});

test("a module that is gone when the server starts", async () => {
  const hsm = fakeHsm();
  hsm.broken.add("snapshot");
  expect(codeOf(await openSigner(hsm, "snapshot"))).toBe("SIGNER_UNAVAILABLE");
});

test("a module that signs with another key than it names", async () => {
  const hsm = fakeHsm();
  hsm.swap("director");
  expect(await signingCode(hsm)).toBe("SIGNER_WRONG");
});

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "retile-vault-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const SEED = new Uint8Array(32).fill(9);

/** A program of the operator's, in the shell: one signature is all that it knows. */
async function program(body: (signature: string) => string): Promise<KeyVault> {
  const signer = nativeSigner(SEED);
  const path = join(folder, `vault-${Math.random()}`);
  const signature = hex(await signer.sign(MESSAGE));
  const key = `[ "$1" = public ] && echo ${hex(signer.publicKey)} && exit 0`;
  writeFileSync(path, `#!/bin/sh\n${key}\n${body(signature)}\n`);
  chmodSync(path, 0o700);
  return commandVault(path);
}

test("a program that signs what it reads", async () => {
  const vault = await program((signature) => {
    return `[ "$2" = director ] && [ "$(cat)" = "a message" ] && echo ${signature}`;
  });
  expect(await signingCode(vault)).toBe("ok");
});

async function refused(body: string, expected: string): Promise<void> {
  expect(await signingCode(await program(() => body))).toBe(expected);
}

test("a program that ends badly", () => refused("exit 3", "SIGNER_UNAVAILABLE"));
test("a program that answers prose", () => refused("echo no", "SIGNER_UNAVAILABLE"));
test("a program without end", () => refused("yes", "SIGNER_UNAVAILABLE"));
test("a program that signs something else", () =>
  refused(`echo ${"0".repeat(128)}`, "SIGNER_WRONG"));

test("a program that is not there", async () => {
  const vault = commandVault(join(folder, "nowhere"));
  expect(codeOf(await openSigner(vault, "snapshot"))).toBe("SIGNER_UNAVAILABLE");
});
