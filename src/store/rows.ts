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

/** `[session, filter]` for a subscription. */
export type Key = readonly [number | string, (number | string)?];

/** One row in a buffer. */
export interface Row {
  readonly kind: RowKind;
  readonly isDelete: boolean;
  readonly key: Key;
  /** A view; empty in a delete. */
  readonly record: Uint8Array;
  /** Key and record, as they stand in the buffer: what a checksum covers. */
  readonly summed: Uint8Array;
}

const deletes = 0x80;

/** Begins a row; its record is what is written until `endRow`. Returns what that one needs. */
export function beginRow(writer: ByteWriter, kind: RowKind, key: Key): number {
  writer.u8(rowKinds.indexOf(kind));
  const keyLength = writer.gap();
  const length = writer.gap();
  for (const part of key) {
    if (typeof part === "number") writer.number(part);
    else if (part !== undefined) writer.rawText(part);
  }
  writer.fill(keyLength, writer.length - length - 4);
  return length;
}

export function endRow(writer: ByteWriter, begun: number): void {
  writer.fill(begun, writer.length - begun - 4);
}

export function deleteRow(writer: ByteWriter, kind: RowKind, key: Key): void {
  const start = writer.length;
  const begun = beginRow(writer, kind, key);
  endRow(writer, begun);
  writer.written[start] = deletes | rowKinds.indexOf(kind);
}

/** The rows of a buffer, in order. Throws StoreError if it is no buffer of rows. */
export function* rowsOf(buffer: Uint8Array): Generator<Row, void, void> {
  const reader = new ByteReader(buffer);
  while (!reader.isAtEnd) {
    const tag = reader.u8();
    const kind = rowKinds[tag & ~deletes];
    if (kind === undefined)
      throw new StoreError("damaged", "mqttd.db is damaged: a row of no known kind");
    const keyLength = reader.u32();
    const length = reader.u32();
    const { at } = reader;
    const key = readKey(kind, reader, at + keyLength);
    const summed = reader.again(at, length);
    yield {
      kind,
      isDelete: (tag & deletes) !== 0,
      key,
      record: summed.subarray(keyLength),
      summed,
    };
  }
}

function readKey(kind: RowKind, reader: ByteReader, end: number): Key {
  const [one, two] = keyParts[kind];
  const first = readPart(reader, one, end);
  return two === undefined ? [first] : [first, readPart(reader, two, end)];
}

function readPart(reader: ByteReader, part: "number" | "text", end: number): number | string {
  return part === "number" ? reader.number() : reader.rawText(Math.max(0, end - reader.at));
}
