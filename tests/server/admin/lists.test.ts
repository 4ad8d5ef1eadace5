import { expect, test } from "bun:test";
import type { Answers } from "../../../src/api/api.ts";
import {
  jsonArray,
  jsonObject,
  jsonOf,
  jsonStream,
  jsonWith,
} from "../../../src/server/admin/json.ts";
import { Turns } from "../../../src/server/admin/turns.ts";
import { Administered } from "../../support/administered.ts";
import { mortal } from "../../support/mortal.ts";

async function list<Answer>(admin: Administered, target: string): Promise<Answer> {
  const answer = await admin.ask(target);
  expect(answer.headers.get("content-type")).toBe("application/json");
  return (await answer.json()) as Answer;
}

/** Clients a0, a1, ... each with a will and two subscriptions. */
function crowd(count: number): Administered {
  const admin = new Administered();
  for (let index = 0; index < count; index++) {
    const client = mortal(admin.world, { id: `a${index}`, keepalive: 10 });
    client.subscribe(`to/a${index}`, "to/all");
  }
  return admin;
}

test("each list has all items, or as many as requested and a mark that more exist", async () => {
  const admin = crowd(10);
  const publisher = admin.world.open();
  publisher.connect({ clientId: "publisher" });
  for (let index = 0; index < 9; index++) publisher.publish(`r/${index}`, "x", { retain: true });
  const totals = { clients: 11, sessions: 11, subscriptions: 20, wills: 10, retained: 9 };
  for (const [name, total] of Object.entries(totals)) {
    for (const limit of [1, total - 1, total, total + 1]) {
      const answer = await list<Record<string, unknown[]>>(admin, `/v1/${name}?limit=${limit}`);
      expect(answer[name]).toHaveLength(Math.min(limit, total));
      expect<unknown>(answer["more"]).toBe(limit < total);
    }
  }
});

test("an empty broker has empty lists", async () => {
  const admin = new Administered();
  for (const name of ["clients", "sessions", "subscriptions", "wills", "retained"]) {
    expect(await list<object>(admin, `/v1/${name}`)).toMatchObject({ [name]: [], more: false });
  }
  expect(await list<object>(admin, "/v1/route?topic=a")).toEqual({ topic: "a", recipients: [] });
});

test("client ids are listed of clients that are gone, too", async () => {
  const admin = crowd(2);
  mortal(admin.world, { id: "gone", keepalive: 10 }).drop();
  expect(await list<object>(admin, "/v1/client-ids")).toEqual({
    ids: ["a0", "a1", "gone"],
    more: false,
  });
  expect(await list<object>(admin, "/v1/client-ids?limit=2")).toMatchObject({ more: true });
});

test("sessions carry their subscriptions, in the list and with the client", async () => {
  const admin = crowd(2);
  const { sessions } = await list<Answers["sessions"]>(admin, "/v1/sessions");
  expect(sessions.map(({ subscriptions }) => subscriptions.map(({ filter }) => filter))).toEqual([
    ["to/a0", "to/all"],
    ["to/a1", "to/all"],
  ]);
  const { session } = await list<Answers["client"]>(admin, "/v1/clients/a0");
  expect(session).toEqual(sessions[0] ?? null);
});

test("wills are listed newest first", async () => {
  const admin = crowd(3);
  const { wills } = await list<Answers["wills"]>(admin, "/v1/wills");
  expect(wills.map(({ clientId }) => clientId)).toEqual(["a2", "a1", "a0"]);
});

test("wills are sorted by the times that the table shows, and a limit keeps the newest", async () => {
  const admin = new Administered();
  const { world } = admin;
  const first = mortal(world, { id: "first", keepalive: 600 });
  world.advance(1000);
  mortal(world, { id: "delayed", keepalive: 600, expiry: 600, delay: 60 }).drop();
  world.advance(1000);
  mortal(world, { id: "armed", keepalive: 600 });
  world.advance(1000);
  mortal(world, { id: "second", keepalive: 600 }).drop();
  world.advance(1000);
  first.drop();
  const order = ["delayed", "first", "second", "armed"];
  for (const limit of [1, 2, 3, 4]) {
    const { wills } = await list<Answers["wills"]>(admin, `/v1/wills?limit=${limit}`);
    expect(wills.map(({ clientId }) => clientId)).toEqual(order.slice(0, limit));
  }
});

test("many wills are in order, whatever their number", async () => {
  for (const count of [0, 1, 2, 3, 7, 8, 9, 33]) {
    const admin = new Administered();
    const dying = Array.from({ length: count }, (_, index) =>
      mortal(admin.world, { id: `a${index}`, keepalive: 600 }),
    );
    // Each ends at another moment, in an order that is not that of their CONNECTs.
    for (let turn = 0; turn < count; turn++) {
      admin.world.advance(10);
      dying[(turn * 5) % count]?.drop();
    }
    const { wills } = await list<Answers["wills"]>(admin, "/v1/wills");
    const shown = wills.map(({ fate, armedAt }) => fate?.at ?? armedAt);
    expect(shown).toHaveLength(count);
    expect(shown).toEqual(shown.toSorted((a, b) => b - a));
  }
});

test("clients by memory are in order, whatever their number, and a limit keeps those with most", async () => {
  for (const count of [0, 1, 2, 3, 7, 8, 9, 33]) {
    const admin = new Administered();
    for (let index = 0; index < count; index++) {
      const client = mortal(admin.world, { id: `a${index}`, keepalive: 10 });
      const filters = Array.from({ length: (index * 5) % count }, (_, each) => `to/${each}`);
      if (filters.length > 0) client.subscribe(...filters);
    }
    const path = "/v1/clients?sort=memory";
    const { clients } = await list<Answers["clients"]>(admin, path);
    const held = clients.map(({ memoryBytes }) => memoryBytes ?? 0);
    expect(held).toHaveLength(count);
    expect(held).toEqual(held.toSorted((a, b) => b - a));
    const cut = await list<Answers["clients"]>(admin, `${path}&limit=2`);
    expect(cut.clients).toEqual(clients.slice(0, 2));
  }
});

test("a filter that MQTT does not allow is refused, for events and retained messages", async () => {
  const admin = new Administered();
  for (const filter of ["a/#/b", "a#", "a+/b", "$share//x", "$share/g", "a\0"]) {
    for (const path of [
      `/v1/events?topic=${encodeURIComponent(filter)}`,
      `/v1/retained?filter=${encodeURIComponent(filter)}`,
    ]) {
      const answer = await admin.ask(path);
      expect([filter, answer.status]).toEqual([filter, 400]);
      expect(await answer.text()).toContain("+ is a whole level, # is the whole last one");
    }
  }
  for (const filter of ["#", "a/+/b", "a/#", "+", "/", "$SYS/#"]) {
    const answer = await admin.ask(`/v1/retained?filter=${encodeURIComponent(filter)}`);
    expect([filter, answer.status]).toEqual([filter, 200]);
  }
});

test("the overview counts what the broker retains below $SYS apart", async () => {
  const admin = new Administered({ sysIntervalMs: 10_000 });
  const client = admin.world.open();
  client.connect({ clientId: "publisher" });
  client.publish("a", "12345678", { retain: true });
  admin.world.advance(30_000);
  const counts = async (filter: string): Promise<number> =>
    (await list<Answers["retained"]>(admin, `/v1/retained?filter=${filter}`)).retained.length;
  const { retained } = await list<Answers["overview"]>(admin, "/v1/overview");
  const { own } = retained;
  expect(own?.messages).toBeGreaterThan(0);
  expect(own?.messages).toBe(await counts("$SYS/%23"));
  expect(retained.messages - (own?.messages ?? 0)).toBe(await counts("%23"));
  expect(retained.bytes - (own?.bytes ?? 0)).toBe(10);
  client.publish("a", "", { retain: true });
  const cleared = await list<Answers["overview"]>(admin, "/v1/overview");
  expect(cleared.retained).toMatchObject({ messages: cleared.retained.own?.messages });
});

test("a list written while clients connect and end is JSON, and ends", async () => {
  const admin = crowd(2000);
  const answer = await admin.ask("/v1/sessions");
  let text = "";
  let round = 0;
  for await (const piece of answer.body ?? []) {
    text += Buffer.from(piece).toString();
    // Those at the front end, and as many new ones connect behind the last.
    for (let index = 0; index < 10; index++) {
      const id = `a${round++}`;
      admin.world.driver.order({ type: "kicked", clientId: id });
      mortal(admin.world, { id, keepalive: 10 });
    }
  }
  const { sessions, more } = JSON.parse(text) as Answers["sessions"];
  expect(more).toBe(false);
  expect(sessions.length).toBeLessThanOrEqual(2000);
  const ids = new Set(sessions.map(({ clientId }) => clientId));
  for (let index = round; index < 2000; index++) expect(ids.has(`a${index}`)).toBe(true);
});

test("a reader that closes in the middle ends the steps", async () => {
  let isOver = false;
  function* steps() {
    try {
      for (;;) yield 1;
    } finally {
      isOver = true;
    }
  }
  const stream = jsonStream(
    jsonArray(steps(), (value) => jsonOf(() => value)),
    new Turns(),
  );
  const pieces = stream[Symbol.asyncIterator]();
  await pieces.next();
  await pieces.return?.();
  expect(isOver).toBe(true);
});

test("other work runs in the middle of a long answer", async () => {
  const turns = new Turns();
  let made = 0;
  const most = 2_000_000;
  function* steps() {
    for (; made < most; made++) yield null;
  }
  const answer = new Response(
    jsonStream(
      jsonArray(steps(), () => jsonOf(() => 0)),
      turns,
    ),
  ).text();
  let immediates = 0;
  for (let isOver = false; !isOver; immediates++) {
    await new Promise((resolve) => setImmediate(resolve));
    isOver = made === most;
  }
  expect(await answer).toBe("[]");
  expect(immediates).toBeGreaterThan(5);
});

test("one piece of work runs at a time", async () => {
  const turns = new Turns();
  const order: string[] = [];
  const work = async (name: string): Promise<void> => {
    for (let round = 0; round < 3; round++) {
      await turns.next();
      order.push(name);
      setImmediate(() => order.push("-"));
    }
  };
  await Promise.all([work("a"), work("b")]);
  expect(order.join("")).toMatch(/^a-?b-?a-?b-?a-?b$/);
});

test("text in pieces equals JSON.stringify of the same value", async () => {
  const one = { a: 1, b: '\u2028"\\', c: null, d: [1, 2] };
  function* steps() {
    yield null;
    yield one;
    yield null;
    yield { ...one, a: 2 };
  }
  const json = jsonObject<{ x: number; list: readonly object[]; empty: readonly object[] }>({
    x: jsonOf(() => 1),
    list: jsonArray(steps(), (item) =>
      jsonWith(
        item,
        "e",
        jsonOf(() => true),
      ),
    ),
    empty: jsonArray<object, object>([null], () => jsonOf(() => ({}))),
  });
  expect(await new Response(jsonStream(json, new Turns())).text()).toBe(
    JSON.stringify({
      x: 1,
      list: [
        { ...one, e: true },
        { ...one, a: 2, e: true },
      ],
      empty: [],
    }),
  );
  expect(await new Response(jsonStream(jsonObject({}), new Turns())).text()).toBe("{}");
});
