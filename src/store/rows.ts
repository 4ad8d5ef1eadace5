import { ByteReader, type ByteWriter } from "./bytes.ts";
import { StoreError } from "./faults.ts";

/**
 * Rows: what is handed to a store's file and what comes back from it, many in one buffer, so that a
 * batch crosses to another thread without a copy. A row is a kind, a key and a record; what is in a
 * record, only `records.ts` knows.
 */

/** By their numbers in a buffer. A file has a table of each. */
export const rowKinds = [
  "session",
  "subscription",
  "message",
  "piece",
  "queued",
  "outgoing",
  "incoming",
  "retained",
  "will",
  "habits",
  "connection",
  "willRecord",
] as const;

export type RowKind = (typeof rowKinds)[number];

/** The parts of a kind's key, in order. */
const keyParts = {
  session: ["number"],
  subscription: ["number", "text"],
  message: ["number"],
  piece: ["number", "number"],
  queued: ["number", "number"],
  outgoing: ["number", "number"],
  incoming: ["number", "number"],
  retained: ["text"],
  will: ["number"],
  habits: ["number"],
  connection: ["number"],
  willRecord: ["number"],
} as const satisfies Record<RowKind, readonly ("number" | "text")[]>;

/** A subscription's key has two: session and filter. */
export type KeyPart = number | string;

/** A row of a buffer, until the next one is asked for: there are a million of them. */
export class Row {
  kind: RowKind = "session";
  isDelete = false;
  /** The parts of its key; `second`: undefined where there is one. */
  first: KeyPart = 0;
  second: KeyPart | undefined = undefined;
  /** Stands where its record begins, and ends where that does. */
  readonly reader: ByteReader;
  /** Where key and record begin in the buffer, the record in it, and where both end. */
  at = 0;
  recordAt = 0;
  end = 0;

  constructor(reader: ByteReader) {
    this.reader = reader;
  }

  /** A view; empty in a delete. */
  get record(): Uint8Array {
    return this.reader.view(this.recordAt, this.end);
  }

  /** Key and record, as they stand in the buffer: what a checksum covers; a view. */
  get summed(): Uint8Array {
    return this.reader.view(this.at, this.end);
  }
}

const deletes = 0x80;

/** Begins a row; its record is what is written until `endRow`. Returns what that one needs. */
export function beginRow(
  writer: ByteWriter,
  kind: RowKind,
  first: KeyPart,
  second?: KeyPart,
): number {
  writer.u8(rowKinds.indexOf(kind));
  const keyLength = writer.gap();
  const length = writer.gap();
  writePart(writer, first);
  if (second !== undefined) writePart(writer, second);
  writer.fill(keyLength, writer.length - length - 4);
  return length;
}

function writePart(writer: ByteWriter, part: KeyPart): void {
  if (typeof part === "number") writer.number(part);
  else writer.rawText(part);
}

export function endRow(writer: ByteWriter, begun: number): void {
  writer.fill(begun, writer.length - begun - 4);
}

export function deleteRow(
  writer: ByteWriter,
  kind: RowKind,
  first: KeyPart,
  second?: KeyPart,
): void {
  const start = writer.length;
  const begun = beginRow(writer, kind, first, second);
  endRow(writer, begun);
  writer.written[start] = deletes | rowKinds.indexOf(kind);
}

/** The rows of a buffer, in order, in one object. Throws StoreError if it is no buffer of rows. */
export function* rowsOf(buffer: Uint8Array): Generator<Row, void, void> {
  const reader = new ByteReader(buffer);
  const row = new Row(reader);
  while (!reader.isAtEnd) {
    const tag = reader.u8();
    const kind = rowKinds[tag & ~deletes];
    if (kind === undefined)
      throw new StoreError("damaged", "mqttd.db is damaged: a row of no known kind");
    const keyLength = reader.u32();
    const length = reader.u32();
    row.kind = kind;
    row.isDelete = (tag & deletes) !== 0;
    row.at = reader.at;
    row.recordAt = row.at + keyLength;
    row.end = row.at + length;
    reader.window(row.at, row.end);
    const [one, two] = keyParts[kind];
    row.first = readPart(reader, one, row.recordAt);
    row.second = two === undefined ? undefined : readPart(reader, two, row.recordAt);
    yield row;
    reader.window(row.end, buffer.length);
  }
}

function readPart(reader: ByteReader, part: "number" | "text", end: number): KeyPart {
  return part === "number" ? reader.number() : reader.rawText(Math.max(0, end - reader.at));
}
