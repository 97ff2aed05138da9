/** Crouton pointer tables: their content is known before the run, because one copy loads them and nothing else writes there. */
import { spansMeet, VTCM_REGION } from "../../../protocol/isa/index.ts";
import type { Instruction, InstructionOf, ReadPointer, Span } from "../../../protocol/isa/index.ts";
import type { HtpSegment, Program } from "../../../protocol/program/index.ts";
import { CodedError } from "../../../protocol/base/result.ts";
import { refuse } from "./refusal.ts";
import type { Place, VerifyCode } from "./refusal.ts";

export interface PointerTables {
  readonly pointer: ReadPointer;
  /** Refuses every write into the tables but the one copy that loads them. */
  checkWrites(instruction: Instruction, writes: readonly Span[], place: Place): void;
  /** Refuses tables that nothing loaded. */
  checkLoaded(): void;
}

export function pointerTables(program: Program, segment: HtpSegment): PointerTables {
  const { vtcmOffset, bytes } = segment.tables;
  const entries = entriesOf(program, segment);
  const area: Span = { region: VTCM_REGION, offset: vtcmOffset, bytes };
  let loaded = false;
  return {
    pointer: (offset) => {
      const index = (offset - vtcmOffset) / 4;
      return Number.isInteger(index) ? entries[index] : undefined;
    },
    checkWrites: (instruction, writes, place) => {
      if (!writes.some((write) => spansMeet(write, area))) return;
      const isLoad = instruction.op === "dma.copy" && loads(instruction, segment);
      if (!isLoad || loaded) refuse("BAD_POINTER_TABLE", place, "writes into the pointer tables");
      loaded = true;
    },
    checkLoaded: () => {
      if (!loaded && bytes > 0) refuseTables("no copy loads the pointer tables");
    },
  };
}

function refuseTables(what: string): never {
  throw new CodedError<VerifyCode>("BAD_POINTER_TABLE", what);
}

function entriesOf(program: Program, segment: HtpSegment): Uint32Array {
  const { vtcmOffset, bytes, region, regionOffset } = segment.tables;
  if (bytes === 0) return new Uint32Array(0);
  const home = program.regions[region];
  const vtcmBytes = program.regions[VTCM_REGION]?.bytes ?? 0;
  if (home?.kind !== "weights") return refuseTables("the pointer tables are in no weights region");
  const blob = program.blobs.get(home.sha256);
  if (blob === undefined || regionOffset + bytes > blob.length || bytes % 4 !== 0) {
    return refuseTables("the pointer tables leave their weights region or end within an entry");
  }
  if (vtcmOffset + bytes > vtcmBytes) return refuseTables("the pointer tables leave VTCM");
  const entries = new Uint32Array(bytes / 4);
  const view = new DataView(blob.buffer, blob.byteOffset + regionOffset, bytes);
  for (let index = 0; index < entries.length; index++) {
    const entry = view.getUint32(index * 4, true);
    if (entry >= vtcmBytes) {
      refuseTables(`entry ${index} of the pointer tables, 0x${entry.toString(16)}, leaves VTCM`);
    }
    entries[index] = entry;
  }
  return entries;
}

/** Whether the copy brings the whole tables, and each of their bytes from its own place. */
function loads(copy: InstructionOf<"dma.copy">, segment: HtpSegment): boolean {
  const { vtcmOffset, bytes, region, regionOffset } = segment.tables;
  const { source, destination } = copy;
  const before = vtcmOffset - destination.offset;
  const isOneRun = copy.rows === 1 && copy.planes === 1;
  const isPlaced = source.region === region && source.offset + before === regionOffset;
  return isOneRun && isPlaced && before >= 0 && before + bytes <= copy.bytes;
}
