/** Limits of signed metadata, with names. */

export const ROOT_BYTES_MAX = 512_000;
export const TIMESTAMP_BYTES_MAX = 16_384;
export const SNAPSHOT_BYTES_MAX = 2_000_000;
export const TARGETS_BYTES_MAX = 5_000_000;
export const DIRECTOR_KEYS_BYTES_MAX = 65_536;
export const ASSIGNMENT_BYTES_MAX = 16_384;

/** Bundles that one order recalls, and that a device remembers as recalled or revoked. */
export const RECALLED_MAX = 64;
export const HARDWARE_POLICY_BYTES_MAX = 65_536;
export const PROVENANCE_BYTES_MAX = 65_536;
/** Kernels of vendors that one driver names. */
export const NAMED_KERNELS_MAX = 256;

export const ROOT_ROTATIONS_MAX = 256;
/** Roles visited in the search for one target. */
export const DELEGATED_ROLES_MAX = 32;
/** TAP 15: at most 2^32 bins, for the first 32 bits of the path's hash choose one. */
export const SUCCINCT_BITS_MAX = 32;
export const KEYS_PER_ROLE_MAX = 64;
export const SIGNATURES_MAX = 128;
export const JSON_DEPTH_MAX = 32;
export const VERSION_MAX = 2 ** 31 - 1;
export const TARGET_BYTES_MAX = 1 << 30;
/** Timestamp and snapshot may have run out so long ago where a stick brings them with an order that names them. */
export const AIR_GAPPED_MS_MAX = 31 * 24 * 3600 * 1000;
