/** Hex dumps as tools print them: lines of an offset and bytes. */

export type DumpForm =
  | "hex dump of xxd"
  | "hex dump of hexdump"
  | "hex dump of hexdump -C"
  | "hex dump of od"
  | "hex dump of Wireshark"
  | "hex dump of tcpdump";

/** One dump: its bytes, and where in the text they stand. */
export interface Dump {
  readonly bytes: Uint8Array;
  /** Spaces before its lines: Wireshark's Follow > Hex Dump indents one direction. */
  readonly indent: number;
  /** The line before it that is no dump. */
  readonly heading: string | null;
  readonly pieces: readonly Piece[];
}

/** Bytes of one direction that came together. */
export interface Piece {
  /** Of its first byte, in the direction. */
  readonly offset: number;
  /** Its place among the pieces of both directions. */
  readonly order: number;
}

export type Dumps =
  | { readonly form: DumpForm; readonly dumps: readonly Dump[] }
  /** A dump, but its offsets are not the number of bytes before them. */
  | { readonly form: DumpForm; readonly problem: string };

interface LineForm {
  readonly form: DumpForm;
  /** Groups: indent, offset, bytes. What is behind two spaces or in bars is text. */
  readonly line: RegExp;
  /** Bases in which the tool may write offsets. */
  readonly bases: readonly number[];
  /** Words of two bytes, the second byte first. */
  readonly swaps?: true;
}

const pair = "[0-9a-f]{2}";

const forms: readonly LineForm[] = [
  {
    form: "hex dump of tcpdump",
    line: new RegExp(
      `^(\\s*)0x([0-9a-f]{4,}):\\s+((?:${pair}){1,2}(?: (?:${pair}){1,2})*)(?:\\s{2,}.*)?$`,
      "i",
    ),
    bases: [16],
  },
  {
    form: "hex dump of xxd",
    line: new RegExp(`^(\\s*)([0-9a-f]{8,}): ((?:${pair})+(?: (?:${pair})+)*)(?:\\s{2,}.*)?$`, "i"),
    bases: [16],
  },
  {
    form: "hex dump of hexdump -C",
    line: new RegExp(`^(\\s*)([0-9a-f]{7,8}) {2}(${pair}(?: {1,2}${pair})*)\\s+\\|.*\\|$`, "i"),
    bases: [16],
  },
  {
    form: "hex dump of Wireshark",
    line: new RegExp(
      `^(\\s*)([0-9a-f]{4,16}) {2,3}(${pair}(?: {1,2}${pair})*)(?:\\s{2,}.*)?$`,
      "i",
    ),
    bases: [16],
  },
  {
    form: "hex dump of od",
    line: new RegExp(`^(\\s*)([0-9a-f]{6,16}) (${pair}(?: ${pair})*)(?:\\s{2,}.*)?$`, "i"),
    bases: [16, 8, 10],
  },
  {
    form: "hex dump of hexdump",
    line: /^(\s*)([0-9a-f]{6,8})((?: {1,4}[0-9a-f]{4})+)\s*$/i,
    bases: [16, 8],
    swaps: true,
  },
];

/** The dumps in a text, all of one form; null: there is none that begins at offset 0. */
export function dumpsIn(text: string, bytesMax: number): Dumps | null {
  const lines = text.split(/\r?\n/);
  let best: { form: LineForm; rows: (Row | string)[]; count: number } | null = null;
  for (const form of forms) {
    const rows = lines.map((line, index) => rowOf(line, index, form));
    const count = rows.filter((row) => typeof row !== "string").length;
    if (count > (best?.count ?? 0)) best = { form, rows, count };
  }
  if (best === null) return null;
  const { form, rows } = best;
  const first = rows.find((row) => typeof row !== "string");
  if (first === undefined || Number.parseInt(first.offset, 16) !== 0) return null;
  const found = form.bases.map((base) => gathered(form, rows, base, bytesMax));
  return found.find((one) => "dumps" in one) ?? found[0] ?? null;
}

interface Row {
  readonly line: number;
  readonly indent: number;
  readonly offset: string;
  readonly hex: string;
}

function rowOf(line: string, index: number, { line: pattern, swaps }: LineForm): Row | string {
  const [, indent, offset, digits] = pattern.exec(line) ?? [];
  if (indent === undefined || offset === undefined || digits === undefined) return line.trim();
  const plain = digits.replaceAll(" ", "");
  const hex = swaps === true ? plain.replaceAll(/(..)(..)/g, "$2$1") : plain;
  return { line: index + 1, indent: indent.length, offset, hex };
}

/** A dump while its lines are read. */
interface Draft {
  readonly indent: number;
  readonly heading: string | null;
  readonly parts: string[];
  readonly pieces: Piece[];
  count: number;
  /** Bytes of a full line; 0: not known yet. */
  width: number;
  last: string;
  /** The last line stands for more lines like it. */
  repeats: boolean;
}

function gathered(
  { form, swaps }: LineForm,
  rows: readonly (Row | string)[],
  base: number,
  bytesMax: number,
): Dumps {
  const drafts: Draft[] = [];
  const open = new Map<number, Draft>();
  let current: Draft | null = null;
  let heading: string | null = null;
  for (const row of rows) {
    if (typeof row === "string") {
      if (row === "*" && current !== null) current.repeats = true;
      else if (current !== null && /^[0-9a-f]{6,8}$/i.test(row)) {
        // hexdump and od end with the offset alone.
        const problem = settle(current, Number.parseInt(row, base), bytesMax, swaps === true);
        if (problem !== null) return { form, problem: `offset ${row} at its end: ${problem}` };
        current = null;
      } else if (row !== "") heading = row;
      continue;
    }
    const offset = Number.parseInt(row.offset, base);
    const before = open.get(row.indent);
    if (offset === 0 || before === undefined) {
      current = { indent: row.indent, heading, ...blank() };
      drafts.push(current);
      open.set(row.indent, current);
    } else current = before;
    heading = null;
    const problem = settle(current, offset, bytesMax, false);
    if (problem !== null) return { form, problem: `line ${row.line}: ${problem}` };
    current.pieces.push({ offset: current.count, order: row.line });
    current.parts.push(row.hex);
    current.last = row.hex;
    current.count += row.hex.length / 2;
  }
  return { form, dumps: drafts.map(dumpOf) };
}

function blank(): Omit<Draft, "indent" | "heading"> {
  return { parts: [], pieces: [], count: 0, width: 0, last: "", repeats: false };
}

/** Makes the offset of the next line the end of what is there. Returns what is wrong with it. */
function settle(draft: Draft, offset: number, bytesMax: number, isEnd: boolean): string | null {
  const own = draft.last.length / 2;
  if (draft.repeats && own > 0 && offset > draft.count) {
    if (offset > bytesMax) return `offset ${offset} is behind the limit of ${bytesMax} bytes`;
    const more = (offset - draft.count) / own;
    if (Number.isInteger(more)) {
      draft.parts.push(draft.last.repeat(more));
      draft.count = offset;
    }
  }
  draft.repeats = false;
  const over = draft.count - offset;
  // Text beside the bytes that looks like bytes, or the padding of a word.
  const isText =
    over > 0 && over < own && (draft.width === 0 || own - over === draft.width || isEnd);
  if (isText) {
    const last = draft.last.slice(0, -over * 2);
    draft.parts[draft.parts.length - 1] = last;
    draft.last = last;
    draft.count = offset;
  }
  if (draft.width === 0 && draft.last !== "") draft.width = draft.last.length / 2;
  if (offset === draft.count) return null;
  const [found, wanted] = [offset, draft.count].map((one) => `0x${one.toString(16)}`);
  return `found offset ${found}, expected ${wanted}`;
}

function dumpOf({ indent, heading, parts, pieces, width, last }: Draft): Dump {
  // Behind the bytes of the last line text may stand that looks like bytes.
  if (width > 0 && last.length > width * 2) parts[parts.length - 1] = last.slice(0, width * 2);
  const bytes = Uint8Array.from(Buffer.from(parts.join(""), "hex"));
  return { bytes, indent, heading, pieces };
}
