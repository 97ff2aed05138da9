/**
 * The instruction set: ONE table. Encoder, decoder, text form and manual are folds over it.
 * Frozen: rows are added, never changed; a code is never reused.
 */

/** A place in memory. `region` indexes the program's region table; region 0 is VTCM. */
export interface Address {
  readonly region: number;
  /** Bytes from the start of the region, below 2^48. */
  readonly offset: number;
}

/**
 * A view of an activation tensor through a table of crouton pointers in VTCM.
 * Pixel (y, x) of channel tile t lies in the crouton whose VTCM offset is the u32 at
 * table + 4 * (t * tilePitch + (y >> 3) * rowPitch + (x >> 3)), at byte ((y & 7) * 8 + (x & 7)) * 32.
 * Output position (row, column) and tap (dy, dx) read pixel
 * (originY + row * strideY + dy, originX + column * strideX + dx), which is never negative:
 * a halo is a pointer to a crouton that holds the zero point.
 */
export interface Window {
  readonly table: Address;
  readonly originY: number;
  readonly originX: number;
  readonly rowPitch: number;
  readonly tilePitch: number;
  readonly strideY: number;
  readonly strideX: number;
}

/** A stream of vectors that the micro-ops of one hvx.run load from or store to. */
export type Operand =
  | { readonly kind: "linear"; readonly address: Address; readonly strideBytes: number }
  | { readonly kind: "window"; readonly window: Window };

/** One micro-op. `a` and `b` are registers or, where the row says so, operand indices. */
export interface MicroOp {
  readonly op: MicroOpName;
  readonly d: number;
  readonly a: number;
  readonly b: number;
  /** An int32, or a float32 for the rows that say so; dy and dx of a window load as dy * 256 + dx. */
  readonly immediate: number;
}

/** Prologue and epilogue run once, the body once a vector. */
export interface MicroCode {
  readonly prologue: readonly MicroOp[];
  readonly body: readonly MicroOp[];
  readonly epilogue: readonly MicroOp[];
}

interface FieldValues {
  u8: number;
  u16: number;
  u32: number;
  i16: number;
  i32: number;
  address: Address;
  window: Window;
  operands: readonly Operand[];
  code: MicroCode;
}
export type FieldType = keyof FieldValues;
export type Engine = "scalar" | "dma" | "hmx" | "hvx";

interface Row<Fields extends Readonly<Record<string, FieldType>>> {
  readonly code: number;
  readonly engine: Engine;
  readonly fields: Fields;
  readonly doc: string;
}
const row = <const Fields extends Readonly<Record<string, FieldType>>>(
  r: Row<Fields>,
): Row<Fields> => r;

export const ISA_VERSION = { major: 1, minor: 0 } as const;
export const VTCM_REGION = 0;
export const CROUTON_BYTES = 2048;
/** int8 croutons: 8 rows x 8 columns x 32 channels, channel fastest. */
export const CROUTON_ROWS = 8;
export const CROUTON_COLUMNS = 8;
export const CROUTON_CHANNELS = 32;
export const VECTOR_BYTES = 128;
export const VECTORS_PER_CROUTON = 16;
export const WEIGHT_TILE_BYTES = 1024;
export const ACCUMULATOR_SETS = 2;
export const VECTOR_REGISTERS = 16;

export const ISA = {
  "dma.copy": row({
    code: 0x10,
    engine: "dma",
    fields: {
      destination: "address",
      source: "address",
      bytes: "u32",
      rows: "u32",
      destinationRowStride: "i32",
      sourceRowStride: "i32",
      planes: "u32",
      destinationPlaneStride: "i32",
      sourcePlaneStride: "i32",
    },
    doc: "Copies planes x rows runs of `bytes` bytes; strides in bytes. Source and destination must not overlap.",
  }),
  "hmx.clear": row({
    code: 0x20,
    engine: "hmx",
    fields: { set: "u8" },
    doc: "Accumulator set <- 0 (64 positions x 32 output channels of int32).",
  }),
  "hmx.load": row({
    code: 0x21,
    engine: "hmx",
    fields: { set: "u8", bias: "address" },
    doc: "Accumulator set <- int32 bias[32] from VTCM, the same for each of the 64 positions.",
  }),
  "hmx.mac": row({
    code: 0x22,
    engine: "hmx",
    fields: {
      set: "u8",
      rows: "u8",
      columns: "u8",
      tapColumns: "u8",
      activations: "window",
      tapBegin: "u16",
      tapCount: "u16",
      dilationY: "u8",
      dilationX: "u8",
      tileBegin: "u16",
      tileCount: "u16",
      weights: "address",
      weightTapPitch: "u32",
      weightTilePitch: "u32",
    },
    doc:
      "For each tap t in [tapBegin, tapBegin + tapCount), each tile k in [tileBegin, tileBegin + tileCount), " +
      "each position (row < rows, column < columns) and output channel o: accumulator += sum over c < 32 of " +
      "int8 activation(pixel, k, c) * int8 weight(t, k, c, o), wrapping int32. " +
      "Tap t has dy = (t div tapColumns) * dilationY, dx = (t mod tapColumns) * dilationX. " +
      "The 1,024-byte weight tile of (t, k) lies at weights + (t - tapBegin) * weightTapPitch + " +
      "(k - tileBegin) * weightTilePitch, byte (c div 2) * 64 + o * 2 + (c mod 2). Other positions are unchanged.",
  }),
  "hmx.store": row({
    code: 0x23,
    engine: "hmx",
    fields: {
      set: "u8",
      mode: "u8",
      rows: "u8",
      columns: "u8",
      destination: "address",
      multipliers: "address",
      zeroPoint: "i16",
      low: "i16",
      high: "i16",
    },
    doc:
      "Requantises the set into one int8 crouton. Mode 0, F32_RNE: convert the accumulator to float32, multiply by " +
      "float32 multipliers[o], round half to even, saturate to int32, add zeroPoint (saturating), clamp to [low, high]. " +
      "Positions outside rows x columns are written with zeroPoint.",
  }),
  "hvx.run": row({
    code: 0x30,
    engine: "hvx",
    fields: { vectors: "u32", rows: "u8", columns: "u16", operands: "operands", code: "code" },
    doc:
      "Runs the micro-ops over `vectors` vectors of 128 lanes. Vector i covers crouton i div 16 of a row of croutons: " +
      "row (i mod 16) div 2, columns (i div 16) * 8 + (i mod 2) * 4 and the three after, 32 channels each. " +
      "Lanes at row >= rows or column >= columns are outside: store_i8 writes its immediate there.",
  }),
} as const;

export type Mnemonic = keyof typeof ISA;
export type FieldsOf<M extends Mnemonic> = {
  readonly [F in keyof (typeof ISA)[M]["fields"]]: (typeof ISA)[M]["fields"][F] extends FieldType
    ? FieldValues[(typeof ISA)[M]["fields"][F]]
    : never;
};

/** Blocks the instruction until the semaphore has been signalled at least `value` times. */
export interface Wait {
  readonly semaphore: number;
  readonly value: number;
}

/** Semaphores only count up, from zero at program start; each is signalled by one queue alone. */
export interface Synchronization {
  readonly waits: readonly Wait[];
  /** Signalled once when the instruction has completed. */
  readonly signals: readonly number[];
  /** Index into the program's op names: which node of the model this instruction works for. */
  readonly origin: number;
}

export type InstructionOf<M extends Mnemonic> = { readonly op: M } & FieldsOf<M> & Synchronization;
export type Instruction = { [M in Mnemonic]: InstructionOf<M> }[Mnemonic];

/** Resources of one HVX packet that a micro-op takes, counted in native vector operations. */
export interface Resources {
  readonly load: number;
  readonly store: number;
  readonly multiply: number;
  readonly alu: number;
  readonly permute: number;
}
const uses = (some: Partial<Resources>): Resources => ({
  load: 0,
  store: 0,
  multiply: 0,
  alu: 0,
  permute: 0,
  ...some,
});

interface MicroRow {
  readonly code: number;
  /** What each of d, a, b and the immediate is; "-" is unused. */
  readonly d: "register" | "-";
  readonly a: "register" | "operand" | "-";
  readonly b: "register" | "operand" | "-";
  readonly immediate: "i32" | "f32" | "tap" | "-";
  readonly uses: Resources;
  readonly doc: string;
}
const micro = (
  code: number,
  shape: readonly [MicroRow["d"], MicroRow["a"], MicroRow["b"], MicroRow["immediate"]],
  rest: { readonly uses: Partial<Resources>; readonly doc: string },
): MicroRow => ({
  code,
  d: shape[0],
  a: shape[1],
  b: shape[2],
  immediate: shape[3],
  uses: uses(rest.uses),
  doc: rest.doc,
});

/**
 * A register holds 128 lanes of 32 bits. Resources are those of the narrowest native form: 128 lanes
 * are one vector of bytes or four of words; lane l is pixel l div 32, channel l mod 32.
 */
export const MICRO_OPS = {
  load_i8: micro(0x01, ["register", "operand", "-", "tap"], {
    uses: { load: 1 },
    doc: "d <- 128 int8, sign-extended. From a window, the tap (dy, dx) is added; an unaligned or strided window costs more loads and permutes.",
  }),
  load_i32: micro(0x02, ["register", "operand", "-", "-"], {
    uses: { load: 4 },
    doc: "d <- 128 words (512 bytes).",
  }),
  load_channel_i8: micro(0x03, ["register", "operand", "-", "-"], {
    uses: { load: 1 },
    doc: "d <- 32 int8, sign-extended, the same for each of the four pixels.",
  }),
  load_channel_i32: micro(0x04, ["register", "operand", "-", "-"], {
    uses: { load: 1 },
    doc: "d <- 32 words, the same for each of the four pixels.",
  }),
  splat_i32: micro(0x05, ["register", "-", "-", "i32"], {
    uses: { alu: 1 },
    doc: "d <- immediate, in every lane.",
  }),
  splat_f32: micro(0x06, ["register", "-", "-", "f32"], {
    uses: { alu: 1 },
    doc: "d <- immediate, in every lane.",
  }),
  add_i32: micro(0x10, ["register", "register", "register", "-"], {
    uses: { alu: 4 },
    doc: "d <- a + b, wrapping.",
  }),
  subtract_i32: micro(0x11, ["register", "register", "register", "-"], {
    uses: { alu: 4 },
    doc: "d <- a - b, wrapping.",
  }),
  multiply_i32: micro(0x12, ["register", "register", "register", "-"], {
    uses: { multiply: 2 },
    doc: "d <- a * b, wrapping; priced for factors of at most 16 bits.",
  }),
  multiply_add_i8: micro(0x13, ["register", "register", "register", "-"], {
    uses: { multiply: 2 },
    doc: "d <- d + a * b, wrapping; a and b hold int8 or int9 values.",
  }),
  minimum_i32: micro(0x14, ["register", "register", "register", "-"], {
    uses: { alu: 4 },
    doc: "d <- min(a, b).",
  }),
  maximum_i32: micro(0x15, ["register", "register", "register", "-"], {
    uses: { alu: 4 },
    doc: "d <- max(a, b).",
  }),
  maximum_i8: micro(0x16, ["register", "register", "register", "-"], {
    uses: { alu: 1 },
    doc: "d <- max(a, b), where a and b hold int8 values.",
  }),
  add_i8: micro(0x17, ["register", "register", "register", "-"], {
    uses: { alu: 2 },
    doc: "d <- a + b, where the sum fits 16 bits.",
  }),
  add_f32: micro(0x20, ["register", "register", "register", "-"], {
    uses: { alu: 4 },
    doc: "d <- a + b, float32.",
  }),
  subtract_f32: micro(0x21, ["register", "register", "register", "-"], {
    uses: { alu: 4 },
    doc: "d <- a - b, float32.",
  }),
  multiply_f32: micro(0x22, ["register", "register", "register", "-"], {
    uses: { multiply: 4 },
    doc: "d <- a * b, float32.",
  }),
  minimum_f32: micro(0x23, ["register", "register", "register", "-"], {
    uses: { alu: 4 },
    doc: "d <- min(a, b), float32.",
  }),
  maximum_f32: micro(0x24, ["register", "register", "register", "-"], {
    uses: { alu: 4 },
    doc: "d <- max(a, b), float32.",
  }),
  divide_f32: micro(0x25, ["register", "register", "register", "-"], {
    uses: { multiply: 24, alu: 24 },
    doc: "d <- a / b, float32, correctly rounded; priced as a reciprocal estimate with Newton steps.",
  }),
  i32_to_f32: micro(0x30, ["register", "register", "-", "-"], {
    uses: { alu: 4 },
    doc: "d <- float32(a), nearest even.",
  }),
  f32_to_i32: micro(0x31, ["register", "register", "-", "-"], {
    uses: { alu: 4 },
    doc: "d <- a rounded half to even, saturated to int32.",
  }),
  table_i8: micro(0x40, ["register", "register", "operand", "i32"], {
    uses: { permute: 4 },
    doc: "d <- int8 at byte (a + immediate) mod 256 of the 256 bytes that operand b starts at.",
  }),
  table_i32: micro(0x41, ["register", "register", "operand", "i32"], {
    uses: { permute: 16 },
    doc: "d <- the word at index (a + immediate) mod 256 of the 1,024 bytes that operand b starts at.",
  }),
  sum_pixels: micro(0x50, ["register", "register", "-", "-"], {
    uses: { alu: 4, permute: 4 },
    doc: "d <- sum over the four pixels of a, wrapping int32, in each pixel.",
  }),
  sum_channels: micro(0x51, ["register", "register", "-", "-"], {
    uses: { alu: 20, permute: 20 },
    doc: "d <- sum over the 32 channels of a's pixel, wrapping int32, in each channel.",
  }),
  maximum_channels: micro(0x52, ["register", "register", "-", "-"], {
    uses: { alu: 20, permute: 20 },
    doc: "d <- maximum over the 32 channels of a's pixel, int32, in each channel.",
  }),
  accumulate_add: micro(0x58, ["register", "register", "-", "-"], {
    uses: { alu: 4 },
    doc: "Declared reduction over vectors: d <- d + a, wrapping int32. Body only; d starts from the prologue and is read in the epilogue.",
  }),
  accumulate_max: micro(0x59, ["register", "register", "-", "-"], {
    uses: { alu: 4 },
    doc: "Declared reduction over vectors: d <- max(d, a), int32. As accumulate_add.",
  }),
  store_i8: micro(0x60, ["-", "register", "operand", "i32"], {
    uses: { store: 1, permute: 2 },
    doc: "Operand b <- a saturated to int8 (128 bytes, linear); lanes outside rows x columns get the immediate.",
  }),
  store_i32: micro(0x61, ["-", "register", "operand", "-"], {
    uses: { store: 4 },
    doc: "Operand b <- 128 words (512 bytes, linear).",
  }),
  store_channel_i32: micro(0x62, ["-", "register", "operand", "-"], {
    uses: { store: 1 },
    doc: "Operand b <- the 32 words of pixel 0 (128 bytes, linear).",
  }),
} as const satisfies Readonly<Record<string, MicroRow>>;

export type MicroOpName = keyof typeof MICRO_OPS;

/** One in-order instruction stream. `core` is 0 on phones; cloud parts have more. */
export interface QueueId {
  readonly core: number;
  readonly engine: Engine;
  readonly index: number;
}

export interface Stream {
  readonly queue: QueueId;
  readonly instructions: readonly Instruction[];
}
