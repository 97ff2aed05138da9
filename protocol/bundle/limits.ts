/** Limits of a driver bundle, with names. */

export const BUNDLE_BYTES_MAX = 64 << 20;
export const BUNDLE_FILES_MAX = 1024;
export const MANIFEST_BYTES_MAX = 1 << 20;
export const PATH_LENGTH_MAX = 200;
export const SOCS_MAX = 64;
/** Deltas that lead to one bundle. */
export const DELTAS_MAX = 64;
export const DELTA_INDEX_BYTES_MAX = 1 << 16;
