/** Instructions as text: what is printed can be parsed. One instruction a line. */
import { CodedError } from "../base/result.ts";
import { fieldTypesOf, isMicroOpName, isMnemonic } from "./codec.ts";
import { placeImmediate, placeOf, tapOf } from "./place.ts";
import { MICRO_OPS, PHASES } from "./table.ts";
import type {
  Address,
  FieldType,
  Instruction,
  MicroCode,
  MicroOp,
  Operand,
  Wait,
  Window,
} from "./table.ts";

export function printInstruction(instruction: Instruction): string {
  const values = instruction as unknown as Record<string, never>;
  const fields = fieldTypesOf(instruction.op).map(
    ([name, type]) => `${name}=${(FORMS[type] as FieldForm).print(values[name] as never)}`,
  );
  const waits = instruction.waits.map((wait) => `${wait.semaphore}>=${wait.value}`).join(",");
  const tail = [
    `wait=${waits}`,
    `signal=${instruction.signals.join(",")}`,
    `origin=${instruction.origin}`,
  ];
  return [instruction.op, ...fields, ...tail].join(" ");
}

/** Throws CodedError `BAD_TEXT`. */
export function parseInstruction(text: string): Instruction {
  const [op = "", ...rest] = text.trim().split(/\s+/);
  if (!isMnemonic(op)) throw bad(`unknown mnemonic "${op}"`);
  const pairs = new Map(rest.map((pair) => splitOnce(pair, "=")));
  const fields: Record<string, unknown> = {};
  for (const [name, type] of fieldTypesOf(op)) fields[name] = FORMS[type].parse(take(pairs, name));
  const waits = listOf(take(pairs, "wait"), ",").map(parseWait);
  const signals = listOf(take(pairs, "signal"), ",").map(parseNumber);
  const origin = parseNumber(take(pairs, "origin"));
  return { op, ...fields, waits, signals, origin } as unknown as Instruction;
}

interface FieldForm {
  print(value: never): string;
  parse(text: string): unknown;
}

const NUMBER: { print(value: number): string; parse(text: string): number } = {
  print: String,
  parse: parseNumber,
};

const FORMS = {
  u8: NUMBER,
  u16: NUMBER,
  u32: NUMBER,
  i16: NUMBER,
  i32: NUMBER,
  address: { print: printAddress, parse: parseAddress },
  window: { print: printWindow, parse: parseWindow },
  operands: {
    print: (operands: readonly Operand[]) => `[${operands.map(printOperand).join("|")}]`,
    parse: (text) => listOf(unwrapped(text, "[]"), "|").map(parseOperand),
  },
  code: { print: printCode, parse: parseCode },
} as const satisfies Record<FieldType, FieldForm>;

function printAddress(address: Address): string {
  return `r${address.region}+0x${address.offset.toString(16)}`;
}

function parseAddress(text: string): Address {
  const match = /^r(\d+)\+0x([0-9a-f]+)$/.exec(text);
  if (match === null) throw bad(`"${text}" is no address (r<region>+0x<offset>)`);
  return { region: Number(match[1]), offset: Number.parseInt(match[2] ?? "", 16) };
}

function printWindow(window: Window): string {
  const { originY, originX, rowPitch, tilePitch, strideY, strideX } = window;
  return `<${[printAddress(window.table), originY, originX, rowPitch, tilePitch, strideY, strideX].join(",")}>`;
}

function parseWindow(text: string): Window {
  const [table = "", ...numbers] = unwrapped(text, "<>").split(",");
  const [originY = 0, originX = 0, rowPitch = 0, tilePitch = 0, strideY = 0, strideX = 0] =
    numbers.map(parseNumber);
  return { table: parseAddress(table), originY, originX, rowPitch, tilePitch, strideY, strideX };
}

function printOperand(operand: Operand): string {
  if (operand.kind === "window") return printWindow(operand.window);
  if (operand.kind === "pixels") return `*${printAddress(operand.table)}:${operand.offsetBytes}`;
  return `${printAddress(operand.address)}:${operand.strideBytes}`;
}

function parseOperand(text: string): Operand {
  if (text.startsWith("<")) return { kind: "window", window: parseWindow(text) };
  const [address, tail] = splitOnce(text, ":");
  const number = parseNumber(tail);
  if (!address.startsWith("*")) {
    return { kind: "linear", address: parseAddress(address), strideBytes: number };
  }
  return { kind: "pixels", table: parseAddress(address.slice(1)), offsetBytes: number };
}

function printCode(code: MicroCode): string {
  return `{${PHASES.map((phase) => code[phase].map(printMicroOp).join(";")).join("|")}}`;
}

function parseCode(text: string): MicroCode {
  const parts = unwrapped(text, "{}").split("|");
  const [prologue = [], body = [], epilogue = []] = parts.map((part) =>
    listOf(part, ";").map(parseMicroOp),
  );
  return { prologue, body, epilogue };
}

/** For instance `load_i8:r3,@0,dy=1,dx=2` or `add_i32:r1,r2,r3`. */
export function printMicroOp(micro: MicroOp): string {
  const row = MICRO_OPS[micro.op];
  const words: string[] = [];
  if (row.d === "register") words.push(`r${micro.d}`);
  if (row.a !== "-") words.push(`${row.a === "register" ? "r" : "@"}${micro.a}`);
  if (row.b !== "-") words.push(`${row.b === "register" ? "r" : "@"}${micro.b}`);
  if (row.immediate === "tap") {
    const [dy, dx] = tapOf(micro.immediate);
    words.push(`dy=${dy}`, `dx=${dx}`);
  } else if (row.immediate === "place") {
    const { tile, dy, dx } = placeOf(micro.immediate);
    words.push(`tile=${tile}`, `dy=${dy}`, `dx=${dx}`);
  } else if (row.immediate !== "-") {
    words.push(`#${Object.is(micro.immediate, -0) ? "-0" : micro.immediate}`);
  }
  return `${micro.op}:${words.join(",")}`;
}

export function parseMicroOp(text: string): MicroOp {
  const [op, tail] = splitOnce(text.trim(), ":");
  if (!isMicroOpName(op)) throw bad(`unknown micro-op "${op}"`);
  const row = MICRO_OPS[op];
  const words = listOf(tail, ",");
  const next = (use: string): number =>
    use === "-" ? 0 : parseNumber((words.shift() ?? "").replace(/^[r@#]/, ""));
  const d = next(row.d);
  const a = next(row.a);
  const b = next(row.b);
  if (row.immediate !== "tap" && row.immediate !== "place") {
    return { op, d, a, b, immediate: next(row.immediate) };
  }
  const numbers = words.map((word) => parseNumber(splitOnce(word, "=")[1]));
  const [dx = 0, dy = 0, tile = 0] = numbers.reverse();
  return { op, d, a, b, immediate: placeImmediate({ tile, dy, dx }) };
}

function parseWait(text: string): Wait {
  const [semaphore, value] = splitOnce(text, ">=");
  return { semaphore: parseNumber(semaphore), value: parseNumber(value) };
}

function parseNumber(text: string): number {
  const value = Number(text);
  if (text === "" || Number.isNaN(value)) throw bad(`"${text}" is no number`);
  return value;
}

function listOf(text: string, separator: string): string[] {
  return text === "" ? [] : text.split(separator);
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  if (at < 0) throw bad(`"${text}" lacks "${separator}"`);
  return [text.slice(0, at), text.slice(at + separator.length)];
}

function unwrapped(text: string, pair: string): string {
  if (text[0] !== pair[0] || text.at(-1) !== pair[1]) throw bad(`"${text}" lacks ${pair}`);
  return text.slice(1, -1);
}

function take(pairs: ReadonlyMap<string, string>, name: string): string {
  const value = pairs.get(name);
  if (value === undefined) throw bad(`field ${name} is missing`);
  return value;
}

function bad(what: string): CodedError<"BAD_TEXT"> {
  return new CodedError("BAD_TEXT", what);
}
