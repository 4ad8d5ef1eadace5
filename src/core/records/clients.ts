import type { BrokerEvent } from "../events.ts";
import type { Millis } from "../io.ts";
import type { Memory } from "../memory.ts";
import { ClientHistory } from "./client-history.ts";
import { excerpt } from "./excerpt.ts";
import { Oldest } from "./oldest.ts";
import type { RecentEnd } from "./broker-account.ts";
import type { RecordJournal } from "./record-journal.ts";
import { TurnedAway } from "./turned-away.ts";

const endsKept = 10;
/**
 * Characters of a client id in the budget for disconnected clients, on average. Longer ids, up to
 * 65,535 bytes, leave room for fewer clients.
 */
export const idCharacters = 256;

/**
 * The histories of client ids. Keeps connected clients and clients with a delayed will: by the
 * standard these have a session, which `limits.sessions` bounds. Of the others it keeps the latest
 * `limits.ledger`, so that a client with a new id each time can't exhaust memory.
 */
export class ClientHistories {
  readonly #limits: { readonly ledger: number };
  readonly #connected = new Map<string, ClientHistory>();
  /** Disconnected, with a delayed will. */
  readonly #awaiting = new Map<string, ClientHistory>();
  /** Disconnected, without a delayed will; in the order of disconnecting or of the will's fate. */
  readonly #gone = new Map<string, ClientHistory>();
  readonly #oldest = new Oldest(this.#gone);
  /** Those in `#connected` that are not, while a store's contents are restored. */
  readonly #restored = new Set<string>();
  /** Total length of the ids in `#gone`. */
  #goneCharacters = 0;
  /** The newest last; a few more than are kept. */
  readonly #recentEnds: RecentEnd[] = [];
  readonly turnedAway = new TurnedAway();

  /** With the histories. */
  readonly #shared: { readonly memory: Memory; readonly journal: RecordJournal | null };

  constructor(limits: { readonly ledger: number }, memory: Memory, journal: RecordJournal | null) {
    this.#limits = limits;
    this.#shared = { memory, journal };
  }

  of(clientId: string): ClientHistory | null {
    return (
      this.#connected.get(clientId) ??
      this.#awaiting.get(clientId) ??
      this.#gone.get(clientId) ??
      null
    );
  }

  get size(): number {
    return this.#connected.size + this.#awaiting.size + this.#gone.size;
  }

  /** Whether a client that is gone is known, or would be remembered beside the others. */
  hasRoomFor(clientId: string): boolean {
    return this.size < this.#limits.ledger || this.of(clientId) !== null;
  }

  *ids(): Generator<string, void, void> {
    yield* this.#connected.keys();
    yield* this.#awaiting.keys();
    yield* this.#gone.keys();
  }

  /** CONNECT was accepted. */
  connected(clientId: string): ClientHistory {
    const history = this.of(clientId) ?? this.#newHistory(clientId);
    this.#forget(clientId);
    this.#connected.set(clientId, history);
    history.connected = true;
    return history;
  }

  /**
   * What a store has kept of a client, which is gone. Counts as connected, so that it is not
   * forgotten, until all is restored. Null: it is connected here.
   */
  restored(clientId: string): ClientHistory | null {
    const known = this.#connected.get(clientId);
    if (known !== undefined) return this.#restored.has(clientId) ? known : null;
    this.#restored.add(clientId);
    return this.connected(clientId);
  }

  /** Nothing more is restored: those that were are gone, in the order of their latest ends. */
  endRestoring(): void {
    const ended = [...this.#restored].map((clientId) => {
      const last = this.#connected.get(clientId)?.connections.at(-1);
      return { clientId, at: last?.end?.at ?? 0 };
    });
    this.#restored.clear();
    for (const { clientId } of ended.toSorted((a, b) => a.at - b.at)) this.gone(clientId);
  }

  /** The client's connection ended or was refused. */
  gone(clientId: string): ClientHistory {
    const connected = this.#connected.get(clientId);
    const history = connected ?? this.of(clientId) ?? this.#newHistory(clientId);
    // It is in one of the maps.
    if (connected === undefined) this.#forget(clientId);
    else this.#connected.delete(clientId);
    history.connected = false;
    if (history.awaitsWill) this.#awaiting.set(clientId, history);
    else this.#retire(clientId, history);
    return history;
  }

  /** A will of the client got its fate. */
  settled(clientId: string): void {
    const history = this.#awaiting.get(clientId);
    if (history === undefined || history.awaitsWill) return;
    this.#awaiting.delete(clientId);
    this.#retire(clientId, history);
  }

  #retire(clientId: string, history: ClientHistory): void {
    this.#gone.set(clientId, history);
    this.#goneCharacters += clientId.length;
    const { ledger } = this.#limits;
    while (this.#gone.size > ledger || this.#goneCharacters > ledger * idCharacters) {
      if (!this.forgetOldest()) break;
    }
  }

  #newHistory(clientId: string): ClientHistory {
    return new ClientHistory(clientId, this.#shared);
  }

  /** Forgets the client that has been away for longest. False: there is none. */
  forgetOldest(): boolean {
    const oldest = this.#oldest.take();
    if (oldest === undefined) return false;
    this.#gone.get(oldest)?.release();
    this.#forget(oldest);
    return true;
  }

  #forget(clientId: string): void {
    this.#awaiting.delete(clientId);
    if (this.#gone.delete(clientId)) this.#goneCharacters -= clientId.length;
  }

  /** Adds an event about a client id to its history. */
  noted(event: BrokerEvent, at: Millis): void {
    const clientId = clientOf(event);
    if (clientId !== null) this.of(clientId)?.noted(event, at);
  }

  ended(end: RecentEnd, wasConnected: boolean): void {
    this.#recentEnds.push(excerpt(end));
    if (this.#recentEnds.length >= 2 * endsKept) this.#recentEnds.splice(0, endsKept);
    this.turnedAway.ended(end, wasConnected);
  }

  /** The latest ends of connections, newest first. */
  get recentEnds(): RecentEnd[] {
    return this.#recentEnds.slice(-endsKept).reverse();
  }
}

function clientOf(event: BrokerEvent): string | null {
  if ("peer" in event) return event.peer.clientId;
  return "clientId" in event ? event.clientId : null;
}
