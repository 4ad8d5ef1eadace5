import type { Changes, DurableMessage } from "../core/durable.ts";
import { ByteWriter } from "./bytes.ts";
import { pieceBytes, piecesOf, writeChange, writePiece } from "./records.ts";

type Rows = Uint8Array<ArrayBuffer>;

/**
 * A buffer of rows. part: of a transaction that the last one ends; piece: of a large payload, which is
 * committed alone, since it means nothing without its message.
 */
export interface EncodedRows {
  readonly of: "part" | "piece" | "last";
  readonly rows: Rows;
}

/** Changes, and about as many bytes, that are encoded in one turn of the loop. */
const changesOfPart = 4000;
const bytesOfPart = 1024 * 1024;

/** Encodes a batch, buffer by buffer: parts, then pieces, then the last part. */
export function* encodeBatch(changes: Changes): Generator<EncodedRows, void, void> {
  const large: DurableMessage[] = [];
  let from = 0;
  let rows: Rows;
  for (;;) {
    const to = Math.min(from + changesOfPart, changes.length);
    const writer = new ByteWriter(firstBytes(to - from));
    for (const change of changes.slice(from, to)) {
      if (writer.length >= bytesOfPart) break;
      from += 1;
      writeChange(writer, change);
      if ("put" in change && change.put === "message" && piecesOf(change.value) > 0) {
        large.push(change.value);
      }
    }
    rows = writer.written;
    if (from === changes.length) break;
    yield { of: "part", rows };
  }
  for (const message of large) {
    for (let number = 0; number < piecesOf(message); number++) {
      const writer = new ByteWriter(pieceBytes + keyBytes);
      writePiece(writer, message, number);
      yield { of: "piece", rows: writer.written };
    }
  }
  yield { of: "last", rows };
}

/** What most batches of so many changes need. */
function firstBytes(changes: number): number {
  return 1024 + changes * 150;
}

/** More than what comes before a piece in its row. */
const keyBytes = 64;
