import { expect, test } from "bun:test";
import fc from "fast-check";
import { matches } from "../../src/core/topic.ts";
import type { TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";

/**
 * The broker caches a topic's receivers from one PUBLISH to the next. Here every change to them
 * happens between PUBLISHes, in any order, and a model without a cache computes the receivers.
 */

const filters = ["a", "a/b", "a/+", "#", "$x/#"] as const;
const topics = ["a", "a/b", "$x/a"] as const;
const people = [0, 1, 2] as const;

type Step =
  | { readonly do: "subscribe"; readonly who: number; readonly filter: string; readonly qos: 0 | 1 }
  | { readonly do: "unsubscribe"; readonly who: number; readonly filter: string }
  | { readonly do: "drop" | "return" | "takeOver" | "stall" | "drain"; readonly who: number }
  | { readonly do: "publish"; readonly topic: string; readonly qos: 0 | 1 };

const who = fc.constantFrom(...people);
const filter = fc.constantFrom(...filters);
const qos = fc.constantFrom<(0 | 1)[]>(0, 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("subscribe"), who, filter, qos }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("unsubscribe"), who, filter }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("drop", "return", "takeOver", "stall", "drain"),
      who,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("publish"), topic: fc.constantFrom(...topics), qos }),
  },
);

interface Sent {
  readonly payload: string;
  readonly qos: number;
}

/** The rules applied to one client whose session lasts. */
class Model {
  readonly subscriptions = new Map<string, 0 | 1>();
  connected = true;
  stalled = false;
  /** Written by the broker, but not accepted by the kernel. */
  transit: Sent[] = [];
  /** Waits in the session's queue. */
  queue: Sent[] = [];
  got: string[] = [];

  offer(topic: string, payload: string, published: 0 | 1): void {
    const matching = [...this.subscriptions].filter(([filter]) => matches(filter, topic));
    if (matching.length === 0) return;
    const qos = Math.min(published, Math.max(...matching.map(([, own]) => own)));
    const sent = { payload, qos };
    if (this.connected && !this.stalled) this.got.push(payload);
    // The broker blocks at the first waiting byte, so exactly one message is in transit.
    else if (this.connected && this.transit.length === 0) this.transit.push(sent);
    else if (qos === 1) this.queue.push(sent);
  }

  drain(): void {
    this.stalled = false;
    for (const { payload } of [...this.transit, ...this.queue]) this.got.push(payload);
    this.transit = [];
    this.queue = [];
  }

  drop(): void {
    this.connected = false;
    this.stalled = false;
    this.queue.unshift(...this.transit.filter((sent) => sent.qos === 1));
    this.transit = [];
  }

  resume(): void {
    this.connected = true;
    this.drain();
  }
}

class Person {
  readonly model = new Model();
  readonly #world: World;
  readonly #clientId: string;
  #client: TestClient;
  readonly #got: string[] = [];

  constructor(world: World, clientId: string) {
    this.#world = world;
    this.#clientId = clientId;
    this.#client = this.#connect();
  }

  take(action: Exclude<Step, { do: "publish" }>): void {
    const { model } = this;
    switch (action.do) {
      case "subscribe":
        if (!model.connected || model.stalled) return;
        this.#client.subscribe({ topic: action.filter, qos: action.qos });
        model.subscriptions.set(action.filter, action.qos);
        return;
      case "unsubscribe":
        if (!model.connected || model.stalled) return;
        this.#client.unsubscribe(action.filter);
        model.subscriptions.delete(action.filter);
        return;
      case "drop":
        this.#client.drop();
        model.drop();
        return;
      case "return":
        if (model.connected) return;
        this.#client = this.#connect();
        model.resume();
        return;
      case "takeOver":
        this.#client = this.#connect();
        model.drop();
        model.resume();
        return;
      case "stall":
        if (!model.connected || model.stalled) return;
        this.#client.room = 0;
        model.stalled = true;
        return;
      case "drain":
        if (!model.connected) return;
        this.#client.drain();
        model.drain();
    }
  }

  /** Reads and acknowledges what has arrived, and returns everything that ever arrived. */
  read(): string[] {
    for (const { payload, qos: got, messageId = 0 } of this.#client.take("publish")) {
      this.#got.push(payload.toString());
      if (got === 1) this.#client.send({ cmd: "puback", messageId });
    }
    return this.#got;
  }

  #connect(): TestClient {
    const client = this.#world.open();
    client.connect({ clientId: this.#clientId, clean: false });
    return client;
  }
}

test("each PUBLISH reaches the clients that are subscribed and accept data at that moment, and no others", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const world = new World({ outputBytes: 0 });
      const source = world.open();
      source.connect({ clientId: "source" });
      const persons = people.map((index) => new Person(world, `person${index}`));
      for (const [index, action] of steps.entries()) {
        if (action.do === "publish") {
          source.publish(action.topic, String(index), { qos: action.qos });
          for (const { model } of persons) model.offer(action.topic, String(index), action.qos);
        } else {
          persons[action.who]?.take(action);
          // The broker reads a drained client again in the next turn.
          if (action.do === "drain") await nextTurn();
        }
        for (const person of persons) expect(person.read()).toEqual(person.model.got);
      }
      world.check();
    }),
    { numRuns: 300 },
  );
});

const nextTurn = () => new Promise<void>((resolve) => void setImmediate(resolve));

test("a cached route is dropped with the connection that it names", () => {
  const world = new World();
  const source = world.open();
  source.connect({ clientId: "p" });
  const first = world.open();
  first.connect({ clientId: "a" });
  first.subscribe("t");
  source.publish("t", "1");
  source.publish("t", "2");
  first.drop();
  // It gets the number of the first connection.
  const second = world.open();
  second.connect({ clientId: "b" });
  source.publish("t", "3");
  expect(first.messages()).toEqual(["t=1", "t=2"]);
  expect(second.messages()).toEqual([]);
});

test("the limits of a new connection hold for a cached route", () => {
  const world = new World();
  const source = world.open();
  source.connect({ clientId: "p", protocolVersion: 5 });
  const session = { clientId: "a", protocolVersion: 5, clean: false } as const;
  const first = world.open();
  first.connect({ ...session, properties: { sessionExpiryInterval: 60 } });
  first.subscribe("t");
  source.publish("t", "x".repeat(100));
  expect(first.messages()).toHaveLength(1);
  const second = world.open();
  second.connect({ ...session, properties: { sessionExpiryInterval: 60, maximumPacketSize: 50 } });
  source.publish("t", "x".repeat(100));
  source.publish("t", "x");
  expect(second.messages()).toEqual(["t=x"]);
});

test("more topics than the cache holds do no harm", () => {
  const world = new World();
  const client = world.open();
  client.connect({ clientId: "a" });
  client.subscribe("t/#");
  for (let index = 0; index < 10_050; index++) client.publish(`t/${index}`, "x");
  client.publish("t/0", "x");
  expect(client.take("publish")).toHaveLength(10_051);
  expect(world.broker.routes.size).toBeLessThanOrEqual(10_000);
});

test("topics of tens of kilobytes reach their subscribers, and are not cached", () => {
  const world = new World();
  const client = world.open();
  client.connect({ clientId: "a" });
  client.subscribe("t/#");
  for (let index = 0; index < 20; index++) client.publish(`t/${"x".repeat(60_000)}${index}`, "x");
  expect(client.take("publish")).toHaveLength(20);
  expect(world.broker.routes.size).toBe(0);
});
