import type {
  Change,
  Changes,
  Commit,
  DurableIncoming,
  DurableMessage,
  DurableOutgoing,
  DurableQueued,
  DurableRetained,
  DurableSession,
  DurableSubscription,
  DurableWill,
  RecordChange,
  StoredPart,
} from "../../src/core/durable.ts";

type RecordOf<Kind> = Extract<RecordChange, { readonly put: Kind }>["value"];

/** What a store keeps, as plain maps: the meaning of `Change` without a disk. */
export class ShadowStore {
  readonly messages = new Map<number, DurableMessage>();
  readonly sessions = new Map<number, DurableSession>();
  readonly subscriptions = new Map<string, DurableSubscription>();
  readonly queued = new Map<string, DurableQueued>();
  readonly outgoing = new Map<string, DurableOutgoing>();
  readonly incoming = new Map<string, DurableIncoming>();
  readonly retained = new Map<string, DurableRetained>();
  readonly wills = new Map<number, DurableWill>();
  readonly records = {
    habits: new Map<number, RecordOf<"habits">>(),
    connection: new Map<number, RecordOf<"connection">>(),
    willRecord: new Map<number, RecordOf<"willRecord">>(),
  };

  /** Keeps batches; `later` runs its argument in a later turn. */
  committer(later: (work: () => void) => void): Commit {
    return (changes, done) => {
      later(() => {
        this.apply(changes);
        done(null);
      });
    };
  }

  apply(changes: Changes): void {
    for (const change of changes) this.#change(change);
  }

  /** Another store with the same content. */
  copy(): ShadowStore {
    const other = new ShadowStore();
    for (const kind of kinds) {
      const to: Map<unknown, unknown> = other[kind];
      for (const [key, value] of this[kind]) to.set(key, value);
    }
    for (const kind of ["habits", "connection", "willRecord"] as const) {
      const to: Map<number, unknown> = other.records[kind];
      for (const [key, value] of this.records[kind]) to.set(key, value);
    }
    return other;
  }

  /** Everything in one part. */
  load(): StoredPart {
    const of = <Value extends { readonly session: number }>(
      values: Map<unknown, Value>,
      session: number,
    ): Value[] => [...values.values()].filter((value) => value.session === session);
    return {
      messages: [...this.messages.values()],
      habits: inOrder(this.records.habits),
      connections: inOrder(this.records.connection),
      willRecords: inOrder(this.records.willRecord),
      sessions: [...this.sessions.values()].map((session) => ({
        session,
        subscriptions: of(this.subscriptions, session.session),
        queued: of(this.queued, session.session),
        outgoing: of(this.outgoing, session.session),
        incoming: of(this.incoming, session.session),
        will: this.wills.get(session.session) ?? null,
      })),
      retained: [...this.retained.values()],
    };
  }

  #change(change: Change): void {
    if ("put" in change) return this.#put(change);
    switch (change.delete) {
      case "session":
        this.sessions.delete(change.session);
        this.wills.delete(change.session);
        for (const kind of ofSession) {
          for (const [key, { session }] of this[kind]) {
            if (session === change.session) this[kind].delete(key);
          }
        }
        return;
      case "subscription":
        return void this.subscriptions.delete(`${change.session} ${change.filter}`);
      case "message":
        return void this.messages.delete(change.message);
      case "queued":
        return void this.queued.delete(`${change.session} ${change.place}`);
      case "outgoing":
      case "incoming":
        return void this[change.delete].delete(`${change.session} ${change.packetId}`);
      case "retained":
        return void this.retained.delete(change.topic);
      case "will":
        return void this.wills.delete(change.session);
      case "habits":
      case "connection":
      case "willRecord":
        return void this.records[change.delete].delete(change.number);
    }
  }

  #put(change: Extract<Change, { readonly put: string }>): void {
    switch (change.put) {
      case "session":
        return void this.sessions.set(change.value.session, change.value);
      case "subscription":
        return void this.subscriptions.set(
          `${change.value.session} ${change.value.filter}`,
          change.value,
        );
      case "message":
        return void this.messages.set(change.value.message, change.value);
      case "queued":
        return void this.queued.set(`${change.value.session} ${change.value.place}`, change.value);
      case "outgoing":
        return void this.outgoing.set(
          `${change.value.session} ${change.value.packetId}`,
          change.value,
        );
      case "incoming":
        return void this.incoming.set(
          `${change.value.session} ${change.value.packetId}`,
          change.value,
        );
      case "retained":
        return void this.retained.set(change.value.topic, change.value);
      case "will":
        return void this.wills.set(change.value.session, change.value);
      case "habits":
        return void this.records.habits.set(change.value.number, change.value);
      case "connection":
        return void this.records.connection.set(change.value.connection, change.value);
      case "willRecord":
        return void this.records.willRecord.set(change.value.id, change.value);
    }
  }
}

const ofSession = ["subscriptions", "queued", "outgoing", "incoming"] as const;
const kinds = ["messages", "sessions", ...ofSession, "retained", "wills"] as const;

/** By their keys, as a file has them. */
function inOrder<Value>(records: ReadonlyMap<number, Value>): Value[] {
  return [...records].toSorted(([a], [b]) => a - b).map(([, value]) => value);
}
