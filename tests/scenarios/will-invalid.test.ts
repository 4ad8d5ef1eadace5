import { describe, expect, test } from "bun:test";
import {
  connectBytes,
  connectFlag,
  counted,
  willQosFlag,
  type ConnectFields,
} from "../support/connect-bytes.ts";
import { auditAtEnd } from "../support/will-audit.ts";
import { endOf, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

interface Row {
  readonly what: string;
  readonly fields: Omit<ConnectFields, "version">;
  /** Reason code of the CONNACK that a v5 client gets. */
  readonly reason: number;
  readonly v5Only?: true;
}

const { clean, will, willRetain } = connectFlag;
/** A property of four bytes, all zero but the last. */
const four = (identifier: number, value: number) => [identifier, 0, 0, 0, value];

const rows: readonly Row[] = [
  { what: "a + in the topic", fields: { willTopic: "a/+/b" }, reason: 0x90 },
  { what: "a # in the topic", fields: { willTopic: "a/#" }, reason: 0x90 },
  { what: "a topic that is a wildcard", fields: { willTopic: "#" }, reason: 0x90 },
  { what: "an empty topic", fields: { willTopic: "" }, reason: 0x90 },
  { what: "U+0000 in the topic", fields: { willTopic: "a\u0000b" }, reason: 0x81 },
  { what: "a topic that is not UTF-8", fields: { willTopic: [0x61, 0xff] }, reason: 0x81 },
  {
    what: "a topic with a surrogate",
    fields: { willTopic: [0xed, 0xa0, 0x80] },
    reason: 0x81,
  },
  { what: "Will QoS 3", fields: { flags: clean | will | willQosFlag(3) }, reason: 0x81 },
  ...([1, 2, 3] as const).map((qos): Row => ({
    what: `Will QoS ${qos} without Will Flag`,
    fields: { flags: clean | willQosFlag(qos), willTopic: null },
    reason: 0x82,
  })),
  {
    what: "Will Retain without Will Flag",
    fields: { flags: clean | willRetain, willTopic: null },
    reason: 0x82,
  },
  {
    what: "a Will Flag without the will's fields",
    fields: { flags: clean | will, willTopic: null },
    reason: 0x81,
  },
  {
    what: "the will's fields without a Will Flag",
    fields: { flags: clean },
    reason: 0x81,
  },
  {
    what: "payload format 1 with a payload that is not UTF-8",
    fields: { willProperties: [0x01, 1], willPayload: [0x61, 0xff] },
    reason: 0x99,
    v5Only: true,
  },
  {
    what: "payload format 2",
    fields: { willProperties: [0x01, 2] },
    reason: 0x82,
    v5Only: true,
  },
  {
    what: "a Will Delay Interval twice",
    fields: { willProperties: [...four(0x18, 1), ...four(0x18, 1)] },
    reason: 0x82,
    v5Only: true,
  },
  {
    what: "a Message Expiry Interval twice",
    fields: { willProperties: [...four(0x02, 1), ...four(0x02, 1)] },
    reason: 0x82,
    v5Only: true,
  },
  {
    what: "a response topic with a wildcard",
    fields: { willProperties: [0x08, ...counted("a/#")] },
    reason: 0x82,
    v5Only: true,
  },
  {
    what: "a topic alias among the will's properties",
    fields: { willProperties: [0x23, 0, 1] },
    reason: 0x81,
    v5Only: true,
  },
  {
    what: "a Will Delay Interval that is cut off",
    fields: { willProperties: [0x18, 0, 0] },
    reason: 0x81,
    v5Only: true,
  },
];

describe("a CONNECT with an invalid will is refused, and nothing is published", () => {
  for (const { what, fields, reason, v5Only } of rows) {
    if (v5Only !== true) {
      test(`G: ${what} (v4): closed without CONNACK`, () => expectRefusal(4, fields, null));
    }
    test(`G: ${what} (v5): CONNACK 0x${reason.toString(16)}`, () =>
      expectRefusal(5, fields, reason));
  }
});

function expectRefusal(
  version: 4 | 5,
  fields: Omit<ConnectFields, "version">,
  reason: number | null,
): void {
  const world = new World();
  const watcher = watcherOf(world);
  const client = world.open();
  client.sendBytes(connectBytes({ ...fields, version }));
  // The decoder was given no version: it reads the reason code as a return code.
  const codes = client.take("connack").map(({ returnCode }) => returnCode);
  expect(codes).toEqual(reason === null ? [] : [reason]);
  expect(client.received).toEqual([]);
  expect(client.closedBy).toBe("end");
  const end = endOf(world, client);
  expect(end).toMatchObject({ will: null, wasConnected: false });
  expect(end.statement).toMatch(version === 5 ? /^v5-/ : /^v4-/);
  expect(end.detail).not.toBeNull();
  if (version === 5) expect(end.cause).toBe("refused");
  expect(world.broker.view().sessions).toHaveLength(1);
  world.advance(60_000);
  expect(watcher.messages()).toEqual([]);
  auditAtEnd(world);
}

test("the builder of these CONNECTs writes valid ones too", () => {
  for (const version of [4, 5] as const) {
    for (const qos of [0, 1, 2] as const) {
      const world = new World();
      const watcher = watcherOf(world);
      const client = world.open();
      client.sendBytes(connectBytes({ version, flags: clean | will | willQosFlag(qos) }));
      expect(client.take("connack")).toHaveLength(1);
      client.drop("reset");
      expect(watcher.messages()).toEqual(["will=gone"]);
      auditAtEnd(world);
    }
  }
});
