/** Orders and recalls in memory. */
import { present } from "../../../protocol/base/assert.ts";
import { failed, succeeded } from "../../../protocol/base/result.ts";
import type { FleetStore, IssuedOrder, NewOrder } from "../../../server/store/index.ts";
import type { Rows, RowsOf } from "./memory-rows.ts";

export async function issueInto(rows: Rows, order: NewOrder): Promise<IssuedOrder> {
  const { device, epoch, kind, subject, startBefore, sign } = order;
  const known = present(rows.devices.get(device), "the device");
  const last = known.assignmentOrder;
  const number = { epoch, sequence: last.epoch === epoch ? last.sequence + 1 : 1 };
  rows.devices.set(device, { ...known, assignmentOrder: number });
  const issued = { ...number, kind, subject, startBefore, ...(await sign(number)) };
  rows.orders.push({ ...issued, device });
  return issued;
}

export function memoryOrders(rowsOf: RowsOf): FleetStore["orders"] {
  return {
    issued: async (tenant, device, { epoch, sequence }) =>
      rowsOf(tenant).orders.find((row) => {
        return row.device === device && row.epoch === epoch && row.sequence === sequence;
      }),
    newestRecallOrder: async (tenant, device) =>
      rowsOf(tenant)
        .orders.filter((row) => row.device === device && row.kind === "recall")
        .at(-1),
    issue: (order) => issueInto(rowsOf(order.tenant), order),
    recalls: async (tenant) => rowsOf(tenant).recalls,
    addRecall: async ({ now, ...recall }) => {
      const { recalls } = rowsOf(recall.tenant);
      if (recalls.some(({ version }) => version === recall.version)) {
        return failed("ALREADY_RECALLED", "");
      }
      const made = { ...recall, number: recalls.length + 1, createdAt: now };
      recalls.push(made);
      return succeeded(made);
    },
  };
}
