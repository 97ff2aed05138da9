/** Which delegated roles may speak about a target path (TUF 4.5). */
import { utf8 } from "../base/bytes.ts";
import { sha256Hex } from "../crypto/index.ts";
import type { DelegatedRole } from "./roles.ts";

export function isDelegatedPath(role: DelegatedRole, targetPath: string): boolean {
  if (role.paths) return role.paths.some((pattern) => matchesPattern(pattern, targetPath));
  const digest = sha256Hex(utf8(targetPath));
  return (role.path_hash_prefixes ?? []).some((prefix) => digest.startsWith(prefix));
}

/** Shell patterns with `*` and `?`, neither of which matches a slash. */
export function matchesPattern(pattern: string, targetPath: string): boolean {
  const patternParts = pattern.split("/");
  const pathParts = targetPath.split("/");
  if (patternParts.length !== pathParts.length) return false;
  return patternParts.every((part, index) => matchesSegment(part, pathParts[index] ?? ""));
}

/** Goes back only to the last star: linear in pattern times text, whatever the pattern. */
function matchesSegment(pattern: string, text: string): boolean {
  let at = 0;
  let star = -1;
  let starText = 0;
  let index = 0;
  while (index < text.length) {
    const symbol = pattern[at];
    if (symbol === "*") {
      star = at++;
      starText = index;
    } else if (symbol === "?" || symbol === text[index]) {
      at++;
      index++;
    } else if (star >= 0) {
      at = star + 1;
      index = ++starText;
    } else return false;
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}
