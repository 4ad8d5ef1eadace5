import { expect, test } from "bun:test";
import { World } from "../support/world.ts";

test("v4-4.7.2-1, v5-4.7.2-1: a wildcard as first level does not match topics that begin with $", () => {
  for (const protocolVersion of [4, 5] as const) {
    const client = new World().open();
    client.connect({ clientId: "a", protocolVersion });
    client.subscribe("#", "+/x", "+/#", "/#");
    client.publish("$own/x", "1");
    client.publish("$own", "2");
    client.publish("$", "3");
    expect(client.messages()).toEqual([]);
    client.publish("own/$x", "4");
    client.publish("/$x", "5");
    expect(client.messages()).toEqual(["own/$x=4", "/$x=5"]);
  }
});

test("filters that name the first level match, whatever wildcards follow", () => {
  const client = new World().open();
  client.connect({ clientId: "a" });
  client.subscribe("$own/#");
  client.publish("$own", "1");
  client.publish("$own/x", "2");
  client.unsubscribe("$own/#");
  client.subscribe("$own/+");
  client.publish("$own/x", "3");
  expect(client.messages()).toEqual(["$own=1", "$own/x=2", "$own/x=3"]);
});

test("nor does it match retained messages there", () => {
  const client = new World().open();
  client.connect({ clientId: "a" });
  client.publish("$own/x", "1", { retain: true });
  client.subscribe("#", "+/x", "+/+");
  expect(client.messages()).toEqual([]);
  client.subscribe("$own/+");
  expect(client.messages()).toEqual(["$own/x=1"]);
});

test("a $ in a later level is an ordinary character, for retained messages as well", () => {
  for (const filter of ["#", "+/#", "a/#", "a/+/x", "+/+/+"]) {
    const client = new World().open();
    client.connect({ clientId: "a" });
    client.publish("a/$own/x", "1", { retain: true });
    client.subscribe(filter);
    expect([filter, client.messages()]).toEqual([filter, ["a/$own/x=1"]]);
  }
});

test("nor does the wildcard of a shared subscription", () => {
  const client = new World().open();
  client.connect({ clientId: "a", protocolVersion: 5 });
  client.subscribe("$share/g/#", "$share/h/+/x");
  client.publish("$own/x", "1");
  expect(client.messages()).toEqual([]);
});

test("$SYS belongs to the broker: PUBLISH there is refused with 0x87, and reaches nobody", () => {
  const world = new World();
  const watcher = world.open();
  watcher.connect({ clientId: "w" });
  watcher.subscribe("$SYS/#", "$SYSTEM");
  const modern = world.open();
  modern.connect({ clientId: "p5", protocolVersion: 5 });
  const old = world.open();
  old.connect({ clientId: "p4" });
  for (const client of [modern, old]) {
    for (const topic of ["$SYS", "$SYS/broker/version"]) {
      client.publish(topic, "mine", { retain: true });
      client.publish(topic, "mine", { qos: 1, retain: true });
      client.publish(topic, "mine", { qos: 2 });
    }
    expect(client.closedBy).toBeNull();
  }
  expect(modern.take("puback").map(({ reasonCode }) => reasonCode)).toEqual([0x87, 0x87]);
  expect(modern.take("pubrec").map(({ reasonCode }) => reasonCode)).toEqual([0x87, 0x87]);
  expect(old.take("puback")).toHaveLength(2);
  expect(watcher.messages()).toEqual([]);
  expect(world.broker.view().retained.messages).toBe(0);
  // Once for each topic of a connection.
  expect(world.noted("publishRefused")).toHaveLength(4);
  modern.publish("$SYSTEM", "not it");
  expect(watcher.messages()).toEqual(["$SYSTEM=not it"]);
});
