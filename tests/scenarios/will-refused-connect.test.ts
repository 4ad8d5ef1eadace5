import { describe, expect, test } from "bun:test";
import type { IConnackPacket } from "mqtt-packet";
import type { TestClient } from "../support/client.ts";
import { connectBytes, connectFlag } from "../support/connect-bytes.ts";
import { auditAtEnd } from "../support/will-audit.ts";
import { endOf, watcherOf } from "../support/mortal.ts";
import { World, type WorldOptions } from "../support/world.ts";
import { connect, text } from "../wire/frames.ts";

const will = { topic: "w", payload: "gone", qos: 0, retain: true } as const;

interface Row {
  readonly what: string;
  readonly versions: readonly (3 | 4 | 5)[];
  readonly world?: WorldOptions;
  /** Sends CONNECT; returns the answer, if the test has already taken it. */
  readonly connect: (client: TestClient, version: 3 | 4 | 5) => IConnackPacket | undefined | void;
  /** CONNACK codes by version; null: closed without one. */
  readonly codes: Readonly<Partial<Record<3 | 4 | 5, number | null>>>;
}

const refuseAll: WorldOptions = {
  authenticate: ({ username }, answer) =>
    answer(
      username === null ? null : { reason: 0x86, statement: "v5-3.1.4-2", detail: "bad password" },
    ),
};

/** A CONNECT with a will, as on the wire, for another protocol level. */
function level(value: number): (client: TestClient) => void {
  return (client) =>
    client.sendBytes(
      Uint8Array.of(
        ...[0x10, 0x13, 0x00, 0x04, 0x4d, 0x51, 0x54, 0x54, value, 0x06, 0, 0],
        ...[0, 1, 0x6d, 0, 1, 0x77, 0, 1, 0x78],
      ),
    );
}

const rows: readonly Row[] = [
  {
    what: "bad user name or password",
    versions: [3, 4, 5],
    world: refuseAll,
    connect: (client, protocolVersion) =>
      client.connect({ clientId: "m", protocolVersion, username: "u", will }),
    codes: { 3: 4, 4: 4, 5: 0x86 },
  },
  {
    what: "an empty client id with Clean Session 0",
    versions: [4],
    connect: (client) =>
      client.sendBytes(connectBytes({ version: 4, clientId: "", flags: connectFlag.will })),
    codes: { 4: 2 },
  },
  {
    what: "an empty client id in 3.1",
    versions: [3],
    connect: (client) => {
      const rest = [text("w"), text("gone")];
      client.sendBytes(Uint8Array.from(connect(3, { clientId: "", flags: 0x26, rest })));
    },
    codes: { 3: 2 },
  },
  {
    what: "enhanced authentication that is not configured",
    versions: [5],
    connect: (client) =>
      client.connect({
        clientId: "m",
        protocolVersion: 5,
        properties: { authenticationMethod: "x" },
        will,
      }),
    codes: { 5: 0x8c },
  },
  {
    what: "all sessions taken",
    versions: [3, 4, 5],
    world: { limits: { sessions: 1 } },
    connect: (client, protocolVersion) => client.connect({ clientId: "m", protocolVersion, will }),
    codes: { 3: 3, 4: 3, 5: 0x97 },
  },
  { what: "an unknown protocol level", versions: [4], connect: level(9), codes: { 4: 0x84 } },
  { what: "a bridge's bit on level 5", versions: [4], connect: level(0x85), codes: { 4: 1 } },
  {
    what: "a reserved Connect Flag",
    versions: [4],
    connect: (client) =>
      client.sendBytes(
        Uint8Array.of(
          ...[0x10, 0x13, 0x00, 0x04, 0x4d, 0x51, 0x54, 0x54, 4, 0x07, 0, 0],
          ...[0, 1, 0x6d, 0, 1, 0x77, 0, 1, 0x78],
        ),
      ),
    codes: { 4: null },
  },
  {
    what: "a CONNECT that the network cuts",
    versions: [4],
    connect: (client) => {
      client.sendBytes(Uint8Array.of(0x10, 0x13, 0x00, 0x04, 0x4d, 0x51, 0x54, 0x54, 4, 0x06));
      client.drop("reset");
    },
    codes: { 4: null },
  },
];

describe("a refused CONNECT publishes nothing", () => {
  for (const { what, versions, world: options, connect, codes } of rows) {
    for (const version of versions) {
      test(`${what} (v${version})`, () => {
        const world = new World(options);
        const watcher = watcherOf(world);
        const client = world.open();
        const connack = connect(client, version) ?? client.take("connack")[0];
        const code = connack?.reasonCode ?? connack?.returnCode ?? null;
        expect(code).toBe(codes[version] ?? null);
        expect(endOf(world, client)).toMatchObject({ will: null, wasConnected: false });
        expect(client.received).toEqual([]);
        client.drop("reset");
        world.advance(60_000);
        expect(watcher.messages()).toEqual([]);
        expect(world.broker.view().retained.messages).toBe(0);
        auditAtEnd(world);
      });
    }
  }
});

test("a second CONNECT publishes the first one's will, not its own", () => {
  const world = new World();
  const watcher = watcherOf(world);
  const client = world.open();
  client.connect({ clientId: "m", will });
  client.connect({ clientId: "m", will: { ...will, payload: "other" } });
  expect(endOf(world, client).cause).toBe("protocolError");
  expect(watcher.messages()).toEqual(["w=gone"]);
  auditAtEnd(world);
});
