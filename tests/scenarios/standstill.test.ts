import { describe, expect, test } from "bun:test";
import { clientOf } from "../../src/core/queries/clients.ts";
import { auditAtEnd } from "../support/will-audit.ts";
import { endOf, isOpen, mortal, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

const half = Uint8Array.of(0x30, 10, 0, 1);

/** What a platform can report, whether timers or sockets run first, and how much one poll reads. */
const loops = [
  { polls: true, first: "timers" },
  { polls: true, first: "sockets" },
  { polls: true, first: "timers", eventsInPoll: 2 },
  { polls: false, first: "timers" },
  { polls: false, first: "sockets" },
] as const;

for (const { polls, ...order } of loops) {
  const asks = polls ? "sockets can be asked" : "turns are counted";
  const reads = "eventsInPoll" in order ? `, ${order.eventsInPoll} events a poll` : "";
  describe(`${asks}, ${order.first} first${reads}`, () => {
    test("v4-3.1.2-24: a client that sent while the broker stood still stays connected, a silent one is ended", () => {
      const world = new World({ polls });
      const watcher = watcherOf(world);
      const ids = [1, 2, 3, 4, 5];
      const pinging = ids.map((id) =>
        mortal(world, { id: `pings${id}`, version: 4, keepalive: 2 }),
      );
      const silent = mortal(world, { id: "silent", version: 4, keepalive: 2 });
      world.advance(500);
      world.standStill(
        4000,
        () => {
          for (const client of [...pinging, ...pinging]) client.ping();
        },
        order,
      );
      expect(pinging.map((client) => isOpen(world, client))).toEqual(ids.map(() => true));
      expect(watcher.messages()).toEqual(["wills/silent=gone"]);
      expect(endOf(world, silent)).toMatchObject({
        cause: "keepAliveExpired",
        silentMs: 4500,
        stoodStillMs: 4000,
      });
      // Waiting bytes count from the moment at which the broker reads them.
      world.advance(2999);
      expect(world.noted("ended")).toHaveLength(1);
      world.advance(1);
      expect(world.noted("ended")).toHaveLength(1 + ids.length);
      auditAtEnd(world);
    });

    test("v4-3.1.2-10, v5-3.14.4-3: a waiting DISCONNECT discards the will", () => {
      const world = new World({ polls });
      const watcher = watcherOf(world);
      const clients = [1, 2, 3].map((id) => mortal(world, { id: `leaves${id}`, keepalive: 2 }));
      world.standStill(
        4000,
        () => {
          for (const client of clients) {
            client.send({ cmd: "disconnect" });
            client.drop("eof");
          }
        },
        order,
      );
      for (const client of clients) expect(endOf(world, client).cause).toBe("disconnected");
      expect(watcher.messages()).toEqual([]);
      auditAtEnd(world);
    });

    test("a waiting end of the stream is the cause, not the keepalive", () => {
      const world = new World({ polls });
      const client = mortal(world, { keepalive: 2 });
      world.standStill(4000, () => client.drop("eof"), order);
      expect(endOf(world, client)).toMatchObject({ cause: "closedByPeer" });
      auditAtEnd(world);
    });

    test("a waiting part of a packet saves no client", () => {
      const world = new World({ polls });
      const client = mortal(world, { keepalive: 2 });
      world.standStill(4000, () => client.sendBytes(half), order);
      expect(endOf(world, client)).toMatchObject({ cause: "keepAliveExpired", silentMs: 4000 });
      auditAtEnd(world);
    });

    test("v5-3.1.3-9: a waiting return cancels a delayed will", () => {
      const world = new World({ polls });
      const watcher = watcherOf(world);
      const away = mortal(world, { delay: 5, expiry: 60 });
      away.drop("reset");
      world.standStill(
        8000,
        () => {
          const back = world.open();
          back.connect({
            clientId: "mortal",
            protocolVersion: 5,
            clean: false,
            properties: { sessionExpiryInterval: 60 },
          });
        },
        order,
      );
      expect(watcher.messages()).toEqual([]);
      expect(world.noted("will")).toMatchObject([{ by: "resumed", will: { fate: "cancelled" } }]);
      auditAtEnd(world);
    });

    test("a delayed will whose client did not return is published at once, late by that time", () => {
      const world = new World({ polls });
      const watcher = watcherOf(world);
      mortal(world, { delay: 5, expiry: 60 }).drop("reset");
      world.standStill(8000, () => {}, order);
      expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
      const [told] = world.noted("will");
      expect(told?.will).toMatchObject({ fate: "published", stoodStillMs: 8000 });
      auditAtEnd(world);
    });

    test("a session whose client returned meanwhile continues", () => {
      const world = new World({ polls });
      const options = {
        clientId: "keeps",
        protocolVersion: 5,
        clean: false,
        properties: { sessionExpiryInterval: 5 },
      } as const;
      const first = world.open();
      first.connect(options);
      first.drop();
      let back = first;
      world.standStill(
        8000,
        () => {
          back = world.open();
          back.connect(options);
        },
        order,
      );
      expect(back.take("connack")).toMatchObject([{ sessionPresent: true }]);
      auditAtEnd(world);
    });

    test("a waiting CONNECT is in time", () => {
      const world = new World({ polls, limits: { connectTimeoutMs: 3000 } });
      const [late, mute] = [world.open(), world.open()];
      world.standStill(5000, () => late.connect({ clientId: "late" }), order);
      expect(isOpen(world, late)).toBe(true);
      expect(endOf(world, mute).cause).toBe("connectTimeout");
      auditAtEnd(world);
    });

    // Counted in turns of what a real poll reads at most.
    if ("eventsInPoll" in order) return;
    test("connections that ended meanwhile make room for new ones", () => {
      const world = new World({ polls, limits: { connections: 5 } });
      const old = [1, 2, 3, 4].map((id) => mortal(world, { id: `old${id}` }));
      const fresh: ReturnType<typeof mortal>[] = [];
      world.standStill(
        2000,
        () => {
          for (let id = 1; id <= 4; id++) {
            const client = world.open();
            client.connect({ clientId: `new${id}`, protocolVersion: 5 });
            fresh.push(client);
          }
          for (const client of old) client.drop("eof");
        },
        order,
      );
      world.advance(0);
      expect(fresh.map((client) => isOpen(world, client))).toEqual([true, true, true, true]);
      expect(world.noted("connected").map(({ peer }) => peer.clientId)).toContain("new4");
      auditAtEnd(world);
    });
  });
}

test("a delivery to a client whose packets wait does not end its connection", () => {
  const world = new World();
  const publisher = world.open();
  publisher.connect({ clientId: "publisher" });
  const reader = world.open();
  reader.connect({ clientId: "reader", keepalive: 2 });
  reader.subscribe("news");
  world.standStill(4000, () => {
    reader.room = 0;
    // It is read first, and finds the reader's window closed.
    publisher.publish("news", "today");
    reader.ping();
  });
  expect(isOpen(world, reader)).toBe(true);
});

test("v4-3.1.2-24: shorter limits end no client whose packets wait", () => {
  const world = new World({ limits: { connectTimeoutMs: 10_000 } });
  const client = world.open();
  world.standStill(4000, () => {
    client.connect({ clientId: "waits" });
    world.driver.reconfigure({ ...world.broker.limits, connectTimeoutMs: 1000 }, 1024 * 1024);
  });
  expect(isOpen(world, client)).toBe(true);
});

test("a client that keeps sending a packet that never ends is still judged", () => {
  const world = new World();
  const client = mortal(world, { keepalive: 2 });
  const endless = Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1, 0x61);
  client.sendBytes(endless.subarray(0, 4));
  world.standStill(
    4000,
    () => {
      // Each poll finds more of the packet, however many polls there are.
      for (let chunk = 0; chunk < 2000; chunk++) client.sendBytes(new Uint8Array(1));
    },
    { eventsInPoll: 1 },
  );
  expect(world.noted("ended")).toHaveLength(1);
});

test("time in which the broker stood still is no close call, and not part of the rhythm", () => {
  const world = new World();
  const client = mortal(world, { keepalive: 10 });
  for (let ping = 0; ping < 4; ping++) {
    world.advance(4000);
    client.ping();
  }
  world.standStill(14_000, () => {
    for (let ping = 0; ping < 3; ping++) client.ping();
  });
  const account = clientOf(world.broker, "mortal");
  expect(account?.connections[0]).toMatchObject({
    pings: { count: 7, medianMs: 4000, worstMs: 4000 },
    closestCallMs: 11_000,
  });
  auditAtEnd(world);
});

test("the silence of a live client states how much of it was the broker's", () => {
  const world = new World();
  mortal(world, { keepalive: 10 });
  world.advance(1000);
  world.standStill(4000);
  expect(clientOf(world.broker, "mortal")?.connections[0]).toMatchObject({ stoodStillMs: 4000 });
  auditAtEnd(world);
});
