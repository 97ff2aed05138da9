/** What one hostile file may cost. */
export const LIMITS = {
  /** Processor time of one import. */
  caseMs: 2000,
  /** Resident memory: so many times the file, plus a constant, above that of the idle process. */
  memoryFactor: 4,
  memoryConstantBytes: 256 << 20,
  /** Wall time without a sign of life after which a process is ended. */
  silenceMs: 60_000,
} as const;
