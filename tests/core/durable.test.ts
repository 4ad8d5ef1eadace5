import { expect, test } from "bun:test";
import type { Changes, DurableQueued, DurableSession } from "../../src/core/durable.ts";
import type { Millis } from "../../src/core/io.ts";
import { ShadowStore } from "../support/shadow-store.ts";

const session: DurableSession = {
  session: 7,
  clientId: "dev-42",
  version: 4,
  username: null,
  accessList: null,
  listener: "tcp test",
  remote: "127.0.0.1:50001",
  connectedAt: 1000 as Millis,
  keepAliveSeconds: 60,
  createdAt: 1000 as Millis,
  ended: null,
  expirySeconds: null,
  hasUsedSharedFilters: false,
};
const copy: DurableQueued = {
  ...{ session: 7, place: 0, message: 1, qos: 1, retain: false },
  ...{ identifiers: null, shared: null },
};

test("a session that is deleted takes along what belongs to it, and no message", () => {
  const store = new ShadowStore();
  const payload = new Uint8Array(3);
  const facts = { qos: 1, retain: false, properties: null, expiresAt: null } as const;
  const changes: Changes = [
    { put: "message", value: { message: 1, topic: "a", payload, ...facts } },
    { put: "session", value: session },
    { put: "session", value: { ...session, session: 8 } },
    { put: "queued", value: copy },
    { put: "queued", value: { ...copy, session: 8 } },
    { put: "incoming", value: { session: 7, packetId: 5 } },
  ];
  store.apply(changes);
  store.apply([{ delete: "session", session: 7 }]);
  const { messages, sessions } = store.load();
  expect(messages.map(({ message }) => message)).toEqual([1]);
  expect(sessions.map(({ session: { session: number } }) => number)).toEqual([8]);
  expect(sessions.flatMap(({ queued }) => queued)).toEqual([{ ...copy, session: 8 }]);
  expect(store.incoming.size).toBe(0);
});

test("a batch is kept before its commit is done, and not at once", () => {
  const store = new ShadowStore();
  const waiting: (() => void)[] = [];
  const kept: number[] = [];
  const commit = store.committer((work) => void waiting.push(work));
  commit([{ put: "session", value: session }], () => void kept.push(store.sessions.size));
  expect(store.sessions.size).toBe(0);
  for (const work of waiting) work();
  expect(kept).toEqual([1]);
});
