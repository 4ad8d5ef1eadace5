import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Delivery } from "../../src/core/io.ts";
import type { Message } from "../../src/core/packet.ts";
import { ackMaximumSize, writeAck, writePingresp } from "../../src/wire/ack.ts";
import { packetIdOffset, patchPublish, publishSize, writePublish } from "../../src/wire/publish.ts";
import { PacketReader } from "../../src/wire/reader.ts";
import { connected } from "./frames.ts";
import {
  bytes,
  encoded,
  packetId,
  parsed,
  publishProperties,
  qos,
  seconds,
  topic,
  version,
} from "./values.ts";

/** mqtt-packet decodes the writer's output to the same values. */

const message = fc
  .record({ topic, payload: bytes, properties: publishProperties })
  .map(({ topic, payload, properties }): Message => {
    const { topicAlias: _, messageExpiryInterval: __, ...forwarded } = properties;
    const reader = connected(5);
    const packet = { topic, payload, qos: 0, retain: false, dup: false } as const;
    reader.feed(encoded({ cmd: "publish", ...packet, properties: forwarded }, 5));
    const read = reader.next();
    if (read?.type !== "publish") throw new Error("no PUBLISH");
    return {
      ...packet,
      payload,
      properties: read.properties,
      expiresAt: null,
      frame: null,
      owned: true,
      keepers: 0,
    };
  });

const delivery = fc
  .record({
    version,
    qos,
    retain: fc.boolean(),
    dup: fc.boolean(),
    packetId,
    identifiers: fc.option(
      fc.array(fc.integer({ min: 1, max: 0xfff_ffff }), { minLength: 1, maxLength: 3 }),
    ),
    alias: fc.integer({ min: 0, max: 0xffff }),
    aliasKnown: fc.boolean(),
  })
  .map(({ identifiers, ...parts }): Addressed => ({
    ...parts,
    connection: 1,
    dup: parts.dup && parts.qos > 0,
    packetId: parts.qos === 0 ? 0 : parts.packetId,
    strip: 0,
    subscriptionIdentifiers: identifiers,
    alias: parts.version === 5 ? parts.alias : 0,
    aliasKnown: parts.version === 5 && parts.alias > 0 && parts.aliasKnown,
    plain: false,
  }));

/** A delivery of one message, which has its packet id. */
type Addressed = Delivery & { readonly packetId: number };

function written(message: Message, delivery: Addressed, expiry: number | null): Uint8Array {
  const size = publishSize(message, delivery, expiry);
  const target = new Uint8Array(size + 20).fill(0xee);
  const end = writePublish(target, 10, message, delivery, delivery.packetId, expiry);
  expect(end).toBe(10 + size);
  expect(target.subarray(0, 10).every((byte) => byte === 0xee)).toBeTrue();
  expect(target.subarray(10 + size).every((byte) => byte === 0xee)).toBeTrue();
  return target.slice(10, 10 + size);
}

const base: Addressed = {
  connection: 1,
  version: 4,
  qos: 1,
  retain: false,
  dup: false,
  packetId: 1,
  strip: 0,
  subscriptionIdentifiers: null,
  alias: 0,
  aliasKnown: false,
  plain: true,
};

function plainMessage(topic: string, payload: Uint8Array): Message {
  return {
    topic,
    payload,
    qos: 1,
    retain: false,
    properties: null,
    expiresAt: null,
    frame: null,
    owned: true,
    keepers: 0,
  };
}

describe("a PUBLISH that we write", () => {
  test("is decoded by mqtt-packet to the same values, in exactly the announced size", () => {
    fc.assert(
      fc.property(message, delivery, fc.option(seconds), (message, delivery, expiry) => {
        const read = parsed(written(message, delivery, expiry), delivery.version);
        if (read.cmd !== "publish") throw new Error(read.cmd);
        expect(read.topic).toBe(delivery.aliasKnown ? "" : message.topic);
        expect(Buffer.from(read.payload).equals(message.payload)).toBeTrue();
        expect([read.qos, read.retain, read.dup]).toEqual([
          delivery.qos,
          delivery.retain,
          delivery.dup,
        ]);
        if (delivery.qos > 0) expect(read.messageId).toBe(delivery.packetId);
        if (delivery.version !== 5) return expect(read.properties).toBeUndefined();
        expect(read.properties?.messageExpiryInterval).toBe(expiry ?? undefined);
        expect(read.properties?.topicAlias).toBe(delivery.alias || undefined);
        const identifiers = [read.properties?.subscriptionIdentifier ?? []].flat();
        expect(identifiers).toEqual([...(delivery.subscriptionIdentifiers ?? [])]);
      }),
      { numRuns: 400 },
    );
  });

  test("keeps the publisher's properties byte for byte, after the broker's", () => {
    fc.assert(
      fc.property(message, (message) => {
        const identifiers = [1, 200];
        const delivery = { ...base, version: 5, subscriptionIdentifiers: identifiers } as const;
        const frame = written(message, { ...delivery, alias: 7 }, 60);
        const own = [0x02, 0, 0, 0, 60, 0x23, 0, 7, 0x0b, 1, 0x0b, 0xc8, 0x01];
        const wanted = [...own, ...(message.properties ?? []), ...message.payload];
        expect([...frame.slice(-wanted.length)]).toEqual(wanted);
      }),
      { numRuns: 100 },
    );
  });

  test("removes the mount point from the topic, by characters", () => {
    const message = plainMessage("wohnung-7/küche/ofen", new Uint8Array(0));
    const read = parsed(written(message, { ...base, strip: 10, qos: 0 }, null), 4);
    expect(read).toMatchObject({ topic: "küche/ofen" });
  });

  for (const size of [0, 118, 119, 120, 16_374, 16_375, 16_376, 2_097_142, 2_097_143, 2_097_144]) {
    test(`has the right length with a payload of ${size} bytes`, () => {
      const frame = written(plainMessage("topic", new Uint8Array(size)), base, null);
      const reader = new PacketReader({ packetSize: Infinity });
      reader.feed(encoded({ cmd: "connect", clientId: "a", protocolVersion: 4 }, 4));
      expect(reader.next()).toMatchObject({ type: "connect" });
      reader.feed(frame);
      expect(reader.next()).toMatchObject({ type: "publish", packetId: 1 });
      expect(reader.buffered).toBe(0);
    });
  }

  test("may be encoded once, copied, and readdressed", () => {
    fc.assert(
      fc.property(message, delivery, delivery, (message, first, second) => {
        const other = { ...first, ...pick(second) };
        const shared = (first.qos === 0) === (second.qos === 0);
        fc.pre(shared);
        const encodedOnce = written(message, first, 9);
        const idOffset = first.qos === 0 ? 0 : packetIdOffset(encodedOnce, 0);
        const target = new Uint8Array(encodedOnce.length + 3);
        target.set(encodedOnce, 3);
        patchPublish(target, 3, idOffset, other, other.packetId);
        expect([...target.slice(3)]).toEqual([...written(message, other, 9)]);
      }),
      { numRuns: 200 },
    );
  });
});

function pick(delivery: Addressed): Pick<Addressed, "qos" | "retain" | "dup" | "packetId"> {
  const { qos, retain, dup, packetId } = delivery;
  return { qos, retain, dup, packetId };
}

test("the packet id is found in a copy that starts anywhere", () => {
  const frame = written(plainMessage("a".repeat(300), new Uint8Array(500)), base, null);
  const target = new Uint8Array(1000);
  target.set(frame, 17);
  const offset = packetIdOffset(target, 17);
  expect(offset).toBe(packetIdOffset(frame, 0));
  expect([...frame.slice(offset, offset + 2)]).toEqual([0, 1]);
});

test("mqtt-packet decodes the broker's acknowledgements to the same values", () => {
  const name = fc.constantFrom("puback", "pubrec", "pubrel", "pubcomp");
  fc.assert(
    fc.property(version, name, packetId, fc.boolean(), (v, name, id, bad) => {
      const failure = name === "puback" || name === "pubrec" ? 0x87 : 0x92;
      const reason = bad ? failure : 0;
      const target = new Uint8Array(ackMaximumSize + 3);
      const end = writeAck(target, 3, name, v, id, reason);
      const read = parsed(target.slice(3, end), v);
      expect(read).toMatchObject({ cmd: name, messageId: id });
      if (v === 5) expect(read).toMatchObject({ reasonCode: reason });
      expect(end - 3).toBe(v === 5 && bad ? 5 : 4);
    }),
    { numRuns: 200 },
  );
});

test("PINGRESP", () => {
  const target = new Uint8Array(3);
  expect(writePingresp(target, 1)).toBe(3);
  expect(parsed(target.slice(1), 4)).toMatchObject({ cmd: "pingresp" });
});
