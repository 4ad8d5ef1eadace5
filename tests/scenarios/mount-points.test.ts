import { expect, test } from "bun:test";
import type { TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";

function open(
  world: World,
  clientId: string,
  mountPoint: string,
  protocolVersion: 4 | 5 = 4,
): TestClient {
  const client = world.open({ mountPoint, name: `tcp ${mountPoint}` });
  client.connect({ clientId, protocolVersion, clean: false });
  return client;
}

test("clients of one mount point reach each other, by their own topics", () => {
  const world = new World();
  const a = open(world, "a", "one/");
  const b = open(world, "b", "one/", 5);
  const c = open(world, "c", "two/");
  for (const client of [a, b, c]) client.subscribe({ topic: "t/#", qos: 2 });
  for (const qos of [0, 1, 2] as const) a.publish("t/x", `q${qos}`, { qos });
  for (const client of [a, b]) expect(client.messages()).toEqual(["t/x=q0", "t/x=q1", "t/x=q2"]);
  expect(c.messages()).toEqual([]);
});

test("a client without a mount point sees and reaches all of them by their full names", () => {
  const world = new World();
  const inside = open(world, "a", "one/");
  const outside = open(world, "b", "", 5);
  inside.subscribe("#");
  outside.subscribe("#");
  inside.publish("t", "out");
  outside.publish("one/t", "in");
  outside.publish("t", "elsewhere");
  expect(outside.messages()).toEqual(["one/t=out", "one/t=in", "t=elsewhere"]);
  expect(inside.messages()).toEqual(["t=out", "t=in"]);
});

test("retained messages, queues, aliases and shared subscriptions stay within", () => {
  const world = new World();
  const source = open(world, "p", "one/", 5);
  source.publish("kept", "x", { retain: true });
  source.publish("aliased", "1", { retain: true, properties: { topicAlias: 1 } });
  const other = open(world, "o", "two/");
  other.subscribe("#");
  expect(other.messages()).toEqual([]);

  const away = open(world, "s", "one/");
  away.subscribe({ topic: "+", qos: 1 });
  expect(away.messages().sort()).toEqual(["aliased=1", "kept=x"]);
  away.drop();
  source.publish("", "2", { qos: 1, properties: { topicAlias: 1 } });
  expect(open(world, "s", "one/").messages()).toEqual(["aliased=2"]);

  const members = ["m", "n"].map((id) => open(world, id, "one/"));
  for (const member of members) member.subscribe("$share/g/work");
  for (const payload of ["1", "2"]) source.publish("work", payload);
  expect(members.map((member) => member.messages())).toEqual([["work=1"], ["work=2"]]);
});

test("the broker's aliases towards a client stand for the topics that the client sees", () => {
  const world = new World();
  const client = world.open({ mountPoint: "one/" });
  client.connect({ clientId: "s", protocolVersion: 5, properties: { topicAliasMaximum: 5 } });
  client.subscribe("#");
  const source = open(world, "p", "");
  for (let time = 0; time < 2; time++) source.publish("one/t", "x");
  expect(
    client.take("publish").map(({ topic, properties }) => [topic, properties?.topicAlias]),
  ).toEqual([
    ["t", 1],
    ["", 1],
  ]);
});

test("a will is published within its mount point", () => {
  const world = new World();
  const inside = open(world, "in", "one/");
  const outside = open(world, "out", "");
  for (const client of [inside, outside]) client.subscribe("#");
  const dying = world.open({ mountPoint: "one/" });
  dying.connect({
    clientId: "dying",
    will: { topic: "status", payload: Buffer.from("gone"), qos: 0, retain: false },
  });
  dying.drop();
  expect(inside.messages()).toEqual(["status=gone"]);
  expect(outside.messages()).toEqual(["one/status=gone"]);
});

test("UNSUBSCRIBE names the filter as the client wrote it", () => {
  const world = new World();
  const client = open(world, "a", "one/", 5);
  client.subscribe("t");
  expect(client.unsubscribe("one/t", "t")?.granted).toEqual([0x11, 0]);
  client.publish("t", "x");
  expect(client.messages()).toEqual([]);
});

test("a mount point may have characters of several bytes, and need not end a level", () => {
  const world = new World();
  const client = open(world, "a", "дом-é/ü", 5);
  client.subscribe({ topic: "т/#", qos: 1 });
  for (const qos of [0, 1] as const) client.publish("т/ö", "x", { qos });
  expect(client.messages()).toEqual(["т/ö=x", "т/ö=x"]);
  const outside = open(world, "b", "");
  outside.subscribe("дом-é/#");
  client.publish("т/ö", "y");
  expect(outside.messages()).toEqual(["дом-é/üт/ö=y"]);
});

test("$SYS is invisible behind a mount point", () => {
  const world = new World({ sysIntervalMs: 1000 });
  world.advance(0);
  const client = open(world, "a", "one/");
  client.subscribe("$SYS/#", "#");
  expect(client.messages()).toEqual([]);
});

/** An offline one with a persistent session, a connected one, and one that subscribes later. */
function membersOf(world: World, mountPoint: string, filter: string): () => string[][] {
  const subscription = { topic: filter, qos: 1 } as const;
  open(world, "away", mountPoint).subscribe(subscription);
  world.driver.order({ type: "kicked", clientId: "away" });
  const there = open(world, "there", mountPoint);
  there.subscribe(subscription);
  return () => {
    const late = open(world, "late", mountPoint);
    late.subscribe(subscription);
    return [there, open(world, "away", mountPoint), late].map((client) => client.messages().sort());
  };
}

test.each([["#"], ["+"], ["$share/g/#"], ["$share/g/+"]])(
  "v5-4.7.3-1: the mount point itself is not a topic behind it, for %s",
  (filter) => {
    const world = new World();
    const received = membersOf(world, "lab/", filter);
    const outside = open(world, "o", "", 5);
    // `#` matches its parent level too, and here that is a level above the mount point.
    for (const topic of ["lab/", "lab"]) {
      for (const qos of [0, 1, 2] as const) {
        outside.publish(topic, "x", { qos, retain: true, messageId: 100 + qos });
      }
    }
    // Each message matched no subscriber.
    expect(outside.take("puback").map(({ reasonCode }) => reasonCode)).toEqual([0x10, 0x10]);
    const dying = world.open();
    const will = { topic: "lab/", payload: Buffer.from("gone"), qos: 1 as const, retain: true };
    dying.connect({ clientId: "dying", will });
    dying.drop();
    expect(world.noted("ended").at(-1)?.will).toMatchObject({ reach: { delivered: 0, queued: 0 } });
    expect(received()).toEqual([[], [], []]);
  },
);

test("v5-4.7.3-1: nor when another mount point completes the topic", () => {
  const world = new World();
  const inner = open(world, "i", "a/b/");
  inner.subscribe("#");
  open(world, "o", "a/").publish("b/", "x", { retain: true });
  inner.subscribe("#");
  expect(inner.messages()).toEqual([]);
  expect(inner.closedBy).toBeNull();
});

test("behind a mount point, too, $SYS belongs to the broker", () => {
  const world = new World();
  const received = membersOf(world, "lab/", "$SYS/#");
  const inside = open(world, "i", "lab/", 5);
  for (const topic of ["$SYS", "$SYS/broker/version", "$SYS/broker/connection/b/state"]) {
    inside.publish(topic, "mine", { qos: 1, retain: true });
    expect(inside.take("puback")).toMatchObject([{ reasonCode: 0x87 }]);
    const dying = world.open({ mountPoint: "lab/" });
    const will = { topic, payload: Buffer.from("gone"), qos: 0 as const, retain: true };
    expect(dying.connect({ clientId: "dying", will })?.returnCode).toBe(5);
  }
  expect(inside.closedBy).toBeNull();
  inside.publish("$SYSTEM", "not it", { qos: 1 });
  expect(inside.take("puback")).toMatchObject([{ reasonCode: 0x10 }]);
  expect(received()).toEqual([[], [], []]);
});

test("a message published from outside does not pass for the broker's behind a mount point", () => {
  const world = new World();
  const received = membersOf(world, "lab/", "$SYS/#");
  const outside = open(world, "o", "", 5);
  outside.subscribe("lab/#");
  outside.publish("lab/$SYS/broker/version", "mine", { qos: 1, retain: true });
  expect(outside.messages()).toEqual(["lab/$SYS/broker/version=mine"]);
  expect(received()).toEqual([[], [], []]);
  // A session that subscribed outside and resumes behind the mount point.
  const moved = open(world, "m", "");
  moved.subscribe({ topic: "lab/$SYS/broker/uptime", qos: 1 });
  moved.drop();
  outside.publish("lab/$SYS/broker/uptime", "queued", { qos: 1 });
  const back = open(world, "m", "lab/");
  outside.publish("lab/$SYS/broker/uptime", "live", { qos: 1 });
  expect(back.messages()).toEqual([]);
});

test("a mount point below $SYS does not let clients publish as the broker", () => {
  const world = new World();
  const inside = open(world, "i", "$SYS/broker/connection/", 5);
  for (const topic of ["x", "x/state"]) {
    inside.publish(topic, "mine", { qos: 1 });
    expect(inside.take("puback")).toMatchObject([{ reasonCode: 0x87 }]);
  }
});

test("a resent message keeps its first topic, wherever the client returns", () => {
  const world = new World();
  const first = open(world, "a", "one/");
  first.subscribe({ topic: "t", qos: 1 });
  first.publish("t", "x", { qos: 1 });
  expect(first.messages()).toEqual(["t=x"]);
  expect(open(world, "a", "a-longer-one/").messages()).toEqual(["t=x"]);
});

test("a session that resumes behind another mount point gets no topics of the first one", () => {
  const world = new World();
  const first = open(world, "a", "one/");
  first.subscribe({ topic: "t", qos: 1 });
  first.drop();
  const outside = open(world, "p", "");
  outside.publish("one/t", "queued", { qos: 1 });
  const second = open(world, "a", "a-longer-one/");
  for (const qos of [0, 1] as const) {
    outside.publish("one/t", "not mine", { qos });
    outside.publish("a-longer-one/t", "not subscribed to", { qos });
  }
  expect(second.messages()).toEqual([]);
  // The publisher gets 0x10: a subscription that cannot see the topic does not count.
  const told = open(world, "q", "", 5);
  for (const qos of [1, 2] as const) told.publish("one/t", "not mine", { qos });
  expect(told.take("puback")).toMatchObject([{ reasonCode: 0x10 }]);
  expect(told.take("pubrec")).toMatchObject([{ reasonCode: 0x10 }]);
  second.subscribe("t");
  outside.publish("a-longer-one/t", "mine");
  expect(second.messages()).toEqual(["t=mine"]);
});

test.each([["#"], ["+/x"], ["$share/g/#"]])(
  "v5-4.7.2-1: behind a mount point, too, %s does not match topics that begin with $",
  (filter) => {
    const world = new World();
    const client = open(world, "a", "one/");
    client.subscribe(filter);
    client.publish("$own/x", "1", { retain: true });
    expect(client.messages()).toEqual([]);
    client.subscribe(filter);
    expect(client.messages()).toEqual([]);
    client.publish("own/x", "2");
    expect(client.messages()).toEqual(["own/x=2"]);
  },
);

test("from outside, a topic that begins with $ behind a mount point is like any other", () => {
  const world = new World();
  const outside = open(world, "o", "");
  outside.subscribe("one/#");
  open(world, "a", "one/").publish("$own/x", "1", { retain: true });
  expect(outside.messages()).toEqual(["one/$own/x=1"]);
  outside.subscribe("one/#");
  expect(outside.messages()).toEqual(["one/$own/x=1"]);
});

test("the members of a group share with those of their own mount point", () => {
  const world = new World();
  const inside = open(world, "i", "one/");
  inside.subscribe("$share/g/t");
  const outside = open(world, "o", "");
  outside.subscribe("$share/g/one/t");
  outside.publish("one/t", "x");
  expect(inside.messages()).toEqual(["t=x"]);
  expect(outside.messages()).toEqual(["one/t=x"]);
});

test("a shared subscription's copy does not go to a member that can no longer see its topic", () => {
  const world = new World();
  for (const id of ["a", "b"]) {
    const member = open(world, id, "one/");
    member.subscribe({ topic: "$share/g/t", qos: 1 });
    member.drop();
  }
  const moved = open(world, "a", "a-longer-one/");
  const there = open(world, "b", "one/");
  const outside = open(world, "o", "");
  for (let count = 0; count < 4; count++) outside.publish("one/t", String(count), { qos: 1 });
  expect(moved.messages()).toEqual([]);
  expect(there.messages()).toEqual(["t=0", "t=1", "t=2", "t=3"]);
});

test.each([4, 5] as const)(
  "v%d: a topic that is no MQTT string behind its mount point is refused, and reaches nobody",
  (version) => {
    const world = new World();
    const outside = open(world, "outside", "", 5);
    outside.subscribe("#");
    const long = "t".repeat(65_532);
    const fits = open(world, "fits", "one/", version);
    fits.publish(long.slice(1), "fits", { qos: 1 });
    expect(outside.take("publish").map(({ topic }) => topic.length)).toEqual([65_535]);
    const publisher = open(world, "publisher", "one/", version);
    publisher.publish(long, "does not", { qos: 1 });
    expect(publisher.closedBy).toBe("end");
    const subscriber = open(world, "subscriber", "one/", version);
    expect(subscriber.subscribe(long)?.granted).toEqual([version === 5 ? 0x8f : 0x80]);
    const mortal = world.open({ mountPoint: "one/", name: "tcp one/" });
    const will = { topic: long, payload: "gone", qos: 0, retain: false } as const;
    const connack = mortal.connect({ clientId: "mortal", protocolVersion: version, will });
    expect(connack?.reasonCode ?? connack?.returnCode).toBe(version === 5 ? 0x90 : 5);
    expect(outside.take("publish")).toEqual([]);
  },
);
