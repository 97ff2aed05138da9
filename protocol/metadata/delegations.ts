/** Which delegated roles may speak about a target path (TUF 4.5). */
import { utf8 } from "../base/bytes.ts";
import { sha256Hex } from "../crypto/index.ts";
import type { RoleKeys } from "./envelope.ts";
import type { DelegatedRole, Delegations, SuccinctRoles } from "./roles.ts";

/** A role that may speak about a path, and whether nobody is asked after it. */
export interface Delegate {
  readonly name: string;
  readonly terminating: boolean;
}

/** The delegates that may speak about a path, in order of trust, up to and with the first terminating one. */
export function delegatesFor(delegations: Delegations, targetPath: string): Delegate[] {
  const { roles = [], succinct_roles } = delegations;
  if (succinct_roles) return [{ name: binOf(succinct_roles, targetPath), terminating: true }];
  const matching = roles.filter((role) => isDelegatedPath(role, targetPath));
  const end = matching.findIndex(({ terminating }) => terminating);
  return end < 0 ? matching : matching.slice(0, end + 1);
}

/** The keys of a delegate by its name; undefined where nothing is delegated to it. */
export function delegateNamed(delegations: Delegations, name: string): RoleKeys | undefined {
  const { roles = [], succinct_roles } = delegations;
  if (succinct_roles) return isBin(succinct_roles, name) ? succinct_roles : undefined;
  return roles.find((role) => role.name === name);
}

/** TAP 15: the bin's number is the first bits of the path's SHA-256. */
function binOf(roles: SuccinctRoles, targetPath: string): string {
  const first32Bits = Number.parseInt(sha256Hex(utf8(targetPath)).slice(0, 8), 16);
  return binName(roles, Math.floor(first32Bits / 2 ** (32 - roles.bit_length)));
}

function binName({ bit_length, name_prefix }: SuccinctRoles, index: number): string {
  const digits = Math.ceil(bit_length / 4);
  return `${name_prefix}-${index.toString(16).padStart(digits, "0")}`;
}

function isBin(roles: SuccinctRoles, name: string): boolean {
  const number = name.slice(roles.name_prefix.length + 1);
  const index = /^[0-9a-f]{1,8}$/.test(number) ? Number.parseInt(number, 16) : Infinity;
  return index < 2 ** roles.bit_length && binName(roles, index) === name;
}

/** Every role that is delegated to, by name. */
export function delegatedNames({ roles = [], succinct_roles }: Delegations): string[] {
  if (!succinct_roles) return roles.map(({ name }) => name);
  const count = 2 ** succinct_roles.bit_length;
  return Array.from({ length: count }, (_, index) => binName(succinct_roles, index));
}

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
