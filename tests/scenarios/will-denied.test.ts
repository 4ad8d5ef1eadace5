import { describe, expect, test } from "bun:test";
import type { Access } from "../../src/core/access.ts";
import type { IConnectPacket } from "mqtt-packet";
import { accessBy } from "../support/access.ts";
import { auditAtEnd } from "../support/will-audit.ts";
import { endOf, mortal, watcherOf } from "../support/mortal.ts";
import { World, type WorldOptions } from "../support/world.ts";

/** An access list that a test can change. */
function changing(denied: Set<string>): Access {
  return accessBy({ mayPublish: (_who, topic) => !denied.has(topic) });
}

interface Row {
  readonly what: string;
  readonly world?: WorldOptions;
  readonly will: Partial<NonNullable<IConnectPacket["will"]>>;
  readonly reason: number;
  readonly returnCode: number;
}

const rows: readonly Row[] = [
  {
    what: "a topic that the access list denies",
    world: { access: changing(new Set(["secret"])) },
    will: { topic: "secret" },
    reason: 0x87,
    returnCode: 5,
  },
  { what: "a topic of $SYS", will: { topic: "$SYS/broker/x" }, reason: 0x87, returnCode: 5 },
  {
    what: "a QoS above the broker's",
    world: { limits: { qos: 1 } },
    will: { qos: 2 },
    reason: 0x9b,
    returnCode: 5,
  },
  {
    what: "retain where there is none",
    world: { limits: { retain: false } },
    will: { retain: true },
    reason: 0x9a,
    returnCode: 5,
  },
  {
    what: "a payload above the limit",
    world: { limits: { payloadSize: 100 } },
    will: { payload: Buffer.alloc(101) },
    reason: 0x95,
    returnCode: 5,
  },
  {
    what: "a topic with more levels than a PUBLISH may have",
    world: { limits: { topicLevels: 3 } },
    will: { topic: "a/b/c/d" },
    reason: 0x90,
    returnCode: 5,
  },
];

describe("a will that could not be published is refused at CONNECT, and logged", () => {
  for (const { what, world: options, will, reason, returnCode } of rows) {
    for (const version of [3, 4, 5] as const) {
      test(`G: ${what} (v${version})`, () => {
        const world = new World(options);
        const watcher = watcherOf(world);
        const client = world.open();
        const connack = client.connect({
          clientId: "mortal",
          protocolVersion: version,
          will: { topic: "w", payload: "gone", qos: 0, retain: false, ...will },
        });
        if (version === 5) {
          expect(connack?.reasonCode).toBe(reason);
          expect(connack?.properties?.reasonString).toBeString();
        } else {
          expect(connack?.returnCode).toBe(returnCode);
        }
        expect(client.closedBy).toBe("end");
        const end = endOf(world, client);
        expect(end).toMatchObject({ cause: "refused", will: null, wasConnected: false });
        expect(end.peer.clientId).toBe("mortal");
        expect(end.detail).toMatch(/will/i);
        world.advance(60_000);
        expect(watcher.messages()).toEqual([]);
        auditAtEnd(world);
      });
    }
  }
});

test("G: the access list gets the client's id, user name and mount point", () => {
  const asked: unknown[] = [];
  const world = new World({
    access: accessBy({
      mayPublish: ({ clientId, username }, topic) => {
        asked.push([clientId, username, topic]);
        return true;
      },
    }),
  });
  const client = mortal(world, {
    id: "a",
    username: "ann",
    listener: { mountPoint: "site/" },
    will: { topic: "status" },
  });
  expect(asked).toEqual([["a", "ann", "site/status"]]);
  client.drop("reset");
  expect(asked.at(-1)).toEqual(["a", "ann", "site/status"]);
  auditAtEnd(world);
});

test("G: an access list changed since CONNECT applies at publication, and is logged", () => {
  const denied = new Set<string>();
  const world = new World({ access: changing(denied) });
  const watcher = watcherOf(world);
  const client = mortal(world);
  denied.add("wills/mortal");
  client.drop("reset");
  expect(endOf(world, client).will).toEqual({
    fate: "discarded",
    topic: "wills/mortal",
    why: "denied",
    deniedBy: "test.acl:1 'topic deny it'",
  });
  expect(watcher.messages()).toEqual([]);
  auditAtEnd(world);
});

test("G: a delayed will that is denied when it is due is reported in its own event", () => {
  const denied = new Set<string>();
  const world = new World({ access: changing(denied) });
  const watcher = watcherOf(world);
  mortal(world, { delay: 10, expiry: 60 }).drop("reset");
  denied.add("wills/mortal");
  world.advance(10_000);
  expect(world.noted("will")).toMatchObject([
    { by: "due", will: { fate: "discarded", why: "denied" } },
  ]);
  expect(watcher.messages()).toEqual([]);
  auditAtEnd(world);
});

test("G: a denial lifted before the will is due has no effect", () => {
  const denied = new Set<string>();
  const world = new World({ access: changing(denied) });
  const watcher = watcherOf(world);
  const client = mortal(world, { delay: 10, expiry: 60 });
  denied.add("wills/mortal");
  client.drop("reset");
  world.advance(9000);
  denied.clear();
  world.advance(1000);
  expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
  auditAtEnd(world);
});
