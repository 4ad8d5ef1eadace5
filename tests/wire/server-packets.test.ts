import { describe, expect, test } from "bun:test";
import type { ConnackProperties, ServerPacket } from "../../src/core/packet.ts";
import { connackReturnCode, Reason } from "../../src/core/reason.ts";
import { answerBytes } from "./answer-bytes.ts";
import { parsed } from "./values.ts";

const everything: Required<ConnackProperties> = {
  sessionExpiryInterval: 3600,
  receiveMaximum: 1000,
  maximumQos: 1,
  retainAvailable: false,
  maximumPacketSize: 1_048_576,
  assignedClientIdentifier: "auto-1",
  topicAliasMaximum: 100,
  reasonString: "küche",
  serverKeepAlive: 60,
};

describe("CONNACK", () => {
  test("v5 has every property", () => {
    const encoded = answerBytes(
      { type: "connack", sessionPresent: true, reason: Reason.success, properties: everything },
      5,
    );
    const { maximumQos, ...others } = everything;
    const read = parsed(encoded, 5);
    if (read.cmd !== "connack") throw new Error(read.cmd);
    expect({ ...read.properties }).toEqual({ ...others, maximumQoS: maximumQos });
    expect(read).toMatchObject({ sessionPresent: true, reasonCode: 0 });
  });

  test("v5 without properties is five bytes", () => {
    const packet = {
      type: "connack",
      sessionPresent: false,
      reason: Reason.banned,
      properties: null,
    } as const;
    expect([...answerBytes(packet, 5)]).toEqual([0x20, 3, 0, 0x8a, 0]);
  });

  test("v3 and v4 have a return code for every reason (v4-3.2.2.3)", () => {
    for (const reason of Object.values(Reason)) {
      for (const version of [3, 4] as const) {
        const packet = {
          type: "connack",
          sessionPresent: false,
          reason,
          properties: everything,
        } as const;
        const wanted = [0x20, 2, 0, connackReturnCode(reason)];
        expect([...answerBytes(packet, version)]).toEqual(wanted);
      }
    }
  });

  test("3.1 has no Session Present, 3.1.1 has", () => {
    const packet = {
      type: "connack",
      sessionPresent: true,
      reason: Reason.success,
      properties: null,
    } as const;
    expect([...answerBytes(packet, 3)]).toEqual([0x20, 2, 0, 0]);
    expect([...answerBytes(packet, 4)]).toEqual([0x20, 2, 1, 0]);
  });
});

describe("the other packets of a server", () => {
  const cases: readonly (readonly [ServerPacket, v4: number[], v5: number[]])[] = [
    [
      { type: "suback", packetId: 0x1234, reasons: [0, 1, 2, 0x80, 0x87] },
      [0x90, 7, 0x12, 0x34, 0, 1, 2, 0x80, 0x80],
      [0x90, 8, 0x12, 0x34, 0, 0, 1, 2, 0x80, 0x87],
    ],
    [
      { type: "unsuback", packetId: 2, reasons: [0, 0x11] },
      [0xb0, 2, 0, 2],
      [0xb0, 5, 0, 2, 0, 0, 0x11],
    ],
    [{ type: "pingresp" }, [0xd0, 0], [0xd0, 0]],
    [{ type: "puback", packetId: 3, reason: 0 }, [0x40, 2, 0, 3], [0x40, 2, 0, 3]],
    [{ type: "puback", packetId: 3, reason: 0x10 }, [0x40, 2, 0, 3], [0x40, 3, 0, 3, 0x10]],
    [{ type: "pubrec", packetId: 3, reason: 0x97 }, [0x50, 2, 0, 3], [0x50, 3, 0, 3, 0x97]],
    [{ type: "pubrel", packetId: 3, reason: 0x92 }, [0x62, 2, 0, 3], [0x62, 3, 0, 3, 0x92]],
    [{ type: "pubcomp", packetId: 3, reason: 0 }, [0x70, 2, 0, 3], [0x70, 2, 0, 3]],
    [
      { type: "disconnect", reason: Reason.keepAliveTimeout, reasonString: null },
      [],
      [0xe0, 2, 0x8d, 0],
    ],
    [
      { type: "disconnect", reason: Reason.protocolError, reasonString: "no" },
      [],
      [0xe0, 7, 0x82, 5, 0x1f, 0, 2, 0x6e, 0x6f],
    ],
  ];
  for (const [packet, v4, v5] of cases) {
    test(`${packet.type} ${"reason" in packet ? packet.reason : ""}`, () => {
      expect([...answerBytes(packet, 3)]).toEqual(v4);
      expect([...answerBytes(packet, 4)]).toEqual(v4);
      expect([...answerBytes(packet, 5)]).toEqual(v5);
    });
  }
});
