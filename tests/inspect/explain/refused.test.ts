import { expect, test } from "bun:test";
import { explain } from "../../../src/inspect/explain/explain.ts";
import {
  connectBytes,
  connectFlag,
  type ConnectFields,
  willQosFlag,
} from "../../support/connect-bytes.ts";
import { accessListOf } from "../../support/access-text.ts";
import { mortal } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";
import { answerOf, flatPage, pageOf, told, topicsOf, watched } from "./explained.ts";

// A refused CONNECT arms no will: the page for a user who waits for it.

function refused(world: World, fields: ConnectFields): World {
  world.open().sendBytes(connectBytes(fields));
  return world;
}

test("explained: a will topic with a wildcard, MQTT 3.1.1", () => {
  const world = refused(new World(), { version: 4, willTopic: "wills/#" });
  expect(told(world)).toMatchInlineSnapshot(`
    "mortal was refused: Will Topic holds a wildcard. A refused CONNECT arms no will,
    so nothing can fire. [v4-4.7.1-1]

    What happened
      08:00:00.000  A connection came from 127.0.0.1:50001 with MQTT 3.1.1
                    (listener: tcp test).
      08:00:00.000  It was closed, because it broke a rule of MQTT: Will Topic holds
                    a wildcard. Nothing was armed. [v4-4.7.1-1]

    What to change
      - <refused 4> [v4-4.7.1-1]

    What a statement says: mqttd rule v4-4.7.1-1
    "
  `);
});

test("explained: a will topic with a wildcard, MQTT 5.0", () => {
  const world = refused(new World(), { version: 5, willTopic: "wills/+" });
  expect(told(world)).toMatchInlineSnapshot(`
    "mortal was refused: Will Topic holds a wildcard. A refused CONNECT arms no will,
    so nothing can fire. [v5-4.7.0-1]

    What happened
      08:00:00.000  A connection came from 127.0.0.1:50001 with MQTT 5.0 (listener:
                    tcp test).
      08:00:00.000  It was closed, because its CONNECT was refused: Will Topic holds
                    a wildcard. Nothing was armed. [v5-4.7.0-1]

    What to change
      - <refused 4> [v5-4.7.0-1]

    What a statement says: mqttd rule v5-4.7.0-1
    "
  `);
});

test("explained: a will topic that is not valid text", () => {
  const world = refused(new World(), { version: 4, willTopic: "a\0b" });
  expect(told(world)).toMatchInlineSnapshot(`
    "mortal was refused: Will Topic holds U+0000. A refused CONNECT arms no will, so
    nothing can fire. [v4-1.5.3-2]

    What happened
      08:00:00.000  A connection came from 127.0.0.1:50001 with MQTT 3.1.1
                    (listener: tcp test).
      08:00:00.000  It was closed, because it sent a malformed packet: Will Topic
                    holds U+0000. Nothing was armed. [v4-1.5.3-2]

    What to change
      - <refused 5> [v4-1.5.3-2]

    What a statement says: mqttd rule v4-1.5.3-2
    "
  `);
});

const { clean, will, willRetain } = connectFlag;

const wrongWills: readonly (readonly [ConnectFields, detail: string, rule: string])[] = [
  [{ version: 5, willTopic: "" }, "Will Topic is empty", "v5-4.7.3-1"],
  [{ version: 5, flags: clean | will | willQosFlag(3) }, "Will QoS is 3", "v5-3.1.2-12"],
  [
    { version: 4, flags: clean | willQosFlag(1), willTopic: null },
    "Will QoS without Will Flag",
    "v4-3.1.2-13",
  ],
  [
    { version: 5, flags: clean | willRetain, willTopic: null },
    "Will Retain without Will Flag",
    "v5-3.1.2-13",
  ],
  [
    { version: 5, willProperties: [0x01, 1], willPayload: [0xff, 0xfe] },
    "Will Payload is not the UTF-8 that its Payload Format Indicator says",
    "v5-3.1.3.2.3",
  ],
];

for (const [fields, detail, rule] of wrongWills) {
  test(`explained: a will that is refused: ${detail}`, () => {
    const { verdict, story, next, advice, others } = explain(
      answerOf(refused(new World(), fields)),
    );
    const words = { text: expect.stringContaining(`: ${detail}`), rule };
    expect({ verdict, last: story.at(-1), advice }).toMatchObject({
      verdict: words,
      last: words,
      advice: [{ topic: "refused", ...words }],
    });
    expect({ lines: story.length, next, others }).toEqual({ lines: 2, next: [], others: [] });
  });
}

test("explained: a will below $SYS", () => {
  const world = refused(new World(), { version: 4, willTopic: "$SYS/broker" });
  expect(told(world)).toMatchInlineSnapshot(`
    "mortal was refused: the will topic is below $SYS, where only the broker may
    publish. A refused CONNECT arms no will, so nothing can fire. [v4-3.1.4]

    What happened
      08:00:00.000  A connection came from 127.0.0.1:50001 with MQTT 3.1.1
                    (listener: tcp test).
      08:00:00.000  It asked for a will on $SYS/broker (QoS 0, not retained,
                    4 bytes).
      08:00:00.000  It was closed, because its CONNECT was refused: the will topic
                    is below $SYS, where only the broker may publish. Nothing was
                    armed. [v4-3.1.4]

    What to change
      - <refused 6> [v4-3.1.4]
    "
  `);
});

test("explained: a will payload above the limit", () => {
  const world = new World({ limits: { payloadSize: 1024 } });
  refused(world, { version: 4, willTopic: "wills/large", willPayload: "x".repeat(1025) });
  expect(told(world)).toMatchInlineSnapshot(`
    "mortal was refused: the will payload of 1025 B exceeds the limit of 1024 B
    (limits.payloadSize). A refused CONNECT arms no will, so nothing can fire.
    [v4-3.1.3.3]

    What happened
      08:00:00.000  A connection came from 127.0.0.1:50001 with MQTT 3.1.1
                    (listener: tcp test).
      08:00:00.000  It asked for a will on wills/large (QoS 0, not retained,
                    1025 bytes).
      08:00:00.000  It was closed, because its CONNECT was refused: the will payload
                    of 1025 B exceeds the limit of 1024 B (limits.payloadSize).
                    Nothing was armed. [v4-3.1.3.3]

    What to change
      - <refused 7> [v4-3.1.3.3]
    "
  `);
});

test("explained: a client that is refused after its will fired", () => {
  const world = watched();
  mortal(world, { version: 4, keepalive: 30 }).drop("eof");
  world.advance(1_000);
  refused(world, { version: 4, willTopic: "wills/#" });
  expect(told(world)).toMatchInlineSnapshot(`
    "mortal was refused: Will Topic holds a wildcard. A refused CONNECT arms no will,
    so nothing can fire. [v4-4.7.1-1]

    The will before it fired at once, because mortal, or something between, closed
    the connection without a DISCONNECT (FIN). 1 subscriber got it. [v4-3.1.2-8]

    What happened
      08:00:01.000  A connection came from 127.0.0.1:50003 with MQTT 3.1.1
                    (listener: tcp test).
      08:00:01.000  It was closed, because it broke a rule of MQTT: Will Topic holds
                    a wildcard. Nothing was armed. [v4-4.7.1-1]

    What to change
      - <refused 4> [v4-4.7.1-1]

    Its other connections
      08:00:00.000  127.0.0.1:50002, MQTT 3.1.1, open for 0 ms. Closed without
                    DISCONNECT (FIN); will fired, 1 got it

    What a statement says: mqttd rule v4-4.7.1-1
    "
  `);
});

test("explained: a client above the limit of sessions", () => {
  const world = watched({ limits: { sessions: 1 } });
  refused(world, { version: 4, willTopic: "wills/mortal" });
  expect(told(world)).toMatchInlineSnapshot(`
    "mortal was refused: the limit of 1 sessions is reached (limits.sessions). A
    refused CONNECT arms no will, so nothing can fire. [v4-3.1.4]

    What happened
      08:00:00.000  A connection came from 127.0.0.1:50002 with MQTT 3.1.1
                    (listener: tcp test).
      08:00:00.000  It asked for a will on wills/mortal (QoS 0, not retained,
                    4 bytes).
      08:00:00.000  It was closed, because its CONNECT was refused: the limit of 1
                    sessions is reached (limits.sessions). Nothing was armed.
                    [v4-3.1.4]

    What to change
      - <brokerFull> [v4-3.1.4]
    "
  `);
});

test("explained: a client without the required user name", () => {
  const world = new World();
  const bytes = connectBytes({ version: 5, willTopic: "wills/mortal" });
  world.open({ allowAnonymous: false }).sendBytes(bytes);
  expect(told(world)).toMatchInlineSnapshot(`
    "mortal was refused: anonymous clients are not allowed. A refused CONNECT arms no
    will, so nothing can fire. [v5-3.1.4-2]

    What happened
      08:00:00.000  A connection came from 127.0.0.1:50001 with MQTT 5.0 (listener:
                    tcp test).
      08:00:00.000  It asked for a will on wills/mortal (QoS 0, not retained,
                    4 bytes, no delay).
      08:00:00.000  It was closed, because its CONNECT was refused: anonymous
                    clients are not allowed. Nothing was armed. [v5-3.1.4-2]

    What to change
      - <refused 8> [v5-3.1.4-2]

    What a statement says: mqttd rule v5-3.1.4-2
    "
  `);
});

// What this broker's own limits took away: the page names the key.

test("explained: a session that a limit cut shorter than the will's delay", () => {
  const world = new World({ limits: { sessionExpiryMaxSeconds: 5 } });
  mortal(world, { keepalive: 10, expiry: 3600, delay: 30 }).drop("eof");
  const page = flatPage(world);
  expect(page).toContain(
    "kept for 5 s after the connection: limits.sessionExpiryMax allows no more (it asked for it to be kept for 1 h)",
  );
  expect(page).toContain("give it a higher limits.sessionExpiryMax");
  expect(page).not.toContain("Ask for a Session Expiry Interval");
  expect(world.noted("clientFault")).toMatchObject([{ limited: true }]);
});

test("explained: a session that its client itself asked to be short", () => {
  const world = new World({ limits: { sessionExpiryMaxSeconds: 5 } });
  mortal(world, { keepalive: 10, expiry: 4, delay: 30 }).drop("eof");
  const page = flatPage(world);
  expect(page).not.toContain("limits.sessionExpiryMax");
  expect(page).toContain("Ask for a Session Expiry Interval above the delay");
  expect(world.noted("clientFault")[0]).not.toHaveProperty("limited");
});

test.each([4, 5] as const)("explained: a broker that keeps no sessions, MQTT %d", (version) => {
  const world = new World({ limits: { sessionExpiryMaxSeconds: 0 } });
  mortal(world, { version, clean: false, ...(version === 5 && { expiry: 60 }) });
  const page = flatPage(world);
  expect(page).toContain(
    "this broker keeps no sessions. Give it a limits.sessionExpiryMax above 0",
  );
  expect(page).not.toContain("is 0 or absent");
});

test.each([
  [
    ...[{ retain: false }, { retain: true }],
    "Connect without Will Retain, or let this broker retain messages (limits.retain).",
  ],
  [
    ...[{ qos: 1 }, { qos: 2 }],
    "Give the will a QoS of 1 at most, or give this broker a higher limits.qos.",
  ],
  [
    ...[{ topicLevels: 1 }, {}],
    "Give the will a topic of fewer levels, or give this broker a higher limits.topicLevels.",
  ],
  [
    ...[{ payloadSize: 3 }, {}],
    "Give the will a payload of 3 B at most, or give this broker a higher limits.payloadSize.",
  ],
] as const)("explained: a will that is refused by %p", (limits, will, change) => {
  const world = new World({ limits });
  const client = world.open();
  client.connect({
    clientId: "mortal",
    will: { topic: "wills/mortal", payload: Buffer.from("gone"), qos: 0, retain: false, ...will },
  });
  const page = flatPage(world);
  expect(page).toContain(`What to change - ${change}`);
});

test.each([
  [["topic read #"], "Add a line such as `topic write wills/mortal` to test.acl, and"],
  [
    ["topic readwrite #", "topic deny wills/#"],
    "Change the line test.acl:2 'topic deny wills/#', which denies wills/mortal, and",
  ],
] as const)("explained: a will that is refused by the access list %p", (lines, change) => {
  const world = new World({ access: accessListOf(lines) });
  world.open().connect({
    clientId: "mortal",
    will: { topic: "wills/mortal", payload: Buffer.from("gone"), qos: 0, retain: false },
  });
  const page = flatPage(world);
  expect(page).toContain(`What to change - ${change} \`mqttd inspect reload\`.`);
});

test("explained: a birth that is refused, and a will that is not retained, by limits", () => {
  const world = new World({ limits: { payloadSize: 8, retainedMessages: 1 } });
  const client = mortal(world, { version: 4, will: { retain: true } });
  client.publish("state/1", "x", { retain: true });
  client.publish("wills/mortal", "a birth that is long", { retain: true, qos: 1 });
  const before = flatPage(world);
  expect(before).toContain("Refused PUBLISH from mortal on wills/mortal");
  expect(before).toContain("(limits.payloadSize)");
  client.drop("eof");
  const page = flatPage(world);
  expect(page).toContain("(limits.retainedMessages, limits.retainedBytes)");
});

test("explained: a client that nothing was refused to", () => {
  const world = new World();
  const client = mortal(world, { keepalive: 10, will: { retain: true } });
  client.subscribe("lab/#");
  client.publish("wills/mortal", "x", { retain: true, qos: 1 });
  client.drop("eof");
  expect(topicsOf(world)).toEqual([]);
});

test("explained: a client of MQTT 3.1.1 is shown no statement of MQTT 5.0", () => {
  const world = new World({ limits: { qos: 0 } });
  const will = { topic: "wills/mortal", payload: Buffer.from("gone"), retain: false };
  world.open().connect({ clientId: "mortal", will: { ...will, qos: 1 } });
  expect(pageOf(world)).not.toContain("[v5-");
  const page = world.open();
  page.connect({ clientId: "five", protocolVersion: 5, will: { ...will, qos: 1 } });
  expect(pageOf(world, "five")).toContain("[v5-3.2.2-12]");
});
