/**
 * Groups: stages that run interleaved, row by row. Tensors used inside one group alone need only the rows
 * that are alive; all others have a home, in VTCM or in DDR, until their last group has read them.
 */
import { present } from "../../protocol/base/assert.ts";
import type { Address } from "../../protocol/isa/index.ts";
import type { Network } from "./network.ts";
import { loadStage, storeStage } from "./stages/ports.ts";
import type { Stage, Value, ValueId } from "./stage.ts";

export interface Grouped {
  readonly values: readonly Value[];
  /** In the order in which they run; stages of a group in the order of the data. */
  readonly groups: readonly (readonly Stage[])[];
  /** Values with a home in DDR, in the order of their first write. */
  readonly spilled: readonly ValueId[];
}

/** The group of each stage: its own, or for a follower that of the latest of its producers. */
export function assignGroups(network: Network, follow: boolean): number[] {
  const groupOfValue = new Map<ValueId, number>();
  let count = 0;
  return network.stages.map((stage) => {
    const producing = stage.inputs.map((value) => wholeGroup(network, groupOfValue, value));
    const joins = follow && stage.follows && producing.length > 0;
    const group = joins ? Math.max(...producing) : count++;
    if (stage.output !== undefined) groupOfValue.set(stage.output, group);
    return group;
  });
}

/** The latest group that writes any part of the value. */
function wholeGroup(
  network: Network,
  groupOfValue: ReadonlyMap<ValueId, number>,
  value: ValueId,
): number {
  let group = groupOfValue.get(value) ?? 0;
  network.values.forEach((other, id) => {
    if (other.within?.value === value) group = Math.max(group, groupOfValue.get(id) ?? 0);
  });
  return group;
}

/** Splits stages into their groups and puts loads and stores around the groups that use spilled values. */
export function groupStages(
  network: Network,
  groupOf: readonly number[],
  spill: { readonly values: ReadonlySet<ValueId>; readonly home: (value: ValueId) => Address },
): Grouped {
  const values = [...network.values];
  const groupCount = Math.max(-1, ...groupOf) + 1;
  const members = Array.from({ length: groupCount }, (): Stage[] => []);
  network.stages.forEach((stage, index) => members[groupOf[index] ?? 0]?.push(stage));
  const spilled: ValueId[] = [];
  const groups = members.map((stages) => {
    const made = new Set(stages.map((stage) => stage.output));
    const loads: Stage[] = [];
    const stores: Stage[] = [];
    const copies = new Map<ValueId, ValueId>();
    const local = (id: ValueId, node: string): ValueId => {
      if (!spill.values.has(id) || made.has(id)) return id;
      const known = copies.get(id);
      if (known !== undefined) return known;
      const value = present(values[id], "value");
      const copy = values.push({ ...value, name: `${value.name}:loaded` }) - 1;
      copies.set(id, copy);
      loads.push(loadStage({ node, value: copy, grid: value.grid, home: () => spill.home(id) }));
      return copy;
    };
    const own = stages.map((stage) => {
      const inputs = stage.inputs.map((id) => local(id, stage.node));
      return { ...stage, inputs };
    });
    for (const { output, node } of stages) {
      if (output === undefined || !spill.values.has(output)) continue;
      spilled.push(output);
      const { grid } = present(values[output], "value");
      stores.push(storeStage({ node, value: output, grid, home: () => spill.home(output) }));
    }
    return [...loads, ...own, ...stores];
  });
  return { values, groups, spilled };
}
