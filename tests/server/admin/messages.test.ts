import { expect, spyOn, test } from "bun:test";
import type { MessagesAnswer } from "../../../src/api/api.ts";
import { recentMessagesOf } from "../../../src/core/queries/queries.ts";
import type { PublishPacket } from "../../../src/core/packet.ts";
import { jsonText } from "../../../src/server/admin/json.ts";
import { turnMs, Turns } from "../../../src/server/admin/turns.ts";
import { Administered } from "../../support/administered.ts";
import { eventually } from "../../support/inbox.ts";

async function publish(admin: Administered, order: object): Promise<[number, unknown]> {
  const init = { method: "POST", body: JSON.stringify(order) };
  const response = await admin.ask("/v1/publish", init);
  return [response.status, await response.json()];
}

async function messages(admin: Administered, query: string): Promise<MessagesAnswer> {
  const response = await admin.ask(`/v1/messages?${query}`);
  expect(response.status).toBe(200);
  return (await response.json()) as MessagesAnswer;
}

/** A client that listens to everything. */
function listener(admin: Administered, qos: 0 | 1 | 2 = 2) {
  const client = admin.world.open();
  client.connect({ clientId: "listener", protocolVersion: 5 });
  client.subscribe({ topic: "#", qos });
  return client;
}

test("POST /v1/publish goes the way of any message, and says whom it reached", async () => {
  const admin = new Administered();
  const client = listener(admin);
  const offline = admin.world.open();
  offline.connect({ clientId: "offline", clean: false });
  offline.subscribe({ topic: "home/#", qos: 1 });
  offline.drop();
  const order = { topic: "home/lamp", payload: "on", qos: 1, retain: true };
  expect(await publish(admin, order)).toEqual([
    200,
    { delivered: 1, queued: 1, dropped: 0, away: 0, retained: "stored" },
  ]);
  expect(await publish(admin, { ...order, payload: undefined, qos: 0 })).toEqual([
    200,
    { delivered: 1, queued: 0, dropped: 0, away: 1, retained: "cleared" },
  ]);
  expect(client.messages()).toEqual(["home/lamp=on", "home/lamp="]);
});

test("the same by query parameters, and with a payload in base64", async () => {
  const admin = new Administered();
  const client = listener(admin);
  const query = "topic=a&payload=x%20y&qos=2&retain=false";
  const response = await admin.ask(`/v1/publish?${query}`, { method: "POST" });
  expect(await response.json()).toMatchObject({ delivered: 1, retained: null });
  await publish(admin, { topic: "b", payloadBase64: "AAE=" });
  expect(client.messages()).toEqual(["a=x y", "b=\0\x01"]);
  const { messages: all } = await messages(admin, "topic=b");
  expect(all).toEqual([]);
});

test("what can't be published is refused, with what is allowed", async () => {
  const admin = new Administered({ limits: { payloadSize: 10 } });
  for (const [order, error, hint] of [
    [{}, "topic: missing, allowed: a topic without wildcards", null],
    [{ topic: "a/#" }, "not published: Topic Name holds a wildcard", null],
    [{ topic: "$SYS/x" }, "not published: only the broker may publish below $SYS", null],
    [{ topic: "a", qos: 3 }, "qos: found 3, allowed: 0, 1 or 2", null],
    [{ topic: "a", retian: true }, "unknown parameter retian", "did you mean retain?"],
    [{ topic: "a", payloadBase64: "?" }, "payloadBase64: found ?, allowed: base64", null],
    [
      { topic: "a", payload: "x", payloadBase64: "eA==" },
      "payload and payloadBase64 are two payloads",
      "give one of them",
    ],
    [
      { topic: "a", payload: "12345678901" },
      "not published: the payload exceeds the limit of 10 B (limits.payloadSize)",
      null,
    ],
    [
      { topic: "a", properties: { responseTopic: "b/+" } },
      expect.stringContaining("not published: "),
      null,
    ],
  ] as const) {
    expect([order, ...(await publish(admin, order))]).toEqual([order, 400, { error, hint }]);
  }
});

test("properties reach subscribers, and come back in /v1/messages", async () => {
  const admin = new Administered({ recentMessages: { messages: 10 } });
  const client = listener(admin);
  const properties = {
    ...{ contentType: "text/plain", payloadFormatIndicator: true, responseTopic: "re/x" },
    ...{ correlationData: "aWQ=", userProperties: [["k", "v"]] },
  };
  await publish(admin, { topic: "a", payload: "ä", properties });
  expect(client.received.at(-1)).toMatchObject({
    ...{ cmd: "publish", topic: "a" },
    properties: { contentType: "text/plain", correlationData: Buffer.from("id") },
  });
  expect(await messages(admin, "topic=a")).toEqual({
    now: expect.any(Number),
    messages: [
      {
        ...{ id: 1, at: expect.any(Number), topic: "a", qos: 0, retain: false, payload: "ä" },
        properties,
      },
    ],
    ...{ lastId: 1, complete: true, missed: 0 },
  });
});

test("GET /v1/messages: by filter, the last of them, and those after an id", async () => {
  const admin = new Administered({ recentMessages: { messages: 4 } });
  const client = listener(admin);
  for (const topic of ["a/1", "b", "a/2", "a/3", "a/4"]) {
    client.send({ cmd: "publish", topic, payload: topic, qos: 0, dup: false, retain: false });
  }
  const topics = async (query: string) => {
    const { messages: found, lastId, complete } = await messages(admin, query);
    return { topics: found.map(({ topic }) => topic).join(" "), lastId, complete };
  };
  // The ring has forgotten the first one.
  expect(await topics("topic=%23")).toEqual({
    ...{ topics: "b a/2 a/3 a/4", lastId: 5, complete: true },
  });
  expect(await topics("topic=a/%2b&count=2")).toMatchObject({ topics: "a/3 a/4", complete: true });
  expect(await topics("topic=a/%2b&after=4")).toMatchObject({ topics: "a/4", complete: true });
  expect(await topics("topic=a/%2b&after=5")).toMatchObject({ topics: "", complete: false });
  expect(await topics("topic=c&wait=1ms")).toMatchObject({ topics: "", complete: false });
  const refused = await admin.ask("/v1/messages?topic=a/%23/b");
  expect(refused.status).toBe(400);
});

test("a request that waits gets its answer when the messages are there", async () => {
  const admin = new Administered({ recentMessages: { messages: 4 } });
  using timers = spyOn(globalThis, "setTimeout");
  using cleared = spyOn(globalThis, "clearTimeout");
  const answer = messages(admin, "topic=a&count=2&wait=10m");
  await eventually(
    () => admin.hub.listening === 1,
    () => "nobody waits",
  );
  await publish(admin, { topic: "a", payload: "1" });
  await publish(admin, { topic: "b", payload: "-" });
  await publish(admin, { topic: "a", payload: "2" });
  const { messages: found, complete } = await answer;
  expect(found.map(({ payload }) => payload)).toEqual(["1", "2"]);
  expect(complete).toBe(true);
  expect(admin.hub.listening).toBe(0);
  const limit = timers.mock.calls.findIndex(([, ms]) => ms === 600_000);
  const timer = timers.mock.results[limit]?.value as ReturnType<typeof setTimeout>;
  expect(cleared.mock.calls).toContainEqual([timer]);
});

test("the broker's stop ends a request that waits", async () => {
  const admin = new Administered({ recentMessages: { messages: 4 } });
  const answer = messages(admin, "wait=10m");
  await eventually(
    () => admin.hub.listening === 1,
    () => "nobody waits",
  );
  admin.hub.close();
  expect(await answer).toMatchObject({ messages: [], complete: false });
});

test("what is remembered is bounded, counted as memory, and given back", async () => {
  const admin = new Administered({ recentMessages: { messages: 3 } });
  const { broker } = admin.world;
  const before = broker.memory.records.bytes;
  const send = async (size: number) => publish(admin, { topic: "a", payload: "x".repeat(size) });
  for (let at = 0; at < 10; at++) await send(1000);
  const three = broker.memory.records.bytes - before;
  expect(three).toBeGreaterThan(3 * 1000);
  expect(three).toBeLessThan(4 * 1500);
  broker.records.messages.forget();
  expect(broker.memory.records.bytes).toBe(before);
  // 1000 of one second at most.
  for (let at = 0; at < 1200; at++) await send(0);
  const { missed, lastId } = await messages(admin, "topic=a");
  expect(missed + lastId).toBe(1210);
  expect(lastId).toBe(1000);
  admin.world.advance(1000);
  await send(0);
  expect(await messages(admin, "topic=a")).toMatchObject({ lastId: 1001 });
});

test("only so many bytes are copied in one second", async () => {
  const perSecond = { messages: 1000, bytes: 1000 };
  const admin = new Administered({ recentMessages: { messages: 100, perSecond } });
  const payload = "x".repeat(299);
  for (let at = 0; at < 10; at++) await publish(admin, { topic: "a", payload });
  // Up to the one that reaches the bound.
  expect(await messages(admin, "topic=a&count=1")).toMatchObject({ lastId: 4, missed: 6 });
  admin.world.advance(1000);
  await publish(admin, { topic: "a", payload });
  expect(await messages(admin, "topic=a&count=1")).toMatchObject({ lastId: 5, missed: 6 });
});

test("a message with very many properties is not kept, as they are decoded in one go", async () => {
  const admin = new Administered({ recentMessages: { messages: 10 } });
  const long = { userProperties: [["k", "v".repeat(20_000)]] };
  await publish(admin, { topic: "a", properties: long });
  expect(await messages(admin, "topic=a")).toMatchObject({ messages: [], missed: 1 });
});

test("what is remembered goes as memory becomes short, and nothing more is copied then", async () => {
  const admin = new Administered({
    // So that the retained message is not copied.
    recentMessages: { messages: 100, perSecond: { messages: 1000, bytes: 1000 } },
    limits: { memory: 100_000, payloadSize: 70_000 },
  });
  const { broker, driver } = admin.world;
  await publish(admin, { topic: "a", payload: "x".repeat(3000) });
  expect(broker.memory.records.bytes).toBeGreaterThan(3000);
  const packet: PublishPacket = {
    ...{ type: "publish", topic: "r", qos: 0, retain: true, dup: false, packetId: 0 },
    ...{ payload: new Uint8Array(70_000), properties: null, expirySeconds: null },
    ...{ topicAlias: 0, frame: null },
  };
  driver.order({ type: "ordered", packet });
  expect(broker.memory.records.bytes).toBe(0);
  admin.world.advance(1000);
  await publish(admin, { topic: "a", payload: "x" });
  expect(await messages(admin, "topic=a")).toMatchObject({ messages: [], missed: 2 });
});

test("a long answer is written in pieces, and is the same text", async () => {
  const admin = new Administered({ recentMessages: { messages: 10 } });
  // Pieces of 16,384 characters end in the middle of these pairs, and long payloads are no one piece.
  const payload = `x${"😀".repeat(15_000)}`;
  await publish(admin, { topic: "a", payload });
  const response = await admin.ask("/v1/messages?topic=a");
  const { messages: found } = (await response.json()) as MessagesAnswer;
  expect(found.map((message) => message.payload === payload)).toEqual([true]);
  const pieces = [...jsonText(payload)];
  expect(pieces.length).toBe(2);
  expect(JSON.parse(pieces.join(""))).toBe(payload);
  expect([...jsonText("")]).toEqual(['""']);
});

test("a message that comes while others are searched is behind the answer's last id", async () => {
  const admin = new Administered({ recentMessages: { messages: 10 } });
  const client = listener(admin, 0);
  const one = { cmd: "publish", payload: "", qos: 0, dup: false, retain: false } as const;
  client.send({ ...one, topic: "a" });
  const { broker } = admin.world;
  const { messages: found, lastId } = recentMessagesOf(broker, "#", 0, Infinity);
  client.send({ ...one, topic: "b" });
  expect([...found].map((message) => message?.topic ?? null)).toEqual([null, "a"]);
  expect(lastId).toBe(1);
});

test("a list is found in as many turns of the loop as it takes", async () => {
  function* slow(): Generator<number, void, void> {
    for (let at = 0; at < 5; at++) {
      const until = performance.now() + turnMs;
      while (performance.now() < until);
      yield at;
    }
  }
  let turns = 0;
  let isFound = false;
  const count = (): void => {
    turns += 1;
    if (!isFound) setImmediate(count);
  };
  setImmediate(count);
  expect(await new Turns().all(slow())).toEqual([0, 1, 2, 3, 4]);
  isFound = true;
  expect(turns).toBeGreaterThanOrEqual(5);
});
