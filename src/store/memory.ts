import { setImmediate } from "node:timers";
import type { Changes, StoredPart, StoreFailure } from "../core/durable.ts";
import { encodeBatch } from "./batch.ts";
import { ByteWriter } from "./bytes.ts";
import { PartReader } from "./parts.ts";
import { beginRow, endRow, type Key, type Row, type RowKind, rowsOf } from "./rows.ts";
import type { FileFacts, PastRun, Store } from "./store.ts";

interface Kept {
  readonly key: Key;
  readonly record: Uint8Array;
}

/** What a kill leaves behind: give it to the next store. */
export class MemoryRows {
  readonly kinds = new Map<RowKind, Map<string, Kept>>();

  of(kind: RowKind): Map<string, Kept> {
    let rows = this.kinds.get(kind);
    if (rows === undefined) this.kinds.set(kind, (rows = new Map()));
    return rows;
  }
}

/** A store for tests: the rows of a file without the file. A failure can be ordered. */
export class MemoryStore implements Store {
  readonly rows: MemoryRows;
  readonly pastRuns: readonly PastRun[] = [];
  readonly commits = { count: 0, failed: 0, medianMs: null, longestMs: 0 };
  /** What the next commits fail with; null: they succeed. */
  failure: StoreFailure | null = null;

  constructor(rows: MemoryRows = new MemoryRows()) {
    this.rows = rows;
  }

  async *load(): AsyncIterable<StoredPart> {
    const reader = new PartReader();
    yield reader.read(this.#stored());
    yield reader.end();
  }

  commit(changes: Changes, done: (failure: StoreFailure | null) => void): void {
    const { pieces, rows } = encodeBatch(changes, 4096);
    const batches: Uint8Array[] = [];
    for (let next = pieces.next(); next.done !== true; next = pieces.next()) {
      batches.push(next.value);
    }
    const { failure } = this;
    this.commits[failure === null ? "count" : "failed"] += 1;
    if (failure === null) {
      for (const batch of [...batches, rows]) for (const row of rowsOf(batch)) this.#apply(row);
    }
    setImmediate(() => done(failure));
  }

  heartbeat(): void {}

  async facts(): Promise<FileFacts | null> {
    return null;
  }

  async close(): Promise<void> {}

  #apply({ kind, isDelete, key, record }: Row): void {
    const name = JSON.stringify(key);
    if (!isDelete) {
      this.rows.of(kind).set(name, { key, record: record.slice() });
      return;
    }
    this.rows.of(kind).delete(name);
    if (kind === "session") for (const owned of ownedBySession) this.#deleteOf(owned, key[0]);
    if (kind === "message") this.#deleteOf("piece", key[0]);
  }

  #deleteOf(kind: RowKind, owner: number | string): void {
    const rows = this.rows.of(kind);
    for (const [name, { key }] of rows) if (key[0] === owner) rows.delete(name);
  }

  /** In the order of a file. */
  #stored(): Uint8Array {
    const writer = new ByteWriter();
    const write = (kind: RowKind, { key, record }: Kept): void => {
      const begun = beginRow(writer, kind, key);
      writer.raw(record);
      endRow(writer, begun);
    };
    const owned = ownedBySession.map((kind) => ({ kind, of: byOwner(this.#sorted(kind)) }));
    const pieces = byOwner(this.#sorted("piece"));
    for (const row of this.#sorted("message")) {
      for (const piece of pieces.get(row.key[0]) ?? []) write("piece", piece);
      write("message", row);
    }
    for (const row of this.#sorted("session")) {
      write("session", row);
      for (const { kind, of } of owned)
        for (const part of of.get(row.key[0]) ?? []) write(kind, part);
    }
    for (const row of this.#sorted("retained")) write("retained", row);
    return writer.written;
  }

  #sorted(kind: RowKind): Kept[] {
    return [...this.rows.of(kind).values()].toSorted(
      (a, b) => order(a.key[0], b.key[0]) || order(a.key[1] ?? 0, b.key[1] ?? 0),
    );
  }
}

function byOwner(rows: readonly Kept[]): Map<number | string, Kept[]> {
  return Map.groupBy(rows, ({ key }) => key[0]);
}

const ownedBySession = ["subscription", "queued", "outgoing", "incoming", "will"] as const;

function order(a: number | string, b: number | string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
