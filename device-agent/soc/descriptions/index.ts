/** The chips this simulator knows. */
import type { SocDescription } from "../../../protocol/isa/index.ts";
import { CHIPS } from "./chips.ts";
import { htp } from "./htp.ts";

export { FITTED } from "./fitted.ts";

export const SOCS: readonly SocDescription[] = CHIPS.map(htp);

/** For instance "sm8650"; undefined when there is no such chip. */
export function socNamed(name: string): SocDescription | undefined {
  return SOCS.find((soc) => soc.name === name);
}
