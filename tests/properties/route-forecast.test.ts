import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Principal } from "../../src/core/access.ts";
import type { Limits } from "../../src/core/limits.ts";
import type { Effect, Input, Millis } from "../../src/core/io.ts";
import type { Qos } from "../../src/core/packet.ts";
import { routeFor } from "../../src/core/queries/routes.ts";
import type { Queued } from "../../src/core/queue.ts";
import type { RouteAccount } from "../../src/core/records/broker-account.ts";
import { allOf } from "../../src/core/steps.ts";
import { accessBy } from "../support/access.ts";
import type { ConnectOptions, TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";

/**
 * The forecast of inspect for a topic comes true: in any state that a few clients reach, this test
 * asks for the forecast, then publishes the message, and compares both, recipient by recipient.
 */

type Outcome = RouteAccount["recipients"][number]["outcome"];

const loners = [0, 1, 2] as const;
/**
 * Members of shares. They have no other subscription: each answer is for one copy alone, and a
 * session's first copy can fill the window or the queue for its second.
 */
const sharers = [3, 4, 5] as const;
const people = [...loners, ...sharers];
const mountPoints = ["", "m/"] as const;
const filters = ["a", "m/a", "#", "+"] as const;
const names = ["a", "b", "c", "m/a"] as const;
/** Messages are retained only on these topics, so that a replay does not delay the others. */
const retainedNames = ["b", "c", "m/a"];
/** A queue never holds more messages than these, and never two of the longest. */
const limits: Partial<Limits> = { queuedMessages: 3, queuedBytes: 150, holdTimeoutMs: 0 };
const payloads = [8, 60, 100, 200] as const;

type Step =
  | { readonly do: "publish"; readonly from: number; readonly retain: boolean; readonly what: What }
  | {
      readonly do: "subscribe";
      readonly who: number;
      readonly filter: string;
      readonly qos: Qos;
      readonly nl: boolean;
    }
  | { readonly do: "connect"; readonly who: number; readonly as: As }
  | { readonly do: "drop" | "stall" | "drain" | "acknowledge"; readonly who: number };

interface What {
  readonly name: string;
  readonly qos: Qos;
  readonly bytes: number;
}

interface As {
  readonly version: 4 | 5;
  readonly mountPoint: string;
  readonly receiveMaximum: number;
  readonly maximumPacketSize: number;
  readonly topicAliasMaximum: number;
}

/** One client alone and one member of the share may not read one topic each. */
function mayRead({ clientId }: Principal, topic: string): boolean {
  return !(clientId === idOf(2) && topic === "a") && !(clientId === idOf(4) && topic === "m/a");
}

const who = fc.constantFrom(...people);
const qos = fc.constantFrom<Qos[]>(0, 1, 2);
const what = fc.record({
  name: fc.constantFrom(...names),
  qos,
  bytes: fc.constantFrom(...payloads),
});
const as = fc.record({
  version: fc.constantFrom<(4 | 5)[]>(4, 5, 5),
  mountPoint: fc.constantFrom(...mountPoints),
  receiveMaximum: fc.constantFrom(1, 1, 100),
  maximumPacketSize: fc.constantFrom(90, 1000, 1000),
  topicAliasMaximum: fc.constantFrom(0, 3),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("publish"),
      // The last client subscribes to nothing.
      from: fc.constantFrom(...people, people.length),
      retain: fc.boolean(),
      what,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("subscribe"),
      who,
      filter: fc.constantFrom(...filters),
      qos,
      nl: fc.constantFrom(false, false, true),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("connect"), who, as }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("drop", "stall", "stall", "drain", "acknowledge"),
      who,
    }),
  },
);

class Play {
  readonly #world: World;
  readonly #clients: TestClient[] = [];
  /** The connection of each client; null: none. */
  readonly #mounts: (string | null)[] = [];
  /** Of each PUBLISH that the broker has handled. */
  readonly #effects: (readonly Effect[])[] = [];
  readonly #tally: Map<string, number>;
  /** Packet ids are not reused, so that no PUBLISH with QoS 2 looks like an earlier one. */
  #packetId = 1000;

  constructor(queueQos0: boolean, tally: Map<string, number>) {
    this.#tally = tally;
    const access = accessBy({ mayRead });
    this.#world = new World({ outputBytes: 0, limits: { ...limits, queueQos0 }, access });
    const { broker } = this.#world;
    const handle = broker.handle.bind(broker);
    broker.handle = (input: Input, now: Millis) => {
      const effects = handle(input, now);
      if (input.type === "received" && input.packet.type === "publish") this.#effects.push(effects);
      return effects;
    };
    for (const index of [...people, people.length]) {
      this.#connect(index, {
        version: 5,
        mountPoint: "",
        receiveMaximum: 100,
        maximumPacketSize: 1000,
        topicAliasMaximum: 0,
      });
    }
  }

  take(action: Step): void {
    switch (action.do) {
      case "publish":
        return this.#publish(action);
      case "connect":
        return this.#connect(action.who, action.as);
      case "drop":
        this.#clients[action.who]?.drop();
        this.#mounts[action.who] = null;
        return;
      default:
    }
    const client = this.#clients[action.who];
    if (client === undefined || this.#mounts[action.who] === null) return;
    switch (action.do) {
      case "subscribe": {
        const { filter, qos: granted, nl } = action;
        const isSharer = sharers.some((index) => index === action.who);
        const topic = isSharer ? "$share/g/#" : filter;
        return void client.subscribe({ topic, qos: granted, nl: nl && !isSharer });
      }
      case "stall":
        return void (client.room = 0);
      case "drain":
        return client.drain();
      case "acknowledge":
        for (const { qos: got, messageId = 0 } of client.take("publish")) {
          if (got === 1) client.send({ cmd: "puback", messageId });
          else if (got === 2) client.send({ cmd: "pubrec", messageId });
        }
        for (const { messageId = 0 } of client.take("pubrel")) {
          client.send({ cmd: "pubcomp", messageId });
        }
    }
  }

  #connect(index: number, wanted: As): void {
    const { version, mountPoint, receiveMaximum, maximumPacketSize, topicAliasMaximum } = wanted;
    const client = this.#world.open({ mountPoint });
    const options: ConnectOptions = {
      clientId: idOf(index),
      protocolVersion: version,
      clean: false,
    };
    const sessionExpiryInterval = 1000;
    const properties = { receiveMaximum, maximumPacketSize, topicAliasMaximum };
    client.connect(
      version === 4
        ? options
        : { ...options, properties: { ...properties, sessionExpiryInterval } },
    );
    this.#clients[index] = client;
    this.#mounts[index] = mountPoint;
  }

  #publish({
    from,
    retain: asksRetain,
    what: { name, qos: asked, bytes },
  }: Step & { do: "publish" }): void {
    const mountPoint = this.#mounts[from];
    if (mountPoint === null || mountPoint === undefined) return;
    const { broker } = this.#world;
    const publisher = broker.sessions.get(idOf(from)) ?? null;
    const topic = mountPoint + name;
    const measured = {
      topic,
      qos: asked,
      payload: { length: bytes },
      properties: null,
      expiresAt: null,
    };
    const told = allOf(routeFor(broker, topic, measured, publisher));
    const before = new Map(
      [...broker.sessions.values()].map((session) => [
        session,
        { queued: [...session.queue.items()], inReplay: session.replays.size > 0 },
      ]),
    );
    // Each loss is noted again.
    for (const session of broker.sessions.values()) session.dropping = false;
    this.#effects.length = 0;
    const retain = asksRetain && retainedNames.includes(name);
    this.#clients[from]?.publish(name, "x".repeat(bytes), {
      qos: asked,
      retain,
      messageId: this.#packetId++,
    });
    const [effects] = this.#effects;
    // The broker does not read a client that does not read its answers.
    if (effects === undefined) return;
    // RETAIN changes what a session with a running replay may have to get first.
    if (retain) return;
    const noted = effects.flatMap((effect) =>
      effect.type === "note" && effect.event.event === "dropping" ? [effect.event] : [],
    );
    const sentTo = effects.flatMap((effect) =>
      effect.type === "deliver" ? effect.to.map(({ connection }) => connection) : [],
    );
    for (const [session, { queued, inReplay }] of before) {
      const { clientId, connection } = session;
      const own = told.filter((recipient) => recipient.clientId === clientId);
      const copies = sentTo.filter((id) => id === connection?.id).length;
      const now: Queued[] = [...session.queue.items()];
      const added = now.filter((item) => !queued.includes(item));
      const hasEvicted = queued.some((item) => !now.includes(item));
      expect([clientId, copies]).toEqual([clientId, count(own, "sent")]);
      expect([clientId, added.length]).toEqual([clientId, count(own, "queued")]);
      const why = noted.find((event) => event.clientId === clientId)?.why ?? null;
      const losses = own.flatMap(({ outcome }) => lossOf[outcome] ?? []);
      const expected = hasEvicted ? ["queue full", ...losses] : losses;
      if (why === null) expect(expected).toEqual([]);
      else expect(expected).toContain(why);
      for (const { outcome } of own) {
        const key = inReplay ? `${outcome}, in a replay` : outcome;
        this.#tally.set(key, (this.#tally.get(key) ?? 0) + 1);
      }
    }
  }

  check(): void {
    this.#world.check();
  }
}

const lossOf: Partial<Record<Outcome, string>> = {
  "dropped: QoS 0 and no room": "blocked",
  "dropped: its queue is full": "queue full",
  "dropped: larger than its Maximum Packet Size": "packet too large",
};

function count(recipients: RouteAccount["recipients"], outcome: Outcome): number {
  return recipients.filter((recipient) => recipient.outcome === outcome).length;
}

function idOf(index: number): string {
  return `client${index}`;
}

test("inspect route forecasts which clients get a message, and why others do not", () => {
  const tally = new Map<string, number>();
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.array(step, { maxLength: 80, size: "max" }),
      (queueQos0, steps) => {
        const play = new Play(queueQos0, tally);
        for (const action of steps) play.take(action);
        play.check();
      },
    ),
    { numRuns: 400 },
  );
  // No limit of memory here.
  const everyOutcome: Record<Exclude<Outcome, "dropped: QoS 0 and little memory">, true> = {
    sent: true,
    queued: true,
    "dropped: QoS 0 and not connected": true,
    "dropped: QoS 0 and no room": true,
    "dropped: its queue is full": true,
    "dropped: larger than its Maximum Packet Size": true,
    "dropped: behind another mount point": true,
    "dropped: its own message": true,
    "dropped: may not read the topic": true,
    "shared: another member's turn": true,
  };
  const unseen = [...Object.keys(everyOutcome), "sent, in a replay", "queued, in a replay"].filter(
    (outcome) => !tally.has(outcome),
  );
  expect(unseen).toEqual([]);
}, 3_600_000);
