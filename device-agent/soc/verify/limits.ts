/** Bounds on what the verifier and the machine accept. */

export const INSTRUCTIONS_MAX = 1 << 20;
/** Tile products of one hmx.mac. */
export const TILE_PRODUCTS_MAX = 1 << 16;
/** Runs of one dma.copy. */
export const COPY_RUNS_MAX = 1 << 18;
/** Bytes of one dma.copy. */
export const COPY_BYTES_MAX = 1 << 30;
/** Vectors of one hvx.run. */
export const VECTORS_MAX = 1 << 20;
/** Elements that one gather may choose from. */
export const GATHERED_MAX = 1 << 20;
/** Spans that all instructions of a segment access together: bounds the verifier's time. */
export const SPANS_MAX = 1 << 26;
/** Chip cycles of one inference: about a second, a hundred times what the largest known network takes. */
export const CYCLES_MAX = 1_500_000_000;
/** Stages of one CPU segment. */
export const STAGES_MAX = 1 << 16;
export const SEGMENTS_MAX = 256;
/** Memory of all CPU segments together: weights, activations and ports of the largest known networks in float32. */
export const CPU_MEMORY_BYTES_MAX = 2 ** 31;
