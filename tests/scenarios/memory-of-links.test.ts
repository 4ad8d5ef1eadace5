import { expect, test } from "bun:test";
import { costs } from "../../src/core/memory.ts";
import type { ProtocolError } from "../../src/core/reason.ts";
import { accessListOf } from "../support/access-text.ts";
import { TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";

// Memory that listeners with passwords, access lists and TLS take, and give back.

const denied = { reason: 0x86, statement: "v5-3.1.4-2", detail: "wrong password" } as const;

test("a CONNECT that waits for the check of its password counts while it waits", () => {
  const answers: ((refused: ProtocolError | null) => void)[] = [];
  const world = new World({ authenticate: (_, answer) => void answers.push(answer) });
  const { connections } = world.broker.memory;
  const payload = Buffer.alloc(60_000);
  const ask = (clientId: string) => {
    const client = world.open();
    const opened = connections.bytes;
    const will = { topic: "w", payload, qos: 0, retain: false } as const;
    client.connect({ clientId, username: "u", password: Buffer.alloc(1000), will });
    expect(connections.bytes - opened).toBeGreaterThan(61_000);
    return { client, opened };
  };
  const accepted = ask("a");
  answers[0]?.(null);
  world.check();
  expect(connections.bytes).toBe(accepted.opened);
  const before = connections.bytes;
  ask("b");
  answers[1]?.(denied);
  world.check();
  expect(connections.bytes).toBe(before);
  const gone = ask("c").client;
  gone.drop();
  world.check();
  expect(connections.bytes).toBe(before);
  // A late answer gives nothing back twice.
  answers[2]?.(null);
  world.check();
  expect(connections.bytes).toBe(before);
});

test("what a client may do by a list counts with its session", () => {
  const bytesOf = (world: World): number => {
    const client = world.open();
    client.connect({ clientId: "a", clean: true });
    client.publish("t", "x");
    const { bytes } = world.broker.memory.sessions;
    client.drop();
    world.advance(10);
    expect(world.broker.memory.sessions.bytes).toBe(0);
    return bytes;
  };
  const open = bytesOf(new World());
  expect(bytesOf(new World({ access: accessListOf(["topic t"]) }))).toBe(open + costs.rights);
});

test("what the link holds of written bytes counts as output, until it has left or the link ends", () => {
  const world = new World();
  const client = world.open();
  client.unsent = 5000;
  client.connect({ clientId: "a" });
  const { output } = world.broker.memory;
  expect(output.bytes).toBe(5000);
  client.unsent = 100;
  client.drain();
  expect(output.bytes).toBe(100);
  client.unsent = 0;
  // No event tells of it.
  world.driver.heartbeat();
  expect(output.bytes).toBe(0);
  client.unsent = 7000;
  client.ping();
  expect(output.bytes).toBe(7000);
  client.drop();
  expect(output.bytes).toBe(0);
});

/** What stands on the socket takes memory, as TLS does. */
class LargeLink extends TestClient {
  get ownBytes(): number {
    return 20_000;
  }
}

test("what stands on the socket counts with its connection", () => {
  const world = new World();
  const { connections } = world.broker.memory;
  const bytesOf = (open: () => TestClient): number => {
    const before = connections.bytes;
    const client = open();
    const { bytes } = connections;
    client.drop();
    world.check();
    expect(connections.bytes).toBe(before);
    return bytes - before;
  };
  const plain = bytesOf(() => world.open());
  const events = world.driver.eventsFor(world.policy);
  const check = (): void => world.check();
  expect(bytesOf(() => new LargeLink("127.0.0.1:40000", events, check)) - plain).toBe(20_000);
});

test("every chunk is told to the collector of garbage, also one of a connection that has ended", () => {
  let read = 0;
  const world = new World({ onRead: (bytes) => void (read += bytes) });
  const client = world.open();
  client.connect({ clientId: "a" });
  const before = read;
  expect(before).toBeGreaterThan(10);
  client.sendBytes(new Uint8Array(1000));
  expect(client.closedBy).toBe("end");
  expect(read).toBe(before + 1000);
  client.sendQuietly(new Uint8Array(500));
  expect(read).toBe(before + 1500);
});
