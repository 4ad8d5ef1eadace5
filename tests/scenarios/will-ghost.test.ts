import { expect, test } from "bun:test";
import { auditAtEnd } from "../support/will-audit.ts";
import { endOf, isOpen, mortal, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

for (const version of [3, 4, 5] as const) {
  test(`D4: the dead connection's deadline does not end the new one (v${version})`, () => {
    const world = new World();
    const watcher = watcherOf(world);
    const ghost = mortal(world, { version, keepalive: 10, will: { payload: "first" } });
    world.advance(14_999);
    const back = mortal(world, { version, keepalive: 10, will: { payload: "second" } });
    expect(watcher.messages()).toEqual(["wills/mortal=first"]);
    expect(endOf(world, ghost)).toMatchObject({ cause: "takenOver", silentMs: 14_999 });
    world.advance(14_999);
    expect(isOpen(world, back)).toBe(true);
    expect(watcher.messages()).toEqual([]);
    world.advance(1);
    expect(endOf(world, back).cause).toBe("keepAliveExpired");
    expect(watcher.messages()).toEqual(["wills/mortal=second"]);
    auditAtEnd(world);
  });
}

test("D4: a late report of the dead socket's end does not end the new connection", () => {
  const world = new World();
  const watcher = watcherOf(world);
  const ghost = mortal(world, { expiry: 60 });
  const back = mortal(world, { clean: false, expiry: 60 });
  watcher.received.length = 0;
  for (const how of ["eof", "reset"] as const) {
    ghost.drop(how);
    ghost.sendBytes(Uint8Array.of(0xe0, 0x00));
    expect(isOpen(world, back)).toBe(true);
  }
  back.ping();
  expect(back.take("pingresp")).toHaveLength(1);
  expect(watcher.messages()).toEqual([]);
  auditAtEnd(world);
});

test("D4: late packets of the dead connection are ignored", () => {
  const world = new World();
  const watcher = watcherOf(world);
  const ghost = mortal(world);
  const back = mortal(world);
  watcher.received.length = 0;
  ghost.publish("late", "x");
  ghost.send({ cmd: "disconnect" });
  expect(watcher.messages()).toEqual([]);
  back.drop("reset");
  expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
  auditAtEnd(world);
});

test("D4: the dead connection's short keepalive does not shorten the new one", () => {
  const world = new World();
  mortal(world, { keepalive: 1, expiry: 60 });
  const back = mortal(world, { keepalive: 100, clean: false, expiry: 60 });
  world.advance(149_999);
  expect(isOpen(world, back)).toBe(true);
  world.advance(1);
  expect(endOf(world, back)).toMatchObject({ cause: "keepAliveExpired", silentMs: 150_000 });
  auditAtEnd(world);
});

test("D4: a delayed will and a session expiry from before do not affect the new connection", () => {
  const world = new World();
  const watcher = watcherOf(world);
  const first = mortal(world, { expiry: 20, delay: 10, will: { payload: "first" } });
  first.drop("reset");
  world.advance(9999);
  const back = mortal(world, { clean: false, expiry: 20, delay: 10, will: { payload: "second" } });
  back.subscribe("kept");
  world.advance(3_600_000);
  expect(isOpen(world, back)).toBe(true);
  expect(watcher.messages()).toEqual([]);
  expect(world.broker.view().sessions.map(({ clientId }) => clientId)).toContain("mortal");
  expect(world.noted("sessionEnded")).toEqual([]);
  back.drop("reset");
  world.advance(10_000);
  expect(watcher.messages()).toEqual(["wills/mortal=second"]);
  auditAtEnd(world);
});

test("D4: connections that reuse a number do not mix", () => {
  const world = new World();
  const watcher = watcherOf(world);
  for (let life = 0; life < 50; life++) {
    const client = mortal(world, { id: `m${life}`, keepalive: 1 + (life % 3) });
    world.advance(700);
    client.drop(life % 2 === 0 ? "eof" : "reset");
    expect(watcher.messages()).toEqual([`wills/m${life}=gone`]);
  }
  world.advance(60_000);
  expect(world.noted("ended").filter(({ cause }) => cause === "keepAliveExpired")).toEqual([]);
  expect(watcher.messages()).toEqual([]);
  auditAtEnd(world);
});
