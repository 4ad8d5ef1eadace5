import { expect, test } from "bun:test";
import fc from "fast-check";
import { generate } from "mqtt-packet";
import pc from "picocolors";
import type { ProtocolVersion } from "../../../src/core/packet.ts";
import { packetTree, packetTreeText } from "../../../src/inspect/packet/packet.ts";
import { width } from "../../../src/log/columns.ts";

/** The output on a terminal of 80 columns without colours. */
function told(hex: string, protocol: "auto" | ProtocolVersion = "auto"): string {
  const trees = packetTree(Uint8Array.from(Buffer.from(hex, "hex")), { protocol });
  return packetTreeText(trees, { columns: 80, colors: pc.createColors(false) });
}

test("told: a CONNECT with a will of MQTT 5.0, right", () => {
  expect(told("102600044d5154540526000a05110000003c000364657605180000001e0003772f780004676f6e65"))
    .toMatchInlineSnapshot(`
    "CONNECT from a client, 40 bytes at offset 0, MQTT 5.0 (by its CONNECT)
      0                      Fixed header
      0  10                    Type and flags
         0001 ....               Packet type: 1 (CONNECT)
         .... 0000               Flags: 0
      1  26                    Remaining Length: 38
      2                      Variable header
      2  00 04 4d 51 54 54     Protocol Name: 'MQTT' (4 bytes)
      8  05                    Protocol Level: 5 (MQTT 5.0)
      9  26                    Connect Flags
         0... ....               User Name Flag: 0
         .0.. ....               Password Flag: 0
         ..1. ....               Will Retain: 1
         ...0 0...               Will QoS: 0
         .... .1..               Will Flag: 1
         .... ..1.               Clean Start: 1
         .... ...0               Reserved: 0
     10  00 0a                 Keep Alive: 10 (seconds: 15 s of silence are allowed)
     12                        Properties
     12  05                      Property Length: 5
     13                          Property
     13  11                        Property Identifier: 17 (Session Expiry Interval)
     14  00 00 00 3c               Session Expiry Interval: 60 (seconds)
     18                      Payload
     18  00 03 64 65 76        Client Identifier: 'dev' (3 bytes)
     23                        Will
     23                          Will Properties
     23  05                        Property Length: 5
     24                            Property
     24  18                          Property Identifier: 24 (Will Delay Interval)
     25  00 00 00 1e                 Will Delay Interval: 30 (seconds)
     29  00 03 77 2f 78          Will Topic: 'w/x' (3 bytes)
     34  00 04 67 6f 6e 65       Will Payload: 'gone' (4 bytes)

    No violation.
    "
  `);
});

test("told: a CONNECT of MQTT 3.1.1 whose flags are wrong, with a byte too many", () => {
  expect(told("101000044d5154540439000a000364657661")).toMatchInlineSnapshot(`
    "CONNECT from a client, 18 bytes at offset 0, MQTT 3.1.1 (by its CONNECT)
      0                      Fixed header
      0  10                    Type and flags
         0001 ....               Packet type: 1 (CONNECT)
         .... 0000               Flags: 0
      1  10                    Remaining Length: 16
      2                      Variable header
      2  00 04 4d 51 54 54     Protocol Name: 'MQTT' (4 bytes)
      8  04                    Protocol Level: 4 (MQTT 3.1.1)
      9  39                    Connect Flags
         0... ....               User Name Flag: 0
         .0.. ....               Password Flag: 0
         ..1. ....               Will Retain: 1
                                 ! Will Retain without Will Flag [v4-3.1.2-15]
         ...1 1...               Will QoS: 3
                                 ! Will QoS without Will Flag [v4-3.1.2-13]
         .... .0..               Will Flag: 0
         .... ..0.               Clean Session: 0
         .... ...1               Reserved: 1
                                 ! reserved Connect Flag is set [v4-3.1.2-3]
     10  00 0a                 Keep Alive: 10 (seconds: 15 s of silence are allowed)
     12                      Payload
     12  00 03 64 65 76        Client Identifier: 'dev' (3 bytes)
     17  ..                    Bytes without meaning: hidden
                               ! bytes after the packet's last field [v4-2.2.3]

    4 violations: v4-3.1.2-15, v4-3.1.2-13, v4-3.1.2-3, v4-2.2.3. Passwords and
    Authentication Data are hidden (--secrets shows them).
    "
  `);
});

test("told: a CONNECT with an unknown level", () => {
  expect(told("100c00044d515454090200000000")).toMatchInlineSnapshot(`
    "CONNECT from a client, 14 bytes at offset 0, MQTT 5.0 (by its CONNECT)
      0                      Fixed header
      0  10                    Type and flags
         0001 ....               Packet type: 1 (CONNECT)
         .... 0000               Flags: 0
      1  0c                    Remaining Length: 12
      2                      Variable header
      2  00 04 4d 51 54 54     Protocol Name: 'MQTT' (4 bytes)
      8  09                    Protocol Level: 9
                               ! this protocol level is not supported [v5-3.1.2-2]
      9  02                    Connect Flags
         0... ....               User Name Flag: 0
         .0.. ....               Password Flag: 0
         ..0. ....               Will Retain: 0
         ...0 0...               Will QoS: 0
         .... .0..               Will Flag: 0
         .... ..1.               Clean Start: 1
         .... ...0               Reserved: 0
     10  00 00                 Keep Alive: 0 (none: silence is never detected)
     12                        Properties
     12  00                      Property Length: 0
     13                      Payload
     13  00                    Client Identifier
                               ! packet ends within Client Identifier [v5-2.1.4]

    2 violations: v5-3.1.2-2, v5-2.1.4.
    "
  `);
});

test("told: a PUBLISH of unknown protocol version", () => {
  expect(told("300a0003612f620068693132")).toMatchInlineSnapshot(`
    "PUBLISH, 12 bytes at offset 0, MQTT 5.0 (a guess: 3.1.1 fits equally well)
      0                      Fixed header
      0  30                    Type and flags
         0011 ....               Packet type: 3 (PUBLISH)
         .... 0...               DUP: 0
         .... .00.               QoS: 0
         .... ...0               RETAIN: 0
      1  0a                    Remaining Length: 10
      2                      Variable header
      2  00 03 61 2f 62        Topic Name: 'a/b' (3 bytes)
      7                        Properties
      7  00                      Property Length: 0
      8                      Payload
      8  68 69 31 32           Application Message: 'hi12' (4 bytes)

    No violation.
    "
  `);
});

test("told: a PUBLISH whose alias is 0, with a wildcard and a payload that is no text", () => {
  expect(told("3d110003612f2b0000050101230000fffe6869", 5)).toMatchInlineSnapshot(`
    "PUBLISH from a client, 19 bytes at offset 0, MQTT 5.0 (by -V)
      0                      Fixed header
      0  3d                    Type and flags
         0011 ....               Packet type: 3 (PUBLISH)
         .... 1...               DUP: 1
         .... .10.               QoS: 2
         .... ...1               RETAIN: 1
      1  11                    Remaining Length: 17
      2                      Variable header
      2  00 03 61 2f 2b        Topic Name: 'a/+' (3 bytes)
                               ! Topic Name holds a wildcard [v5-3.3.2-2]
      7  00 00                 Packet Identifier: 0
                               ! Packet Identifier is 0 [v5-2.2.1-3]
      9                        Properties
      9  05                      Property Length: 5
     10                          Property
     10  01                        Property Identifier: 1 (Payload Format Indicator)
     11  01                        Payload Format Indicator: 1 (UTF-8)
     12                          Property
     12  23                        Property Identifier: 35 (Topic Alias)
     13  00 00                     Topic Alias: 0
                                   ! Topic Alias is 0 [v5-3.3.2-8]
     15                      Payload
     15  ff fe 68 69           Application Message: 4 bytes
                               ! payload is not the UTF-8 that its Payload Format
                                 Indicator says [v5-3.3.2.3.2]

    4 violations: v5-3.3.2-2, v5-2.2.1-3, v5-3.3.2-8, v5-3.3.2.3.2.
    "
  `);
});

test("told: a SUBSCRIBE with wrong filters and options", () => {
  expect(told("82150001000003612b2f0300092473686172652f672f04", 5)).toMatchInlineSnapshot(`
    "SUBSCRIBE from a client, 23 bytes at offset 0, MQTT 5.0 (by -V)
      0                      Fixed header
      0  82                    Type and flags
         1000 ....               Packet type: 8 (SUBSCRIBE)
         .... 0010               Flags: 2
      1  15                    Remaining Length: 21
      2                      Variable header
      2  00 01                 Packet Identifier: 1
      4                        Properties
      4  00                      Property Length: 0
      5                      Payload
      5                        Subscription
      5  00 03 61 2b 2f          Topic Filter: 'a+/' (3 bytes)
                                 ! + is not a whole level of the Topic Filter
                                   [v5-4.7.1-2]
     10  03                      Subscription Options
         .... ..11                 QoS: 3
                                   ! Maximum QoS of a subscription is 3
                                     [v5-3.8.3.1]
         .... .0..                 No Local: 0
         .... 0...                 Retain As Published: 0
         ..00 ....                 Retain Handling: 0 (retained messages are sent)
         00.. ....                 Reserved: 0
     11                        Subscription
     11  00 09 24 73 68 61..     Topic Filter: '$share/g/' (a shared subscription)
                                 ! ShareName without a Topic Filter [v5-4.8.2-2]
     22  04                      Subscription Options
         .... ..00                 QoS: 0
         .... .1..                 No Local: 1
                                   ! No Local on a shared subscription
                                     [v5-3.8.3-4]
         .... 0...                 Retain As Published: 0
         ..00 ....                 Retain Handling: 0 (retained messages are sent)
         00.. ....                 Reserved: 0

    4 violations: v5-4.7.1-2, v5-3.8.3.1, v5-4.8.2-2, v5-3.8.3-4.
    "
  `);
});

test("told: a CONNACK that refuses with Session Present", () => {
  expect(told("20080387051f00026e6f", 5)).toMatchInlineSnapshot(`
    "CONNACK from a server, 10 bytes at offset 0, MQTT 5.0 (by -V)
      0                      Fixed header
      0  20                    Type and flags
         0010 ....               Packet type: 2 (CONNACK)
         .... 0000               Flags: 0
      1  08                    Remaining Length: 8
      2                      Variable header
      2  03                    Connect Acknowledge Flags
         .... ...1               Session Present: 1
                                 ! Session Present in a CONNACK that refuses
                                   [v5-3.2.2-6]
         0000 001.               Reserved: 1
                                 ! reserved Connect Acknowledge Flags are set
                                   [v5-3.2.2-1]
      3  87                    Reason Code: 135 (not authorized (0x87))
      4                        Properties
      4  05                      Property Length: 5
      5                          Property
      5  1f                        Property Identifier: 31 (Reason String)
      6  00 02 6e 6f               Reason String: 'no' (2 bytes)

    2 violations: v5-3.2.2-6, v5-3.2.2-1.
    "
  `);
});

test("told: a SUBACK of MQTT 3.1.1", () => {
  expect(told("900400010180")).toMatchInlineSnapshot(`
    "SUBACK from a server, 6 bytes at offset 0, MQTT 3.1.1 (a guess: fewer
    violations than the other)
      0                      Fixed header
      0  90                    Type and flags
         1001 ....               Packet type: 9 (SUBACK)
         .... 0000               Flags: 0
      1  04                    Remaining Length: 4
      2                      Variable header
      2  00 01                 Packet Identifier: 1
      4                      Payload
      4  01                    Return Code: 1 (granted QoS 1)
      5  80                    Return Code: 128 (failure)

    No violation.
    "
  `);
});

test("told: a DISCONNECT that only a server may send", () => {
  expect(told("e0018e", 5)).toMatchInlineSnapshot(`
    "DISCONNECT from a server, 3 bytes at offset 0, MQTT 5.0 (by -V)
      0                      Fixed header
      0  e0                    Type and flags
         1110 ....               Packet type: 14 (DISCONNECT)
         .... 0000               Flags: 0
      1  01                    Remaining Length: 1
      2                      Variable header
      2  8e                    Reason Code: 142 (session taken over (0x8e))

    No violation.
    "
  `);
});

test("told: a Remaining Length without end, behind a PINGREQ", () => {
  expect(told("c00030ffffffffff00", 4)).toMatchInlineSnapshot(`
    "PINGREQ from a client, 2 bytes at offset 0, MQTT 3.1.1 (by -V)
      0                      Fixed header
      0  c0                    Type and flags
         1100 ....               Packet type: 12 (PINGREQ)
         .... 0000               Flags: 0
      1  00                    Remaining Length: 0

    PUBLISH from a client, 7 bytes at offset 2, of a length that can't be read,
    MQTT 3.1.1 (by -V)
      2                      Fixed header
      2  30                    Type and flags
         0011 ....               Packet type: 3 (PUBLISH)
         .... 0...               DUP: 0
         .... .00.               QoS: 0
         .... ...0               RETAIN: 0
      3  ff ff ff ff           Remaining Length
                               ! Remaining Length takes more than four bytes
                                 [v4-2.2.3]
      7  ff 00               Bytes that are not decoded

    1 violation: v4-2.2.3. The last packet is incomplete.
    "
  `);
});

test("told: a PUBLISH that is cut off", () => {
  expect(told("30200003612f62006869", 5)).toMatchInlineSnapshot(`
    "PUBLISH, 10 of 34 bytes at offset 0, MQTT 5.0 (by -V)
      0                      Fixed header
      0  30                    Type and flags
         0011 ....               Packet type: 3 (PUBLISH)
         .... 0...               DUP: 0
         .... .00.               QoS: 0
         .... ...0               RETAIN: 0
      1  20                    Remaining Length: 32
      2                      Variable header
      2  00 03 61 2f 62        Topic Name: 'a/b' (3 bytes)
      7                        Properties
      7  00                      Property Length: 0
      8                      Payload
      8  68 69                 Application Message: 'hi' (2 bytes)

    No violation. The last packet is incomplete.
    "
  `);
});

test("told: a property that does not exist, and the bytes after its block", () => {
  expect(told("4008000100040440000000", 5)).toMatchInlineSnapshot(`
    "PUBACK from a client, 10 bytes at offset 0, MQTT 5.0 (by -V)
      0                      Fixed header
      0  40                    Type and flags
         0100 ....               Packet type: 4 (PUBACK)
         .... 0000               Flags: 0
      1  08                    Remaining Length: 8
      2                      Variable header
      2  00 01                 Packet Identifier: 1
      4  00                    Reason Code: 0 (success (0x00))
      5                        Properties
      5  04                      Property Length: 4
      6                          Property
      6  04                        Property Identifier: 4
                                   ! there is no property 4 [v5-2.2.2.2]
      7  40 00 00                Bytes that are not decoded

    bytes from a client, 1 byte at offset 10, of a length that can't be read, MQTT
    5.0 (by -V)
     10                      Fixed header
     10  00                    Type and flags
         0000 ....               Packet type: 0
                                 ! packet type 0 is reserved [v5-2.1.2]
         .... 0000               Flags: 0
     11                        Remaining Length: incomplete

    2 violations: v5-2.2.2.2, v5-2.1.2. The last packet is incomplete.
    "
  `);
});

test("told: packets of a whole connection, in sequence", () => {
  expect(told("100f00044d5154540402000a000364657620020000c000d000e000")).toMatchInlineSnapshot(`
    "CONNECT from a client, 17 bytes at offset 0, MQTT 3.1.1 (by its CONNECT)
      0                      Fixed header
      0  10                    Type and flags
         0001 ....               Packet type: 1 (CONNECT)
         .... 0000               Flags: 0
      1  0f                    Remaining Length: 15
      2                      Variable header
      2  00 04 4d 51 54 54     Protocol Name: 'MQTT' (4 bytes)
      8  04                    Protocol Level: 4 (MQTT 3.1.1)
      9  02                    Connect Flags
         0... ....               User Name Flag: 0
         .0.. ....               Password Flag: 0
         ..0. ....               Will Retain: 0
         ...0 0...               Will QoS: 0
         .... .0..               Will Flag: 0
         .... ..1.               Clean Session: 1
         .... ...0               Reserved: 0
     10  00 0a                 Keep Alive: 10 (seconds: 15 s of silence are allowed)
     12                      Payload
     12  00 03 64 65 76        Client Identifier: 'dev' (3 bytes)

    CONNACK from a server, 4 bytes at offset 17, MQTT 3.1.1 (by its CONNECT)
     17                      Fixed header
     17  20                    Type and flags
         0010 ....               Packet type: 2 (CONNACK)
         .... 0000               Flags: 0
     18  02                    Remaining Length: 2
     19                      Variable header
     19  00                    Connect Acknowledge Flags
         .... ...0               Session Present: 0
         0000 000.               Reserved: 0
     20  00                    Return Code: 0 (accepted)

    PINGREQ from a client, 2 bytes at offset 21, MQTT 3.1.1 (by its CONNECT)
     21                      Fixed header
     21  c0                    Type and flags
         1100 ....               Packet type: 12 (PINGREQ)
         .... 0000               Flags: 0
     22  00                    Remaining Length: 0

    PINGRESP from a server, 2 bytes at offset 23, MQTT 3.1.1 (by its CONNECT)
     23                      Fixed header
     23  d0                    Type and flags
         1101 ....               Packet type: 13 (PINGRESP)
         .... 0000               Flags: 0
     24  00                    Remaining Length: 0

    DISCONNECT from a client, 2 bytes at offset 25, MQTT 3.1.1 (by its CONNECT)
     25                      Fixed header
     25  e0                    Type and flags
         1110 ....               Packet type: 14 (DISCONNECT)
         .... 0000               Flags: 0
     26  00                    Remaining Length: 0

    No violation.
    "
  `);
});

test("told: a peer's strings do no harm, and lines fit", () => {
  const topic = [...Buffer.from(`\u001b[2J\u202e\n${"x".repeat(300)}`)];
  const body = [topic.length >> 8, topic.length & 0xff, ...topic];
  const hex = Buffer.from([0x30, (body.length & 127) | 128, body.length >> 7, ...body]).toString(
    "hex",
  );
  const text = told(hex, 4);
  expect(text).not.toMatch(/[^\n\P{C}]|\u202e/u);
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
});

test("told: nothing", () => {
  expect(told("")).toBe("There are no bytes.\n");
});

for (const columns of [32, 40, 59, 60, 80, 200]) {
  test(`told: no line is wider than ${columns} columns, whatever the strings are`, () => {
    const parts = ["\u001b[2J", "灯".repeat(60), "\u202e", "x".repeat(200), "e\u0301", "a b"];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...parts), { minLength: 1 }), (text) => {
        const bytes = generate({
          ...{ cmd: "publish", topic: text.join(""), payload: text.join(" "), qos: 1 },
          ...{ messageId: 7, dup: false, retain: false },
        });
        const trees = packetTree(bytes, { protocol: 4 });
        const shown = packetTreeText(trees, { columns, colors: pc.createColors(false) });
        for (const line of shown.split("\n")) {
          expect(line).not.toMatch(/\p{C}/u);
          expect(width(line), line).toBeLessThanOrEqual(Math.min(columns, 120));
        }
      }),
      { numRuns: 50 },
    );
  });
}

test("told: a colour takes no columns", () => {
  const bytes = Uint8Array.from(Buffer.from("820500000000036202000182050000000003c100", "hex"));
  const trees = packetTree(bytes, { protocol: 5 });
  for (let columns = 32; columns <= 120; columns++) {
    const painted = packetTreeText(trees, { columns, colors: pc.createColors(true) });
    const text = packetTreeText(trees, { columns, colors: pc.createColors(false) });
    expect(Bun.stripANSI(painted)).toBe(text);
  }
});

test("told: without room for the bytes, the words", () => {
  const trees = packetTree(Uint8Array.from(Buffer.from("30050001236869", "hex")), { protocol: 4 });
  const style = { columns: 40, colors: pc.createColors(false) };
  expect(packetTreeText(trees, style)).toMatchInlineSnapshot(`
    "PUBLISH from a client, 7 bytes at
    offset 0, MQTT 3.1.1 (by -V)
      0  Fixed header
      0    Type and flags
             Packet type: 3 (PUBLISH)
             DUP: 0
             QoS: 0
             RETAIN: 0
      1    Remaining Length: 5
      2  Variable header
      2    Topic Name: '#' (1 byte)
           ! Topic Name holds a wildcard
             [v4-3.3.2-2]
      5  Payload
      5    Application Message: 'hi' (2 b...

    1 violation: v4-3.3.2-2.
    "
  `);
});
