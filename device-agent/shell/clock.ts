/** This machine's clock. */
import { instant } from "../../protocol/base/brand.ts";
import type { Clock } from "../host/index.ts";

export const machineClock: Clock = {
  now: () => instant(Date.now()),
  after: (milliseconds, act) => {
    const timer = setTimeout(act, milliseconds);
    return () => clearTimeout(timer);
  },
};
