/** Shadow of VTCM by lines of 128 bytes, the unit in which engines share it; initialisation by bytes. */
import { VECTOR_BYTES } from "../../../protocol/isa/index.ts";
import type { Access, Conflict, Hazard, Shadow } from "./shadow.ts";

const LINE_BITS = 7;
/** 128 bytes are four words of one bit a byte. */
const WORDS = VECTOR_BYTES / 32;

export function lineShadow(bytes: number, lanes: number): Shadow {
  const lines = Math.ceil(bytes / VECTOR_BYTES);
  const marks: Marks = {
    lanes,
    // Index of the last access plus one; 0 is none.
    writer: new Int32Array(lines),
    writerLane: new Uint16Array(lines),
    reader: new Int32Array(lines * lanes),
    full: new Uint8Array(lines),
    written: new Int32Array(lines * WORDS),
  };
  return {
    read: (offset, count, access) => readLines(marks, { offset, count }, access),
    write: (offset, count, access) => writeLines(marks, { offset, count }, access),
    initialise: (offset, count) => initialise(marks, { offset, count }),
    settle: () => {
      marks.writer.fill(0);
      marks.reader.fill(0);
    },
    firstUnwritten: () => {
      const line = marks.full.indexOf(0);
      return line < 0 ? undefined : line * VECTOR_BYTES;
    },
  };
}

interface Marks {
  readonly lanes: number;
  readonly writer: Int32Array;
  readonly writerLane: Uint16Array;
  readonly reader: Int32Array;
  readonly full: Uint8Array;
  readonly written: Int32Array;
}

interface Range {
  readonly offset: number;
  readonly count: number;
}

function readLines(marks: Marks, range: Range, access: Access): Hazard | undefined {
  const { writer, writerLane, reader, full, lanes } = marks;
  const { clock, lane } = access;
  const last = (range.offset + range.count - 1) >> LINE_BITS;
  for (let line = range.offset >> LINE_BITS; line <= last; line++) {
    const by = writerLane[line]!;
    if (writer[line]! > clock[by]!) return conflict(line, by, writer[line]!);
    reader[line * lanes + lane] = access.index + 1;
    if (full[line] !== 1 && !isWritten(marks, line, range)) {
      return { kind: "uninitialised", offset: Math.max(line << LINE_BITS, range.offset) };
    }
  }
  return undefined;
}

function writeLines(marks: Marks, range: Range, access: Access): Hazard | undefined {
  const { writer, writerLane, reader, lanes } = marks;
  const { clock } = access;
  const end = range.offset + range.count;
  for (let line = range.offset >> LINE_BITS; line << LINE_BITS < end; line++) {
    const by = writerLane[line]!;
    if (writer[line]! > clock[by]!) return conflict(line, by, writer[line]!);
    for (let lane = 0; lane < lanes; lane++) {
      const read = reader[line * lanes + lane]!;
      if (read > clock[lane]!) return { ...conflict(line, lane, read), earlier: "reads" };
    }
    writer[line] = access.index + 1;
    writerLane[line] = access.lane;
  }
  return undefined;
}

function initialise(marks: Marks, range: Range): void {
  const { full } = marks;
  const end = range.offset + range.count;
  for (let line = range.offset >> LINE_BITS; line << LINE_BITS < end; line++) {
    if (full[line] === 1) continue;
    const begin = line << LINE_BITS;
    if (begin >= range.offset && begin + VECTOR_BYTES <= end) full[line] = 1;
    else markWritten(marks, line, range);
  }
}

function conflict(line: number, lane: number, mark: number): Conflict {
  return { kind: "race", lane, index: mark - 1, earlier: "writes", offset: line << LINE_BITS };
}

/** The bits of a word of the line that the range covers. */
function coverage(line: number, word: number, range: Range): number {
  const base = (line << LINE_BITS) + word * 32;
  const from = Math.max(range.offset - base, 0);
  const to = Math.min(range.offset + range.count - base, 32);
  if (to <= from) return 0;
  const ones = to - from === 32 ? -1 : (1 << (to - from)) - 1;
  return ones << from;
}

function isWritten(marks: Marks, line: number, range: Range): boolean {
  for (let word = 0; word < WORDS; word++) {
    const needed = coverage(line, word, range);
    if ((needed & ~marks.written[line * WORDS + word]!) !== 0) return false;
  }
  return true;
}

function markWritten(marks: Marks, line: number, range: Range): void {
  let complete = true;
  for (let word = 0; word < WORDS; word++) {
    const bits = marks.written[line * WORDS + word]! | coverage(line, word, range);
    marks.written[line * WORDS + word] = bits;
    if (bits !== -1) complete = false;
  }
  if (complete) marks.full[line] = 1;
}
