/**
 * What the driver's own JavaScript realm offers besides ECMAScript, WebAssembly and UTF-8 coding
 * (realm-text.ts): the host's four functions. `installRealm` is sent into the realm as source text, so it refers to nothing
 * outside itself, and no object of the host's realm ever reaches the driver.
 */

/** The host's side. Takes and gives primitives, fills the realm's arrays, never throws on purpose. */
export interface RealmBridge {
  requestLength(): number;
  fillRequest(target: Uint8Array): void;
  /** Negative when there is none. */
  openBlob(sha256: string): number;
  openFile(path: string): number;
  /** Fills `target` with what was opened last. */
  fillOpened(target: Uint8Array): void;
  sha256(bytes: Uint8Array, digest: Uint8Array): void;
  /** False when that is no frame. */
  reply(frame: Uint8Array): boolean;
}

export type RealmOutcome = "" | `crashed:${string}` | `memory:${string}`;

export interface Realm {
  /** Hands the request to the driver; empty when it returned. */
  run(): RealmOutcome;
  /** Says in plain text what the driver threw. */
  explain(error: unknown): RealmOutcome;
}

export function installRealm(bridge: RealmBridge): Realm {
  const realm = globalThis as unknown as Record<string, unknown>;

  // A driver is a function of its request: no clock, no dice, no locale, no garbage collector to watch.
  for (const name of ["Date", "Intl", "WeakRef", "FinalizationRegistry", "console"]) {
    delete realm[name];
  }
  delete (Math as unknown as Record<string, unknown>)["random"];

  // The host's errors belong to its realm: none may come through.
  const shielded = <T>(act: () => T): T => {
    try {
      return act();
    } catch {
      throw new Error("the host's function failed");
    }
  };
  const opened = (length: number, what: string): Uint8Array => {
    if (length < 0) throw new Error(`there is no ${what}`);
    const bytes = new Uint8Array(length);
    shielded(() => bridge.fillOpened(bytes));
    return bytes;
  };
  const host = {
    readBlob: (sha256: string): Uint8Array => {
      const name = String(sha256);
      return opened(
        shielded(() => bridge.openBlob(name)),
        `blob ${name}`,
      );
    },
    readFile: (path: string): Uint8Array => {
      const name = String(path);
      return opened(
        shielded(() => bridge.openFile(name)),
        `file ${name}`,
      );
    },
    sha256: (bytes: Uint8Array): Uint8Array => {
      const digest = new Uint8Array(32);
      shielded(() => bridge.sha256(bytes, digest));
      return digest;
    },
    reply: (frame: Uint8Array): void => {
      if (!shielded(() => bridge.reply(frame))) throw new TypeError("a reply is a frame of bytes");
    },
  };

  const explain = (error: unknown): RealmOutcome => {
    try {
      const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      const isMemory = error instanceof RangeError && /allocat|memory/i.test(error.message);
      return isMemory ? `memory:${text}` : `crashed:${text}`;
    } catch {
      return "crashed:something that does not even print";
    }
  };
  const run = (): RealmOutcome => {
    try {
      const driver = realm["retileDriver"] as { handle(frame: Uint8Array, host: unknown): void };
      const request = new Uint8Array(bridge.requestLength());
      bridge.fillRequest(request);
      driver.handle(request, host);
      return "";
    } catch (error) {
      return explain(error);
    }
  };
  return { run, explain };
}
