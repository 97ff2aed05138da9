/** One process on a simulated device, watched step by step: the disks that its death at any moment leaves behind. */
import { CodedError } from "../../../protocol/base/result.ts";
import type { DeviceServer } from "../device-server.ts";
import { openDevice } from "./device.ts";
import { PASS, READING, WRITING, type DiskStep, type Ruling } from "./observed-disk.ts";
import { copyTree, pageCacheDisk, type DirectoryNode } from "./page-cache.ts";
import type { Scenario } from "./scenarios.ts";

/** A device between two steps of its disk: what a process that starts then finds. */
export interface Moment {
  /** The step that was about to be taken; the number of steps: after the last one. */
  readonly index: number;
  readonly root: DirectoryNode;
  /** What the device has said to be done, and may never be undone. */
  readonly promises: readonly string[];
  restoreServer(): void;
}

export interface Life {
  readonly start: Moment;
  readonly steps: readonly DiskStep[];
  /** Those that differ from the one before: after a change of the disk or a word with the server. */
  readonly moments: readonly Moment[];
}

export interface Setting {
  readonly scenario: Scenario;
  readonly server: DeviceServer;
}

/** One process through the scenario, to its end or its death by an error. */
export async function live(
  { scenario, server }: Setting,
  start: Moment,
  rule: (step: DiskStep) => Ruling = () => PASS,
): Promise<Life> {
  start.restoreServer();
  const steps: DiskStep[] = [];
  const moments: Moment[] = [];
  const promises = [...start.promises];
  let isChanged = true;
  const device = openDevice(
    copyTree(start.root),
    countRequests(server, () => (isChanged = true)),
    {
      ...scenario.options,
      rule: (step) => {
        steps.push(step);
        if (isChanged) look(step.index);
        isChanged = !READING.has(step.operation);
        return rule(step);
      },
    },
  );
  const look = (index: number): void => {
    const root = copyTree(device.disk.root);
    moments.push({ index, root, promises: [...promises], restoreServer: server.save() });
  };
  await surviving(() => scenario.live(device, server, (promise) => promises.push(promise)));
  look(steps.length);
  return { start, steps, moments };
}

/** The disk with half of a write done, for a process that dies in it. */
export async function tornAt(moment: Moment, life: Life): Promise<DirectoryNode | undefined> {
  const step = life.steps[moment.index];
  if (!step?.bytes || !WRITING.has(step.operation)) return undefined;
  const root = copyTree(moment.root);
  const half = step.bytes.subarray(0, step.bytes.length >> 1);
  const disk = pageCacheDisk(Infinity, root);
  await (step.operation === "write" ? disk.write(step.path, half) : disk.append(step.path, half));
  return root;
}

/** A disk that fails throws, from however deep; nothing else may. */
export async function surviving(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
  }
}

/** The disk on which all that was written is durable. */
export function synced(root: DirectoryNode): DirectoryNode {
  const copy = copyTree(root);
  const visit = (directory: DirectoryNode): void => {
    directory.pending = [];
    directory.durable = new Map(directory.entries);
    for (const node of directory.entries.values()) {
      if (node.kind === "directory") visit(node);
      else Object.assign(node, { pending: [], durable: node.bytes });
    }
  };
  visit(copy);
  return copy;
}

function countRequests(server: DeviceServer, onRequest: () => void): DeviceServer {
  const http = {
    send: (request: Parameters<DeviceServer["http"]["send"]>[0]) => {
      onRequest();
      return server.http.send(request);
    },
  };
  return { ...server, http };
}
