import type { Changes, DurableMessage } from "../core/durable.ts";
import { ByteWriter } from "./bytes.ts";
import { pieceBytes, piecesOf, writeChange, writePiece } from "./records.ts";

/** The rows of a batch, and before them those of each piece of its large payloads. */
export interface EncodedBatch {
  /** Each is one to commit alone: without the message they mean nothing. */
  readonly pieces: Iterator<Uint8Array<ArrayBuffer>, void, void>;
  readonly rows: Uint8Array<ArrayBuffer>;
}

/** `capacity`: bytes that it will probably have. */
export function encodeBatch(changes: Changes, capacity: number): EncodedBatch {
  const writer = new ByteWriter(capacity);
  const large: DurableMessage[] = [];
  for (const change of changes) {
    writeChange(writer, change);
    if ("put" in change && change.put === "message" && piecesOf(change.value) > 0) {
      large.push(change.value);
    }
  }
  return { pieces: pieceRows(large), rows: writer.written };
}

/** Made one by one, so that no large payload is copied in one turn of the loop. */
function* pieceRows(
  messages: readonly DurableMessage[],
): Generator<Uint8Array<ArrayBuffer>, void, void> {
  for (const message of messages) {
    for (let number = 0; number < piecesOf(message); number++) {
      const writer = new ByteWriter(pieceBytes + keyBytes);
      writePiece(writer, message, number);
      yield writer.written;
    }
  }
}

/** More than what comes before a piece in its row. */
const keyBytes = 64;
