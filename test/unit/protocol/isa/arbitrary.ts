/** Random instructions, generated from the field types of the instruction table. */
import fc from "fast-check";
import type { Arbitrary } from "fast-check";
import { ISA, MICRO_OPS } from "../../../../protocol/isa/index.ts";
import type {
  Address,
  FieldType,
  Instruction,
  MicroCode,
  MicroOp,
  MicroOpName,
  Mnemonic,
  Operand,
  Window,
} from "../../../../protocol/isa/index.ts";

const whole = (min: number, max: number): Arbitrary<number> => fc.integer({ min, max });
const u8 = whole(0, 255);
const u16 = whole(0, 65_535);
const u32 = whole(0, 2 ** 32 - 1);
const i32 = whole(-(2 ** 31), 2 ** 31 - 1);

const address: Arbitrary<Address> = fc.record({ region: u16, offset: whole(0, 2 ** 48 - 1) });

const window: Arbitrary<Window> = fc.record({
  table: address,
  originY: i32,
  originX: i32,
  rowPitch: u32,
  tilePitch: u32,
  strideY: u8,
  strideX: u8,
});

const operand: Arbitrary<Operand> = fc.oneof(
  fc.record({ kind: fc.constant("linear" as const), address, strideBytes: i32 }),
  fc.record({ kind: fc.constant("window" as const), window }),
  fc.record({ kind: fc.constant("pixels" as const), table: address, offsetBytes: i32 }),
);

/** Unused fields are zero: the text form does not carry them. */
export const microOp: Arbitrary<MicroOp> = fc
  .constantFrom(...(Object.keys(MICRO_OPS) as MicroOpName[]))
  .chain((op) => {
    const row = MICRO_OPS[op];
    const index = (use: string): Arbitrary<number> => (use === "-" ? fc.constant(0) : u8);
    const immediate: Record<string, Arbitrary<number>> = {
      "-": fc.constant(0),
      i32,
      f32: fc.float({ noNaN: true }),
      tap: whole(0, 65_535),
      place: whole(0, 2 ** 31 - 1),
    };
    return fc.record({
      op: fc.constant(op),
      d: index(row.d),
      a: index(row.a),
      b: index(row.b),
      immediate: immediate[row.immediate]!,
    });
  });

const microOps = fc.array(microOp, { maxLength: 4 });
const code: Arbitrary<MicroCode> = fc.record({
  prologue: microOps,
  body: microOps,
  epilogue: microOps,
});

const FIELDS: Readonly<Record<FieldType, Arbitrary<unknown>>> = {
  u8,
  u16,
  u32,
  i16: whole(-32_768, 32_767),
  i32,
  address,
  window,
  operands: fc.array(operand, { maxLength: 4 }),
  code,
};

/** Any value of every field: not what a verifier accepts, but what the encoding carries. */
export const instruction: Arbitrary<Instruction> = fc
  .constantFrom(...(Object.keys(ISA) as Mnemonic[]))
  .chain((op) => {
    const fields = Object.entries(ISA[op].fields as Readonly<Record<string, FieldType>>);
    return fc.record({
      op: fc.constant(op),
      ...Object.fromEntries(fields.map(([name, type]) => [name, FIELDS[type]])),
      waits: fc.array(fc.record({ semaphore: u16, value: u32 }), { maxLength: 16 }),
      signals: fc.array(u16, { maxLength: 4 }),
      origin: u32,
    });
  }) as unknown as Arbitrary<Instruction>;
