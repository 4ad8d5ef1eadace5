import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { ByteWriter } from "./bytes.ts";
import { StoreError } from "./faults.ts";
import { beginRow, endRow, type KeyPart, type Row, type RowKind } from "./rows.ts";

/** A row of a table, with the columns of its key. */
type StoredRow = Readonly<Record<string, SQLOutputValue>>;

/** The columns of each table's key. */
const keyColumns: Readonly<Record<RowKind, readonly string[]>> = {
  session: ["session"],
  subscription: ["session", "filter"],
  message: ["message"],
  piece: ["message", "number"],
  queued: ["session", "place"],
  outgoing: ["session", "packet_id"],
  incoming: ["session", "packet_id"],
  retained: ["topic"],
  will: ["session"],
  habits: ["number"],
  connection: ["number"],
  willRecord: ["number"],
};

/** What belongs to a session. */
const ownedKinds = ["subscription", "queued", "outgoing", "incoming", "will"] as const;

/** What is remembered for people, in the order in which it is read: before the sessions. */
const recordKinds = ["habits", "connection", "willRecord"] as const;

/** Bytes after which what was read is handed on: each hand-over costs as much as some hundred rows. */
const readBytes = 128 * 1024;

/** Rows to and from the tables of a file. Throws the errors of SQLite. */
export class Tables {
  readonly #database: DatabaseSync;
  readonly #puts = new Map<RowKind, StatementSync>();
  readonly #deletes = new Map<RowKind, readonly StatementSync[]>();
  /** Messages with pieces, so that deleting others looks for none. */
  readonly #inPieces: Set<number>;

  constructor(database: DatabaseSync) {
    this.#database = database;
    const pieces = database.prepare("SELECT DISTINCT message FROM piece").all();
    this.#inPieces = new Set(pieces.map(({ message }) => Number(message)));
  }

  /** All rows, in buffers: sessions after the records of them, each whole. */
  *read(): Generator<Uint8Array<ArrayBuffer>, void, void> {
    let writer = new ByteWriter(readBytes * 1.25);
    const taken = (): Uint8Array<ArrayBuffer> => {
      const { written } = writer;
      writer = new ByteWriter(readBytes * 1.25);
      return written;
    };
    for (const row of this.#all("message")) {
      const message = Number(row["message"]);
      if (this.#inPieces.has(message)) {
        for (const piece of this.#all("piece", message)) {
          writeStored(writer, "piece", piece);
          if (writer.length >= readBytes) yield taken();
        }
      }
      writeStored(writer, "message", row);
      if (writer.length >= readBytes) yield taken();
    }
    for (const kind of recordKinds) {
      for (const row of this.#all(kind)) {
        writeStored(writer, kind, row);
        if (writer.length >= readBytes) yield taken();
      }
    }
    const parts = ownedKinds.map((kind) => ({ kind, cursor: new Cursor(this.#all(kind)) }));
    for (const row of this.#all("session")) {
      writeStored(writer, "session", row);
      for (const { kind, cursor } of parts) {
        const session = Number(row["session"]);
        for (let part = cursor.next(session); part !== null; part = cursor.next(session)) {
          writeStored(writer, kind, part);
          if (writer.length >= readBytes) yield taken();
        }
      }
      if (writer.length >= readBytes) yield taken();
    }
    for (const row of this.#all("retained")) {
      writeStored(writer, "retained", row);
      if (writer.length >= readBytes) yield taken();
    }
    if (writer.length > 0) yield writer.written;
  }

  /** In the order of their keys; `message`: the pieces of one. */
  #all(kind: RowKind, message: number | null = null): IterableIterator<StoredRow> {
    const keys = keyColumns[kind];
    const where = message === null ? "" : ` WHERE message = ${message}`;
    const columns = [...keys, "record", "sum"].join(", ");
    const statement = this.#database.prepare(
      `SELECT ${columns} FROM ${kind}${where} ORDER BY ${keys.join(", ")}`,
    );
    return statement.iterate();
  }

  apply(row: Row): void {
    const { kind, isDelete, first, second } = row;
    if (!isDelete) {
      const put = this.#putOf(kind);
      const { record } = row;
      const sum = crc32(row.summed);
      if (second === undefined) put.run(first, record, sum);
      else put.run(first, second, record, sum);
      if (kind === "piece") this.#inPieces.add(Number(first));
      return;
    }
    if (kind === "message" && this.#inPieces.delete(Number(first))) {
      this.#database.exec(`DELETE FROM piece WHERE message = ${Number(first)}`);
    }
    for (const statement of this.#deletesOf(kind)) {
      if (second === undefined) statement.run(first);
      else statement.run(first, second);
    }
  }

  #putOf(kind: RowKind): StatementSync {
    const known = this.#puts.get(kind);
    if (known !== undefined) return known;
    const keys = keyColumns[kind];
    const columns = [...keys, "record", "sum"];
    const put = this.#database.prepare(
      `INSERT OR REPLACE INTO ${kind} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
    );
    this.#puts.set(kind, put);
    return put;
  }

  #deletesOf(kind: RowKind): readonly StatementSync[] {
    const known = this.#deletes.get(kind);
    if (known !== undefined) return known;
    const keys = keyColumns[kind];
    // A session takes along all that belongs to it.
    const owners = kind === "session" ? ownedKinds : [];
    const statements = [
      `DELETE FROM ${kind} WHERE ${keys.map((key) => `${key} = ?`).join(" AND ")}`,
      ...owners.map((owner) => `DELETE FROM ${owner} WHERE session = ?`),
    ].map((sql) => this.#database.prepare(sql));
    this.#deletes.set(kind, statements);
    return statements;
  }
}

/** Rows in the order of their sessions, taken session by session. */
class Cursor {
  readonly #rows: Iterator<StoredRow, void, void>;
  #next: StoredRow | null;

  constructor(rows: Iterator<StoredRow, void, void>) {
    this.#rows = rows;
    this.#next = this.#advance();
  }

  /** The next of one session; null: none. Passes those before it, whose session is not there. */
  next(session: number): StoredRow | null {
    for (let row = this.#next; row !== null; row = this.#next) {
      const owner = Number(row["session"]);
      if (owner > session) return null;
      this.#next = this.#advance();
      if (owner === session) return row;
    }
    return null;
  }

  #advance(): StoredRow | null {
    const { done, value } = this.#rows.next();
    return done === true ? null : value;
  }
}

/** Writes a row as it was handed in once. Throws StoreError, `damaged`, if it is not that one. */
function writeStored(writer: ByteWriter, kind: RowKind, row: StoredRow): void {
  const [first = "", second] = keyColumns[kind];
  const { record, sum } = row;
  if (!(record instanceof Uint8Array)) {
    throw new StoreError("damaged", "mqttd.db is damaged: no record");
  }
  const begun = beginRow(
    writer,
    kind,
    keyPart(row[first]),
    second === undefined ? undefined : keyPart(row[second]),
  );
  writer.raw(record);
  endRow(writer, begun);
  if (crc32(writer.writtenFrom(begun + 4)) !== sum) {
    throw new StoreError("damaged", `mqttd.db is damaged: a ${kind} is not what was written`);
  }
}

function keyPart(value: SQLOutputValue | undefined): KeyPart {
  return typeof value === "number" ? value : String(value);
}
