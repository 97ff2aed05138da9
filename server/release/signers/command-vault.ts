/**
 * Keys behind a program of the operator's, for instance a script around `pkcs11-tool` or a cloud's command line:
 *
 *     PROGRAM public ROLE              prints the public key, 64 hexadecimal digits
 *     PROGRAM sign ROLE < message      prints the Ed25519 signature, 128 hexadecimal digits
 *
 * It maps roles (snapshot, timestamp, director) to the token's own handles; the server never sees those.
 */
import { spawn } from "node:child_process";
import { fromHex } from "../../../protocol/base/bytes.ts";
import { failed, succeeded } from "../../../protocol/base/result.ts";
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from "../../../protocol/crypto/index.ts";
import type { KeyVault, OnlineRole } from "./vault.ts";

const ANSWER_CHARACTERS_MAX = 4096;
/** The caller gives up sooner; this ends the program too. */
const RUN_MS_MAX = 12_000;

export function commandVault(program: string): KeyVault {
  return {
    publicKey: async (role) => {
      try {
        return succeeded(await ask(program, ["public", role], { bytes: PUBLIC_KEY_BYTES }));
      } catch (error) {
        const message = `${program} names no ${role} key: ${(error as Error).message}.`;
        return failed("SIGNER_UNAVAILABLE", message, { role });
      }
    },
    sign: (role: OnlineRole, message) =>
      ask(program, ["sign", role], { bytes: SIGNATURE_BYTES, input: message }),
  };
}

interface Question {
  /** Of the answer. */
  readonly bytes: number;
  readonly input?: Uint8Array;
}

async function ask(
  program: string,
  words: readonly string[],
  { bytes, input = new Uint8Array(0) }: Question,
): Promise<Uint8Array> {
  const answer = (await run(program, words, input)).trim();
  const value = fromHex(answer);
  if (value?.length === bytes) return value;
  throw new Error(`it answers ${words.join(" ")} with no ${bytes} bytes in hexadecimal`);
}

function run(program: string, words: readonly string[], input: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    // A group of its own: what a script has started ends with it.
    const child = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"], detached: true });
    const giveUp = (why: string): void => {
      reject(new Error(why));
      child.stdout.destroy();
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    };
    const timer = setTimeout(() => giveUp("it does not end"), RUN_MS_MAX);
    let answer = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      answer += text;
      if (answer.length > ANSWER_CHARACTERS_MAX) giveUp("its answer does not end");
    });
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(answer);
      else reject(new Error(`it ended with ${code ?? signal}`));
    });
    // A program that does not read its input says so by how it ends.
    child.stdin.on("error", () => undefined).end(input);
  });
}
