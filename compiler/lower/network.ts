/** The graph as values in croutons and the stages that make them. */
import { present } from "../../protocol/base/assert.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import { attributesOf, consumersOf, sameShape } from "../ir/index.ts";
import type { Encoding, Graph, Node, TensorType } from "../ir/index.ts";
import { canonicalArrangement, regrouped, sameArrangement } from "./arrangement.ts";
import type { Arrangement } from "./arrangement.ts";
import { storedEncoding } from "./encoding.ts";
import { noLowering, unsupported } from "./failure.ts";
import { FORMATS, isFormat } from "./format.ts";
import { channelsLastGrid, gridOfShape, isDense, sameGrid } from "./grid.ts";
import type { Grid } from "./grid.ts";
import type { GatheredValue, NodeContext, Placement } from "./nodes/context.ts";
import { inUsualOrder } from "./nodes/moves.ts";
import type { Mover } from "./nodes/moves.ts";
import { LOWERINGS } from "./nodes/table.ts";
import type { LoweringOptions } from "./options.ts";
import { gatheredInput } from "./gathered.ts";
import { phasedValues } from "./phased.ts";
import type { Phased } from "./phased.ts";
import { emptyLanes } from "./lanes.ts";
import { neverNegative } from "./sign.ts";
import { exportStage, gatherStage, importStage } from "./stages/ports.ts";
import { exportPhasedStage } from "./stages/phased-port.ts";
import type { Stage, Value, ValueId } from "./stage.ts";

export interface PortValue {
  readonly name: string;
  readonly shape: readonly number[];
  readonly grid: Grid;
  readonly encoding: Encoding;
}

/** Ports lie in memory pixel by pixel, channel fastest. */
export function portBytes({ grid }: PortValue): number {
  return grid.pixels * grid.channels * grid.format.bytes;
}

/** An input's port and how its axes lie on the grid; `isImage` where channels do not come last in the model. */
interface PlacedPort {
  readonly port: PortValue;
  readonly arrangement: Arrangement;
  readonly isImage: boolean;
}

export interface Network {
  readonly values: readonly Value[];
  readonly stages: readonly Stage[];
  readonly inputs: readonly PortValue[];
  readonly outputs: readonly PortValue[];
}

/** Throws CodedError `UNSUPPORTED_OP` naming the node. */
export function buildNetwork(graph: Graph, options: LoweringOptions, soc: SocDescription): Network {
  const builder = new NetworkBuilder(graph, options, soc);
  graph.inputs.forEach((name, index) => builder.input(name, index));
  for (const node of graph.nodes) {
    const lower = LOWERINGS.get(node.op);
    if (lower === undefined) throw noLowering(node);
    lower(builder.context(node));
  }
  graph.outputs.forEach((name, index) => builder.export(name, index));
  return builder.finish();
}

class NetworkBuilder {
  private readonly graph: Graph;
  private readonly options: LoweringOptions;
  private readonly soc: SocDescription;
  private readonly consumers: ReadonlyMap<string, readonly Node[]>;
  private readonly values: Value[] = [];
  private readonly stages: Stage[] = [];
  private readonly known = new Map<string, Omit<Placement, "grid">>();
  private readonly gathered = new Map<string, GatheredValue>();
  private readonly phased = new Map<string, Phased>();
  private readonly mayBePhased: ReadonlySet<string>;
  private readonly matrixCycles = new Map<ValueId, number>();
  private readonly imported = new Set<ValueId>();
  /** Ports that do not lie in the usual order of their shape. */
  private readonly ports = new Map<string, PortValue>();
  private readonly neverNegative: ReadonlySet<string>;
  private readonly emptyLanes: ReadonlySet<string>;

  constructor(graph: Graph, options: LoweringOptions, soc: SocDescription) {
    this.graph = graph;
    this.options = options;
    this.soc = soc;
    this.consumers = consumersOf(graph);
    this.neverNegative = neverNegative(graph);
    this.emptyLanes = emptyLanes(graph);
    const isNarrow = graph.inputs.every((name) => graph.types.get(name)?.dtype === "i8");
    this.mayBePhased = options.phased && isNarrow ? phasedValues(graph) : new Set();
  }

  input(name: string, index: number): void {
    const { port, arrangement, isImage } = this.inputPort(name);
    const { grid, encoding } = port;
    const { zeroPoint } = encoding;
    const region = FIRST_PORT_REGION + index;
    const gathers = this.options.gatherInput.some((dtype) => dtype === grid.format.dtype);
    const gathered = gathers ? gatheredInput(this.graph, name) : undefined;
    const value = this.values.push({ name, grid: gathered?.grid ?? grid, zeroPoint }) - 1;
    this.imported.add(value);
    // Channels last, pixels arrive as croutons hold them; a plane for every channel has to be turned first.
    const turns = this.options.turnPlanes && isImage && grid.format.bytes === 2;
    if (gathered === undefined) {
      this.known.set(name, { value, arrangement });
      this.stages.push(importStage({ node: name, value, grid, zeroPoint, region, turns }));
    } else {
      this.gathered.set(name, { ...gathered, value });
      this.stages.push(
        gatherStage({ node: name, value, grid, zeroPoint, region, turns, gathered }),
      );
    }
  }

  export(name: string, index: number): void {
    const { grid, encoding, shape } = this.port(name);
    const region = FIRST_PORT_REGION + this.graph.inputs.length + index;
    const { zeroPoint } = encoding;
    const phased = this.phased.get(name);
    if (phased !== undefined) {
      const small = this.gridOf(phased.value);
      this.stages.push(exportPhasedStage({ node: name, phased, small, grid, region }));
      return;
    }
    const known = this.known.get(name);
    if (known === undefined) throw unsupported(name, "a constant output");
    const type = present(this.graph.types.get(name), name);
    const node = { name, op: "output", inputs: [], outputs: [], attributes: new Map() };
    const { grid: placed } = present(this.values[known.value], "value");
    const dense = canonicalArrangement(shape, placed);
    const channelsLast = isChannelsLast(shape, known.arrangement, placed);
    const isMatrix = sameOptional(known.arrangement, asMatrix(shape, placed));
    const isDenseOrder =
      (sameArrangement(known.arrangement, dense) || channelsLast || isMatrix) && isDense(placed);
    const value = isDenseOrder
      ? known.value
      : inUsualOrder(this.mover(node), { ...known, grid: placed, zeroPoint }, type);
    const exported = this.gridOf(value);
    this.ports.set(name, { name, shape, grid: exported, encoding });
    this.stages.push(exportStage({ node: name, value, grid: exported, zeroPoint, region }));
  }

  /** Images whose every reader turns them have their channels last. */
  private isReadChannelsLast(name: string): boolean {
    const readers = this.consumers.get(name) ?? [];
    const isTurned = (node: Node): boolean =>
      node.op === "transpose" && sameShape(attributesOf(node).numbers("perm"), [0, 3, 1, 2]);
    return readers.length > 0 && readers.every(isTurned);
  }

  private inputPort(name: string): PlacedPort {
    const usual = this.port(name);
    const { shape } = usual;
    const { format } = usual.grid;
    const gridded = (grid: Grid, arrangement: Arrangement): PlacedPort => {
      const port = { ...usual, grid };
      this.ports.set(name, port);
      return { port, arrangement, isImage: false };
    };
    if (this.isReadChannelsLast(name)) {
      const grid = channelsLastGrid(shape, format);
      return gridded(grid, canonicalArrangement(shape, grid, 3));
    }
    const read = this.shapeRead(name);
    const isMatrix = read && (isPlane(read) || isOfRows(shape, read));
    const grid = isMatrix ? gridOfShape(read, format) : undefined;
    const arrangement = grid && asMatrix(shape, grid);
    if (grid !== undefined && arrangement !== undefined) return gridded(grid, arrangement);
    return { port: usual, arrangement: canonicalArrangement(shape, usual.grid), isImage: true };
  }

  /** The one shape that every reader gives the input. */
  private shapeRead(name: string): readonly number[] | undefined {
    const readers = this.consumers.get(name) ?? [];
    const shapes = readers.map(({ op, outputs }) =>
      op === "reshape" ? this.graph.types.get(outputs[0] ?? "")?.shape : undefined,
    );
    const [first] = shapes;
    return first && shapes.every((shape) => shape && sameShape(shape, first)) ? first : undefined;
  }

  finish(): Network {
    const { values, stages, graph } = this;
    const portOf = (name: string): PortValue => this.ports.get(name) ?? this.port(name);
    return { values, stages, inputs: graph.inputs.map(portOf), outputs: graph.outputs.map(portOf) };
  }

  context(node: Node): NodeContext {
    const { graph } = this;
    const name = (input: number): string => node.inputs[input] ?? "";
    const outputName = node.outputs[0] ?? "";
    const outputType = present(graph.types.get(outputName), `type of ${outputName}`);
    return {
      node,
      attributes: attributesOf(node),
      options: this.options,
      soc: this.soc,
      matrixCycles: this.matrixCycles,
      type: (input) => this.activation(node, name(input)),
      outputType: this.activation(node, outputName),
      readers: this.consumers.get(outputName) ?? [],
      constant: (input) => graph.constants.get(name(input)),
      neverNegative: (input) => this.neverNegative.has(name(input)),
      hasEmptyLanes: (input) => this.emptyLanes.has(name(input)),
      value: (input) => this.placementOf(node, name(input)).value,
      placement: (input) => this.placementOf(node, name(input)),
      outputGrid: this.gridFor(node.name, outputType),
      image: (input) => this.imageOf(node, name(input)),
      gathered: (input) => this.gathered.get(name(input)),
      phased: (input) => this.phased.get(name(input)),
      staysPhased: this.mayBePhased.has(outputName),
      setPhased: (phased) => void this.phased.set(outputName, phased),
      grid: (value) => this.gridOf(value),
      output: (placed) => {
        const { zeroPoint } = storedEncoding(outputType);
        const grid = placed?.grid ?? this.gridFor(node.name, outputType);
        const arrangement = placed?.arrangement ?? canonicalArrangement(outputType.shape, grid);
        const value = this.values.push({ name: outputName, grid, zeroPoint }) - 1;
        this.known.set(outputName, { value, arrangement });
        return value;
      },
      temporary: (grid, zeroPoint) => this.temporary(node.name, grid, zeroPoint),
      alias: (value, arrangement) => void this.known.set(outputName, { value, arrangement }),
      canEmbed: (value) => this.canEmbed(value),
      embed: (value, within) => {
        this.values[value] = { ...present(this.values[value], "value"), within };
      },
      add: (stage) => this.stages.push(stage),
    };
  }

  private gridOf(value: ValueId): Grid {
    return present(this.values[value], "value").grid;
  }

  private canEmbed(value: ValueId): boolean {
    const isWhole = this.values.some((other) => other.within?.value === value);
    return !isWhole && this.values[value]?.within === undefined && !this.imported.has(value);
  }

  private port(name: string): PortValue {
    const type = present(this.graph.types.get(name), `type of ${name}`);
    if (!isFormat(type.dtype) || (type.dtype !== "f16" && !type.quantization)) {
      throw unsupported(name, `a port of type ${type.dtype}`);
    }
    return {
      name,
      shape: type.shape,
      grid: this.gridFor(name, type),
      encoding: storedEncoding(type),
    };
  }

  private activation(node: Node, name: string): TensorType {
    const type = this.graph.types.get(name);
    if (type === undefined || !isFormat(type.dtype)) {
      throw unsupported(node.name, `${type?.dtype ?? "no"} data (${name})`);
    }
    return type;
  }

  private placementOf(node: Node, name: string): Placement {
    const known = this.known.get(name);
    if (known === undefined) throw unsupported(node.name, `the constant operand ${name}`);
    return { ...known, grid: this.gridOf(known.value) };
  }

  /** The value of an image: channels second, pixels where their neighbours are. */
  private imageOf(node: Node, name: string): ValueId {
    const placement = this.placementOf(node, name);
    const type = this.activation(node, name);
    if (type.shape.length === 4 && type.shape[0] !== 1) {
      throw unsupported(node.name, "several images at once");
    }
    const { zeroPoint } = present(this.values[placement.value], "value");
    const image = inUsualOrder(this.mover(node), { ...placement, zeroPoint }, type);
    // Other readers find it in order.
    const wanted = canonicalArrangement(type.shape, this.gridOf(image));
    this.known.set(name, { value: image, arrangement: wanted });
    return image;
  }

  private mover(node: Node): Mover {
    return {
      node,
      temporary: (grid, zeroPoint) => this.temporary(node.name, grid, zeroPoint),
      add: (stage) => this.stages.push(stage),
    };
  }

  private temporary(node: string, grid: Grid, zeroPoint: number): ValueId {
    return this.values.push({ name: `${node}:${this.values.length}`, grid, zeroPoint }) - 1;
  }

  private gridFor(node: string, type: TensorType): Grid {
    const format = isFormat(type.dtype) ? FORMATS[type.dtype] : undefined;
    const grid = format && gridOfShape(type.shape, format);
    if (grid === undefined) throw unsupported(node, `shape [${type.shape.join(", ")}]`);
    if (type.dtype === "f16" && !this.soc.features.includes("fp16")) {
      throw unsupported(node, `fp16, which ${this.soc.name} does not have,`);
    }
    return grid;
  }
}

function isChannelsLast(shape: readonly number[], arrangement: Arrangement, grid: Grid): boolean {
  if (shape.length !== 4) return false;
  const wanted = channelsLastGrid(shape, grid.format);
  return (
    sameGrid(grid, wanted) && sameArrangement(arrangement, canonicalArrangement(shape, grid, 3))
  );
}

/** [1,1,H,W]: elements in their order are its pixels. */
function isPlane([images, channels, ...sides]: readonly number[]): boolean {
  return images === 1 && channels === 1 && sides.length === 2;
}

/** Four axes, of which no image is the first, that are read as rows of channels. */
function isOfRows(shape: readonly number[], read: readonly number[]): boolean {
  return shape.length === 4 && shape[0] !== 1 && read.length === 2;
}

/**
 * The tensor's elements in their order as the grid's pixels, channel fastest. Undefined where an axis would cut
 * through both, and where a port would be taken for an image with its channels second.
 */
function asMatrix(shape: readonly number[], grid: Grid): Arrangement | undefined {
  const isImage = shape.length === 4 && shape[1] === grid.channels && grid.channels > 1;
  const matrix = [grid.pixels, grid.channels];
  return isImage ? undefined : regrouped(canonicalArrangement(matrix, grid), shape);
}

function sameOptional(a: Arrangement, b: Arrangement | undefined): boolean {
  return b !== undefined && sameArrangement(a, b);
}

/** Regions: VTCM, weights, then inputs, outputs and scratch memory. */
export const WEIGHTS_REGION = 1;
export const FIRST_PORT_REGION = 2;
