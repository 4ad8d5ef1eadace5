import { expect, test } from "bun:test";
import fc from "fast-check";
import { generate, type Packet } from "mqtt-packet";
import type { Input } from "../../src/core/io.ts";
import { WillRecord } from "../../src/core/records/wills.ts";
import type { TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";

/**
 * The same bytes go to two brokers: one takes PUBLISHes and acknowledgements that follow each other
 * as runs, one reads each alone, as it does for its log at level debug. Both must say and keep the
 * same. The interleaving of PUBLISHes and other packets is free.
 */

const topics = ["a", "a/b", "c"] as const;
const clients = 4;
/** Time in which a backlog that the budget has cut is sent; milliseconds. */
const restMs = 100;

function seldom(ofSo: number): fc.Arbitrary<boolean> {
  return fc.integer({ min: 0, max: ofSo - 1 }).map((value) => value === 0);
}

const message = fc.record({
  topic: fc.constantFrom(...topics),
  qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
  id: fc.constantFrom(1, 100, 200, 300, 65_400),
  dup: seldom(20),
  retain: seldom(20),
  bytes: fc.constantFrom(0, 1, 20, 21, 200, 9000),
  times: fc.constantFrom(1, 2, 3, 10, 40, 90),
});
const subscription = fc.record({
  topic: fc.constantFrom("a", "a/b", "a/#", "+", "#", "c", "c", "$share/g/a"),
  qos: fc.constantFrom(0 as const, 1 as const, 2 as const, 2 as const, 2 as const),
  nl: seldom(8),
});
const who = fc.integer({ min: 0, max: clients - 1 });
const act = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      act: fc.constant("publish" as const),
      who,
      messages: fc.array(message, { minLength: 1, maxLength: 4 }),
      cut: fc.constantFrom(Infinity, Infinity, 4000, 333),
    }),
  },
  { weight: 6, arbitrary: fc.record({ act: fc.constant("acknowledge" as const), who }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("stop" as const), who }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant("go on" as const), who }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("advance" as const), who }) },
  {
    weight: 1,
    arbitrary: fc.record({ act: fc.constant("subscribe" as const), who, subscription }),
  },
);
type Act = typeof act extends fc.Arbitrary<infer Value> ? Value : never;

const program = fc.record({
  ofOwnVersion: seldom(5),
  lasts: seldom(5),
  receiveMaximum: fc.constantFrom(1, 10, 65_535, 65_535, 65_535),
  isSmall: seldom(10),
  topicAliasMaximum: fc.constantFrom(0, 0, 0, 0, 0, 0, 2),
  will: fc.constantFrom(null, null, ...topics),
  subscription,
});
type Program = typeof program extends fc.Arbitrary<infer Value> ? Value : never;
type Version = 3 | 4 | 5;

const setup = fc.record({
  version: fc.constantFrom(3 as const, 4 as const, 5 as const),
  programs: fc.array(program, { minLength: clients, maxLength: clients }),
  unitsOfTurn: fc.constantFrom(1, 20, 4000, 4000),
  kept: fc.constantFrom(0, 0, 20),
});

type Setup = typeof setup extends fc.Arbitrary<infer Value> ? Value : never;

class Side {
  readonly world: World;
  readonly parties: { readonly client: TestClient; readonly version: Version }[];
  readonly inputs = new Map<Input["type"], number>();

  constructor({ programs, version, unitsOfTurn, kept }: Setup, isAlone: boolean) {
    const perSecond = { messages: kept, bytes: 1_000_000 };
    this.world = new World({ unitsOfTurn, recentMessages: { messages: 10, perSecond } });
    if (isAlone) this.world.driver.setTrace(true);
    const { broker } = this.world;
    const handle = broker.handle.bind(broker);
    broker.handle = (input, now) => {
      this.inputs.set(input.type, (this.inputs.get(input.type) ?? 0) + 1);
      return handle(input, now);
    };
    this.parties = programs.map((one, at) => this.#connect(one, at, version));
  }

  #connect(one: Program, at: number, version: Version): Side["parties"][number] {
    const { lasts, receiveMaximum, isSmall, topicAliasMaximum } = one;
    const protocolVersion = one.ofOwnVersion ? 5 : version;
    const client = this.world.open();
    client.connect({
      ...{ clientId: `c${at}`, protocolVersion, clean: !lasts },
      ...(one.will !== null && {
        will: { topic: one.will, payload: Buffer.from("gone"), qos: 1 as const, retain: false },
      }),
      ...(protocolVersion === 5 && {
        properties: {
          ...{ receiveMaximum, topicAliasMaximum, sessionExpiryInterval: lasts ? 100 : 0 },
          ...(isSmall && { maximumPacketSize: 100 }),
        },
      }),
    });
    this.#subscribe(client, protocolVersion, one.subscription);
    return { client, version: protocolVersion };
  }

  #subscribe(client: TestClient, version: Version, wanted: Program["subscription"]): void {
    if (client.closedBy !== null) return;
    // A No Local on a shared subscription is a violation.
    const nl = version === 5 && wanted.nl && !wanted.topic.startsWith("$share");
    client.subscribe({ ...wanted, nl });
  }

  run(act: Act): void {
    const party = this.parties[act.who];
    if (party === undefined) throw new Error(`there is no client ${act.who}`);
    const { client, version } = party;
    if (act.act === "advance") return this.world.advance(700);
    if (client.closedBy !== null) return;
    switch (act.act) {
      case "publish": {
        const bytes = bytesOf(act, version);
        for (let at = 0; at < bytes.length && client.closedBy === null; at += act.cut) {
          client.sendBytes(bytes.subarray(at, at + act.cut));
        }
        return;
      }
      case "acknowledge":
        // What has arrived of its output so far depends on the interleaving.
        if (client.room === Infinity) acknowledge(client, version);
        return;
      case "stop":
        client.room = 500;
        return;
      case "go on":
        return client.drain();
      case "subscribe":
        return this.#subscribe(client, version, act.subscription);
    }
  }

  /** A client has not got all that was said to it. */
  get isBehind(): boolean {
    return this.parties.some(({ client: { room } }) => room !== Infinity);
  }

  /** All clients take what waits for them. */
  goOn(): void {
    for (const { client } of this.parties) if (client.room !== Infinity) client.drain();
    this.world.advance(restMs);
  }

  /** What it has said to its clients, and what it keeps. */
  get state(): unknown {
    const { broker } = this.world;
    // Routes share the copies that their clients got last, of which a run that is not taken makes others.
    const { routes: ___, ...memory } = broker.memory.byKind;
    // What the budget has cut goes on at other places, and some of it at other times.
    const { deadlines: _, now: __, ...view } = broker.view();
    return {
      clients: this.parties.map(({ client: { received, closedBy } }) => ({
        published: received.filter(({ cmd }) => cmd === "publish"),
        others: received.filter(({ cmd }) => cmd !== "publish"),
        closedBy,
      })),
      wills: [...broker.sessions.values()].map(({ will }) =>
        will?.recordRef instanceof WillRecord ? { ...will.recordRef.own } : null,
      ),
      events: this.world.events.filter(({ event }) => event !== "packet"),
      recent: [...broker.records.messages.newestFirst(0)],
      missed: broker.records.messages.missed,
      statistics: { ...broker.statistics },
      view,
      memory,
    };
  }
}

function bytesOf({ messages }: Act & { act: "publish" }, protocolVersion: Version): Uint8Array {
  let number = 0;
  const packets = messages.flatMap(({ topic, qos, id, dup, retain, bytes, times }) =>
    Array.from({ length: bytes > 1000 ? Math.min(times, 5) : times }, (_, at) =>
      generate(
        {
          ...{ cmd: "publish" as const, topic, qos, retain },
          ...{ dup: dup && qos > 0, messageId: id + at },
          payload: Buffer.alloc(bytes, `${number++} `),
        },
        { protocolVersion },
      ),
    ),
  );
  return Uint8Array.from(Buffer.concat(packets));
}

const answers = [
  ["publish", "puback", 1],
  ["publish", "pubrec", 2],
  ["pubrel", "pubcomp", 0],
  ["pubrec", "pubrel", 0],
] as const;

/** Answers all that has arrived: one kind after the other, each in one go. */
function acknowledge(client: TestClient, protocolVersion: Version): void {
  const arrived = client.received.splice(0);
  const packets = answers.flatMap(([to, cmd, ofQos]) =>
    arrived.flatMap((packet): Packet[] => {
      if (packet.cmd !== to || packet.messageId === undefined) return [];
      if (packet.cmd === "publish" && packet.qos !== ofQos) return [];
      return [{ cmd, messageId: packet.messageId }];
    }),
  );
  if (packets.length === 0) return;
  client.sendBytes(Buffer.concat(packets.map((one) => generate(one, { protocolVersion }))));
}

test("packets taken in runs have the effects that they have one by one", () => {
  let runs = 0;
  let acknowledgements = 0;
  fc.assert(
    fc.property(setup, fc.array(act, { minLength: 10, maxLength: 25 }), (made, acts) => {
      const inRuns = new Side(made, false);
      const alone = new Side(made, true);
      for (const [number, one] of acts.entries()) {
        for (const side of [inRuns, alone]) {
          side.run(one);
          side.world.advance(restMs);
        }
        if (number % 3 === 0 && !alone.isBehind) expect(inRuns.state).toEqual(alone.state);
      }
      for (const side of [inRuns, alone]) side.goOn();
      expect(inRuns.state).toEqual(alone.state);
      expect([alone.inputs.get("published"), alone.inputs.get("acknowledged")]).toEqual([
        undefined,
        undefined,
      ]);
      runs += inRuns.inputs.get("published") ?? 0;
      acknowledgements += inRuns.inputs.get("acknowledged") ?? 0;
    }),
    { numRuns: 40 },
  );
  // Otherwise it would compare the same with the same.
  expect(runs).toBeGreaterThan(20);
  expect(acknowledgements).toBeGreaterThan(20);
}, 180_000);
