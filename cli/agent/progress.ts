/** What the agent says of its work, as progress on the terminal: one bar for each step of each model. */
import type { AgentProgress } from "../../device-agent/index.ts";
import type { Output } from "../output.ts";
import type { Progress } from "../progress.ts";

const STEPS = 100;

/** A step that is over in one report shows nothing: what is cached would flicker past. */
export function agentProgress(output: Pick<Output, "progress">): (at: AgentProgress) => void {
  let open: { readonly label: string; readonly progress: Progress; shown: number } | undefined;
  return ({ stage, subject, fraction }) => {
    const label = `${stage} ${subject}`;
    if (open?.label !== label) {
      open?.progress.finish();
      open =
        fraction < 1 ? { label, progress: output.progress(label, STEPS), shown: 0 } : undefined;
    }
    if (open === undefined) return;
    const done = Math.round(fraction * STEPS);
    open.progress.advance(done - open.shown);
    open.shown = done;
    if (fraction < 1) return;
    open.progress.finish();
    open = undefined;
  };
}
