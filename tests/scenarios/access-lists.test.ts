import { describe, expect, test } from "bun:test";
import { openAccess } from "../../src/core/access.ts";
import type { AccessList } from "../../src/core/access-list.ts";
import { accessListOf } from "../support/access-text.ts";
import { endOf, mortal, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

function reload(world: World, access: AccessList | typeof openAccess): void {
  world.driver.order({ type: "accessChanged", access, byListener: new Map() });
  world.advance(10);
}

const publisher = ["user root", "topic #"];

function rootOf(world: World) {
  const root = world.open();
  root.connect({ clientId: "root", username: "root" });
  return root;
}

describe("delivery", () => {
  test("a granted filter with wildcards brings only what may be read", () => {
    const access = accessListOf(["topic read a/#", "topic deny a/secret", ...publisher]);
    const world = new World({ access });
    const reader = world.open();
    reader.connect({ clientId: "r", protocolVersion: 5 });
    expect(reader.subscribe("#", "a/secret", "b")?.granted).toEqual([0, 0x87, 0x87]);
    const root = rootOf(world);
    for (const topic of ["a/x", "a/secret", "b", "a"]) root.publish(topic, "1");
    expect(reader.messages()).toEqual(["a/x=1", "a=1"]);
    // Once after each CONNECT.
    expect(world.noted("deliveryDenied")).toEqual([
      {
        ...{ event: "deliveryDenied", clientId: "r", topic: "a/secret" },
        by: "test.acl:2 'topic deny a/secret'",
      },
    ]);
  });

  test("who publishes is told nothing of those who may not read", () => {
    const world = new World({ access: accessListOf(["topic read a", ...publisher]) });
    const reader = world.open();
    reader.connect({ clientId: "r" });
    reader.subscribe("+");
    const root = world.open();
    root.connect({ clientId: "root", username: "root", protocolVersion: 5 });
    for (const topic of ["a", "b"]) root.publish(topic, "1", { qos: 1 });
    expect(root.take("puback").map(({ reasonCode = 0 }) => reasonCode)).toEqual([0, 0x10]);
  });

  test("retained messages and those of the queue", () => {
    const world = new World({ access: accessListOf(["topic read a/#", ...publisher]) });
    const root = rootOf(world);
    root.publish("a/kept", "1", { retain: true });
    root.publish("b/kept", "1", { retain: true });
    const reader = world.open();
    reader.connect({ clientId: "r", clean: false });
    reader.subscribe({ topic: "#", qos: 1 });
    expect(reader.messages()).toEqual(["a/kept=1"]);
    reader.drop();
    for (const topic of ["a/1", "b/1", "a/2"]) root.publish(topic, "2", { qos: 1 });
    expect(world.broker.sessions.get("r")?.queue.count).toBe(2);
    reload(world, accessListOf(["topic read #", "topic deny a/1", ...publisher]));
    const again = world.open();
    again.connect({ clientId: "r", clean: false });
    expect(again.messages()).toEqual(["a/2=2"]);
  });

  test("what was in flight is not sent again to a user who may not read it", () => {
    const access = accessListOf([
      "user ann",
      "topic read a",
      "user bob",
      "topic read b",
      ...publisher,
    ]);
    const world = new World({ access });
    const ann = world.open();
    ann.connect({ clientId: "c", username: "ann", clean: false });
    ann.subscribe({ topic: "+", qos: 1 });
    rootOf(world).publish("a", "1", { qos: 1 });
    expect(ann.messages()).toEqual(["a=1"]);
    ann.drop();
    const bob = world.open();
    bob.connect({ clientId: "c", username: "bob", clean: false });
    expect(bob.messages()).toEqual([]);
    expect(world.broker.sessions.get("c")?.outgoing.count).toBe(0);
  });

  test("a member of a share that may not read is never chosen", () => {
    const access = accessListOf(["pattern read to/%c", "pattern read all", ...publisher]);
    const world = new World({ access });
    const members = ["m1", "m2"].map((clientId) => {
      const member = world.open();
      member.connect({ clientId });
      member.subscribe("$share/g/#");
      return member;
    });
    const root = rootOf(world);
    for (let turn = 0; turn < 4; turn++) root.publish("to/m2", String(turn));
    for (let turn = 0; turn < 4; turn++) root.publish("all", String(turn));
    root.publish("nobody", "x");
    const [first, second] = members.map((member) => member.messages());
    expect(second?.filter((message) => message.startsWith("to/"))).toHaveLength(4);
    expect(first?.filter((message) => message.startsWith("all"))).toHaveLength(2);
    expect([...(first ?? []), ...(second ?? [])]).toHaveLength(8);
  });

  test("a filter is granted to a 3.1 client, and brings nothing", () => {
    const world = new World({ access: accessListOf(["topic a", ...publisher]) });
    const reader = world.open();
    reader.connect({ clientId: "r", protocolVersion: 3 });
    expect(reader.subscribe("b")?.granted).toEqual([0]);
    rootOf(world).publish("b", "1");
    expect(reader.messages()).toEqual([]);
  });
});

describe("wills", () => {
  const access = accessListOf(["topic read wills/#", "pattern wills/%c", "pattern deny wills/bad"]);

  test.each([
    [4, "bad", 5],
    [5, "bad", 0x87],
  ] as const)("a denied will is refused at CONNECT, in version %p", (version, id, code) => {
    const world = new World({ access });
    const client = world.open();
    const will = {
      topic: `wills/${id}`,
      payload: Buffer.from("x"),
      qos: 0 as const,
      retain: false,
    };
    const connack = client.connect({ clientId: id, protocolVersion: version, will });
    expect(version === 5 ? connack?.reasonCode : connack?.returnCode).toBe(code);
    // The client does not learn the file and its lines.
    expect(JSON.stringify(connack)).not.toContain("acl");
    expect(world.noted("ended")).toMatchObject([
      {
        cause: "refused",
        detail: "the client may not publish on its will topic: test.acl:3 'pattern deny wills/bad'",
      },
    ]);
  });

  test("a will that a reload denies is discarded, and the reload says so", () => {
    const world = new World({ access });
    const watcher = watcherOf(world);
    const client = mortal(world);
    reload(world, accessListOf(["topic read wills/#"]));
    expect(world.noted("rightsChanged").at(-1)).toMatchObject({
      ...{ clientId: "mortal", lost: ["pattern wills/%c", "pattern deny wills/bad"] },
      deniedWill: { topic: "wills/mortal", by: "no line of test.acl" },
    });
    client.drop("reset");
    expect(endOf(world, client).will).toEqual({
      ...{ fate: "discarded", topic: "wills/mortal", why: "denied" },
      deniedBy: "no line of test.acl",
    });
    expect(watcher.messages()).toEqual([]);
  });

  test("a will names the subscribers that may not read it", () => {
    const list = accessListOf(["pattern wills/%c", "user ann", "topic read wills/#", "user bob"]);
    const world = new World({ access: list });
    for (const username of ["ann", "bob"]) {
      const reader = world.open();
      reader.connect({ clientId: username, username, protocolVersion: 3 });
      reader.subscribe("wills/+");
    }
    const client = mortal(world);
    client.drop("reset");
    expect(endOf(world, client).will).toMatchObject({
      fate: "published",
      reach: {
        ...{ delivered: 1, denied: 1 },
        denials: [{ clientId: "bob", by: "no line of test.acl" }],
      },
    });
  });
});

describe("a reload", () => {
  test("keeps connections and subscriptions, and says what changed for whom", () => {
    const before = ["topic read a", "user ann", "topic read a", "topic write b", ...publisher];
    const world = new World({ access: accessListOf(before) });
    const clients = [null, "ann", "eve"].map((username) => {
      const client = world.open();
      client.connect({ clientId: `c-${username}`, ...(username !== null && { username }) });
      client.subscribe("a", "+");
      return client;
    });
    const root = rootOf(world);
    reload(
      world,
      accessListOf(["topic read a", "user ann", "topic write b", "topic c", ...publisher]),
    );
    expect(world.noted("rightsChanged")).toEqual([
      {
        ...{ event: "rightsChanged", clientId: "c-ann", username: "ann" },
        ...{ gained: ["topic c"], lost: ["topic read a"], more: 0 },
      },
    ]);
    for (const client of clients) expect(client.closedBy).toBeNull();
    for (const topic of ["a", "c"]) root.publish(topic, "1");
    expect(clients.map((client) => client.messages())).toEqual([["a=1"], ["c=1"], []]);
  });

  test("the order of lines, comments and blanks change nobody's rights", () => {
    const world = new World({ access: accessListOf(["topic a", "topic b"]) });
    world.open().connect({ clientId: "c" });
    reload(world, accessListOf(["# changed", "topic b", "", "topic a"]));
    expect(world.noted("rightsChanged")).toEqual([]);
  });

  test("patterns change only for those whom they are for", () => {
    const world = new World({ access: accessListOf(["topic a"]) });
    for (const [clientId, username] of [
      ["plain", null],
      ["with/slash", "ann"],
      ["named", "ann"],
    ] as const) {
      world.open().connect({ clientId, ...(username !== null && { username }) });
    }
    reload(world, accessListOf(["topic a", "pattern read %u/#"]));
    expect(world.noted("rightsChanged").map(({ clientId }) => clientId)).toEqual(["named"]);
  });

  test("20 clients are named, the others counted", () => {
    const world = new World({ access: accessListOf(["topic a"]) });
    for (let index = 0; index < 25; index++) world.open().connect({ clientId: `c${index}` });
    reload(world, accessListOf(["topic b"]));
    expect(world.noted("rightsChanged")).toHaveLength(20);
    expect(world.noted("moreRightsChanged")).toEqual([{ event: "moreRightsChanged", clients: 5 }]);
  });

  test("no list before, or none any more", () => {
    const world = new World();
    world.open().connect({ clientId: "c" });
    reload(world, accessListOf(["topic a"]));
    reload(world, openAccess);
    expect(world.noted("rightsChanged").map(({ list }) => list)).toEqual(["test.acl", null]);
  });

  test("100,000 lines and 2,000 sessions are compared in pieces", () => {
    const lines = (from: number): string[] =>
      Array.from({ length: 50_000 }, (_, index) => `topic read t/${from + index}`);
    const world = new World({ access: accessListOf(lines(0)) });
    for (let index = 0; index < 2000; index++) {
      world.open().connect({ clientId: `c${index}`, clean: false });
    }
    let turns = 0;
    const { broker } = world;
    const handle = broker.handle.bind(broker);
    broker.handle = (input, now) => {
      if (input.type === "deadline") turns += 1;
      return handle(input, now);
    };
    world.driver.order({
      ...{ type: "accessChanged", access: accessListOf(lines(1)), byListener: new Map() },
    });
    world.advance(1000);
    expect(world.noted("moreRightsChanged")).toEqual([
      { event: "moreRightsChanged", clients: 1980 },
    ]);
    expect(turns).toBeGreaterThan(10);
  });
});

test("listeners have lists of their own, and a session the one of its last listener", () => {
  const byListener = new Map([["lab", accessListOf(["topic read lab/#", ...publisher])]]);
  const world = new World({ accessByListener: byListener });
  const reader = world.open({ accessList: "lab" });
  reader.connect({ clientId: "r", clean: false });
  reader.subscribe({ topic: "#", qos: 1 });
  const root = rootOf(world);
  for (const topic of ["lab/1", "hall/1"]) root.publish(topic, "x");
  expect(reader.messages()).toEqual(["lab/1=x"]);
  reader.drop();
  root.publish("hall/2", "x", { qos: 1 });
  root.publish("lab/2", "x", { qos: 1 });
  const elsewhere = world.open();
  elsewhere.connect({ clientId: "r", clean: false });
  root.publish("hall/3", "x");
  expect(elsewhere.messages()).toEqual(["lab/2=x", "hall/3=x"]);
});
