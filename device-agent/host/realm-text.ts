/**
 * UTF-8 for the driver's realm, which has ECMAScript and nothing of the platform. Like realm.ts, each
 * function is sent there as source text and refers to nothing outside itself.
 */

export function installTextEncoder(): void {
  class Utf8Encoder {
    encode(input = ""): Uint8Array {
      const text = String(input);
      const bytes = new Uint8Array(text.length * 3);
      let length = 0;
      for (const symbol of text) {
        const raw = symbol.codePointAt(0) ?? 0;
        const code = raw >= 0xd800 && raw <= 0xdfff ? 0xfffd : raw;
        if (code < 0x80) bytes[length++] = code;
        else {
          const tail = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
          const mark = [0, 0xc0, 0xe0, 0xf0][tail] ?? 0;
          bytes[length++] = mark | (code >> (6 * tail));
          for (let at = tail - 1; at >= 0; at--) {
            bytes[length++] = 0x80 | ((code >> (6 * at)) & 0x3f);
          }
        }
      }
      return bytes.slice(0, length);
    }
  }
  (globalThis as Record<string, unknown>)["TextEncoder"] = Utf8Encoder;
}

export function installTextDecoder(): void {
  class Utf8Decoder {
    private readonly fatal: boolean;
    private readonly latin1: boolean;
    constructor(label = "utf-8", options: { fatal?: boolean } = {}) {
      this.fatal = options.fatal === true;
      this.latin1 = label === "latin1";
    }
    decode(input: ArrayBufferView | ArrayBuffer = new Uint8Array(0)): string {
      const bytes = ArrayBuffer.isView(input)
        ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
        : new Uint8Array(input);
      const pieces: string[] = [];
      for (let from = 0; from < bytes.length;) {
        const end = Math.min(bytes.length, from + 4096);
        const single = bytes.subarray(from, end);
        const plain = Reflect.apply(String.fromCharCode, undefined, single) as string;
        if (this.latin1 || !/[^\0-\x7f]/.test(plain)) {
          pieces.push(plain);
          from = end;
        }
        while (from < end) {
          const [code, size] = this.next(bytes, from);
          pieces.push(String.fromCodePoint(code));
          from += size;
        }
      }
      const text = pieces.join("");
      return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
    }
    private next(bytes: Uint8Array, from: number): [code: number, size: number] {
      const first = bytes[from] ?? 0;
      if (first < 0x80) return [first, 1];
      const tail = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
      let code = first & (0x3f >> tail);
      for (let at = 1; at <= tail; at++) {
        const byte = bytes[from + at] ?? 0;
        if ((byte & 0xc0) !== 0x80) return this.broken(at);
        code = (code << 6) | (byte & 0x3f);
      }
      const least = [0, 0x80, 0x800, 0x10000][tail] ?? 0;
      const isSurrogate = code >= 0xd800 && code <= 0xdfff;
      if (first < 0xc2 || first > 0xf4 || code < least || code > 0x10ffff || isSurrogate) {
        return this.broken(1);
      }
      return [code, tail + 1];
    }
    private broken(size: number): [code: number, size: number] {
      if (this.fatal) throw new TypeError("the bytes are not UTF-8");
      return [0xfffd, size];
    }
  }
  (globalThis as Record<string, unknown>)["TextDecoder"] = Utf8Decoder;
}
