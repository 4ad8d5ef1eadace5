import { expect, test } from "bun:test";
import { mortal, type MortalOptions, watcherOf } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";
import { topicsOf } from "./explained.ts";

// A correct client gets no advice to change anything, however its connection ends.

const right: readonly MortalOptions[] = [
  { version: 4, keepalive: 10, will: { retain: true } },
  { version: 4, keepalive: 60, clean: false, will: { qos: 1, retain: true } },
  { version: 5, keepalive: 10, will: { retain: true } },
  { version: 5, keepalive: 60, clean: false, expiry: 3600, will: { qos: 1, retain: true } },
  { version: 5, keepalive: 30, clean: false, expiry: 3600, delay: 20, will: { retain: true } },
];

for (const [index, options] of right.entries()) {
  test(`explained: no blame for a correct client (${index})`, () => {
    const world = new World();
    watcherOf(world, "wills/+");
    const client = mortal(world, options);
    client.publish("wills/mortal", "online", { retain: true });
    for (let ping = 0; ping < 5; ping++) {
      world.advance((options.keepalive ?? 0) * 1000);
      client.ping();
    }
    expect(topicsOf(world)).toEqual([]);
    client.drop();
    world.advance(30_000);
    expect(topicsOf(world)).toEqual([]);
  });
}

test("explained: an earlier connection's habits that the latest one fixes are not shown", () => {
  const world = new World();
  mortal(world, { keepalive: 0, delay: 60, expiry: 1 }).drop();
  world.advance(2_000);
  watcherOf(world, "wills/+");
  const client = mortal(world, { keepalive: 10, clean: false, expiry: 60, delay: 5 });
  client.drop();
  world.advance(5_000);
  expect(topicsOf(world)).toEqual([]);
});

// An empty retained will is meant to delete a retained message. With nothing retained and no
// subscriber, the core reports it as unheard and advises to make it retained, which it is.
test("a retained will without payload is not blamed for being unheard", () => {
  const world = new World();
  mortal(world, { keepalive: 10, will: { payload: "", retain: true } }).drop();
  expect(world.noted("clientFault").map(({ fault }) => fault)).toEqual([]);
});
