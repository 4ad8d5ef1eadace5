/**
 * Escapes strings that a peer chose (client ids, topics, user names, reason strings) for a line of
 * text: no character in them can move the cursor, start a line, reverse the reading direction or
 * stay invisible. The escapes are JavaScript's, so the original can be restored.
 */

/** Characters of a foreign string that a line shows; a longer one is cut, with its length. */
export const shownCharacters = 200;

/**
 * Controls, format characters (bidi, zero width), unpaired surrogates, private and unassigned code
 * points, separators other than the space, blank letters, and the fourth and further combining
 * marks on one character, which would cover other text.
 */
const unprintable =
  /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}|(?<=\p{M}{3})\p{M}/u;
const everyUnprintable = new RegExp(unprintable, "gu");
const unprintableRuns = new RegExp(`(?:${unprintable.source})+`, "gu");

/** A text that needs no quotes to stand out in a sentence. */
const plain = /^[\p{L}\p{N}\p{M}\-_./:$#+@%=~*!?&[\]{}|^<>]+$/u;

/** The same without characters beyond ASCII, as most are. */
const ordinary = /^[\w\-./:$#+@%=~*!?&[\]{}|^<>]+$/;

/** A name within a sentence: bare if it cannot be misread, else in single quotes. */
export function name(value: string): string {
  if (value.length <= shownCharacters && ordinary.test(value)) return value;
  const { shown, more } = cut(value);
  return plain.test(shown) && !unprintable.test(shown) ? shown + more : singleQuoted(value);
}

/** A name always in single quotes, as mosquitto writes topics of packets. */
export function singleQuoted(value: string): string {
  const { shown, more } = cut(value);
  return `'${escapeUnprintable(shown.replace(/[\\']/g, "\\$&"))}'${more}`;
}

/**
 * The name of which `name` or `singleQuoted` prints this; a shell may have removed the quotes. Null:
 * it reads as itself, or was cut.
 */
export function nameFromPrinted(printed: string): string | null {
  const quotes = /^'(.*)'$/su.exec(printed);
  const text = (quotes?.[1] ?? printed).replace(escaped, (whole, hex?: string, mark?: string) => {
    if (hex === undefined) return letters[mark ?? ""] ?? mark ?? whole;
    const code = Number.parseInt(hex.replace(/[{}]/g, ""), 16);
    return code > 0x10ffff ? whole : String.fromCodePoint(code);
  });
  return text === printed ? null : text;
}

/** The escapes of `escapeUnprintable`, a backslash and a quote. */
const escaped = /\\(?:u([0-9a-f]{4}|\{[0-9a-f]{5,6}\})|([nrt\\']))/g;
const letters: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

/**
 * A clause of foreign words. Escapes the middle dot too, which separates the clauses of our lines.
 */
export function clause(value: string): string {
  const { shown, more } = cut(value);
  return escapeUnprintable(shown.replaceAll("\\", "\\\\").replaceAll("·", "\\u00b7")) + more;
}

/** JSON on one line, not cut, with every unprintable character as `\uXXXX`. */
export function jsonLine(value: object): string {
  return [...jsonPieces(value)].join("");
}

/** The same over several lines. */
export function prettyJson(value: object): string {
  const lines = JSON.stringify(value, null, 2).split("\n");
  return lines.map((line) => line.replace(unprintableRuns, unitsOf)).join("\n");
}

/** As `jsonLine`, in pieces, because one `replace` over a long text keeps memory for every match. */
export function* jsonPieces(value: object): Generator<string, void, void> {
  const text = JSON.stringify(value);
  const escapes = new Map<string, string>();
  const escaped = (run: string): string => {
    const known = escapes.get(run) ?? unitsOf(run);
    if (run.length <= 2) escapes.set(run, known);
    return known;
  };
  for (let at = 0; at < text.length;) {
    const end = wholeCharacters(text, at + pieceLength);
    yield text.slice(at, end).replace(unprintableRuns, escaped);
    at = end;
  }
}

const pieceLength = 64 * 1024;

/** `at`, or one more if `at` would split a surrogate pair. */
function wholeCharacters(text: string, at: number): number {
  return (text.codePointAt(at - 1) ?? 0) > 0xffff ? at + 1 : at;
}

/** `\uXXXX` for each code unit. */
function unitsOf(run: string): string {
  const units = Buffer.from(run, "utf16le").swap16().toString("hex");
  return units.replace(/.{4}/g, "\\u$&");
}

function cut(value: string): { shown: string; more: string } {
  if (value.length <= shownCharacters) return { shown: value, more: "" };
  let characters = 0;
  let end = value.length;
  // An array of all characters would take many times the memory of a long value.
  for (let at = 0; at < value.length; at += (value.codePointAt(at) ?? 0) > 0xffff ? 2 : 1) {
    if (characters === shownCharacters) end = at;
    characters += 1;
  }
  return {
    shown: value.slice(0, end),
    more: characters <= shownCharacters ? "" : `... (${characters} characters)`,
  };
}

/** A finished sentence with every unprintable character escaped; not cut. */
export function escapeUnprintable(value: string): string {
  return value.replace(everyUnprintable, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\r") return "\\r";
    if (character === "\t") return "\\t";
    const code = character.codePointAt(0) ?? 0;
    return code > 0xffff ? `\\u{${code.toString(16)}}` : hex4(code);
  });
}

function hex4(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}
