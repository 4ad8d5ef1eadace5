import { expect, test } from "bun:test";
import fc from "fast-check";
import type { ProtocolVersion } from "../../../src/core/packet.ts";
import { packetTree, type PacketTree } from "../../../src/inspect/packet/packet.ts";
import { PacketReader } from "../../../src/wire/reader.ts";
import {
  type Bytes,
  connect,
  connected,
  frame,
  length,
  properties,
  publish,
  text,
} from "../../wire/frames.ts";
import {
  bytes,
  encoded,
  filter,
  packetId,
  publishProperties,
  qos,
  topic,
} from "../../wire/values.ts";

// The tree and the broker's reader share no walk. They agree on every packet of a client: the tree
// names a violation exactly where the reader refuses, and the reader's statement is among those
// named.

type Verdict =
  | { readonly packet: "accepted" | "incomplete" }
  | { readonly packet: "refused"; readonly statement: string };

/** The reader's result for the first packet in these bytes. */
function judged(reader: PacketReader, input: Uint8Array): Verdict {
  reader.feed(input);
  const packet = reader.next();
  if (packet === null) return { packet: "incomplete" };
  if (packet.type !== "violation") return { packet: "accepted" };
  return { packet: "refused", statement: packet.error.statement };
}

function expectAgreement(verdict: Verdict, tree: PacketTree | undefined): void {
  const named = tree?.violations.map(({ statement }) => statement) ?? [];
  // The broker accepts what only MQTT 3.1 forbids, for example long client ids.
  const statements = named.filter((statement) => !statement.startsWith("v3-"));
  if (verdict.packet === "refused") expect(statements).toContain(verdict.statement);
  else if (verdict.packet === "accepted") expect(statements).toEqual([]);
  else expect(tree?.missing).not.toBe(0);
}

function expectAgreementOn(version: ProtocolVersion, input: Uint8Array): void {
  const reader = connected(version, Infinity);
  const [tree] = packetTree(input, { protocol: version, from: "client" });
  expectAgreement(judged(reader, input), tree);
}

function expectAgreementOnFirst(input: Uint8Array): void {
  const reader = new PacketReader({ packetSize: Infinity });
  const [tree] = packetTree(input, { protocol: "auto", from: "client" });
  expectAgreement(judged(reader, input), tree);
}

const versions: readonly ProtocolVersion[] = [3, 4, 5];
const anyVersion = fc.constantFrom(...versions);
const runs = { numRuns: 6000, verbose: 1 } as const;

/** Correct packets of all kinds, to be changed. */
function seeds(version: ProtocolVersion): readonly Bytes[] {
  const user = [0x26, ...text("a"), ...text("b")];
  return [
    publish(version, { first: 0x32, packetId: 1, payload: "x", properties: [user, [0x01, 1]] }),
    publish(version, {
      properties: [
        [0x02, 0, 0, 0, 1],
        [0x08, ...text("r")],
      ],
    }),
    publish(version, {
      first: 0x3d,
      packetId: 9,
      topic: "",
      properties: [
        [0x23, 0, 1],
        [0x03, ...text("t")],
      ],
    }),
    publish(version, { payload: [0xff, 0xfe], properties: [[0x09, ...text("id")]] }),
    frame(0x82, [0, 1], properties(version, user, [0x0b, 5]), text("a/#"), [1], text("+/b"), [2]),
    frame(0x82, [0, 1], properties(version), text("$share/g/a/+"), [0]),
    frame(0xa2, [0, 1], properties(version, user), text("a/#"), text("$share/g/b")),
    frame(0x40, [0, 1], version === 5 ? [0x10, ...properties(5, user, [0x1f, ...text("r")])] : []),
    frame(0x62, [0, 1], version === 5 ? [0x92] : []),
    frame(0xe0, version === 5 ? [4, ...properties(5, [0x11, 0, 0, 0, 1], user)] : []),
    frame(0xf0, version === 5 ? [0x18, ...properties(5, [0x15, ...text("m")], user)] : []),
    [0x50, 2, 0, 1],
    [0x70, 2, 0, 1],
    [0xc0, 0],
    [0xe0, 0],
    [0x20, 2, 0, 0],
    [0x90, 3, 0, 1, 0],
  ];
}

function connectSeeds(version: ProtocolVersion): readonly Bytes[] {
  const user = [0x26, ...text("a"), ...text("b")];
  return [
    connect(version),
    connect(version, {
      flags: 0xee,
      properties: [[0x21, 0, 9], user, [0x15, ...text("m")], [0x16, ...text("d")]],
      rest: [
        properties(version, [0x18, 0, 0, 0, 1], [0x01, 1], user),
        ...["status", "gone", "me", "secret"].map(text),
      ],
    }),
    connect(version, { flags: 0x06, rest: [properties(version), text("a/b"), text("")] }),
    connect(version, { flags: 0x40, rest: [text("secret")] }),
    // A bridge of mosquitto, which does not exist in v5.
    connect(version, { level: 0x80 | version }),
  ];
}

interface Mutation {
  readonly at: number;
  readonly how: "set" | "insert" | "remove";
  readonly value: number;
}

const interesting = [0, 1, 2, 3, 0x0b, 0x11, 0x16, 0x18, 0x23, 0x26, 0x2b, 0x7f, 0x80, 0xff];
const mutation = fc.record<Mutation>({
  at: fc.nat(90),
  how: fc.constantFrom("set", "set", "insert", "remove"),
  value: fc.oneof(fc.nat(255), fc.constantFrom(...interesting)),
});
const mutations = fc.array(mutation, { maxLength: 4 });

/** Changes the body and keeps the Remaining Length correct, so that the reader gets past it. */
function mutated(seed: Bytes, changes: readonly Mutation[]): Uint8Array {
  const body = seed.slice(2);
  for (const { at, how, value } of changes) {
    const place = body.length === 0 ? 0 : at % body.length;
    if (how === "insert") body.splice(place, 0, value);
    else if (how === "remove") body.splice(place, 1);
    else if (body.length > 0) body[place] = value;
  }
  return Uint8Array.from([seed[0] ?? 0, ...length(body.length), ...body]);
}

/** Changes anything, including the header. */
function spoilt(seed: Bytes, changes: readonly Mutation[]): Uint8Array {
  const all = [...seed];
  for (const { at, how, value } of changes) {
    const place = at % Math.max(1, all.length);
    if (how === "insert") all.splice(place, 0, value);
    else if (how === "remove") all.splice(place, 1);
    else all[place] = value;
  }
  return Uint8Array.from(all);
}

for (const version of versions) {
  test(`every first byte, in MQTT ${version}`, () => {
    for (let first = 0; first < 256; first++) {
      if (first >> 4 === 1) continue;
      for (const body of [[], [0, 1], [0, 1, 0], [0, 1, 0x61, 0]]) {
        expectAgreementOn(version, Uint8Array.from(frame(first, body)));
      }
    }
  });

  test(`correct packets with changed bodies, in MQTT ${version}`, () => {
    const seed = fc.constantFrom(...seeds(version));
    fc.assert(
      fc.property(seed, mutations, (base, changes) => {
        expectAgreementOn(version, mutated(base, changes));
      }),
      runs,
    );
  });

  test(`correct packets changed anywhere, in MQTT ${version}`, () => {
    const seed = fc.constantFrom(...seeds(version));
    fc.assert(
      fc.property(seed, mutations, (base, changes) => {
        const input = spoilt(base, changes);
        fc.pre(input.length > 0 && (input[0] ?? 0) >> 4 !== 1);
        expectAgreementOn(version, input);
      }),
      runs,
    );
  });
}

test("changed CONNECTs", () => {
  const seed = fc.constantFrom(...versions.flatMap(connectSeeds));
  fc.assert(
    fc.property(seed, mutations, (base, changes) => {
      expectAgreementOnFirst(mutated(base, changes));
    }),
    runs,
  );
});

test("every Connect Flags byte", () => {
  for (const version of versions) {
    for (let flags = 0; flags < 256; flags++) {
      const will = (flags & 4) === 0 ? [] : [properties(version), text("t"), text("p")];
      const names = [0x80, 0x40].filter((bit) => (flags & bit) !== 0).map(() => text("n"));
      expectAgreementOnFirst(
        Uint8Array.from(connect(version, { flags, rest: [...will, ...names] })),
      );
    }
  }
});

/** Any property with a valid or invalid value. */
const property = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2a)
      .chain((id) => fc.nat(2).map((value) => [id, value])),
  },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(0x13, 0x21, 0x22, 0x23)
      .chain((id) => fc.nat(2).map((value) => [id, 0, value])),
  },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(0x02, 0x11, 0x18, 0x27)
      .chain((id) => fc.nat(2).map((value) => [id, 0, 0, 0, value])),
  },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(0x03, 0x08, 0x09, 0x12, 0x15, 0x16, 0x1a, 0x1c, 0x1f)
      .chain((id) => fc.constantFrom("", "a", "a/+", "#").map((value) => [id, ...text(value)])),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      [0x0b, 0],
      [0x0b, 1],
      [0x0b, 0x80, 0],
      [0x0b, 0xff, 0x7f],
      [0x26, ...text("k"), ...text("v")],
    ),
  },
  { weight: 1, arbitrary: fc.array(fc.nat(255), { minLength: 1, maxLength: 4 }) },
);
const block = fc.array(property, { maxLength: 3 });

test("blocks of any properties in all packets of a client", () => {
  const holders: readonly ((parts: readonly Bytes[]) => Bytes)[] = [
    (parts) => publish(5, { properties: parts, payload: "x" }),
    (parts) => publish(5, { topic: "", properties: parts }),
    (parts) => frame(0x82, [0, 1], properties(5, ...parts), text("a"), [0]),
    (parts) => frame(0xa2, [0, 1], properties(5, ...parts), text("a")),
    ...[0x40, 0x50, 0x62, 0x70].map(
      (first) => (parts: readonly Bytes[]) => frame(first, [0, 1, 0], properties(5, ...parts)),
    ),
    (parts) => frame(0xe0, [0x04], properties(5, ...parts)),
    (parts) => frame(0xf0, [0x18], properties(5, ...parts)),
  ];
  fc.assert(
    fc.property(fc.constantFrom(...holders), block, (holder, parts) => {
      expectAgreementOn(5, Uint8Array.from(holder(parts)));
    }),
    runs,
  );
});

test("blocks of any properties in CONNECT and its will", () => {
  fc.assert(
    fc.property(block, block, (own, ofWill) => {
      const rest = [properties(5, ...ofWill), text("t"), [0, 1, 0xff]];
      expectAgreementOnFirst(Uint8Array.from(connect(5, { flags: 0x06, properties: own, rest })));
    }),
    runs,
  );
});

test("every reason code, in each packet that has one", () => {
  for (const first of [0x40, 0x50, 0x62, 0x70, 0xe0, 0xf0]) {
    const isAck = first < 0xe0;
    const method = first === 0xf0 ? [[0x15, ...text("m")]] : [];
    for (let code = 0; code < 256; code++) {
      const input = frame(first, isAck ? [0, 1, code] : [code], properties(5, ...method));
      expectAgreementOn(5, Uint8Array.from(input));
      expectAgreementOn(5, Uint8Array.from(frame(first, isAck ? [0, 1, code] : [code])));
    }
  }
});

test("every byte of Subscription Options, and filters of all kinds", () => {
  const parts = ["a", "/", "+", "#", "$share", "$share/", "g", "é"];
  const name = fc.array(fc.constantFrom(...parts), { maxLength: 6 }).map((some) => some.join(""));
  fc.assert(
    fc.property(anyVersion, name, fc.nat(255), (version, topicFilter, options) => {
      const head = [[0, 1], properties(version), text(topicFilter)];
      expectAgreementOn(version, Uint8Array.from(frame(0x82, ...head, [options])));
      expectAgreementOn(version, Uint8Array.from(frame(0xa2, ...head)));
    }),
    runs,
  );
});

test("packets of another encoder have no violation", () => {
  const fields = fc.record({ topic, payload: bytes, qos, retain: fc.boolean() });
  fc.assert(
    fc.property(
      anyVersion,
      fields,
      packetId,
      publishProperties,
      filter,
      (v, of, id, more, wanted) => {
        const dup = false;
        const subscriptions = [
          { topic: wanted, qos: of.qos, nl: false, rap: true, rh: 1 as const },
        ];
        const frames = [
          encoded({ cmd: "publish", ...of, dup, messageId: id, properties: more }, v),
          encoded({ cmd: "subscribe", messageId: id, subscriptions }, v),
          encoded({ cmd: "pingreq" }, v),
        ];
        const trees = packetTree(Buffer.concat(frames), { protocol: v, from: "client" });
        expect(trees.map(({ type }) => type)).toEqual(["PUBLISH", "SUBSCRIBE", "PINGREQ"]);
        expect(trees.flatMap(({ violations }) => violations)).toEqual([]);
      },
    ),
    { numRuns: 1000 },
  );
});

test("for any bytes, the trees are consecutive and cover all of them", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.constantFrom<"auto" | ProtocolVersion>("auto", ...versions),
      (input, protocol) => {
        const trees = packetTree(input, { protocol });
        let at = 0;
        for (const tree of trees) {
          expect(tree.offset).toBe(at);
          at += tree.length;
        }
        expect(at).toBe(input.length);
        expect(JSON.parse(JSON.stringify(trees))).toEqual(trees);
      },
    ),
    runs,
  );
});
