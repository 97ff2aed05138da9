/** Limits of what either side reads, with names. */

export const REQUEST_BYTES_MAX = 1 << 20;
export const REPORTS_PER_BATCH_MAX = 1000;
export const MODELS_PER_DEVICE_MAX = 256;
export const TEXT_LENGTH_MAX = 1000;
export const POLL_INTERVAL_SECONDS_MAX = 7 * 24 * 3600;
export const TOKEN_LENGTH_MAX = 200;
