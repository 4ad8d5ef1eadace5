import { expect, test } from "bun:test";
import { auditAtEnd, expectReleased } from "../support/will-audit.ts";
import { mortal, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

test("after every connection has ended, everything is released but the deadline of $SYS", () => {
  const world = new World({ sysIntervalMs: 10_000 });
  world.advance(0);
  expect(world.broker.view().deadlines).toBe(1);
  const watcher = watcherOf(world, "wills/#");
  for (const [index, how] of (["eof", "reset", "timeout"] as const).entries()) {
    const client = mortal(world, { id: `m${index}`, keepalive: 5, delay: 5, expiry: 20 });
    client.subscribe({ topic: "kept/#", qos: 1 });
    client.drop(how);
  }
  mortal(world, { id: "silent", keepalive: 1, delay: 30, expiry: 20 });
  mortal(world, { id: "old", version: 4, keepalive: 1 });
  world.open();
  watcher.publish("kept/it", "queued", { qos: 1 });
  world.advance(60_000);
  expect(watcher.messages()).toHaveLength(5);
  watcher.send({ cmd: "disconnect" });
  expectReleased(world);
  auditAtEnd(world);
});

test("a persistent session of v4 outlives its will, up to the maximum expiry", () => {
  const world = new World({ limits: { sessionExpiryMaxSeconds: 100 } });
  const client = mortal(world, { version: 4, clean: false });
  client.subscribe({ topic: "kept", qos: 1 });
  client.drop("reset");
  expect(world.noted("ended")).toMatchObject([{ will: { fate: "published" } }]);
  world.advance(99_999);
  expect(world.broker.view().sessions).toMatchObject([{ clientId: "mortal", will: null }]);
  world.advance(1);
  expectReleased(world);
  auditAtEnd(world);
});

test("many clients that connect and end leave nothing behind", () => {
  const world = new World();
  for (let round = 0; round < 20; round++) {
    const clients = Array.from({ length: 20 }, (_, index) =>
      mortal(world, {
        id: `m${index}`,
        clean: index % 2 === 0,
        keepalive: 1 + (index % 5),
        delay: index % 4,
        expiry: index % 7,
      }),
    );
    world.advance(500);
    for (const [index, client] of clients.entries()) if (index % 3 === 0) client.drop("eof");
    world.advance(round * 200);
  }
  world.advance(60_000);
  expectReleased(world);
  const wills = auditAtEnd(world);
  expect(wills).toHaveLength(400);
});
