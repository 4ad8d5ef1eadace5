import { expect, test } from "bun:test";
import { endOf, isOpen, mortal } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";

// A link may have read bytes from its socket that it hands on in a later turn: no poll shows them.

const nothing = new Uint8Array(0);

test("a client whose bytes wait in its link is judged for silence only when they were handed on", () => {
  const world = new World();
  const client = mortal(world, { keepalive: 2 });
  let looks = 0;
  // So many turns of the loop, in which no time passes here.
  Object.defineProperty(client, "isBehind", { get: () => ++looks < 50 });
  world.advance(2999);
  looks = 0;
  world.advance(1);
  expect(looks).toBeGreaterThanOrEqual(50);
  expect(endOf(world, client)).toMatchObject({ cause: "keepAliveExpired", silentMs: 3000 });
});

test("an operator's order to end it waits for them: a DISCONNECT among them discards the will", () => {
  const world = new World();
  const client = mortal(world, { id: "c" });
  client.isBehind = true;
  world.driver.order({ type: "kicked", clientId: "c" });
  expect(isOpen(world, client)).toBe(true);
  client.isBehind = false;
  client.send({ cmd: "disconnect" });
  expect(endOf(world, client)).toMatchObject({
    cause: "disconnected",
    will: { fate: "discarded" },
  });
});

test("what a link holds counts as unread input, until it has handed it on or has ended", () => {
  const world = new World();
  const { unfinished } = world.broker.memory;
  const before = unfinished.bytes;
  const client = mortal(world);
  client.held = 5000;
  client.sendBytes(nothing);
  expect(unfinished.bytes - before).toBe(5000);
  client.held = 0;
  client.sendBytes(nothing);
  expect(unfinished.bytes - before).toBe(0);
  client.held = 7000;
  client.sendBytes(nothing);
  client.drop();
  expect(unfinished.bytes - before).toBe(0);
});
