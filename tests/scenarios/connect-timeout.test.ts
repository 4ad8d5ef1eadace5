import { expect, test } from "bun:test";
import type { ProtocolError } from "../../src/core/reason.ts";
import { auditAtEnd } from "../support/will-audit.ts";
import { endOf, isOpen, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

const limits = { connectTimeoutMs: 4000 };

test("a connection without CONNECT ends at the connect timeout, and has no will", () => {
  const world = new World({ limits });
  const client = world.open();
  world.advance(3999);
  expect(isOpen(world, client)).toBe(true);
  world.advance(1);
  expect(endOf(world, client)).toMatchObject({
    cause: "connectTimeout",
    peer: { clientId: null },
    will: null,
    allowedMs: null,
    wasConnected: false,
  });
  expect(client.closedBy).toBe("end");
  expect(client.received).toEqual([]);
  auditAtEnd(world);
});

test("A2: the bytes of a CONNECT that never completes do not postpone the connect timeout", () => {
  const world = new World({ limits });
  const watcher = watcherOf(world);
  const client = world.open();
  const start = [0x10, 0x20, 0x00, 0x04, 0x4d, 0x51, 0x54, 0x54, 0x04, 0x06];
  for (const byte of start.slice(0, 8)) {
    client.sendBytes(Uint8Array.of(byte));
    world.advance(499);
  }
  world.advance(7);
  expect(isOpen(world, client)).toBe(true);
  world.advance(1);
  expect(endOf(world, client).cause).toBe("connectTimeout");
  expect(watcher.messages()).toEqual([]);
  auditAtEnd(world);
});

test("a verdict that is late for the authentication timeout ends the connection like a missing CONNECT", () => {
  const answers: ((refused: ProtocolError | null) => void)[] = [];
  const world = new World({
    limits: { ...limits, authenticationTimeoutMs: 6000 },
    authenticate: (_credentials, answer) => void answers.push(answer),
  });
  const client = world.open();
  const will = { topic: "w", payload: "gone" };
  client.connect({ clientId: "c", keepalive: 1, will });
  world.advance(5999);
  expect(isOpen(world, client)).toBe(true);
  world.advance(1);
  expect(endOf(world, client)).toMatchObject({ cause: "connectTimeout", will: null });
  // The verdict arrives after all and changes nothing, although another client has the number now.
  const next = world.open();
  answers.shift()?.(null);
  expect(client.received).toEqual([]);
  expect(next.received).toEqual([]);
  expect(world.broker.view().sessions).toEqual([]);
  auditAtEnd(world);
});

test("the connect timeout does not end a client that has sent CONNECT", () => {
  const world = new World({ limits });
  const client = world.open();
  world.advance(3999);
  client.connect({ clientId: "c" });
  world.advance(3_600_000);
  expect(isOpen(world, client)).toBe(true);
  auditAtEnd(world);
});

test("D4: a reused connection number does not inherit a deadline", () => {
  const world = new World({ limits });
  const first = world.open();
  world.advance(3000);
  first.drop("eof");
  const second = world.open();
  world.advance(3999);
  expect(isOpen(world, second)).toBe(true);
  world.advance(1);
  expect(endOf(world, second).cause).toBe("connectTimeout");
  auditAtEnd(world);
});
