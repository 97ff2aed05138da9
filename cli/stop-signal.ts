/** Ctrl-C and SIGTERM as a request to end well. */

/** Aborts at the first signal, whose name is the reason; a second one ends the process as signals do. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const names = ["SIGINT", "SIGTERM"] as const;
  const stop = (name: string): void => {
    for (const other of names) process.removeListener(other, stop);
    controller.abort(name);
  };
  for (const name of names) process.on(name, stop);
  return controller.signal;
}
