import { beforeEach, describe, expect, test } from "bun:test";
import { defaultLimits } from "../../src/core/limits.ts";
import type { Qos } from "../../src/core/packet.ts";
import { Books } from "./books.ts";
import { Connection } from "./connection.ts";
import { Delivery } from "./delivery.ts";
import { Handovers } from "./handovers.ts";
import { Offers } from "./offers.ts";
import { Retained } from "./retained.ts";
import { Session, type Subscription } from "./session.ts";

/** Milliseconds; everything happens in one moment. */
const now = 1000;
const limits = { ...defaultLimits, queueQos0: true };
/** The key of a message without a payload. */
const empty = -1;

let books: Books;
let offers: Offers;
let handovers: Handovers;
let delivery: Delivery;
let serial = 0;
let packetId = 0;

beforeEach(() => {
  books = new Books(limits, () => now);
  const retained = new Retained(books);
  offers = new Offers(books, retained);
  handovers = new Handovers(books, offers);
  delivery = new Delivery(retained, offers, handovers);
  serial = 0;
  packetId = 0;
});

describe("messages published twice look alike", () => {
  test("a session's own copies are counted beside a share's copies for other members", () => {
    const { one } = pair();
    subscribe(one, "t/0");
    for (let times = 0; times < 3; times++) publish(1, "t/0", 1);
    for (let times = 0; times < 3; times++) send(one, 1, "t/0", 1);
    publish(1, "t/0", 1);
    send(one, 1, "t/0", 1);
    acknowledge(one);
    expect(() => delivery.expectDelivered(one, now)).not.toThrow();
  });

  test("a missing copy is reported", () => {
    const { one } = pair();
    subscribe(one, "t/0");
    for (let times = 0; times < 3; times++) publish(1, "t/0", 1);
    for (let times = 0; times < 2; times++) send(one, 1, "t/0", 1);
    publish(1, "t/0", 1);
    send(one, 1, "t/0", 1);
    acknowledge(one);
    expect(() => delivery.expectDelivered(one, now)).toThrow("what a session waits for arrives");
  });

  test("a message left by a member is sent first, and overtakes nothing that waits before its double", () => {
    const one = newSession("one");
    const other = newSession("other");
    subscribe(other, "t/0", "g");
    publish(empty, "t/0", 0);
    subscribe(one, "t/0", "g");
    end(other);
    subscribe(one, "#");
    publish(7, "t/1", 0);
    publish(empty, "t/0", 0);
    send(one, empty, "t/0", 0);
    send(one, 7, "t/1", 0);
    send(one, empty, "t/0", 0);
    send(one, empty, "t/0", 0);
    expect(() => send(one, 7, "t/1", 0)).toThrow("a client gets what it asked for, and once");
  });

  test("a message left by a member is accepted, although it was published again since", () => {
    const { one, other } = pair();
    publish(1, "t/0", 1);
    end(other);
    publish(1, "t/0", 1);
    send(one, 1, "t/0", 1);
    send(one, 1, "t/0", 1);
    expect(() => handovers.expectTaken(now)).not.toThrow();
  });

  test("a message left by a member and published once must arrive", () => {
    const { one, other } = pair();
    publish(1, "t/0", 1);
    end(other);
    connect(one);
    expect(() => handovers.expectTaken(now)).toThrow("what a member of a share leaves goes");
    send(one, 1, "t/0", 1);
    expect(() => handovers.expectTaken(now)).not.toThrow();
  });
});

/** Two sessions, either of which may get each message on `t/0`. */
function pair(): { one: Session; other: Session } {
  const one = newSession("one");
  const other = newSession("other");
  subscribe(one, "t/0", "g");
  subscribe(other, "t/0", "g");
  return { one, other };
}

function newSession(clientId: string): Session {
  const session = new Session(clientId);
  books.sessions.set(clientId, session);
  return session;
}

function end(session: Session): void {
  session.isOver = true;
  books.sessions.delete(session.clientId);
  handovers.ended(session);
  books.generation += 1;
}

function subscribe(session: Session, pattern: string, group: string | null = null): void {
  const filter = group === null ? pattern : `$share/${group}/${pattern}`;
  const subscription: Subscription = {
    reader: null,
    filter,
    pattern,
    mounted: 0,
    group,
    qos: 1,
    noLocal: false,
    retainAsPublished: false,
    identifier: 0,
  };
  session.subscriptions.set(filter, subscription);
  handovers.subscribed(session, subscription);
  books.generation += 1;
}

/** Both are offline meanwhile, so that it waits. */
function publish(key: number, topic: string, qos: Qos): void {
  for (const session of books.sessions.values()) session.connection = null;
  offers.publish({
    serial: serial++,
    key,
    topic,
    qos,
    retain: false,
    publisher: "publisher",
    payloadBytes: key === empty ? 0 : 5,
    propertyBytes: 0,
    contentType: null,
    expiresAt: Infinity,
    at: now,
    recipients: 0,
    unsure: 0,
    keptWith: 0,
  });
}

const policy = { name: "tcp", mountPoint: "", connections: Infinity, allowAnonymous: true };

function connect(session: Session): Connection {
  session.connection ??= new Connection(1, "remote", policy, true, now, limits);
  return session.connection;
}

/** The broker announces a PUBLISH. */
function send(session: Session, key: number, topic: string, qos: Qos): void {
  packetId += 1;
  const packet = { topic, qos, retain: false, dup: false, packetId, key };
  delivery.sent(connect(session), session, packet, now, () => false);
}

/** The referee has seen everything sent. */
function acknowledge(session: Session): void {
  for (const copy of session.inflight.values()) delivery.finish(connect(session), session, copy);
}
