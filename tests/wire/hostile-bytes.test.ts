import { expect, test } from "bun:test";
import fc from "fast-check";
import type { ProtocolVersion } from "../../src/core/packet.ts";
import { Reason } from "../../src/core/reason.ts";
import { PacketReader } from "../../src/wire/reader.ts";
import { connect, connected, drain, frame, properties, publish, text } from "./frames.ts";

/** For any bytes, the reader returns packets or a violation: it never throws. */

function seeds(version: ProtocolVersion): readonly (readonly number[])[] {
  const user = [0x26, ...text("a"), ...text("b")];
  return [
    publish(version, { first: 0x32, packetId: 1, payload: "x", properties: [user, [0x01, 1]] }),
    publish(version, {
      properties: [
        [0x02, 0, 0, 0, 1],
        [0x08, ...text("r")],
      ],
    }),
    frame(0x82, [0, 1], properties(version, user, [0x0b, 5]), text("a/#"), [1], text("+/b"), [2]),
    frame(0xa2, [0, 1], properties(version, user), text("a/#"), text("$share/g/b")),
    version === 5 ? frame(0xe0, [4], properties(5, [0x11, 0, 0, 0, 1], user)) : [0xe0, 0],
    version === 5 ? frame(0xf0, [0x18], properties(5, [0x15, ...text("m")], user)) : [0xc0, 0],
    version === 5 ? frame(0x40, [0, 1, 0x10], properties(5, user)) : [0x40, 2, 0, 1],
    [0x62, 2, 0, 1],
  ];
}

function connects(version: ProtocolVersion): readonly number[] {
  const user = [0x26, ...text("a"), ...text("b")];
  return connect(version, {
    flags: 0xee,
    properties: [[0x21, 0, 9], user, [0x15, ...text("m")]],
    rest: [
      properties(version, [0x18, 0, 0, 0, 1], user),
      text("status"),
      text("gone"),
      text("me"),
      text("secret"),
    ],
  });
}

interface Mutation {
  readonly at: number;
  readonly how: "set" | "insert" | "remove";
  readonly value: number;
}

const mutation = fc.record<Mutation>({
  at: fc.nat(120),
  how: fc.constantFrom("set", "set", "insert", "remove"),
  value: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 2, 0x26, 0x7f, 0x80, 0xff)),
});

/** Changes the body and keeps the Remaining Length correct, so that the reader gets past it. */
function mutated(bytes: readonly number[], mutations: readonly Mutation[]): Uint8Array {
  const first = [bytes[0] ?? 0];
  const body = bytes.slice(2);
  for (const { at, how, value } of mutations) {
    const index = at % (body.length + 1);
    if (index === body.length && how === "set") first[0] = value;
    else if (how === "insert") body.splice(index, 0, value);
    else body.splice(index, 1, ...(how === "set" ? [value] : []));
  }
  return Uint8Array.from(frame(first[0] ?? 0, body));
}

/** The grammar accepts no packet that mqtt-packet cannot decode. */
function expectAgreed(packets: ReturnType<typeof drain>): void {
  for (const packet of packets) {
    if (packet.type !== "violation") continue;
    expect(packet.error.reason).not.toBe(Reason.implementationSpecificError);
    expect(packet.error.statement).toMatch(/^v[45]-\d+(\.\d+)*(-\d+)?$/);
  }
}

const version = fc.constantFrom<ProtocolVersion>(3, 4, 5);

test("packets with bytes changed, added and taken away", () => {
  fc.assert(
    fc.property(version, fc.nat(7), fc.array(mutation, { maxLength: 3 }), (v, pick, mutations) => {
      const reader = connected(v);
      reader.feed(mutated(seeds(v)[pick] ?? [], mutations));
      expectAgreed(drain(reader));
    }),
    { numRuns: 5000 },
  );
});

test("a CONNECT with bytes changed, added and taken away", () => {
  fc.assert(
    fc.property(version, fc.array(mutation, { maxLength: 3 }), (v, mutations) => {
      const reader = new PacketReader({ packetSize: 10_000 });
      reader.feed(mutated(connects(v), mutations));
      expectAgreed(drain(reader));
    }),
    { numRuns: 3000 },
  );
});

test("a packet cut off at each place, with a matching length", () => {
  for (const v of [3, 4, 5] as const) {
    for (const seed of seeds(v)) {
      for (let size = 0; size < seed.length - 2; size++) {
        const reader = connected(v);
        reader.feed(Uint8Array.from(frame(seed[0] ?? 0, seed.slice(2, 2 + size))));
        expectAgreed(drain(reader));
      }
    }
    const seed = connects(v);
    for (let size = 0; size < seed.length - 2; size++) {
      const reader = new PacketReader({ packetSize: 10_000 });
      reader.feed(Uint8Array.from(frame(0x10, seed.slice(2, 2 + size))));
      // In MQTT 3.1 name and password may be missing although their flags are set.
      const lacking = [text("secret"), [...text("me"), ...text("secret")]];
      const isWhole = v === 3 && lacking.some(({ length }) => size === seed.length - 2 - length);
      expect(reader.next()?.type).toBe(isWhole ? "connect" : "violation");
    }
  }
});

test("random bytes", () => {
  fc.assert(
    fc.property(version, fc.uint8Array({ maxLength: 60 }), (v, noise) => {
      const reader = connected(v);
      reader.feed(noise);
      expectAgreed(drain(reader));
      expect(reader.buffered).toBeLessThanOrEqual(noise.length);
    }),
    { numRuns: 3000 },
  );
});

test("one reader's violation does not affect the next", () => {
  const broken = connected(5);
  broken.feed(Uint8Array.from(frame(0x82, [0, 1, 0], text("a"), [0xff])));
  expect(broken.next()).toMatchObject({ type: "violation" });
  const sound = connected(5);
  sound.feed(Uint8Array.from(frame(0x82, [0, 1, 0], text("a"), [1])));
  expect(sound.next()).toMatchObject({ type: "subscribe", subscriptions: [{ filter: "a" }] });
});
