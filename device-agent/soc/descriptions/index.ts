/** The chips this simulator knows. */
import type { SocDescription } from "../../../protocol/isa/index.ts";
import { SM8350 } from "./sm8350.ts";
import { SM8650 } from "./sm8650.ts";

export const SOCS: readonly SocDescription[] = [SM8350, SM8650];

/** For instance "sm8650"; undefined when there is no such chip. */
export function socNamed(name: string): SocDescription | undefined {
  return SOCS.find((soc) => soc.name === name);
}
