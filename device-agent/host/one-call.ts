/**
 * What V8 is told in a process that lives for one call. It optimises a function when that has run for so many bytes of
 * its code; as early as it does so by itself, optimising takes such a process more time than it brings. A version of V8
 * that has no such flag says so on the error output and goes on.
 */
export const ONE_CALL_FLAG = "--interrupt-budget=400000";
