import type {
  DurableIncoming,
  DurableOutgoing,
  DurableQueued,
  DurableSession,
  DurableSubscription,
  DurableWill,
  StoredPart,
  StoredSession,
} from "../core/durable.ts";
import { readRow, type StoredRecord } from "./records.ts";
import { rowsOf } from "./rows.ts";

/** A session whose rows are still coming. */
class Session implements StoredSession {
  readonly session: DurableSession;
  readonly subscriptions: DurableSubscription[] = [];
  readonly queued: DurableQueued[] = [];
  readonly outgoing: DurableOutgoing[] = [];
  readonly incoming: DurableIncoming[] = [];
  will: DurableWill | null = null;

  constructor(session: DurableSession) {
    this.session = session;
  }
}

/**
 * Makes parts of buffers of rows: in a file's order the rows of a session follow it, and the pieces
 * of a payload come before their message.
 */
export class PartReader {
  readonly #pieces = new Map<number, Uint8Array>();
  #session: Session | null = null;

  /** What a buffer completes. The last session is complete when the next row of another kind comes. */
  read(buffer: Uint8Array): StoredPart {
    const part = emptyPart();
    for (const row of rowsOf(buffer)) this.#add(part, readRow(row, this.#pieces));
    return part;
  }

  /** The session that nothing followed. */
  end(): StoredPart {
    const part = emptyPart();
    this.#complete(part);
    return part;
  }

  #add(part: MutablePart, record: StoredRecord): void {
    switch (record.put) {
      case "piece":
        return;
      case "message":
        part.messages.push(record.value);
        return;
      case "habits":
        part.habits.push(record.value);
        return;
      case "connection":
        part.connections.push(record.value);
        return;
      case "willRecord":
        part.willRecords.push(record.value);
        return;
      case "session":
        this.#complete(part);
        this.#session = new Session(record.value);
        return;
      case "retained":
        this.#complete(part);
        part.retained.push(record.value);
        return;
      case "subscription":
        this.#session?.subscriptions.push(record.value);
        return;
      case "queued":
        this.#session?.queued.push(record.value);
        return;
      case "outgoing":
        this.#session?.outgoing.push(record.value);
        return;
      case "incoming":
        this.#session?.incoming.push(record.value);
        return;
      case "will":
        if (this.#session !== null) this.#session.will = record.value;
    }
  }

  #complete(part: MutablePart): void {
    if (this.#session !== null) part.sessions.push(this.#session);
    this.#session = null;
  }
}

type MutablePart = { readonly [List in keyof StoredPart]: StoredPart[List][number][] };

function emptyPart(): MutablePart {
  return {
    ...{ messages: [], habits: [], connections: [], willRecords: [] },
    ...{ sessions: [], retained: [] },
  };
}
