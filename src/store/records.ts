import type {
  Change,
  DurableIncoming,
  DurableMessage,
  DurableOutgoing,
  DurableQueued,
  DurableRetained,
  DurableSession,
  DurableSubscription,
  DurableWill,
} from "../core/durable.ts";
import { type EndCause, ends } from "../core/end-causes.ts";
import type { Millis } from "../core/io.ts";
import type { ProtocolVersion, Qos } from "../core/packet.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { StoreError } from "./faults.ts";
import { beginRow, deleteRow, endRow, type Row } from "./rows.ts";

/**
 * Records as bytes. The first byte is the version of its form; a newer one is refused, an older one
 * is read as what it was.
 */
const formVersion = 1;

/** A payload above this is kept in pieces of this size. */
export const pieceBytes = 1024 * 1024;

/** Writes one step of a batch as a row. The pieces of a large payload are rows of their own. */
export function writeChange(writer: ByteWriter, change: Change): void {
  if ("delete" in change) writeDelete(writer, change);
  else writePut(writer, change);
}

/** A part of a large payload, `number` counts from 0. */
export function writePiece(
  writer: ByteWriter,
  { message, payload }: DurableMessage,
  number: number,
) {
  const begun = beginRow(writer, "piece", message, number);
  const from = number * pieceBytes;
  writer.raw(payload.subarray(from, from + pieceBytes));
  endRow(writer, begun);
}

/** How many pieces a message has; 0: its record has the payload. */
export function piecesOf({ payload }: DurableMessage): number {
  return payload.length > pieceBytes ? Math.ceil(payload.length / pieceBytes) : 0;
}

function writeDelete(writer: ByteWriter, change: Extract<Change, { delete: unknown }>): void {
  switch (change.delete) {
    case "session":
      return deleteRow(writer, "session", change.session);
    case "subscription":
      return deleteRow(writer, "subscription", change.session, change.filter);
    case "message":
      return deleteRow(writer, "message", change.message);
    case "queued":
      return deleteRow(writer, "queued", change.session, change.place);
    case "outgoing":
      return deleteRow(writer, "outgoing", change.session, change.packetId);
    case "incoming":
      return deleteRow(writer, "incoming", change.session, change.packetId);
    case "retained":
      return deleteRow(writer, "retained", change.topic);
    case "will":
      return deleteRow(writer, "will", change.session);
    case "habits":
    case "connection":
    case "willRecord":
      return deleteRow(writer, change.delete, change.number);
  }
}

function writePut(writer: ByteWriter, change: Extract<Change, { put: unknown }>): void {
  const begun = beginPut(writer, change);
  writer.u8(formVersion);
  switch (change.put) {
    case "session":
      writeSession(writer, change.value);
      break;
    case "subscription":
      writeSubscription(writer, change.value);
      break;
    case "message":
      writeMessage(writer, change.value);
      break;
    case "queued":
      writeCopy(writer, change.value);
      break;
    case "outgoing":
      writeOutgoing(writer, change.value);
      break;
    case "incoming":
      break;
    case "retained":
      writer.number(change.value.message);
      break;
    case "will":
      writeWill(writer, change.value);
      break;
    case "habits":
    case "connection":
    case "willRecord":
      // Tells people of what was: as JSON, which they can read, and which may get more fields.
      writer.rawText(JSON.stringify(change.value));
  }
  endRow(writer, begun);
}

function beginPut(writer: ByteWriter, { put, value }: Extract<Change, { put: unknown }>): number {
  switch (put) {
    case "session":
    case "will":
      return beginRow(writer, put, value.session);
    case "subscription":
      return beginRow(writer, put, value.session, value.filter);
    case "message":
      return beginRow(writer, put, value.message);
    case "queued":
      return beginRow(writer, put, value.session, value.place);
    case "outgoing":
    case "incoming":
      return beginRow(writer, put, value.session, value.packetId);
    case "retained":
      return beginRow(writer, put, value.topic);
    case "habits":
      return beginRow(writer, put, value.number);
    case "connection":
      return beginRow(writer, put, value.connection);
    case "willRecord":
      return beginRow(writer, put, value.id);
  }
}

function writeSession(writer: ByteWriter, session: DurableSession): void {
  writer.text(session.clientId);
  writer.u8(session.version);
  writeMaybe(writer, session.username, (text) => writer.text(text));
  writeMaybe(writer, session.accessList, (text) => writer.text(text));
  writer.text(session.listener);
  writer.text(session.remote);
  writer.number(session.connectedAt);
  writer.u32(session.keepAliveSeconds);
  writer.number(session.createdAt);
  writeEnd(writer, session.ended);
  writeMaybe(writer, session.expirySeconds, (seconds) => writer.number(seconds));
  writer.u8(session.hasUsedSharedFilters ? 1 : 0);
}

function readSession(reader: ByteReader, session: number): DurableSession {
  return {
    session,
    clientId: reader.text(),
    version: reader.u8() as ProtocolVersion,
    username: readMaybe(reader, () => reader.text()),
    accessList: readMaybe(reader, () => reader.text()),
    listener: reader.text(),
    remote: reader.text(),
    connectedAt: readTime(reader),
    keepAliveSeconds: reader.u32(),
    createdAt: readTime(reader),
    ended: readEnd(reader),
    expirySeconds: readMaybe(reader, () => reader.number()),
    hasUsedSharedFilters: reader.u8() === 1,
  };
}

const noLocal = 4;
const retainAsPublished = 8;
const owesRetained = 16;

function writeSubscription(writer: ByteWriter, subscription: DurableSubscription): void {
  writer.text(subscription.mountPoint);
  writer.u8(
    subscription.qos |
      (subscription.noLocal ? noLocal : 0) |
      (subscription.retainAsPublished ? retainAsPublished : 0) |
      (subscription.owesRetained ? owesRetained : 0),
  );
  writer.u32(subscription.identifier);
}

function readSubscription(
  reader: ByteReader,
  session: number,
  filter: string,
): DurableSubscription {
  const mountPoint = reader.text();
  const flags = reader.u8();
  return {
    session,
    filter,
    mountPoint,
    qos: qosOf(flags),
    noLocal: (flags & noLocal) !== 0,
    retainAsPublished: (flags & retainAsPublished) !== 0,
    owesRetained: (flags & owesRetained) !== 0,
    identifier: reader.u32(),
  };
}

const retainFlag = 4;

function writeMessage(writer: ByteWriter, message: DurableMessage): void {
  const { properties, payload, expiresAt } = message;
  writer.text(message.topic);
  writer.u8(message.qos | (message.retain ? retainFlag : 0));
  writeMaybe(writer, properties, (bytes) => writer.bytes(bytes));
  writeMaybe(writer, expiresAt, (time) => writer.number(time));
  const pieces = piecesOf(message);
  writer.u32(pieces);
  if (pieces === 0) writer.bytes(payload);
  else writer.number(payload.length);
}

function readMessage(
  reader: ByteReader,
  message: number,
  pieces: ReadonlyMap<number, Uint8Array>,
): DurableMessage {
  const topic = reader.text();
  const flags = reader.u8();
  // No closures and no spread, here and in what a queue has: there may be a million.
  const properties = reader.u8() === 0 ? null : reader.bytes();
  const expiresAt = reader.u8() === 0 ? null : readTime(reader);
  const count = reader.u32();
  return {
    message,
    topic,
    payload: count === 0 ? reader.bytes() : joined(reader.number(), count, pieces),
    qos: qosOf(flags),
    retain: (flags & retainFlag) !== 0,
    properties,
    expiresAt,
  };
}

function joined(
  length: number,
  count: number,
  pieces: ReadonlyMap<number, Uint8Array>,
): Uint8Array {
  const payload = new Uint8Array(length);
  for (let number = 0; number < count; number++) {
    const piece = pieces.get(number);
    const from = number * pieceBytes;
    if (piece?.length !== Math.min(pieceBytes, length - from)) {
      throw new StoreError("damaged", "mqttd.db is damaged: a part of a large message is missing");
    }
    payload.set(piece, from);
  }
  return payload;
}

type Copy = Omit<DurableQueued, "session" | "place">;

function writeCopy(writer: ByteWriter, copy: Copy): void {
  writer.number(copy.message);
  writer.u8(copy.qos | (copy.retain ? retainFlag : 0));
  writer.u16(copy.identifiers?.length ?? 0);
  for (const identifier of copy.identifiers ?? []) writer.u32(identifier);
  writeMaybe(writer, copy.shared, (filter) => writer.text(filter));
}

function readQueued(reader: ByteReader, session: number, place: number): DurableQueued {
  const message = reader.number();
  const flags = reader.u8();
  const count = reader.u16();
  return {
    session,
    place,
    message,
    qos: qosOf(flags) === 1 ? 1 : 2,
    retain: (flags & retainFlag) !== 0,
    identifiers: count === 0 ? null : Array.from({ length: count }, () => reader.u32()),
    shared: reader.u8() === 0 ? null : reader.text(),
  };
}

/** By their numbers in a record. */
const awaited = ["puback", "pubrec", "pubcomp"] as const;

function writeOutgoing(writer: ByteWriter, outgoing: DurableOutgoing): void {
  writeCopy(writer, outgoing);
  writer.number(outgoing.order);
  writer.u8(awaited.indexOf(outgoing.awaited));
  writer.u32(outgoing.strip);
}

function readOutgoing(reader: ByteReader, session: number, packetId: number): DurableOutgoing {
  const { place: _, ...copy } = readQueued(reader, session, 0);
  const order = reader.number();
  const state = awaited[reader.u8()];
  if (state === undefined) throw unknown();
  return { ...copy, packetId, order, awaited: state, strip: reader.u32() };
}

function writeWill(writer: ByteWriter, will: DurableWill): void {
  writer.text(will.topic);
  writer.text(will.mountPoint);
  writer.bytes(will.payload);
  writer.u8(will.qos | (will.retain ? retainFlag : 0));
  writer.u32(will.delayIntervalSeconds);
  writeMaybe(writer, will.expirySeconds, (seconds) => writer.number(seconds));
  writeMaybe(writer, will.properties, (bytes) => writer.bytes(bytes));
  writer.number(will.armedAt);
  writeEnd(writer, will.ended);
  writeMaybe(writer, will.dueAt, (time) => writer.number(time));
}

function readWill(reader: ByteReader, session: number): DurableWill {
  const [topic, mountPoint, payload] = [reader.text(), reader.text(), reader.bytes()];
  const flags = reader.u8();
  return {
    ...{ session, topic, mountPoint, payload },
    ...{ qos: qosOf(flags), retain: (flags & retainFlag) !== 0 },
    delayIntervalSeconds: reader.u32(),
    expirySeconds: readMaybe(reader, () => reader.number()),
    properties: readMaybe(reader, () => reader.bytes()),
    armedAt: readTime(reader),
    ended: readEnd(reader),
    dueAt: readMaybe(reader, () => readTime(reader)),
  };
}

/** A record of each kind, or a piece of a payload. */
export type StoredRecord =
  | Extract<Change, { put: unknown }>
  | { readonly put: "piece"; readonly message: number; readonly number: number };

/**
 * Reads a row that was kept. `pieces`: those read since the last message, by their numbers; a piece
 * is entered there. Throws StoreError: `damaged`, or `newer`.
 */
export function readRow(row: Row, pieces: Map<number, Uint8Array>): StoredRecord {
  const { kind, first, second, reader } = row;
  const number = Number(first);
  if (kind === "piece") {
    pieces.set(Number(second), row.record.slice());
    return { put: "piece", message: number, number: Number(second) };
  }
  if (reader.u8() > formVersion) throw unknown();
  switch (kind) {
    case "session":
      return { put: kind, value: readSession(reader, number) };
    case "subscription":
      return { put: kind, value: readSubscription(reader, number, String(second)) };
    case "message": {
      const value = readMessage(reader, number, pieces);
      pieces.clear();
      return { put: kind, value };
    }
    case "queued":
      return { put: kind, value: readQueued(reader, number, Number(second)) };
    case "outgoing":
      return { put: kind, value: readOutgoing(reader, number, Number(second)) };
    case "incoming": {
      const value: DurableIncoming = { session: number, packetId: Number(second) };
      return { put: kind, value };
    }
    case "retained": {
      const value: DurableRetained = { topic: String(first), message: reader.number() };
      return { put: kind, value };
    }
    case "will":
      return { put: kind, value: readWill(reader, number) };
    case "habits":
    case "connection":
    case "willRecord":
      // Its checksum was right, so this is what was written.
      return { put: kind, value: JSON.parse(reader.rest()) };
  }
}

function writeMaybe<T>(writer: ByteWriter, value: T | null, write: (value: T) => void): void {
  writer.u8(value === null ? 0 : 1);
  if (value !== null) write(value);
}

function readMaybe<T>(reader: ByteReader, read: () => T): T | null {
  return reader.u8() === 0 ? null : read();
}

type End = { readonly cause: EndCause; readonly at: Millis };

function writeEnd(writer: ByteWriter, end: End | null): void {
  writeMaybe(writer, end, ({ cause, at }) => {
    writer.text(cause);
    writer.number(at);
  });
}

function readEnd(reader: ByteReader): End | null {
  return readMaybe(reader, () => {
    const cause = reader.text();
    if (!Object.hasOwn(ends, cause)) throw unknown();
    return { cause: cause as EndCause, at: readTime(reader) };
  });
}

function readTime(reader: ByteReader): Millis {
  return reader.number() as Millis;
}

function qosOf(flags: number): Qos {
  const qos = flags & 3;
  if (qos === 3) throw unknown();
  return qos as Qos;
}

/** Its checksum was right, so whoever wrote it knew more. */
function unknown(): StoreError {
  return new StoreError("newer", "mqttd.db was written by a newer mqttd");
}
