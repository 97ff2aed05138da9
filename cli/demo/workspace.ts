/** Where a demo lives: a fresh folder with the offline keys apart from everything that the server reads. */
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

export interface Workspace {
  readonly root: string;
  /** Root and targets keys: read by this process alone. */
  readonly offline: string;
  /** The server's snapshot, timestamp and director keys. */
  readonly online: string;
  readonly server: string;
  readonly device: string;
}

const NOTICE = `DEMO KEYS. Drawn for one demonstration; a production server refuses to start on them.
offline/  root and targets keys: only the command line reads them
online/   snapshot, timestamp and director keys: the server's own
`;

export async function createWorkspace(dataDir: string, at: Date): Promise<Workspace> {
  const stamp = at.toISOString().replace(/[-:]/g, "").slice(0, 15);
  const root = resolve(dataDir, `demo-${stamp}-${process.pid}`);
  const workspace = {
    root,
    offline: join(root, "offline"),
    online: join(root, "online"),
    server: join(root, "server"),
    device: join(root, "device"),
  };
  // The database's own user passes through these two, so only the key folders are closed.
  await mkdir(workspace.server, { recursive: true });
  for (const folder of [workspace.offline, workspace.online]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  await writeFile(join(root, "DEMO-KEYS.txt"), NOTICE);
  return workspace;
}
