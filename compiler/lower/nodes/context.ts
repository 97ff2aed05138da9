/** What the lowering of one node sees and adds to. */
import type { SocDescription } from "../../../protocol/isa/index.ts";
import type { AttributeReader, Node, Tensor, TensorType } from "../../ir/index.ts";
import type { Arrangement } from "../arrangement.ts";
import type { Gathered } from "../gathered.ts";
import type { Grid } from "../grid.ts";
import type { LoweringOptions } from "../options.ts";
import type { Phased } from "../phased.ts";
import type { Stage, Value, ValueId } from "../stage.ts";

export interface GatheredValue extends Gathered {
  readonly value: ValueId;
}

/** How a tensor lies. */
export interface Placed {
  readonly grid: Grid;
  readonly arrangement: Arrangement;
}

/** Where a tensor of the graph lies. */
export interface Placement extends Placed {
  readonly value: ValueId;
}

export interface NodeContext {
  readonly node: Node;
  readonly attributes: AttributeReader;
  readonly options: LoweringOptions;
  readonly soc: SocDescription;
  /** Type of an input; throws UNSUPPORTED_OP where it is missing or no activation's. */
  type(input: number): TensorType;
  readonly outputType: TensorType;
  /** The nodes that read the output. */
  readonly readers: readonly Node[];
  constant(input: number): Tensor | undefined;
  /** Whether the input's producer clamps it at zero or above, or keeps what does. */
  neverNegative(input: number): boolean;
  /** Whether lanes beyond the input's last channel are known to hold its zero point. */
  hasEmptyLanes(input: number): boolean;
  /** The input, however it lies; throws UNSUPPORTED_OP for a constant. */
  placement(input: number): Placement;
  /** Of its placement. */
  value(input: number): ValueId;
  /** The usual grid of the output. */
  readonly outputGrid: Grid;
  /** The input as an image, or as pixels in a row; throws UNSUPPORTED_OP where it is none. */
  image(input: number): ValueId;
  phased(input: number): Phased | undefined;
  /** How a model's input was brought in, where not as it is. */
  gathered(input: number): GatheredValue | undefined;
  readonly staysPhased: boolean;
  /** Declares the output to be phased. */
  setPhased(phased: Phased): void;
  grid(value: ValueId): Grid;
  /** Cycles of the matrix engine for a value, where it made it; noted by the value's stage. */
  readonly matrixCycles: Map<ValueId, number>;
  /** A new value for the node's output, in the usual order unless placed otherwise. */
  output(placed?: Placed): ValueId;
  /** A new value inside the node. */
  temporary(grid: Grid, zeroPoint: number): ValueId;
  /** Declares the output to be a value under another name. */
  alias(value: ValueId, arrangement: Arrangement): void;
  /** Whether a value may become channel tiles of another one: it is no input's, and no part or whole yet. */
  canEmbed(value: ValueId): boolean;
  embed(value: ValueId, within: NonNullable<Value["within"]>): void;
  add(stage: Stage): void;
}
