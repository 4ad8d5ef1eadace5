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
