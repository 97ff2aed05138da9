/** What a row of the instruction table says. */

export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128";

/** What follows the opcode: a memory argument (alignment, offset), a lane number, both, or nothing. */
export type Immediate = "memory" | "lane" | "memory lane";

/** Opcode (behind the table's prefix), signature as "operands -> result", immediates. */
export type Row = readonly [opcode: number, signature: string, immediate?: Immediate];
