import { expect, test } from "bun:test";
import fc from "fast-check";
import { generate, type IPublishPacket } from "mqtt-packet";
import { matches } from "../../src/core/topic.ts";
import type { TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";

/**
 * However the broker encodes a copy (the input's own bytes, one encoding for many, one of its own),
 * a subscriber decodes what the plain rules give: `expectedOf` below, which does not distinguish
 * those ways.
 */

type Qos = 0 | 1 | 2;

interface Filter {
  readonly topic: string;
  readonly qos: Qos;
  readonly rap: boolean;
  readonly identifier: number;
}

interface Subscriber {
  readonly version: 3 | 4 | 5;
  readonly mountPoint: string;
  readonly topicAliasMaximum: number;
  readonly limited: boolean;
  readonly filters: readonly Filter[];
}

interface Message {
  readonly topic: string;
  readonly payload: string;
  readonly qos: Qos;
  readonly retain: boolean;
  /** The following are v5's. 0: no alias. */
  readonly alias: number;
  readonly expiry: number | null;
  readonly contentType: string | null;
  readonly userProperty: boolean;
}

interface Publisher {
  readonly version: 3 | 4 | 5;
  readonly mountPoint: string;
  readonly messages: readonly Message[];
  /** Whether all its packets arrive in one chunk of input. */
  readonly oneChunk: boolean;
}

const version = fc.constantFrom<(3 | 4 | 5)[]>(3, 4, 5);
const qos = fc.constantFrom<Qos[]>(0, 0, 0, 1, 2);
const mountPoint = fc.constantFrom("", "", "m/", "é/ü");
const subscriber: fc.Arbitrary<Subscriber> = fc.record({
  version,
  mountPoint,
  topicAliasMaximum: fc.constantFrom(0, 0, 1, 5),
  limited: fc.boolean(),
  filters: fc.uniqueArray(
    fc.record({
      topic: fc.constantFrom("#", "a/#", "a/+", "a/b", "+/b", "m/#", "é/#", "+", "c"),
      qos,
      rap: fc.boolean(),
      identifier: fc.constantFrom(0, 0, 1, 127, 128, 2_097_152),
    }),
    { minLength: 1, maxLength: 3, selector: ({ topic }) => topic },
  ),
});
const message: fc.Arbitrary<Message> = fc.record({
  topic: fc.constantFrom("a/b", "a/c", "c", "m/a/b", "a"),
  payload: fc.constantFrom("", "x", "payload", "y".repeat(150), "z".repeat(20_000)),
  qos,
  retain: fc.boolean(),
  alias: fc.constantFrom(0, 0, 0, 1, 2),
  expiry: fc.constantFrom(null, null, 7, 0xffff_ffff),
  contentType: fc.constantFrom(null, null, "text/plain"),
  userProperty: fc.boolean(),
});
const publisher: fc.Arbitrary<Publisher> = fc.record({
  version,
  mountPoint,
  messages: fc.array(message, { minLength: 1, maxLength: 12 }),
  oneChunk: fc.boolean(),
});

/** A received message in a form that can be compared. */
interface Copy {
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly identifiers: readonly number[];
  readonly expiry: number | null;
  readonly contentType: string | null;
  readonly userProperties: string;
}

const userProperties = { b: "1", a: "ü" };

function expectedOf(to: Subscriber, from: Publisher, sent: Message): Copy | null {
  const full = from.mountPoint + sent.topic;
  const matching = to.filters.filter(({ topic }) => matches(to.mountPoint + topic, full));
  if (matching.length === 0) return null;
  const both5 = from.version === 5 && to.version === 5;
  return {
    topic: full.slice(to.mountPoint.length),
    payload: sent.payload,
    qos: Math.min(sent.qos, Math.max(...matching.map((filter) => filter.qos))),
    retain: sent.retain && to.version === 5 && matching.some(({ rap }) => rap),
    dup: false,
    identifiers:
      to.version === 5
        ? matching
            .map(({ identifier }) => identifier)
            .filter((identifier) => identifier !== 0)
            .toSorted((a, b) => a - b)
        : [],
    expiry: both5 ? sent.expiry : null,
    contentType: both5 ? sent.contentType : null,
    userProperties: both5 && sent.userProperty ? JSON.stringify(userProperties) : "{}",
  };
}

function copiesOf(client: TestClient): Copy[] {
  const aliases = new Map<number, string>();
  return client.take("publish").map(({ topic, payload, qos: got, retain, dup, properties }) => {
    const alias = properties?.topicAlias ?? 0;
    if (topic !== "") aliases.set(alias, topic);
    return {
      topic: topic === "" ? (aliases.get(alias) ?? "unknown alias") : topic,
      payload: payload.toString(),
      qos: got,
      retain,
      dup,
      identifiers: [properties?.subscriptionIdentifier ?? []].flat().toSorted((a, b) => a - b),
      expiry: properties?.messageExpiryInterval ?? null,
      contentType: properties?.contentType ?? null,
      userProperties: JSON.stringify({ ...properties?.userProperties }),
    };
  });
}

function subscribe(world: World, plan: Subscriber, clientId: string): TestClient {
  const client = world.open({ mountPoint: plan.mountPoint });
  client.connect({
    clientId,
    protocolVersion: plan.version,
    properties: {
      receiveMaximum: 1000,
      topicAliasMaximum: plan.topicAliasMaximum,
      ...(plan.limited && { maximumPacketSize: 100_000 }),
    },
  });
  for (const { topic, qos: wanted, rap, identifier } of plan.filters) {
    client.subscribeWith(identifier === 0 ? {} : { subscriptionIdentifier: identifier }, {
      topic,
      qos: wanted,
      rap,
    });
  }
  return client;
}

/** The packets of one publisher. Defines an alias once, then uses it without its topic. */
function packetsOf({ version: protocolVersion, messages }: Publisher): Uint8Array[] {
  const aliases = new Map<number, string>();
  return messages.map((sent, index) => {
    const isKnown = aliases.get(sent.alias) === sent.topic;
    if (sent.alias !== 0) aliases.set(sent.alias, sent.topic);
    const packet: IPublishPacket = {
      cmd: "publish",
      topic: protocolVersion === 5 && isKnown ? "" : sent.topic,
      payload: sent.payload,
      qos: sent.qos,
      retain: sent.retain,
      dup: false,
      messageId: index + 1,
      properties: {
        ...(sent.alias !== 0 && { topicAlias: sent.alias }),
        ...(sent.expiry !== null && { messageExpiryInterval: sent.expiry }),
        ...(sent.contentType !== null && { contentType: sent.contentType }),
        ...(sent.userProperty && { userProperties }),
      },
    };
    return generate(packet, { protocolVersion });
  });
}

test("each subscriber decodes what the model gives", () => {
  fc.assert(
    fc.property(
      fc.array(subscriber, { minLength: 1, maxLength: 5 }),
      fc.array(publisher, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      (subscribers, publishers, tight) => {
        // A tight queue limit must not matter here: every subscriber reads.
        const world = new World({ outputBytes: tight ? 1000 : 1024 * 1024 });
        const clients = subscribers.map((plan, index) => subscribe(world, plan, `s${index}`));
        for (const [index, plan] of publishers.entries()) {
          const client = world.open({ mountPoint: plan.mountPoint });
          client.connect({ clientId: `p${index}`, protocolVersion: plan.version });
          const packets = packetsOf(plan);
          if (plan.oneChunk) client.sendBytes(Buffer.concat(packets));
          else for (const packet of packets) client.sendBytes(packet);
          expect(client.closedBy).toBeNull();
        }
        for (const [index, plan] of subscribers.entries()) {
          const expected = publishers.flatMap((from) =>
            from.messages.flatMap((sent) => expectedOf(plan, from, sent) ?? []),
          );
          const client = clients[index];
          expect(client === undefined ? [] : copiesOf(client)).toEqual(expected);
        }
      },
    ),
    { numRuns: 150 },
  );
});

test("a late subscriber decodes the last retained message of each topic", () => {
  fc.assert(
    fc.property(
      subscriber,
      fc.array(publisher, { minLength: 1, maxLength: 3 }),
      (plan, publishers) => {
        const world = new World();
        const kept = new Map<string, { from: Publisher; sent: Message }>();
        for (const [index, from] of publishers.entries()) {
          const client = world.open({ mountPoint: from.mountPoint });
          client.connect({ clientId: `p${index}`, protocolVersion: from.version });
          client.sendBytes(Buffer.concat(packetsOf(from)));
          for (const sent of from.messages) {
            if (!sent.retain) continue;
            if (sent.payload === "") kept.delete(from.mountPoint + sent.topic);
            else kept.set(from.mountPoint + sent.topic, { from, sent });
          }
        }
        const client = subscribe(world, plan, "late");
        // Each subscription has its own replay.
        const expected = plan.filters.flatMap((filter) =>
          [...kept.values()].flatMap(({ from, sent }) => {
            const copy = expectedOf({ ...plan, filters: [filter] }, from, sent);
            return copy === null ? [] : { ...copy, retain: true };
          }),
        );
        const byText = (copies: readonly Copy[]) =>
          copies.map((copy) => JSON.stringify(copy)).toSorted();
        expect(byText(copiesOf(client))).toEqual(byText(expected));
      },
    ),
    { numRuns: 100 },
  );
});
