import { describe, expect, test } from "bun:test";
import type { EndCause } from "../../src/core/end-causes.ts";
import type { TestClient } from "../support/client.ts";
import { auditAtEnd } from "../support/will-audit.ts";
import { endOf, mortal, watcherOf } from "../support/mortal.ts";
import { World, type WorldOptions } from "../support/world.ts";

type Version = 3 | 4 | 5;

interface Row {
  readonly how: string;
  readonly cause: EndCause;
  readonly will: "published" | "discarded";
  /** Reason code of the DISCONNECT that a v5 client gets; null: none. */
  readonly told: number | null;
  readonly versions: readonly Version[];
  /** The class of section 3 that gets this row wrong. */
  readonly class?: string;
  readonly world?: WorldOptions;
  readonly end: (client: TestClient, world: World) => void;
}

const all = [3, 4, 5] as const;
const old = [3, 4] as const;
const v5 = [5] as const;

/** Writes raw bytes that no well-behaved encoder would write. */
function bytes(...values: number[]): (client: TestClient) => void {
  return (client) => client.sendBytes(Uint8Array.from(values));
}

/** Codes from 0x80 that a client's DISCONNECT may carry (v5, table 3-10). */
const clientErrors = [0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99];

const said = (will: "published" | "discarded") => ({ will, told: null }) as const;

const rows: readonly Row[] = [
  {
    how: "DISCONNECT",
    class: "C3",
    cause: "disconnected",
    ...said("discarded"),
    versions: all,
    end: (client) => client.send({ cmd: "disconnect" }),
  },
  {
    how: "DISCONNECT 0x00, without and with properties",
    class: "C3",
    cause: "disconnected",
    ...said("discarded"),
    versions: v5,
    end: (client) =>
      client.send({ cmd: "disconnect", reasonCode: 0, properties: { reasonString: "bye" } }),
  },
  {
    how: "DISCONNECT whose reason code is left out (v5-3.14.2.1)",
    class: "C3",
    cause: "disconnected",
    ...said("discarded"),
    versions: v5,
    end: bytes(0xe0, 0x00),
  },
  {
    how: "DISCONNECT 0x04",
    class: "C1",
    cause: "disconnectedWithWill",
    ...said("published"),
    versions: v5,
    end: (client) => client.send({ cmd: "disconnect", reasonCode: 4 }),
  },
  ...clientErrors.map((code): Row => ({
    how: `DISCONNECT 0x${code.toString(16)}`,
    class: "C2",
    cause: "disconnectedWithError",
    ...said("published"),
    versions: v5,
    end: (client) => client.send({ cmd: "disconnect", reasonCode: code }),
  })),
  {
    how: "DISCONNECT with reserved flags",
    cause: "malformedPacket",
    will: "published",
    told: 0x81,
    // 3.1 ignores them.
    versions: [4, 5],
    end: bytes(0xe1, 0x00),
  },
  {
    how: "DISCONNECT with a payload",
    cause: "malformedPacket",
    will: "published",
    told: null,
    versions: old,
    end: bytes(0xe0, 0x01, 0x00),
  },
  {
    how: "DISCONNECT with bytes behind its properties",
    cause: "malformedPacket",
    will: "published",
    told: 0x81,
    versions: v5,
    end: bytes(0xe0, 0x03, 0x00, 0x00, 0x00),
  },
  {
    how: "DISCONNECT that raises the session expiry from 0",
    cause: "protocolError",
    will: "published",
    told: 0x82,
    versions: v5,
    end: (client) =>
      client.send({
        cmd: "disconnect",
        reasonCode: 0,
        properties: { sessionExpiryInterval: 60 },
      }),
  },
  {
    how: "DISCONNECT with a reason code that only a server has",
    cause: "protocolError",
    will: "published",
    told: 0x82,
    versions: v5,
    end: bytes(0xe0, 0x01, 0x8b),
  },
  {
    how: "FIN",
    class: "B1",
    cause: "closedByPeer",
    ...said("published"),
    versions: all,
    end: (client) => client.drop("eof"),
  },
  {
    how: "RST",
    class: "B1",
    cause: "resetByPeer",
    ...said("published"),
    versions: all,
    end: (client) => client.drop("reset"),
  },
  {
    how: "FIN in the middle of a DISCONNECT",
    class: "B1",
    cause: "closedByPeer",
    ...said("published"),
    versions: all,
    end: (client) => {
      client.sendBytes(Uint8Array.of(0xe0));
      client.drop("eof");
    },
  },
  {
    how: "the keepalive deadline",
    class: "A1",
    cause: "keepAliveExpired",
    will: "published",
    told: 0x8d,
    versions: all,
    end: (_client, world) => world.advance(15_000),
  },
  {
    how: "TCP keepalive or user timeout",
    class: "B1",
    cause: "tcpTimeout",
    ...said("published"),
    versions: all,
    end: (client) => client.drop("timeout"),
  },
  {
    how: "a stalled write",
    class: "B1",
    cause: "stalled",
    ...said("published"),
    versions: all,
    world: { limits: { stallTimeoutMs: 5000 } },
    end: (client, world) => {
      client.room = 0;
      client.ping();
      world.advance(5000);
    },
  },
  {
    how: "a packet that only a server sends",
    cause: "protocolError",
    will: "published",
    told: 0x82,
    versions: all,
    end: bytes(0xd0, 0x00),
  },
  {
    how: "AUTH that nobody asked for",
    cause: "protocolError",
    will: "published",
    told: 0x82,
    versions: v5,
    end: bytes(0xf0, 0x07, 0x18, 0x05, 0x15, 0x00, 0x02, 0x78, 0x79),
  },
  {
    how: "a second CONNECT",
    cause: "protocolError",
    will: "published",
    told: 0x82,
    versions: all,
    end: bytes(0x10, 0x0d, 0x00, 0x04, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 0, 0x00, 0x01, 0x62),
  },
  {
    how: "a malformed PUBLISH",
    cause: "malformedPacket",
    will: "published",
    told: 0x81,
    versions: all,
    end: bytes(0x36, 0x03, 0x00, 0x01, 0x61),
  },
  {
    how: "a packet that is too large",
    cause: "packetTooLarge",
    will: "published",
    told: 0x95,
    versions: all,
    world: { limits: { packetSize: 1000 } },
    end: (client) => client.publish("large", Buffer.alloc(2000)),
  },
  {
    how: "more unfinished messages than the Receive Maximum",
    cause: "quotaExceeded",
    will: "published",
    told: 0x93,
    versions: v5,
    world: { limits: { receiveMaximum: 1 } },
    end: (client) => {
      client.publish("one", "", { qos: 2 });
      client.publish("two", "", { qos: 2 });
    },
  },
  {
    how: "a PUBLISH for which no memory is left",
    cause: "memory",
    ...said("published"),
    versions: old,
    world: { limits: { memory: 1024 * 1024 } },
    end: (client, world) => {
      fillMemory(world);
      client.publish("stored", "x".repeat(5000), { qos: 1 });
    },
  },
  {
    how: "a topic alias for which no memory is left",
    cause: "memory",
    will: "published",
    told: 0x97,
    versions: v5,
    world: { limits: { memory: 1024 * 1024 } },
    end: (client, world) => {
      fillMemory(world);
      client.publish("x".repeat(5000), "", { properties: { topicAlias: 1 } });
    },
  },
  {
    how: "a takeover by the same client id",
    class: "D1",
    cause: "takenOver",
    will: "published",
    told: 0x8e,
    versions: all,
    end: (_client, world) => void world.open().connect({ clientId: "mortal", clean: false }),
  },
  {
    how: "the operator's kick",
    cause: "kicked",
    will: "published",
    told: 0x98,
    versions: all,
    end: (_client, world) => world.driver.order({ type: "kicked", clientId: "mortal" }),
  },
];

/** An offline session queues messages until the next one of 2000 bytes would be refused. */
function fillMemory(world: World): void {
  const offline = world.open();
  offline.connect({ clientId: "offline", clean: false });
  offline.subscribe({ topic: "stored", qos: 1 });
  offline.drop();
  const filler = world.open();
  filler.connect({ clientId: "filler", protocolVersion: 5 });
  const { memory } = world.broker;
  for (let left = 1000; left > 0 && memory.total < 0.948 * memory.limit; left--) {
    filler.publish("stored", "x".repeat(1000), { qos: 1 });
  }
}

describe("every end of a connection has one cause, and its will the fate of the table", () => {
  for (const row of rows) {
    for (const version of row.versions) {
      const name = `${row.class === undefined ? "" : `${row.class}: `}${row.how} (v${version})`;
      test(`${name}: ${row.will}`, () => expectFate(row, version));
    }
  }
});

function expectFate(row: Row, version: Version): void {
  const world = new World(row.world);
  const watcher = watcherOf(world, "wills/#");
  const client = mortal(world, { version, keepalive: 10 });
  client.received.length = 0;
  row.end(client, world);
  const end = endOf(world, client);
  expect(end.cause).toBe(row.cause);
  expect(end.will).toMatchObject(
    row.will === "published"
      ? { fate: "published", topic: "wills/mortal", reach: { delivered: 1 } }
      : { fate: "discarded", why: "disconnect" },
  );
  expect(watcher.messages()).toEqual(row.will === "published" ? ["wills/mortal=gone"] : []);
  const told = version === 5 && row.told !== null ? [row.told] : [];
  expect(client.take("disconnect").map(({ reasonCode }) => reasonCode)).toEqual(told);
  // Packets after the end change nothing.
  client.drop("reset");
  world.advance(3_600_000);
  expect(watcher.messages()).toEqual([]);
  auditAtEnd(world);
}

test("after a DISCONNECT the broker closes its side of the connection", () => {
  const world = new World();
  const client = mortal(world);
  client.send({ cmd: "disconnect" });
  expect(client.closedBy).toBe("end");
  auditAtEnd(world);
});

test("C3: an expiry of 0 that the broker set does not make a DISCONNECT invalid", () => {
  const world = new World({ limits: { sessionExpiryMaxSeconds: 0 } });
  const watcher = watcherOf(world);
  const client = mortal(world, { expiry: 60 });
  client.send({
    cmd: "disconnect",
    reasonCode: 0,
    properties: { sessionExpiryInterval: 60 },
  });
  // v5-3.14.2.2.2 concerns the interval in the CONNECT packet, which was not 0.
  expect(endOf(world, client)).toMatchObject({
    cause: "disconnected",
    will: { fate: "discarded" },
  });
  expect(watcher.messages()).toEqual([]);
  auditAtEnd(world);
});

test("B1: packets behind a DISCONNECT in the same chunk are ignored", () => {
  for (const rest of [
    [0xff, 0xff],
    [0xc0, 0x00],
    [0x10, 0x00],
  ]) {
    const world = new World();
    const watcher = watcherOf(world);
    const client = mortal(world);
    client.sendBytes(Uint8Array.of(0xe0, 0x00, ...rest));
    expect(endOf(world, client).cause).toBe("disconnected");
    expect(watcher.messages()).toEqual([]);
    auditAtEnd(world);
  }
});

test("B1: a DISCONNECT behind a violation is too late", () => {
  const world = new World();
  const watcher = watcherOf(world);
  const client = mortal(world);
  client.sendBytes(Uint8Array.of(0xd0, 0x00, 0xe0, 0x00));
  expect(endOf(world, client).cause).toBe("protocolError");
  expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
  auditAtEnd(world);
});

test("B1: two hundred ends at once publish two hundred wills", () => {
  const world = new World();
  const watcher = watcherOf(world, "wills/#");
  const crowd = Array.from({ length: 200 }, (_, index) => mortal(world, { id: `m${index}` }));
  for (const client of crowd) client.drop("reset");
  expect(new Set(watcher.messages()).size).toBe(200);
  auditAtEnd(world);
});
