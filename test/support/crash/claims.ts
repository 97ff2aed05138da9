/**
 * What a disk says of itself must be true: a pointer leads to a whole driver, a finished step to what it made, an
 * accepted order to the metadata that it was judged by. Checked on what a crash leaves, before any process mends it.
 */
import { sha256Hex } from "../../../protocol/crypto/index.ts";
import { readState, type AgentState } from "../../../device-agent/shell/agent-state.ts";
import {
  blobStore,
  downloadPath,
  driverFor,
  fileSystemOver,
  readSlot,
  type FileSystem,
} from "../../../device-agent/slots/index.ts";
import {
  possiblePrograms,
  programCache,
  readModels,
} from "../../../device-agent/workload/index.ts";
import { SOC } from "./device.ts";
import { filesBelow, pageCacheDisk, type DirectoryNode } from "./page-cache.ts";

/** Between these disks the device took at most one order, and judged it by what the second one keeps. */
export interface Undisturbed {
  readonly start: DirectoryNode;
  readonly end: DirectoryNode;
}

export async function falseClaims(
  root: DirectoryNode,
  { start, end }: Undisturbed,
): Promise<readonly string[]> {
  const files = fileSystemOver(pageCacheDisk(Infinity, root));
  const state = await readState(files);
  if (!state.ok) return state.code === "NOT_INITIALISED" ? [] : [state.message];
  const before = await readState(fileSystemOver(pageCacheDisk(Infinity, start)));
  const sequence = before.ok ? sequenceOf(before.value) : 0;
  return [
    ...lostRoot(root, { start, end }),
    ...outlivedKeys(root, start),
    ...(await brokenPointers(files, state.value)),
    ...(await missingPrograms(files, state.value)),
    ...(sequenceOf(state.value) > sequence ? lostMetadata(root, end) : []),
  ];
}

/** A device that is installed trusts the root that it was given, or the one that came since. */
function lostRoot(root: DirectoryNode, { start, end }: Undisturbed): string[] {
  const kept = hashOf(root, "metadata/root.json");
  const known = [start, end].map((disk) => hashOf(disk, "metadata/root.json"));
  return kept !== undefined && known.includes(kept) ? [] : ["the root of trust is lost"];
}

/** TUF 5.3.11: the scenarios' later root has other keys for the timestamp, and the one before goes with its keys. */
function outlivedKeys(root: DirectoryNode, start: DirectoryNode): string[] {
  const isKept = (role: string): boolean => {
    const kept = hashOf(start, `metadata/${role}.json`);
    return kept !== undefined && hashOf(root, `metadata/${role}.json`) === kept;
  };
  const hadRoot = hashOf(start, "metadata/root.json") !== undefined;
  return hadRoot && !isKept("root") && isKept("timestamp") ? ["a timestamp outlived its keys"] : [];
}

function hashOf(disk: DirectoryNode, path: string): string | undefined {
  const bytes = filesBelow(disk).get(path);
  return bytes && sha256Hex(bytes);
}

function sequenceOf({ slots }: AgentState): number {
  return slots.accepted?.sequence ?? 0;
}

async function brokenPointers(files: FileSystem, { slots }: AgentState): Promise<string[]> {
  const { current, previous, recovery, update } = slots;
  const why: string[] = [];
  const isStaged = ["staged", "compiled", "measured"].includes(update.kind);
  const candidate = update.kind !== "idle" && isStaged ? update.candidate.driver : null;
  for (const driver of [current, previous, recovery, candidate]) {
    const slot = driver && (await readSlot(files, driver.sha256));
    if (slot?.ok === false) why.push(slot.message);
  }
  if (update.kind === "downloaded") {
    const { sha256, version } = update.candidate.driver;
    const bytes = await files.read(downloadPath(sha256));
    if (!bytes || sha256Hex(bytes) !== sha256) why.push(`the download of ${version} is lost`);
  }
  return why;
}

/** Going back needs no compiler: every model has a program of the driver that it runs with. */
async function missingPrograms(files: FileSystem, { slots }: AgentState): Promise<string[]> {
  const cache = programCache(files, blobStore(files));
  const why: string[] = [];
  for (const model of await readModels(files)) {
    const driver = driverFor(slots, model.id);
    const possible = possiblePrograms(model, driver.sha256, SOC);
    const found = await Promise.all(possible.map((facts) => cache.get(facts)));
    const isThere = found.some((program) => program !== undefined);
    if (!isThere) why.push(`${model.id} has no program of ${driver.version}`);
  }
  return why;
}

function lostMetadata(root: DirectoryNode, end: DirectoryNode): string[] {
  const files = filesBelow(root);
  return [...filesBelow(end)].flatMap(([path, bytes]) => {
    const kept = files.get(path);
    const isLost = path.startsWith("metadata/") && (!kept || sha256Hex(kept) !== sha256Hex(bytes));
    return isLost ? [`an order was taken by ${path}, and that is lost`] : [];
  });
}
