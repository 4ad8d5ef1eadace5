import { expect, test } from "bun:test";
import { subscriptionsOf } from "../../../src/core/queries/queries.ts";
import { explain } from "../../../src/inspect/explain/explain.ts";
import { mortal } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";
import { answerOf, brief, flatPage, told, topicsOf, watched } from "./explained.ts";

// Who received the will: the page for a user whose watcher got nothing.

test("explained: a retained will without subscribers", () => {
  const world = new World();
  const client = mortal(world, { keepalive: 30, will: { retain: true, qos: 1 } });
  client.publish("wills/mortal", "online", { retain: true });
  client.drop("eof");
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal, or something between, closed
    the connection without a DISCONNECT (FIN). Nobody had subscribed to
    wills/mortal, and it is kept as the topic's retained message. [v5-3.1.2-8]

    What happened
      08:00:00.000  The connection ended: it, or something between, closed the
                    connection without a DISCONNECT (FIN).
      08:00:00.000  The will was published on wills/mortal, on time. Nobody had
                    subscribed to wills/mortal, and it is kept as the topic's
                    retained message. [v5-3.1.2-8]
    "
  `);
});

test("explained: an empty retained will clears what was retained", () => {
  const world = new World();
  const client = mortal(world, { keepalive: 30, will: { retain: true, payload: "" } });
  client.publish("wills/mortal", "online", { retain: true });
  client.drop("eof");
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal, or something between, closed
    the connection without a DISCONNECT (FIN). Nobody had subscribed to
    wills/mortal, and being empty, it cleared the topic's retained message.
    [v5-3.1.2-8]

    What happened
      08:00:00.000  The connection ended: it, or something between, closed the
                    connection without a DISCONNECT (FIN).
      08:00:00.000  The will was published on wills/mortal, on time. Nobody had
                    subscribed to wills/mortal, and being empty, it cleared the
                    topic's retained message. [v5-3.1.2-8]

    What to change
      - <emptyRetainedWill> [v5-3.3.1-6]
    "
  `);
});

test("explained: a will above its subscriber's Maximum Packet Size", () => {
  const world = new World();
  const narrow = world.open();
  const properties = { maximumPacketSize: 40 };
  narrow.connect({ clientId: "narrow", protocolVersion: 5, properties });
  narrow.subscribe({ topic: "wills/#", qos: 1 });
  mortal(world, { keepalive: 30, will: { qos: 1, payload: "x".repeat(64) } }).drop("eof");
  expect(told(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal, or something between, closed
    the connection without a DISCONNECT (FIN). It was dropped for narrow (larger
    than its Maximum Packet Size of 40 B). [v5-3.1.2-8]

    What happened
      08:00:00.000  It connected from 127.0.0.1:50002 with MQTT 5.0 (listener: tcp
                    test).
      08:00:00.000  It asked for a keepalive of 30 s: its connection ends after
                    45.0 s of silence. [v5-3.1.2-22]
      08:00:00.000  With Clean Start 1 it began a new session, which ends with the
                    connection. [v5-3.1.2-4]
      08:00:00.000  It set a will on wills/mortal (QoS 1, not retained, 64 bytes,
                    'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
                    no delay). [v5-3.1.2-7]
      08:00:00.000  The connection ended: it, or something between, closed the
                    connection without a DISCONNECT (FIN).
      08:00:00.000  The will was published on wills/mortal, on time. It was dropped
                    for narrow (larger than its Maximum Packet Size of 40 B).
                    [v5-3.1.2-8]

    What to change
      - <droppedCopies> [v5-3.1.2-25]

    What a statement says: mqttd rule v5-3.1.2-8
    "
  `);
});

test("explained: a will for which a queue had no room", () => {
  const world = new World({ limits: { queuedMessages: 1 } });
  const away = world.open();
  away.connect({ clientId: "away", clean: false });
  away.subscribe({ topic: "wills/#", qos: 1 });
  away.send({ cmd: "disconnect" });
  const client = mortal(world, { version: 4, will: { qos: 1 } });
  client.publish("wills/1", "x", { qos: 1 });
  client.drop("eof");
  const page = flatPage(world);
  expect(page).toContain("It was dropped for away (its queue is full).");
  expect(page).toContain("The queue of away was full (limits.queuedMessages, limits.queuedBytes)");
  expect(page).not.toContain("Maximum Packet Size");
});

test("explained: a will of QoS 0 for a client that reads nothing", () => {
  const world = new World({ outputBytes: 1000 });
  const slow = world.open();
  slow.connect({ clientId: "slow" });
  slow.subscribe("wills/#");
  slow.room = 0;
  const client = mortal(world, { version: 4 });
  for (let at = 0; at < 3; at++) client.publish("wills/1", "x".repeat(1000));
  client.drop("eof");
  const page = flatPage(world);
  expect(page).toContain("It was dropped for slow (it reads no data).");
  expect(page).toContain("slow did not read what the broker sent, and a message of QoS 0");
});

test("explained: a will lost by more subscribers than are named", () => {
  const world = new World();
  for (let at = 0; at < 12; at++) {
    const narrow = world.open();
    const properties = { maximumPacketSize: 40 + at };
    narrow.connect({ clientId: `narrow-${at}`, protocolVersion: 5, properties });
    narrow.subscribe("wills/#");
  }
  mortal(world, { will: { payload: "x".repeat(64) } }).drop("eof");
  const page = flatPage(world);
  expect(page).toContain("narrow-2 (larger than its Maximum Packet Size of 42 B) and 9 more");
  const [end] = world.noted("ended");
  expect(end?.will).toMatchObject({ reach: { dropped: 12, delivered: 0 } });
  const reach = end?.will?.fate === "published" ? end.will.reach : null;
  expect(reach?.losses).toHaveLength(10);
});

test("explained: a will that everybody got names nobody", () => {
  const world = watched();
  mortal(world).drop("eof");
  const [end] = world.noted("ended");
  expect(end?.will).toHaveProperty("reach");
  expect(end?.will).not.toHaveProperty("reach.losses");
});

test("explained: a will that expires, kept as the retained message and in a queue", () => {
  const world = watched();
  const away = world.open();
  const properties = { sessionExpiryInterval: 600 };
  away.connect({ clientId: "away", protocolVersion: 5, properties });
  away.subscribe({ topic: "wills/#", qos: 1 });
  away.drop();
  const will = { retain: true, qos: 1, properties: { messageExpiryInterval: 10 } } as const;
  const client = mortal(world, { keepalive: 30, will });
  client.publish("wills/mortal", "online", { retain: true });
  expect(flatPage(world)).toContain(
    "QoS 1, retained, 4 bytes, 'gone', no delay, message expiry 10 s",
  );
  client.drop("eof");
  world.advance(4_000);
  expect(flatPage(world)).toContain(
    "1 subscriber got it, it waits in the queue of 1 subscriber, where it expires 10 s after its " +
      "publication, and it is kept as the topic's retained message for 10 s (Message Expiry Interval).",
  );
  world.advance(8_000);
  expect(flatPage(world)).toContain(
    "1 subscriber got it, it was put into the queue of 1 subscriber, where it expired 10 s after " +
      "its publication if it still waited, and it was kept as the topic's retained message for 10 s (Message Expiry " +
      "Interval), which passed 2.00 s ago. [v5-3.1.2-8]",
  );
  expect(told(world)).toContain("- <willExpired> [v5-3.3.2-5]");
});

test("a will that only No Local kept from a subscriber", () => {
  const world = new World();
  const client = mortal(world, { keepalive: 10, expiry: 60, clean: false, will: { qos: 1 } });
  client.subscribe({ topic: "wills/#", qos: 1, nl: true });
  client.drop();
  world.advance(1_000);
  expect(flatPage(world)).toContain(
    "Its own session had subscribed to wills/mortal, but with No Local, which keeps its own messages " +
      "from it, and nobody else had.",
  );
  expect(flatPage(world)).not.toContain("Nobody had subscribed");
  expect(topicsOf(world)).toContain("noLocal");
  expect(topicsOf(world)).not.toContain("willUnheard");
});

/** A retained will that nobody received, and what came after it on its topic. */
function keptThen(next: (world: World) => void): string {
  const world = new World();
  mortal(world, { keepalive: 30, will: { retain: true } }).drop();
  world.advance(1_000);
  next(world);
  world.advance(2_000);
  return flatPage(world);
}

function publishedBy(world: World, clientId: string, payload: string): void {
  const client = world.open();
  client.connect({ clientId });
  client.publish("wills/mortal", payload, { retain: true });
  client.send({ cmd: "disconnect" });
}

test("a retained will that another message replaced is not said to be kept", () => {
  expect(keptThen(() => {})).toContain("and it is kept as the topic's retained message. [");
  expect(keptThen((world) => publishedBy(world, "script", "online"))).toContain(
    "and it was kept as the topic's retained message until 2.00 s ago, when script published " +
      "'online' there.",
  );
  expect(keptThen((world) => publishedBy(world, "script", ""))).toContain(
    "and it was kept as the topic's retained message, which is gone by now.",
  );
  const other = { topic: "wills/mortal", retain: true };
  expect(
    keptThen((world) => mortal(world, { id: "twin", keepalive: 30, will: other }).drop()),
  ).toContain("until 2.00 s ago, when a will of twin took its place.");
});

test("a will that expired in the queue of a subscriber that came too late", () => {
  const world = new World();
  const app = world.open();
  app.connect({ clientId: "app", protocolVersion: 5, properties: { sessionExpiryInterval: 600 } });
  app.subscribe({ topic: "wills/#", qos: 1 });
  app.send({ cmd: "disconnect", reasonCode: 0 });
  const will = { qos: 1, properties: { messageExpiryInterval: 10 } } as const;
  mortal(world, { keepalive: 30, will }).drop();
  expect(topicsOf(world)).not.toContain("willExpired");
  world.advance(11_000);
  expect(flatPage(world)).toContain("where it expired 10 s after its publication");
  expect(told(world)).toContain("- <willExpired 2> [v5-3.3.2-5]");
});

test("a will that a shared subscription took: who its members are", () => {
  const world = new World();
  for (const clientId of ["logger", "dash"]) {
    const member = world.open();
    member.connect({ clientId, protocolVersion: 5 });
    member.subscribe({ topic: "$share/log/wills/#", qos: 1 });
  }
  mortal(world, { keepalive: 30 }).drop();
  const subscriptions = [...subscriptionsOf(world.broker)].filter((one) => one !== null);
  // The only member gets each message.
  expect(explain(answerOf(world), subscriptions.slice(1)).advice).toEqual([]);
  const { advice } = explain(answerOf(world), subscriptions);
  expect(advice.map(({ text }) => text)).toEqual([
    "logger, dash share the subscription $share/log/wills/#: one of its members gets each message, " +
      "and the others do not. A client that is to receive each will needs a subscription without " +
      "$share.",
  ]);
});
