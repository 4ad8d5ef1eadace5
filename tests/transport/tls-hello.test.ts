import { describe, expect, test } from "bun:test";
import { type ClientHello, HelloReader } from "../../src/transport/tls-hello.ts";

/** Big-endian. */
function number(value: number, bytes: 1 | 2 | 3): number[] {
  return [value >> 16, value >> 8, value].slice(-bytes).map((byte) => byte & 0xff);
}

function sized(bytes: readonly number[], lengthBytes: 1 | 2): number[] {
  return [...number(bytes.length, lengthBytes), ...bytes];
}

/** The handshake message (RFC 8446, 4.1.2). */
function message(serverName: string, padding = 0): number[] {
  const name = [0, ...sized([...Buffer.from(serverName)], 2)];
  const extensions = [
    ...[0, 0, ...sized(sized(name, 2), 2)],
    ...[0, 43, ...sized(sized([0x1a, 0x1a, 3, 4, 3, 3], 1), 2)],
    ...[
      0,
      21,
      ...sized(
        Array.from({ length: padding }, () => 0),
        2,
      ),
    ],
  ];
  const suites = sized([0x13, 0x01], 2);
  const random = Array.from({ length: 32 }, () => 7);
  const body = [3, 3, ...random, 0, ...suites, ...sized([0], 1), ...sized(extensions, 2)];
  return [1, ...number(body.length, 3), ...body];
}

/** The message in records of this many bytes. */
function records(bytes: readonly number[], size: number): Uint8Array {
  const all: number[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    all.push(22, 3, 1, ...sized(bytes.slice(at, at + size), 2));
  }
  return Uint8Array.from(all);
}

/** What it says of these bytes in chunks of `size`, once it says something. */
function read(bytes: Uint8Array, size = bytes.length): ClientHello | string | null {
  const reader = new HelloReader();
  for (let at = 0; at < bytes.length; at += size) {
    const found = reader.feed(bytes.subarray(at, at + size));
    if (found !== null) return found;
  }
  return null;
}

const expected = { serverName: "broker.lab", versions: [0x0304, 0x0303] };

describe("a ClientHello", () => {
  test.each([1, 2, 3, 4, 5, 50, 1000])("in records of %d bytes, in chunks of any size", (size) => {
    const bytes = records(message("Broker.lab."), size);
    for (const chunk of [1, 2, 3, 7, 100, bytes.length]) {
      expect(read(bytes, chunk)).toEqual(expected);
    }
    expect(read(bytes.subarray(0, -1))).toBeNull();
  });

  test("what comes behind it is kept, and not looked at", () => {
    const reader = new HelloReader();
    const hello = records(message("broker.lab"), 40);
    const bytes = Uint8Array.of(...hello, 0xff, 0xff);
    expect(reader.feed(bytes.subarray(0, 20))).toBeNull();
    expect(reader.feed(bytes.subarray(20))).toEqual(expected);
    expect([...reader.bytes]).toEqual([...bytes]);
  });

  test("16 KiB with the headers of its records are the limit", () => {
    const long = message("broker.lab", 16_000);
    expect(read(records(long, 16_384))).toEqual(expected);
    // The same message takes more than that in small records.
    expect(read(records(long, 50), 1000)).toBe("its ClientHello is too long");
    expect(read(records([1, 0, 0x40, 0], 4))).toBe("its ClientHello is too long");
    expect(read(records([1, 0, 0x3f, 0xfc], 4))).toBeNull();
  });

  test("what comes behind it counts against the same limit", () => {
    const hello = records(message("broker.lab"), 40);
    const most = Uint8Array.of(...hello, ...new Uint8Array(16_384 - hello.length));
    expect(read(most)).toEqual(expected);
    const more = "it sends more than its ClientHello before it is answered";
    expect(read(Uint8Array.of(...most, 0))).toBe(more);
  });

  const others: readonly (readonly [string, Uint8Array, string])[] = [
    ["another message", records([2, 0, 0, 1, 0], 5), "its first message is no ClientHello"],
    ["another message, cut", records([2, 0, 0, 1, 0], 1), "its first message is no ClientHello"],
    ["an empty record", Uint8Array.of(22, 3, 1, 0, 0), "its ClientHello is malformed"],
    [
      "another record in between",
      Uint8Array.of(...records([1, 0, 0, 9], 4), 20, 3, 1, 0, 1, 1),
      "its ClientHello is malformed",
    ],
    ["a message that is too short", records([1, 0, 0, 2, 3, 3], 6), "its ClientHello is malformed"],
    ["MQTT", Uint8Array.of(0x10, 13, 0, 4), "no TLS: it sent MQTT in plain text"],
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\n"), "no TLS: it sent HTTP in plain text"],
    ["something else", Uint8Array.of(22, 0x80, 1), "no TLS: it sent something else"],
  ];
  test.each(others)("%s is none", (_what, bytes, why) => {
    expect(read(bytes)).toBe(why);
  });
});
