import { expect, test } from "bun:test";
import { clientsByMemory } from "../../../src/core/queries/clients.ts";
import { allOf } from "../../../src/core/steps.ts";
import { World } from "../../support/world.ts";

test("clients are listed by the memory that they hold, the most first", () => {
  const world = new World();
  const ids = ["b", "d", "a", "c", "e"];
  const bytes = { a: 1000, b: 2000, c: 500, d: 3000, e: 100 };
  for (const clientId of ids) {
    const client = world.open();
    client.connect({ clientId, clean: false });
    client.subscribe({ topic: clientId, qos: 1 });
    client.drop();
  }
  const publisher = world.open();
  publisher.connect({ clientId: "" });
  for (const [topic, size] of Object.entries(bytes)) {
    publisher.publish(topic, Buffer.alloc(size), { qos: 1 });
  }
  const listed = allOf(clientsByMemory(world.broker)).map(({ clientId }) => clientId);
  expect(listed.filter((id) => ids.includes(id))).toEqual(["d", "b", "a", "c", "e"]);
});

test("the clients are sorted in steps of their own", () => {
  const world = new World();
  for (let count = 0; count < 64; count++) world.open().connect({ clientId: `c${count}` });
  const steps = [...clientsByMemory(world.broker)];
  // Each found, compared in six rounds of merging, and listed.
  expect(steps).toHaveLength(64 * (1 + 6 + 1));
});
