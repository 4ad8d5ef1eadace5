import { expect, test } from "bun:test";
import { World } from "../../support/world.ts";

test("a client that sends DISCONNECT while its output waits, then resets, is closed once", () => {
  const world = new World({ outputBytes: 1000 });
  const slow = world.open();
  slow.connect({ clientId: "slow" });
  slow.room = 0;
  for (let pings = 0; pings <= 1000; pings++) slow.ping();
  // Its output is above the limit, so the broker stops reading it: it reads the DISCONNECT when the
  // end is known.
  expect(slow.paused).toBe(true);
  slow.ping();
  slow.send({ cmd: "disconnect" });
  slow.drop("reset");
  expect(world.noted("ended").map(({ cause }) => cause)).toEqual(["disconnected"]);
  expect(world.driver.closing).toBe(0);
});

test("a client whose connection the broker ends counts as closing until it has closed", () => {
  const world = new World();
  const client = world.open();
  client.connect({ clientId: "a" });
  client.send({ cmd: "disconnect" });
  expect(client.closedBy).toBe("end");
  expect(world.driver.closing).toBe(1);
  client.drop("eof");
  expect(world.driver.closing).toBe(0);
});

test("links that linger give up their descriptors, the oldest first, and a refused CONNECT still gets its answer", () => {
  const world = new World({ links: 4, limits: { connections: 4, sessions: 2 } });
  const [one, two] = ["one", "two"].map((clientId) => {
    const client = world.open();
    client.connect({ clientId });
    return client;
  });
  for (const number of [1, 2, 3]) {
    const client = world.open();
    expect(client.connect({ clientId: `c${number}`, protocolVersion: 5 })?.reasonCode).toBe(0x97);
    expect(client.closedBy).toBe("end");
  }
  // The first of them has made room.
  expect(world.driver.closing).toBe(2);
  const newcomer = world.open();
  expect(world.driver.closing).toBe(1);
  expect([one, two, newcomer].map((client) => client?.closedBy)).toEqual([null, null, null]);
});

test("an orderly stop resets nobody that has still to read its DISCONNECT", () => {
  const world = new World({ links: 4, limits: { connections: 4 } });
  const clients = [1, 2, 3, 4].map((number) => {
    const client = world.open();
    client.connect({ clientId: `c${number}`, protocolVersion: 5 });
    return client;
  });
  world.driver.order({ type: "stopping" });
  world.advance(0);
  expect(clients.map(({ closedBy }) => closedBy)).toEqual(["end", "end", "end", "end"]);
});
