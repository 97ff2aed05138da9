/** Semantic versions (semver.org 2.0.0): the few questions asked of them. */
import semver from "semver";

export function isSemver(text: string): boolean {
  return text.length <= 64 && semver.valid(text) === text;
}

/** Negative, zero or positive, by precedence; both must be semantic versions. */
export function compareSemver(a: string, b: string): number {
  return semver.compare(a, b);
}
