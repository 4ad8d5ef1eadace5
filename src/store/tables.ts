import type { DatabaseSync, StatementSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { ByteWriter } from "./bytes.ts";
import { StoreError } from "./faults.ts";
import { beginRow, endRow, type Key, type Row, type RowKind } from "./rows.ts";

/** A row of a table. */
interface StoredRow {
  readonly key: Key;
  readonly record: Uint8Array;
  readonly sum: number;
}

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

/** Bytes after which what was read is handed on. */
const readBytes = 32 * 1024;

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
    const full = function* (): Generator<Uint8Array<ArrayBuffer>, void, void> {
      if (writer.length < readBytes) return;
      yield writer.written;
      writer = new ByteWriter(readBytes * 1.25);
    };
    for (const row of this.#all("message")) {
      const [message] = row.key;
      if (this.#inPieces.has(Number(message))) {
        for (const piece of this.#all("piece", Number(message))) {
          writeStored(writer, "piece", piece);
          yield* full();
        }
      }
      writeStored(writer, "message", row);
      yield* full();
    }
    for (const kind of recordKinds) {
      for (const row of this.#all(kind)) {
        writeStored(writer, kind, row);
        yield* full();
      }
    }
    const parts = ownedKinds.map((kind) => ({ kind, cursor: new Cursor(this.#all(kind)) }));
    for (const row of this.#all("session")) {
      writeStored(writer, "session", row);
      for (const { kind, cursor } of parts) {
        for (const part of cursor.upTo(Number(row.key[0]))) {
          writeStored(writer, kind, part);
          yield* full();
        }
      }
      yield* full();
    }
    for (const row of this.#all("retained")) {
      writeStored(writer, "retained", row);
      yield* full();
    }
    if (writer.length > 0) yield writer.written;
  }

  /** In the order of their keys; `message`: the pieces of one. */
  *#all(kind: RowKind, message: number | null = null): Generator<StoredRow, void, void> {
    const keys = keyColumns[kind];
    const where = message === null ? "" : ` WHERE message = ${message}`;
    const columns = [...keys, "record", "sum"].join(", ");
    const statement = this.#database.prepare(
      `SELECT ${columns} FROM ${kind}${where} ORDER BY ${keys.join(", ")}`,
    );
    const [first = "", second] = keys;
    for (const row of statement.iterate()) {
      const key = [row[first], ...(second === undefined ? [] : [row[second]])];
      const { record, sum } = row;
      if (!(record instanceof Uint8Array))
        throw new StoreError("damaged", "mqttd.db is damaged: no record");
      yield { key: key as unknown as Key, record, sum: Number(sum) };
    }
  }

  apply({ kind, isDelete, key, record, summed }: Row): void {
    const [first, second] = key;
    if (!isDelete) {
      const put = this.#putOf(kind);
      const sum = crc32(summed);
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

  /** Those of one session; passes those before it, whose session is not there. */
  *upTo(session: number): Generator<StoredRow, void, void> {
    for (; this.#next !== null; this.#next = this.#advance()) {
      const owner = Number(this.#next.key[0]);
      if (owner > session) return;
      if (owner === session) yield this.#next;
    }
  }

  #advance(): StoredRow | null {
    const { done, value } = this.#rows.next();
    return done === true ? null : value;
  }
}

/** Writes a row as it was handed in once. Throws StoreError, `damaged`, if it is not that one. */
function writeStored(writer: ByteWriter, kind: RowKind, { key, record, sum }: StoredRow): void {
  const begun = beginRow(writer, kind, key);
  writer.raw(record);
  endRow(writer, begun);
  if (crc32(writer.written.subarray(begun + 4)) !== sum) {
    throw new StoreError("damaged", `mqttd.db is damaged: a ${kind} is not what was written`);
  }
}
