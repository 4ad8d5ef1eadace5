import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { SqliteStore } from "../../src/store/sqlite.ts";
import { allOf, at, committed, message, queued, sample, session, subscription } from "./records.ts";

/** `open`: as the next process does, once the store before is closed. */
function check(behaviour: string, run: (open: () => Promise<SqliteStore>) => Promise<void>): void {
  test(behaviour, async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "mqttd-store-"));
    const open = async (): Promise<SqliteStore> =>
      SqliteStore.open({
        ...{ folder, durability: "normal", version: "1" },
        onTrouble: (error) => expect.unreachable(error?.message),
        onFault: (cause) => expect.unreachable(String(cause)),
        soon: (work) => void setImmediate(work),
      });
    try {
      await run(open);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

check("a new store is empty", async (open) => {
  const store = await open();
  const lists = Object.values(await allOf(store)) as unknown[][];
  expect(lists).toEqual(lists.map(() => []));
  await store.close(at(1));
});

check("every field of every kind of record comes back", async (open) => {
  const first = await open();
  expect(await committed(first, sample)).toBeNull();
  await first.close(at(1));
  const next = await open();
  const { messages, sessions, retained, habits, connections, willRecords } = await allOf(next);
  const values = (kind: string): unknown[] =>
    sample.flatMap((change) => ("put" in change && change.put === kind ? [change.value] : []));
  expect<unknown>(messages).toEqual(values("message"));
  expect<unknown>(retained).toEqual(values("retained"));
  expect<unknown>(habits).toEqual(values("habits"));
  expect<unknown>(connections).toEqual(values("connection"));
  expect<unknown>(willRecords).toEqual(values("willRecord"));
  expect<unknown>(sessions.map(({ session }) => session)).toEqual(values("session"));
  const [one, two] = sessions;
  const by = (filter: string) => one?.subscriptions.find((found) => found.filter === filter);
  expect<unknown>([by("home/#"), by("$share/g/ö/+")]).toEqual(values("subscription"));
  expect<unknown>(one?.queued).toEqual(values("queued"));
  const sent = one?.outgoing.toSorted((a, b) => b.packetId - a.packetId);
  expect<unknown>(sent).toEqual(values("outgoing"));
  expect<unknown>(two?.incoming).toEqual(values("incoming"));
  expect<unknown>([one?.will, two?.will]).toEqual(values("will"));
  await next.close(at(2));
});

check("a put replaces, and a delete deletes only its key", async (open) => {
  const store = await open();
  await committed(store, sample);
  const renamed = session(1, { username: "maria" });
  await committed(store, [
    { put: "session", value: renamed },
    { delete: "queued", session: 1, place: 1 },
    { delete: "queued", session: 1, place: 99 },
    { delete: "subscription", session: 1, filter: "home/#" },
    { delete: "outgoing", session: 1, packetId: 2 },
    { delete: "incoming", session: 2, packetId: 9 },
    { delete: "retained", topic: "home/1" },
    { delete: "will", session: 2 },
  ]);
  const { sessions, retained, messages } = await allOf(store);
  expect(retained).toEqual([]);
  expect(messages).toHaveLength(2);
  const [one, two] = sessions;
  expect(one?.session).toEqual(renamed);
  expect(one?.queued.map(({ place }) => place)).toEqual([2]);
  expect(one?.subscriptions.map(({ filter }) => filter)).toEqual(["$share/g/ö/+"]);
  expect(one?.outgoing.map(({ packetId }) => packetId)).toEqual([65_535]);
  expect(one?.will).not.toBeNull();
  expect([two?.incoming, two?.will]).toEqual([[], null]);
  await store.close(at(1));
});

check("deleting a session takes along what belongs to it, and no message", async (open) => {
  const store = await open();
  await committed(store, sample);
  await committed(store, [
    { delete: "session", session: 1 },
    { delete: "message", message: 2 },
  ]);
  const { sessions, messages } = await allOf(store);
  expect(sessions.map(({ session }) => session.session)).toEqual([2]);
  expect(messages.map(({ message }) => message)).toEqual([1]);
  // Its number is not used again in real life; here it shows that nothing stayed behind.
  await committed(store, [{ put: "session", value: session(1) }]);
  const again = (await allOf(store)).sessions[0];
  expect(again).toMatchObject({ subscriptions: [], queued: [], outgoing: [], will: null });
  await store.close(at(1));
});

check("steps of one batch are carried out in its order", async (open) => {
  const store = await open();
  await committed(store, [
    { put: "session", value: session(1) },
    { put: "subscription", value: subscription(1, "a") },
    { delete: "session", session: 1 },
    { put: "session", value: session(2) },
    { put: "subscription", value: subscription(2, "b") },
  ]);
  const { sessions } = await allOf(store);
  const filters = sessions.map(({ subscriptions }) => subscriptions.map(({ filter }) => filter));
  expect(filters).toEqual([["b"]]);
  await store.close(at(1));
});

check("a payload of many pieces comes back whole, and leaves whole", async (open) => {
  const payload = new Uint8Array(5 * 1024 * 1024 + 7).map((_, index) => index * 7);
  const first = await open();
  const failure = await committed(first, [
    { put: "message", value: message(1, { payload }) },
    { put: "message", value: message(2) },
    { put: "session", value: session(1) },
    { put: "queued", value: queued(1, 1, 1) },
  ]);
  expect(failure).toBeNull();
  await first.close(at(1));
  const next = await open();
  const { messages } = await allOf(next);
  expect(messages.map(({ message }) => message)).toEqual([1, 2]);
  expect(messages[0]?.payload).toHaveLength(payload.length);
  expect(Bun.hash(messages[0]?.payload ?? "")).toBe(Bun.hash(payload));
  await committed(next, [{ delete: "message", message: 1 }]);
  expect((await allOf(next)).messages.map(({ message }) => message)).toEqual([2]);
  const facts = await next.facts();
  expect(facts.rows).toMatchObject({ message: 1, piece: 0 });
  await next.close(at(2));
});

check("many sessions come back whole, in parts", async (open) => {
  const store = await open();
  const numbers = Array.from({ length: 3000 }, (_, index) => index + 1);
  await committed(
    store,
    numbers.flatMap((number) => [
      { put: "message", value: message(number) } as const,
      { put: "session", value: session(number) } as const,
      { put: "subscription", value: subscription(number, "a/+/b") } as const,
      { put: "queued", value: queued(number, 5, number) } as const,
      { put: "retained", value: { topic: `home/${number}`, message: number } } as const,
    ]),
  );
  let parts = 0;
  const seen: number[] = [];
  for await (const { sessions } of store.load()) {
    parts += 1;
    for (const { session, subscriptions, queued } of sessions) {
      expect([subscriptions.length, queued[0]?.message]).toEqual([1, session.session]);
      seen.push(session.session);
    }
  }
  expect(seen).toEqual(numbers);
  expect(parts).toBeGreaterThan(3);
  await store.close(at(1));
});

check(
  "a batch of many parts, with a large payload between them, is one transaction",
  async (open) => {
    const store = await open();
    const payload = new Uint8Array(3 * 1024 * 1024 + 5).fill(7);
    const messages = Array.from({ length: 5000 }, (_, number) =>
      message(number + 1, number === 2500 ? { payload } : {}),
    );
    const puts = messages.map((value) => ({ put: "message", value }) as const);
    const commits = store.commits.count;
    expect(await committed(store, puts)).toBeNull();
    // Four pieces, and all rows together.
    expect(store.commits.count - commits).toBe(5);
    await store.close(at(1));
    const next = await open();
    expect<unknown>((await allOf(next)).messages).toEqual(messages);
    await next.close(at(2));
  },
);
