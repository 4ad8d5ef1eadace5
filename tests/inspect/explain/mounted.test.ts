import { expect, test } from "bun:test";
import { mortal } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";
import { flatPage } from "./explained.ts";

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
