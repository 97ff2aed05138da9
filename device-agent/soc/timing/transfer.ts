/** What one dma.copy moves, by memory level. */
import { VTCM_REGION } from "../../../protocol/isa/index.ts";
import type { InstructionOf, SocDescription } from "../../../protocol/isa/index.ts";

export interface Transfer {
  /** Bytes that DDR is charged for: short runs count as whole bursts, neighbouring runs as one. */
  readonly ddrBytesCharged: number;
  /** Bytes that the VTCM side moves when DDR is not involved. */
  readonly vtcmBytes: number;
  readonly ddrReadBytes: number;
  readonly ddrWriteBytes: number;
}

export function transferOf(copy: InstructionOf<"dma.copy">, soc: SocDescription): Transfer {
  const fromDdr = copy.source.region !== VTCM_REGION;
  const toDdr = copy.destination.region !== VTCM_REGION;
  const bytes = copy.bytes * copy.rows * copy.planes;
  const charged = (rowStride: number, planeStride: number): number =>
    chargedBytes(copy, { rowStride, planeStride }, soc.dma.burstBytes);
  const read = fromDdr ? charged(copy.sourceRowStride, copy.sourcePlaneStride) : 0;
  const written = toDdr ? charged(copy.destinationRowStride, copy.destinationPlaneStride) : 0;
  return {
    ddrBytesCharged: read + written,
    vtcmBytes: fromDdr || toDdr ? 0 : bytes,
    ddrReadBytes: fromDdr ? bytes : 0,
    ddrWriteBytes: toDdr ? bytes : 0,
  };
}

function chargedBytes(
  copy: Pick<InstructionOf<"dma.copy">, "bytes" | "rows" | "planes">,
  strides: { readonly rowStride: number; readonly planeStride: number },
  burstBytes: number,
): number {
  let runBytes = copy.bytes;
  let runs = copy.rows * copy.planes;
  if (copy.rows === 1 || strides.rowStride === runBytes) {
    runBytes *= copy.rows;
    runs = copy.planes;
    if (copy.planes === 1 || strides.planeStride === runBytes) {
      runBytes *= copy.planes;
      runs = 1;
    }
  }
  return runs * Math.max(runBytes, burstBytes);
}
