import { expect } from "bun:test";
import type { EndCause } from "../../src/core/end-causes.ts";
import type { BrokerEvent, WillAtEnd, WillFacts, WillFate } from "../../src/core/events.ts";
import type { LogEvent } from "../../src/log/events.ts";
import type { World } from "./world.ts";

/** One will from CONNECT to its fate, according to the events. */
export interface AuditedWill {
  readonly clientId: string;
  readonly remote: string;
  readonly facts: WillFacts;
  state: "armed" | "delayed" | "settled";
  /** Why its connection ended; null: still open. */
  cause: EndCause | null;
  /** The announced due time; null: not delayed. */
  promised: number | null;
  fate: WillFate | null;
}

interface Book {
  readonly wills: AuditedWill[];
  /** Open accepted connections by remote address, which is unique within a world. */
  readonly connected: Map<string, AuditedWill | null>;
  readonly ended: Set<string>;
  /** Wills whose connection has ended and whose fate is open, by client id. */
  readonly delayed: Map<string, AuditedWill>;
}

/**
 * Reads the events and throws on the first one that breaks a rule: a connection ends at most once,
 * with one cause; a will has exactly one fate, in the event of its connection's end or in one later
 * `will` event; no fate is early, and the cause allows its kind.
 */
export function auditEvents(events: readonly LogEvent[]): readonly AuditedWill[] {
  const book: Book = {
    wills: [],
    connected: new Map(),
    ended: new Set(),
    delayed: new Map(),
  };
  for (const event of events) {
    if (event.event === "connected") enterConnected(book, event);
    else if (event.event === "ended") enterEnded(book, event);
    else if (event.event === "will") enterFate(book, event);
  }
  return book.wills;
}

interface Held {
  readonly clientId: string;
  readonly state: string;
  readonly dueAt: number | null;
}

/** Throws if a world's events break a rule or disagree with the broker's state. */
export function auditWills(world: World): readonly AuditedWill[] {
  world.check();
  const wills = auditEvents(world.events);
  const view = world.broker.view();
  const open = wills
    .filter(({ state }) => state !== "settled")
    .map(({ clientId, state, promised }) => ({ clientId, state, dueAt: promised }));
  const held: Held[] = view.sessions.flatMap(({ clientId, will }) =>
    will === null ? [] : [{ clientId, state: will.state, dueAt: will.dueAt }],
  );
  expect(sorted(held)).toEqual(sorted(open));
  return wills;
}

/** Throws if any state, subscription or deadline of a connection or session is left. */
export function expectReleased(world: World): void {
  const view = world.broker.view();
  expect(view.connections).toEqual([]);
  expect(view.sessions).toEqual([]);
  expect(view.subscriptions).toBe(0);
  const { sysIntervalMs, retained } = world.broker;
  // Retained messages outlive their publishers: one deadline deletes all that expire.
  const expected = Number(sysIntervalMs !== null) + Number(retained.nextExpiry !== null);
  expect(view.deadlines).toBe(expected);
  expect(world.driver.idle).toBe(true);
}

/**
 * The end of every scenario: each client ends its session, connections without a CONNECT time out,
 * the events break no rule, and the broker releases everything.
 */
export function auditAtEnd(world: World): readonly AuditedWill[] {
  auditWills(world);
  for (const { clientId } of world.broker.view().sessions) {
    const last = world.open();
    last.connect({ clientId, clean: true });
    last.send({ cmd: "disconnect" });
  }
  world.advance(world.broker.limits.connectTimeoutMs);
  const wills = auditWills(world);
  expectReleased(world);
  expect(wills.filter(({ state }) => state !== "settled")).toEqual([]);
  return wills;
}

function enterConnected(book: Book, event: BrokerEvent & { event: "connected" }): void {
  const { clientId, remote } = event.peer;
  if (clientId === null) return broken("a connected client has an id", event);
  if (book.connected.has(remote)) return broken("a connection connects once", event);
  if (book.ended.has(remote)) return broken("a connection that has ended does not connect", event);
  if (book.delayed.has(clientId)) return broken("a return settles the delayed will", event);
  if (event.will === null) return void book.connected.set(remote, null);
  const will: AuditedWill = {
    clientId,
    remote,
    facts: event.will,
    state: "armed",
    cause: null,
    promised: null,
    fate: null,
  };
  if (book.wills.some((other) => other.clientId === clientId && other.state === "armed")) {
    return broken("a client id has one armed will", event);
  }
  book.wills.push(will);
  book.connected.set(remote, will);
}

function enterEnded(book: Book, event: BrokerEvent & { event: "ended" }): void {
  const { remote } = event.peer;
  if (book.ended.has(remote)) return broken("a connection ends once", event);
  book.ended.add(remote);
  const will = book.connected.get(remote);
  if (event.wasConnected !== (will !== undefined)) {
    return broken("an end tells rightly whether CONNECT was accepted", event);
  }
  book.connected.delete(remote);
  if (event.silentMs < 0) return broken("silence is not negative", event);
  if (will === undefined || will === null) {
    if (event.will !== null) return broken("only an armed will has a fate", event);
    return;
  }
  if (event.will === null)
    return broken("an armed will has a fate when its connection ends", event);
  will.cause = event.cause;
  enterWillAtEnd(book, will, event.will, event);
}

function enterWillAtEnd(book: Book, will: AuditedWill, at: WillAtEnd, event: LogEvent): void {
  if (at.topic !== will.facts.topic) return broken("a fate names the will's topic", event);
  if (at.fate === "delayed") {
    if (will.facts.delayInterval === 0) return broken("a will without delay does not wait", event);
    if (will.cause === "disconnected") return broken("a goodbye delays no will", event);
    will.state = "delayed";
    will.promised = at.due;
    book.delayed.set(will.clientId, will);
    return;
  }
  if (at.fate === "cancelled" && will.cause !== "takenOver") {
    return broken("at the end of a connection only a takeover cancels", event);
  }
  settle(will, at, event);
}

function enterFate(book: Book, event: BrokerEvent & { event: "will" }): void {
  const will = book.delayed.get(event.clientId);
  if (will === undefined || will.promised === null) {
    return broken("only a delayed will has a later fate", event);
  }
  book.delayed.delete(event.clientId);
  if (event.cause !== will.cause) return broken("a fate names the cause of the end", event);
  if (event.will.topic !== will.facts.topic) return broken("a fate names the will's topic", event);
  const isReturn = event.by === "resumed" || event.by === "restart grace";
  if (isReturn !== (event.will.fate === "cancelled")) {
    return broken("a delayed will is cancelled by a return and by nothing else", event);
  }
  if (event.will.fate === "published") {
    if (event.by === "due" && event.will.due !== will.promised) {
      return broken("a will is due when it was said to be", event);
    }
    if (event.will.due > will.promised) return broken("nothing moves a will back", event);
    if (event.will.due < event.endedAt) return broken("a will is due after the end", event);
  }
  settle(will, event.will, event);
}

function settle(will: AuditedWill, fate: WillFate, event: LogEvent): void {
  if (will.fate !== null) return broken("a will has one fate", event);
  if (fate.fate === "published" && fate.at < fate.due) return broken("no will is early", event);
  const goodbye = fate.fate === "discarded" && fate.why === "disconnect";
  if (goodbye !== (will.cause === "disconnected")) {
    return broken("a clean DISCONNECT discards the will, and nothing else does", event);
  }
  will.state = "settled";
  will.fate = fate;
}

function broken(rule: string, event: LogEvent): never {
  throw new Error(`the audit fails: ${rule}: ${JSON.stringify(event)}`);
}

function sorted<Entry extends { readonly clientId: string }>(entries: readonly Entry[]): Entry[] {
  return entries.toSorted((a, b) => (a.clientId < b.clientId ? -1 : 1));
}
