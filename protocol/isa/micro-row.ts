/** What a row of the micro-op table says. */

/** What a chip may lack: a program that uses it is refused there. */
export type Feature = "fp16" | "fp16_functions";

/** Resources of one HVX packet that a micro-op takes, counted in native vector operations. */
export interface Resources {
  readonly load: number;
  readonly store: number;
  readonly multiply: number;
  readonly alu: number;
  readonly permute: number;
}

/** What a micro-op does with the operand it names. */
export interface MicroAccess {
  readonly kind: "load" | "store" | "lookup";
  /** Bytes that one vector touches of a linear operand; with `counted`, of one of `immediate` elements. */
  readonly bytes: number;
  readonly counted?: true;
  /** Bits of the elements, where the operand may also be a window or pixels. */
  readonly pixelBits?: 8 | 16;
  /** The strides of a window divide instead of multiplying. */
  readonly enlarged?: true;
}

export interface MicroRow {
  readonly code: number;
  /** What each of d, a, b and the immediate is; "-" is unused. */
  readonly d: "register" | "-";
  readonly a: "register" | "operand" | "-";
  readonly b: "register" | "operand" | "-";
  /** `tap`: dy * 256 + dx; `place`: tile * 65536 + dy * 256 + dx. */
  readonly immediate: "i32" | "f32" | "tap" | "place" | "-";
  readonly uses: Resources;
  readonly access?: MicroAccess;
  /** Reads its destination: "accumulates" in each vector, "reduces" over the vectors of the body. */
  readonly destination?: "accumulates" | "reduces";
  readonly feature?: Feature;
  readonly doc: string;
}

export const uses = (some: Partial<Resources>): Resources => ({
  load: 0,
  store: 0,
  multiply: 0,
  alu: 0,
  permute: 0,
  ...some,
});

type Shape = readonly [MicroRow["d"], MicroRow["a"], MicroRow["b"], MicroRow["immediate"]];
type Rest = Pick<MicroRow, "access" | "destination" | "feature" | "doc"> & {
  readonly uses: Partial<Resources>;
};

export const micro = (code: number, shape: Shape, rest: Rest): MicroRow => ({
  ...rest,
  code,
  d: shape[0],
  a: shape[1],
  b: shape[2],
  immediate: shape[3],
  uses: uses(rest.uses),
});

/** d <- f(a, b). */
export const BINARY: Shape = ["register", "register", "register", "-"];
/** d <- f(a). */
export const UNARY: Shape = ["register", "register", "-", "-"];
