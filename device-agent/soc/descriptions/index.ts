/** The chips this simulator knows. */
import type { SocDescription } from "../../../protocol/isa/index.ts";
import { CHIPS } from "./chips.ts";
import type { Fitted } from "./fitted.ts";
import { htp } from "./htp.ts";

export { FITTED } from "./fitted.ts";
export type { Fitted } from "./fitted.ts";

export const SOCS: readonly SocDescription[] = CHIPS.map((chip) => htp(chip));

/** For instance "sm8650"; undefined when there is no such chip. */
export function socNamed(name: string): SocDescription | undefined {
  return SOCS.find((soc) => soc.name === name);
}

/** The chips with other fitted numbers than the stored ones: what fitting tries. */
export function socsFittedWith(fitted: Fitted): ReadonlyMap<string, SocDescription> {
  return new Map(CHIPS.map((chip) => [chip.name, htp(chip, fitted)]));
}
