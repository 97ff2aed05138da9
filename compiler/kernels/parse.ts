/**
 * Kernel files (*.hvx): one kernel a file, one statement a line, # starts a comment.
 *
 *   kernel NAME              first statement
 *   operand NAME             a stream of vectors; NAME[COUNT] is a family of COUNT
 *   parameter NAME           an immediate given at instantiation; NAME[COUNT] likewise
 *   prologue | body | epilogue
 *   repeat COUNT … end       COUNT times, 0 leaves it out; NAME[] inside is the family's member
 *   MICRO_OP TERM…           the instruction table's slots in the order d, a, b, immediate
 */
import { CodedError } from "../../protocol/base/result.ts";
import { isMicroOpName } from "../../protocol/isa/codec.ts";
import type { Declaration, Kernel, Line, Term } from "./kernel.ts";
import { MICRO_OPS, termCounts } from "./micro-ops.ts";

const SECTIONS = ["prologue", "body", "epilogue"] as const;
type Section = (typeof SECTIONS)[number];
const NAME = /^[a-z][a-z0-9_]*$/;
const FAMILY = /^([a-z][a-z0-9_]*)\[([a-z0-9_]*)\]$/;

/** Throws CodedError `BAD_KERNEL` with the file's name and line. */
export function parseKernel(text: string, file: string): Kernel {
  const reader = new KernelReader(file);
  text.split("\n").forEach((raw, index) => {
    const words = (raw.split("#")[0] ?? "").trim().split(/\s+/);
    if (words[0] !== "") reader.statement(words, index + 1);
  });
  return reader.finish();
}

class KernelReader {
  private readonly file: string;
  private name = "";
  private line = 0;
  private readonly operands: Declaration[] = [];
  private readonly parameters: Declaration[] = [];
  private readonly sections: Record<Section, Line[]> = { prologue: [], body: [], epilogue: [] };
  private section: Section | undefined;
  /** The repeats that are open, innermost last. */
  private readonly open: { readonly count: string; readonly lines: Line[] }[] = [];

  constructor(file: string) {
    this.file = file;
  }

  statement(words: readonly string[], line: number): void {
    this.line = line;
    const [first = "", ...rest] = words;
    if (this.name === "" && first !== "kernel") throw this.bad("the first statement is `kernel`");
    if (first === "kernel") this.name = this.single(rest);
    else if (first === "operand") this.operands.push(this.declaration(rest));
    else if (first === "parameter") this.parameters.push(this.declaration(rest));
    else if (isSection(first)) this.begin(first, rest);
    else if (first === "repeat") this.open.push({ count: this.single(rest), lines: [] });
    else if (first === "end") this.close(rest);
    else this.append(this.microOp(first, rest));
  }

  finish(): Kernel {
    if (this.name === "") throw this.bad("the file is empty");
    if (this.open.length > 0) throw this.bad("a repeat is not closed");
    const { name, operands, parameters, sections } = this;
    return { name, operands, parameters, ...sections };
  }

  private begin(section: Section, rest: readonly string[]): void {
    if (rest.length > 0 || this.open.length > 0) throw this.bad(`${section} stands alone`);
    this.section = section;
  }

  private close(rest: readonly string[]): void {
    const closed = this.open.pop();
    if (closed === undefined || rest.length > 0) throw this.bad("end without repeat");
    this.append({ kind: "repeat", ...closed });
  }

  private append(line: Line): void {
    const target = this.open.at(-1)?.lines ?? (this.section && this.sections[this.section]);
    if (target === undefined) throw this.bad("a micro-op stands before the first section");
    target.push(line);
  }

  private microOp(op: string, words: readonly string[]): Line {
    if (!isMicroOpName(op)) throw this.bad(`there is no micro-op ${op}`);
    const [fewest, most] = termCounts(MICRO_OPS[op]);
    if (words.length < fewest || words.length > most) throw this.bad(`${op} takes ${most} terms`);
    return { kind: "micro", op, terms: words.map((word) => this.term(word)) };
  }

  private term(word: string): Term {
    if (/^-?\d+$/.test(word)) return { kind: "number", value: Number(word) };
    if (NAME.test(word)) return { kind: "name", name: word };
    const [, name, index] = FAMILY.exec(word) ?? [];
    if (name === undefined || index !== "") throw this.bad(`"${word}" is no term`);
    return { kind: "indexed", name };
  }

  private declaration(words: readonly string[]): Declaration {
    const [word = ""] = words;
    const [, family, count] = FAMILY.exec(word) ?? [];
    if (words.length === 1 && family !== undefined && count) return { name: family, count };
    return { name: this.single(words), count: undefined };
  }

  private single(words: readonly string[]): string {
    const [word = ""] = words;
    if (words.length !== 1 || !NAME.test(word)) throw this.bad("one name is expected");
    return word;
  }

  private bad(what: string): CodedError<"BAD_KERNEL"> {
    const place = { file: this.file, line: this.line };
    return new CodedError("BAD_KERNEL", `${this.file}:${this.line}: ${what}`, place);
  }
}

function isSection(word: string): word is Section {
  return (SECTIONS as readonly string[]).includes(word);
}
