import { expect, test } from "bun:test";
import { mortal } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";
import { flatPage, topicsOf } from "./explained.ts";

test("behind a mount point: what the client sent, and what the listener added", () => {
  const world = new World();
  mortal(world, {
    ...{ version: 4, keepalive: 10, listener: { mountPoint: "lab/" } },
    will: { topic: "tele/boiler/LWT" },
  });
  expect(flatPage(world)).toContain(
    "It set a will on tele/boiler/LWT, mounted as lab/tele/boiler/LWT (QoS 0",
  );
  expect(flatPage(world)).toContain("This listener puts its mount point lab/ before each topic");
});

test("without a mount point no word of one", () => {
  const world = new World();
  mortal(world, { version: 4, keepalive: 10 });
  expect(flatPage(world)).not.toContain("mount");
});

test("a will that only No Local kept from a subscriber", () => {
  const world = new World();
  const client = mortal(world, { keepalive: 10, expiry: 60, clean: false, will: { qos: 1 } });
  client.subscribe({ topic: "wills/#", qos: 1, nl: true });
  client.drop();
  world.advance(1_000);
  expect(flatPage(world)).toContain(
    "Its own session had subscribed to wills/mortal, but with No Local, which keeps its own messages " +
      "from it, and nobody else had.",
  );
  expect(flatPage(world)).not.toContain("Nobody had subscribed");
  expect(topicsOf(world)).toContain("noLocal");
  expect(topicsOf(world)).not.toContain("willUnheard");
});
