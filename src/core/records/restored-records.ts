import type { StoredPart } from "../durable.ts";
import type { Millis } from "../io.ts";
import type { Session } from "../session.ts";
import type { Will } from "../will.ts";
import type { ClientHistory } from "./client-history.ts";
import { ConnectionRecord } from "./connection-record.ts";
import type { RecordJournal } from "./record-journal.ts";
import type { Records } from "./records.ts";
import { WillRecord } from "./wills.ts";

/** What a store has kept of clients, connections and wills becomes records again. */
export class RestoredRecords {
  readonly #records: Pick<Records, "wills" | "clients" | "topics">;
  readonly #journal: RecordJournal;
  /** By client id, what was restored of wills without a fate, until all is. */
  readonly #open = new Map<string, WillRecord>();

  constructor(records: Pick<Records, "wills" | "clients" | "topics">, journal: RecordJournal) {
    this.#records = records;
    this.#journal = journal;
  }

  /**
   * A store has kept records, before the sessions that they are of. Those that were connected have
   * ended with their broker, at `diedAt`.
   */
  loaded({ habits, connections, willRecords }: StoredPart, diedAt: Millis): void {
    const journal = this.#journal;
    const { clients, wills } = this.#records;
    for (const kept of habits) {
      journal.adopt(kept.number);
      clients.restored(kept.clientId)?.restoreHabits(kept);
    }
    for (const kept of connections) {
      const history = clients.restored(kept.clientId);
      if (history !== null) history.restored(ConnectionRecord.stored(kept, diedAt, journal));
      if (kept.willId !== null) wills.adopt(kept.willId);
    }
    for (const kept of willRecords) {
      const record = WillRecord.stored(kept, journal);
      clients.restored(kept.clientId)?.restoredWill(record);
      wills.restore(record);
      if (record.fate === null) this.#open.set(kept.clientId, record);
    }
  }

  /** Nothing more is restored. */
  loadedAll(): void {
    this.#open.clear();
    this.#records.wills.endRestoring();
    this.#records.clients.endRestoring();
  }

  /**
   * A store has kept a session, and the will of its last connection if that has no fate yet.
   * `allowedMs`: of silence, by its keepalive; null: any.
   */
  restored(session: Session, allowedMs: number | null): void {
    const { clientId, origin, will, ended } = session;
    // What is gone with everybody else, and was not remembered before, would be forgotten at once.
    if (will === null && !this.#records.clients.hasRoomFor(clientId)) return;
    const history = this.#records.clients.restored(clientId);
    if (history === null || origin === null) return;
    const { connections } = history;
    const ofSession = connections.filter(({ connectedAt }) => connectedAt === origin.connectedAt);
    // One that began in the same millisecond had another end.
    let record =
      ofSession.findLast(({ end }) => end?.at === ended?.at && end?.cause === ended?.cause) ??
      // Of a session that may have had another connection after it, of which nothing was kept.
      (will === null && ended?.cause === "brokerRestarted" ? ofSession.at(-1) : null) ??
      null;
    if (record === null) {
      // It had just begun, or is of an older mqttd.
      record = ConnectionRecord.ofSession(session, allowedMs, this.#journal);
      if (record === null) return;
      history.restored(record);
      record.changed();
    }
    if (will !== null) this.#restoredWill(session, will, history, record);
  }

  #restoredWill(
    { ended, expiryIntervalSeconds: sessionExpirySeconds }: Session,
    will: Will,
    history: ClientHistory,
    connection: ConnectionRecord,
  ): void {
    const { wills, topics } = this.#records;
    const { clientId } = history;
    const { remote, version, keepAliveSeconds } = connection.facts;
    const open = this.#open.get(clientId) ?? null;
    // That of its connection may have been forgotten.
    let record = open?.armedAt === will.armedAt ? open : connection.will;
    if (record === null) {
      const origin = {
        ...{ clientId, remote, version, keepAliveSeconds, sessionExpirySeconds },
        ...({ access: "allowed", isRestored: true } as const),
      };
      const { payload } = will.packet;
      record = wills.arm(will.facts, payload, origin, will.armedAt, connection.willId);
      connection.will = record;
      connection.changed();
      history.armed(record);
    }
    will.recordRef = record;
    record.end ??= connection.end;
    topics.claim(record.facts.topic)?.arm(record);
    topics.delayed(record);
    if (record.state === "delayed") record.dueAt = will.originalDue;
    else if (ended !== null) wills.delay(record, will.originalDue ?? ended.at, ended.at);
  }
}
