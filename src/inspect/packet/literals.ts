/** Bytes as programs print them and as source code holds them. */
export interface Literal {
  readonly bytes: Uint8Array;
  readonly form: LiteralForm;
  /** Bytes at the end that the printer left out. */
  readonly leftOut: number;
}

export type LiteralForm =
  "hexadecimal" | "Node.js Buffer" | "array of bytes" | "string with escapes";

/** Bytes in any of the forms; null: the text is none of them. */
export function literal(text: string): Literal | null {
  const plain = hexadecimal(text);
  if (plain !== null) return { bytes: plain, form: "hexadecimal", leftOut: 0 };
  const characters = /^[^'"`]*\{(?:[^'"`{}]*'(?:\\[^]\w*|[^'\\])')+[^'"`{}]*\}[^'"`]*$/;
  if (characters.test(text)) return arraysIn(text);
  return bufferIn(text) ?? stringsIn(text) ?? arraysIn(text);
}

/** `c0 00`, `c000`, `0xc0, 0x0`, `\xc0\x00`, `c0:00`, `C0-00`; null: anything else. */
export function hexadecimal(text: string): Uint8Array | null {
  const isDashed = /^\s*[0-9a-f]{2}(?:-[0-9a-f]{2})+\s*$/i.test(text);
  const words = text
    .replaceAll(/\b0x([0-9a-f])\b/gi, "0x0$1")
    .split(isDashed ? /-|\s+/ : /0x|\\x|[\s:,;{}]+/i)
    .filter((word) => word !== "");
  if (words.length === 0 || !words.every((word) => /^(?:[0-9a-f]{2})+$/i.test(word))) return null;
  return Uint8Array.from(Buffer.from(words.join(""), "hex"));
}

/** The number of digits in text that has only digits and separators; null: other text. */
export function oddDigits(text: string): number | null {
  const digits = text.replaceAll(/0x|\\x|[\s:,;{}]/gi, "");
  return digits.length >= 3 && /^[0-9a-f]+$/i.test(digits) && /\d/.test(digits)
    ? digits.length
    : null;
}

/** `<Buffer 10 25 00 04 ... 12 more bytes>`. */
function bufferIn(text: string): Literal | null {
  const pattern = /<(?:Slow)?Buffer((?:\s+[0-9a-f]{2})+)\s*(?:\.\.\.\s*(\d+) more bytes?\s*)?>/gi;
  const found = [...text.matchAll(pattern)];
  if (found.length === 0) return null;
  const hex = found.map(([, digits = ""]) => digits.replaceAll(/\s/g, "")).join("");
  const [, , more = "0"] = found.at(-1) ?? [];
  // Bytes that are missing in the middle would shift what follows.
  const isWhole = found.slice(0, -1).every(([, , left]) => left === undefined);
  if (!isWhole) return null;
  const bytes = Uint8Array.from(Buffer.from(hex, "hex"));
  return { bytes, form: "Node.js Buffer", leftOut: Number(more) };
}

/** Strings; or escapes, since an escaped quote begins none: each would search all text behind it for its end. */
const oneString =
  /(?:\\[^])+|(\b[a-z]{1,2})?("(?:\\[^]|[^"\\])*"|'(?:\\[^]|[^'\\])*'|`(?:\\[^]|[^`\\])*`)/gi;

/** `b'\x10%\x00'`, `"\x10\x25" "\x00"`, `bytes.fromhex("10 25")`, `\x10%\x00` without quotes. */
function stringsIn(text: string): Literal | null {
  if (/^\s*\\x[0-9a-f]{2}/i.test(text)) return ofStrings([text.trim()]);
  const found = [...text.matchAll(oneString)].flatMap(([, prefix, quotedText]) =>
    quotedText === undefined
      ? []
      : { isBytes: /^r?br?$/i.test(prefix ?? ""), inner: quotedText.slice(1, -1) },
  );
  const hexes =
    /\b(?:fromhex|unhexlify|fromHex|hex2bin|Buffer\.from|DecodeString|FromHexString)\b/.test(text)
      ? found.flatMap(({ inner }) => (inner === "hex" ? [] : [hexadecimal(inner)]))
      : [];
  if (hexes.length > 0 && hexes.every((hex) => hex !== null)) {
    return { bytes: Uint8Array.from(Buffer.concat(hexes)), form: "hexadecimal", leftOut: 0 };
  }
  const escaped = found.filter(({ isBytes, inner }) => isBytes || /\\(?:x|u00|[0-7])/i.test(inner));
  if (escaped.length === 0) return null;
  // Adjacent literals are one string, also those without an escape.
  const all = found.filter(
    ({ isBytes, inner }) => isBytes || !/^(?:hex|latin1|binary|utf-?8)$/.test(inner),
  );
  return ofStrings(all.map(({ inner }) => inner));
}

function ofStrings(strings: readonly string[]): Literal | null {
  const bytes = strings.flatMap(unescaped);
  return bytes.length === 0
    ? null
    : { bytes: Uint8Array.from(bytes), form: "string with escapes", leftOut: 0 };
}

const simple: { readonly [letter: string]: number } = {
  ...{ n: 10, r: 13, t: 9, a: 7, b: 8, f: 12, v: 11, e: 27 },
  ...{ "\\": 92, "'": 39, '"': 34, "`": 96, "?": 63 },
};

/** Escapes of C, Python and JavaScript; text without one is its UTF-8. */
function unescaped(text: string): number[] {
  const part =
    /\\x([0-9a-f]{1,2})|\\u00([0-9a-f]{2})|\\([0-7]{1,3})|\\(\r?\n)|\\([^])|([^\\]+|\\)/giu;
  return [...text.matchAll(part)].flatMap(([, hex, code, octal, newline, letter, plain]) => {
    if (hex !== undefined || code !== undefined) return [Number.parseInt(hex ?? code ?? "", 16)];
    if (octal !== undefined) return [Number.parseInt(octal, 8) & 0xff];
    if (newline !== undefined) return [];
    if (letter === undefined) return [...Buffer.from(plain ?? "")];
    const value = simple[letter];
    return value === undefined ? [...Buffer.from(`\\${letter}`)] : [value];
  });
}

const comments = /\/\*(?:(?!\/\*)[^])*?\*\/|\/\/[^\n]*|#[^\n]*/g;
const casts =
  /\(\s*(?:byte|char|unsigned char|uint8_t|u?int8)\s*\)|\.toByte\(\)|(?<=[0-9a-f])_?u8\b/gi;
const brackets = [/\{([^{}]*)\}/g, /<<([^<>]*)>>/g, /\[([^[\]]*)\]/g, /\(([^()]*)\)/g] as const;

/** `{0x10, 37, 'M'}`, `[16, 37, -64]`, `[]byte{0x10}`, `<<16,37>>`, `16, 37`. */
function arraysIn(text: string): Literal | null {
  const code = text.replaceAll(comments, " ").replaceAll(casts, "");
  for (const bracket of brackets) {
    const lists = [...code.matchAll(bracket)].flatMap(([, inner = ""]) => {
      const bytes = listed(inner);
      return bytes === null ? [] : [bytes];
    });
    if (lists.length > 0) return arrayOf(lists.flat());
  }
  const bare = code.includes(",") ? listed(code) : null;
  return bare === null ? null : arrayOf(bare);
}

function arrayOf(bytes: readonly number[]): Literal {
  return { bytes: Uint8Array.from(bytes), form: "array of bytes", leftOut: 0 };
}

/** Two or more numbers between commas or spaces; null: there is something else. */
function listed(inner: string): number[] | null {
  const words = inner.match(/'(?:\\[^]|[^'\\])*'|[^\s,]+/g) ?? [];
  if (words.length < 2) return null;
  // Two digits each, without exception: numbers below ten would have one if they were decimal.
  const isHex = words.every((word) => /^[0-9a-f]{2}$/i.test(word));
  const bytes = words.flatMap((word) => byteOf(word, isHex));
  return bytes.every((byte) => byte !== null) ? bytes : null;
}

function byteOf(word: string, isHex: boolean): (number | null)[] {
  if (word.startsWith("'")) return unescaped(word.slice(1, -1));
  if (isHex) return [Number.parseInt(word, 16)];
  if (/^0x[0-9a-f]{1,2}$/i.test(word)) return [Number(word)];
  const value = /^-?\d{1,3}$/.test(word) ? Number(word) : NaN;
  return [value >= -128 && value <= 255 ? value & 0xff : null];
}
