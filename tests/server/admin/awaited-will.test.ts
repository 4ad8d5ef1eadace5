import { expect, test } from "bun:test";
import type { WillsAnswer } from "../../../src/api/api.ts";
import { Administered } from "../../support/administered.ts";
import { eventually } from "../../support/inbox.ts";
import { mortal } from "../../support/mortal.ts";

/** A request for the fate of a will, which the interface is already waiting for. */
class Waiting {
  readonly answer: Promise<WillsAnswer>;

  static async for(admin: Administered, query: string, init: RequestInit = {}): Promise<Waiting> {
    const before = admin.hub.listening;
    const waiting = new Waiting(admin.ask(`/v1/wills?${query}`, init));
    await eventually(
      () => admin.hub.listening > before,
      () => `still ${before} listeners`,
    );
    return waiting;
  }

  private constructor(response: Promise<Response>) {
    this.answer = response.then(async (given) => (await given.json()) as WillsAnswer);
  }
}

test("the answer is sent at the fate of the will", async () => {
  const admin = new Administered();
  const client = mortal(admin.world, { id: "dev-42", keepalive: 10 });
  const waiting = await Waiting.for(admin, "client=dev-42&wait=10m");
  client.drop();
  const { decided, awaited, awaitedWill, wills } = await waiting.answer;
  expect({ decided, awaited }).toEqual({ decided: true, awaited: 1 });
  expect(awaitedWill).toMatchObject({ clientId: "dev-42", fate: { fate: "published" } });
  expect(wills.map(({ id }) => id)).toEqual([1]);
  expect(admin.hub.listening).toBe(0);
});

test("a takeover arms another will: the answer is about the requested one", async () => {
  const admin = new Administered();
  mortal(admin.world, { id: "dev-42", keepalive: 10 });
  const waiting = await Waiting.for(admin, "client=dev-42&wait=10m");
  mortal(admin.world, { id: "dev-42", keepalive: 10 });
  const { decided, awaited, awaitedWill, wills } = await waiting.answer;
  expect({ decided, awaited }).toEqual({ decided: true, awaited: 1 });
  expect(awaitedWill).toMatchObject({ id: 1, end: { cause: "takenOver" } });
  expect(wills.map(({ id, state }) => `${id} ${state}`)).toEqual(["2 armed", "1 published"]);
});

test("if there is none yet, the first armed will counts", async () => {
  const admin = new Administered();
  mortal(admin.world, { id: "other", keepalive: 10 }).drop();
  const waiting = await Waiting.for(admin, "client=dev-42&topic=wills/dev-42&wait=10m");
  mortal(admin.world, { id: "dev-42", keepalive: 10, will: { topic: "another" } }).drop();
  const first = mortal(admin.world, { id: "dev-42", keepalive: 10 });
  first.drop();
  const { decided, awaited, awaitedWill } = await waiting.answer;
  expect({ decided, awaited }).toEqual({ decided: true, awaited: 3 });
  expect(awaitedWill?.fate?.fate).toBe("published");
});

test("a will that the ledger evicts at once is still reported", async () => {
  const admin = new Administered({ limits: { ledger: 0 } });
  const waiting = await Waiting.for(admin, "client=dev-42&wait=10m");
  mortal(admin.world, { id: "dev-42", keepalive: 10 }).drop();
  const { decided, awaited, awaitedWill, wills } = await waiting.answer;
  expect({ decided, awaited, wills }).toEqual({ decided: true, awaited: 1, wills: [] });
  expect(awaitedWill?.fate?.fate).toBe("published");
});

test("a decided will is answered at once, even if the list omits it", async () => {
  const admin = new Administered();
  mortal(admin.world, { id: "dev-42", keepalive: 10 }).drop();
  const answer = await admin.ask("/v1/wills?client=dev-42&which=pending&wait=10m");
  expect(await answer.json()).toMatchObject({
    ...{ decided: true, awaited: 1, wills: [], more: false },
    awaitedWill: { fate: { fate: "published" } },
  });
});

test("a delayed will is decided when it is published", async () => {
  const admin = new Administered();
  const options = { id: "dev-42", keepalive: 10, delay: 30, expiry: 100 };
  const client = mortal(admin.world, options);
  client.drop();
  const waiting = await Waiting.for(admin, "client=dev-42&wait=10m");
  admin.world.advance(29_999);
  expect(admin.hub.listening).toBe(1);
  admin.world.advance(1);
  expect((await waiting.answer).awaitedWill?.fate).toMatchObject({ fate: "published", by: "due" });
});

test("a waiting will is awaited while more clients end than the records hold", async () => {
  const admin = new Administered({ limits: { ledger: 2 } });
  mortal(admin.world, { id: "dev-42", keepalive: 10, delay: 30, expiry: 100 }).drop();
  for (const id of ["a", "b", "c"]) mortal(admin.world, { id, keepalive: 10 }).drop();
  const waiting = await Waiting.for(admin, "client=dev-42&wait=10m");
  admin.world.advance(30_000);
  const { decided, awaited, awaitedWill } = await waiting.answer;
  expect({ decided, awaited }).toEqual({ decided: true, awaited: 1 });
  expect(awaitedWill?.fate).toMatchObject({ fate: "published", by: "due" });
});

test("a will that is still recorded is awaited although its client is evicted", async () => {
  const admin = new Administered({ limits: { ledger: 2 } });
  mortal(admin.world, { id: "dev-42", keepalive: 10 }).drop();
  for (const clientId of ["a", "b", "c"]) {
    const client = admin.world.open();
    client.connect({ clientId, protocolVersion: 5 });
    client.drop();
  }
  expect(admin.world.broker.records.clients.of("dev-42")).toBeNull();
  const answer = await admin.ask("/v1/wills?client=dev-42&wait=1ms");
  expect(await answer.json()).toMatchObject({ decided: true, awaited: 1, wills: [{ id: 1 }] });
});

test("a will whose recorded topic is cut is found by the whole topic", async () => {
  const admin = new Administered();
  const topic = `t/${"x".repeat(600)}`;
  mortal(admin.world, { id: "dev-42", keepalive: 10, will: { topic } }).drop();
  mortal(admin.world, { id: "other", keepalive: 10, will: { topic: "t/" } }).drop();
  const answer = await admin.ask(`/v1/wills?topic=${topic}&wait=1ms`);
  expect(await answer.json()).toMatchObject({ decided: true, wills: [{ clientId: "dev-42" }] });
  const another = await admin.ask(`/v1/wills?topic=t/y${topic}`);
  expect(await another.json()).toMatchObject({ wills: [] });
});

test("at the timeout, the answer has the facts known by then", async () => {
  const admin = new Administered();
  const none = await admin.ask("/v1/wills?client=dev-42&wait=1ms");
  expect(await none.json()).toMatchObject({ decided: false, awaited: null, awaitedWill: null });
  mortal(admin.world, { id: "dev-42", keepalive: 10 });
  const armed = await admin.ask("/v1/wills?client=dev-42&wait=1ms");
  expect(await armed.json()).toMatchObject({
    ...{ decided: false, awaited: 1 },
    awaitedWill: { state: "armed" },
  });
  expect(admin.hub.listening).toBe(0);
});

test("without a wait the answer is immediate", async () => {
  const answer = await new Administered().ask("/v1/wills");
  expect(await answer.json()).toMatchObject({ decided: null, awaited: null, awaitedWill: null });
});

test("the wait ends when its client closes", async () => {
  const admin = new Administered();
  const gone = new AbortController();
  const waiting = await Waiting.for(admin, "client=dev-42&wait=10m", { signal: gone.signal });
  gone.abort();
  expect((await waiting.answer).decided).toBe(false);
  expect(admin.hub.listening).toBe(0);
});

test("when the broker stops, waiting requests get their answers", async () => {
  const admin = new Administered();
  mortal(admin.world, { id: "dev-42", keepalive: 10 });
  const waiting = await Waiting.for(admin, "client=dev-42&wait=10m");
  admin.hub.close();
  expect(await waiting.answer).toMatchObject({ decided: false, awaited: 1 });
});

test("waiting requests count as streams", async () => {
  const admin = new Administered({ admin: { streams: 1 } });
  const waiting = await Waiting.for(admin, "wait=10m");
  expect((await admin.ask("/v1/wills?wait=1s")).status).toBe(503);
  expect((await admin.ask("/v1/events")).status).toBe(503);
  expect((await admin.ask("/v1/wills")).status).toBe(200);
  admin.hub.close();
  await waiting.answer;
});
