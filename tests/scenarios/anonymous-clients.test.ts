import { expect, test } from "bun:test";
import { World } from "../support/world.ts";

const closed = { name: "tcp closed", allowAnonymous: false };

test("where anonymous clients are allowed, a user name changes nothing", () => {
  const world = new World();
  expect(world.open().connect({ clientId: "a" })?.returnCode).toBe(0);
  expect(world.open().connect({ clientId: "b", username: "u" })?.returnCode).toBe(0);
  expect(
    world.open().connect({ clientId: "c", username: "u", password: Buffer.from("p") })?.returnCode,
  ).toBe(0);
});

test("where they are not, v4 gets 0x05 without and 0x04 with a user name", () => {
  const world = new World();
  const nameless = world.open(closed);
  expect(nameless.connect({ clientId: "a" })?.returnCode).toBe(5);
  expect(nameless.closedBy).toBe("end");
  expect(world.open(closed).connect({ clientId: "b", username: "u" })?.returnCode).toBe(4);
});

test("where they are not, v5 gets 0x87 without and 0x86 with a user name", () => {
  const world = new World();
  const connect = (username?: string) =>
    world.open(closed).connect({
      clientId: "a",
      protocolVersion: 5,
      ...(username !== undefined && { username }),
    });
  expect(connect()).toMatchObject({ reasonCode: 0x87, sessionPresent: false });
  expect(connect("u")).toMatchObject({ reasonCode: 0x86, sessionPresent: false });
  // Why is for the log: the client learns only the code.
  expect(connect("u")?.properties).toBeUndefined();
  expect(world.noted("ended").map(({ cause, wasConnected }) => [cause, wasConnected])).toEqual([
    ["refused", false],
    ["refused", false],
    ["refused", false],
  ]);
});

test("each listener has its own rule", () => {
  const world = new World();
  expect(world.open(closed).connect({ clientId: "a" })?.returnCode).toBe(5);
  expect(world.open().connect({ clientId: "a" })?.returnCode).toBe(0);
});

test("v4-3.2.2-4: a refusal never says that a session is present", () => {
  const world = new World();
  const first = world.open();
  first.connect({ clientId: "a", clean: false });
  first.drop();
  expect(world.open(closed).connect({ clientId: "a", clean: false })).toMatchObject({
    returnCode: 5,
    sessionPresent: false,
  });
});
