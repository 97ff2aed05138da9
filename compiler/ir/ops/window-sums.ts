/** The sums of convolutions: of any one element, and of all. */
import { product } from "../../../protocol/base/integers.ts";
import { ADD_PRODUCTS, BLOCK } from "../blocked-sums.ts";
import type { AddProducts } from "../blocked-sums.ts";
import { lifted } from "./window.ts";
import type { Reach, WindowAxis } from "./window.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, min } = Math;

/** A convolution over any spatial axes, and how it finds its weights and elements. */
export interface Convolution {
  readonly batch: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly groups: number;
  readonly axes: readonly WindowAxis[];
  readonly reach: (axis: WindowAxis) => readonly Reach[];
  /** Weights of one filter plane. */
  readonly taps: number;
  /** The first weight of an output channel, and the way to its next input channel's. */
  readonly firstWeight: (channel: number) => number;
  readonly weightStep: number;
}

/** Stored operands and what their zeros are stored as, per tensor or per output channel. */
export interface Factors {
  readonly x: ArrayLike<number>;
  readonly w: ArrayLike<number>;
  readonly zeroX: number;
  readonly zeroW: (channel: number) => number;
}

/** What each place of the output meets: positions in an input plane and in a filter plane. */
interface Meetings {
  readonly places: number;
  /** Room for so many meetings a place; `counts` says how many there are. */
  readonly room: number;
  readonly counts: Int32Array;
  readonly sources: Int32Array;
  readonly taps: Int32Array;
}

function meetingsOf(whole: Convolution): Meetings {
  const axes = lifted(whole.axes);
  const [z, y, x] = axes;
  const [deep = [], high = [], wide = []] = axes.map(whole.reach);
  const [places, room] = [z.count * y.count * x.count, whole.taps];
  const counts = new Int32Array(places);
  const [sources, taps] = [new Int32Array(places * room), new Int32Array(places * room)];
  for (let place = 0; place < places; place++) {
    const inward = deep[floor(place / (x.count * y.count))];
    const [down, across] = [high[floor(place / x.count) % y.count], wide[place % x.count]];
    if (!inward || !down || !across) continue;
    const lines = inward.taps.length * down.taps.length;
    let at = place * room;
    for (let each = 0; each < lines * across.taps.length; each++, at++) {
      const column = each % across.taps.length;
      const line = floor(each / across.taps.length);
      const [dz, dy] = [floor(line / down.taps.length), line % down.taps.length];
      const row = inward.sources[dz]! * y.size + down.sources[dy]!;
      sources[at] = row * x.size + across.sources[column]!;
      const tap = inward.taps[dz]! * y.kernel + down.taps[dy]!;
      taps[at] = tap * x.kernel + across.taps[column]!;
    }
    counts[place] = at - place * room;
  }
  return { places, room, counts, sources, taps };
}

/** The sum without bias of the output element at a row-major index; float64, exact for integers. */
export function windowSums(whole: Convolution, factors: Factors): (index: number) => number {
  const { x, w, zeroX, zeroW } = factors;
  const { places, room, counts, sources, taps } = meetingsOf(whole);
  const perGroup = whole.inChannels / whole.groups;
  const outPerGroup = whole.outChannels / whole.groups;
  const volume = product(whole.axes.map((axis) => axis.size));
  const { weightStep } = whole;
  return (index) => {
    const place = index % places;
    const channel = floor(index / places) % whole.outChannels;
    const batch = floor(index / (places * whole.outChannels));
    let from = (batch * whole.inChannels + floor(channel / outPerGroup) * perGroup) * volume;
    let weights = whole.firstWeight(channel);
    const shift = zeroW(channel);
    const [first, last] = [place * room, place * room + counts[place]!];
    let sum = 0;
    for (let c = 0; c < perGroup; c++, from += volume, weights += weightStep) {
      for (let at = first; at < last; at++) {
        sum += (x[from + sources[at]!]! - zeroX) * (w[weights + taps[at]!]! - shift);
      }
    }
    return sum;
  };
}

/** How all sums of a convolution are formed: from the bias on, tap by tap and channel by channel. */
export interface SumRule {
  readonly arithmetic: keyof typeof ADD_PRODUCTS;
  readonly bias: ArrayLike<number> | undefined;
}

/** The sums of all output elements, row-major, with the bits of the rules for one element. */
export function allWindowSums(whole: Convolution, factors: Factors, rule: SumRule): Float64Array {
  const meetings = meetingsOf(whole);
  const x = channelsLast(whole, factors);
  const result = new Float64Array(whole.batch * whole.outChannels * meetings.places);
  const outPerGroup = whole.outChannels / whole.groups;
  for (let group = 0; group < whole.groups; group++) {
    for (let inside = 0; inside < outPerGroup; inside += BLOCK) {
      const first = group * outPerGroup + inside;
      const channels = { group, first, count: min(BLOCK, outPerGroup - inside) };
      addBlock({ whole, meetings, x, result }, channels, {
        add: ADD_PRODUCTS[rule.arithmetic],
        filters: filtersOf(whole, factors, channels),
        bias: Float64Array.from({ length: BLOCK }, (_, lane) => rule.bias?.[first + lane] ?? 0),
      });
    }
  }
  return result;
}

/** Output channels of one group whose sums are formed together. */
interface Channels {
  readonly group: number;
  readonly first: number;
  readonly count: number;
}

interface Sums {
  readonly whole: Convolution;
  readonly meetings: Meetings;
  readonly x: Float64Array;
  readonly result: Float64Array;
}

interface BlockRule {
  readonly add: AddProducts;
  readonly filters: Float64Array;
  readonly bias: Float64Array;
}

function addBlock({ whole, meetings, x, result }: Sums, channels: Channels, rule: BlockRule): void {
  const { places, room, counts, sources, taps } = meetings;
  const { add, bias, filters } = rule;
  const depth = whole.inChannels / whole.groups;
  const volume = product(whole.axes.map((axis) => axis.size));
  const sums = new Float64Array(BLOCK);
  const block = { sums, x, filters, depth };
  for (let each = 0; each < whole.batch * places; each++) {
    const [image, place] = [floor(each / places), each % places];
    const from = (image * whole.groups + channels.group) * volume;
    sums.set(bias);
    for (let at = place * room; at < place * room + counts[place]!; at++) {
      add(block, (from + sources[at]!) * depth, taps[at]! * depth);
    }
    const to = (image * whole.outChannels + channels.first) * places + place;
    for (let lane = 0; lane < channels.count; lane++) result[to + lane * places] = sums[lane]!;
  }
}

/** x less its zero: [batch][group][place][channel of the group]. */
function channelsLast(whole: Convolution, { x, zeroX }: Factors): Float64Array {
  const depth = whole.inChannels / whole.groups;
  const volume = product(whole.axes.map((axis) => axis.size));
  const turned = new Float64Array(x.length);
  for (let plane = 0; plane < x.length / volume; plane++) {
    const to = (plane - (plane % depth)) * volume + (plane % depth);
    for (let place = 0; place < volume; place++) {
      turned[to + place * depth] = x[plane * volume + place]! - zeroX;
    }
  }
  return turned;
}

/** The filters of a block less their zeros, element by element: [tap][channel of the group][BLOCK]. */
function filtersOf(whole: Convolution, { w, zeroW }: Factors, channels: Channels): Float64Array {
  const depth = whole.inChannels / whole.groups;
  const filters = new Float64Array(whole.taps * depth * BLOCK);
  for (let lane = 0; lane < channels.count; lane++) {
    const first = whole.firstWeight(channels.first + lane);
    const zero = zeroW(channels.first + lane);
    for (let element = 0; element < whole.taps * depth; element++) {
      const [tap, channel] = [floor(element / depth), element % depth];
      filters[element * BLOCK + lane] = w[first + channel * whole.weightStep + tap]! - zero;
    }
  }
  return filters;
}
