import { describe, expect, test } from "bun:test";
import { proxied } from "../../src/transport/proxied.ts";
import { readProxyHeader } from "../../src/transport/proxy-header.ts";
import { isAddressOrNetwork, TrustedAddresses } from "../../src/transport/trusted-addresses.ts";
import { dial, listening, Recorder, tcpTransports } from "./transports.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");

/** Version 2: command, family and what follows. */
function block(command: number, family: number, rest: readonly number[]): Uint8Array {
  const signature = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10];
  return Uint8Array.of(
    ...signature,
    0x20 | command,
    family,
    rest.length >> 8,
    rest.length & 255,
    ...rest,
  );
}

const four = [192, 0, 2, 7, 198, 51, 100, 1, 0xc7, 0x38, 0x22, 0xb3];
const six = [0x20, 1, 0xd, 0xb8, ...Array.from({ length: 11 }, () => 0), 7];

const mapped = [...Array.from({ length: 10 }, () => 0), 0xff, 0xff, 192, 0, 2, 7];

const good: readonly (readonly [string, Uint8Array, string | null])[] = [
  ["v1, IPv4", bytes("PROXY TCP4 192.0.2.7 198.51.100.1 51000 8883\r\n"), "192.0.2.7:51000"],
  ["v1, IPv6", bytes("PROXY TCP6 2001:db8:0::7 ::1 51000 8883\r\n"), "[2001:db8::7]:51000"],
  ["v1, IPv4 as IPv6", bytes("PROXY TCP6 ::ffff:192.0.2.7 ::1 51000 8883\r\n"), "192.0.2.7:51000"],
  ["v1, unknown", bytes("PROXY UNKNOWN\r\n"), null],
  ["v1, unknown, with addresses", bytes("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), null],
  ["v2, IPv4", block(1, 0x11, four), "192.0.2.7:51000"],
  ["v2, IPv4, and more", block(1, 0x11, [...four, 4, 0, 1, 0]), "192.0.2.7:51000"],
  ["v2, IPv6", block(1, 0x21, [...six, ...six, 0xc7, 0x38, 0x22, 0xb3]), "[2001:db8::7]:51000"],
  [
    "v2, IPv4 as IPv6",
    block(1, 0x21, [...mapped, ...six, 0xc7, 0x38, 0x22, 0xb3]),
    "192.0.2.7:51000",
  ],
  ["v2, the proxy itself", block(0, 0, []), null],
  [
    "v2, a unix socket",
    block(
      1,
      0x31,
      Array.from({ length: 216 }, () => 0),
    ),
    null,
  ],
];

const bad: readonly (readonly [string, Uint8Array, string])[] = [
  ["MQTT", bytes("\x10\x0c\x00\x04MQTT"), "it does not begin with a PROXY header"],
  ["TLS", bytes("\x16\x03\x01\x02\x00\x01"), "it does not begin with a PROXY header"],
  ["an endless line", bytes(`PROXY TCP4 ${"1".repeat(200)}`), "its PROXY line does not end"],
  ["no address", bytes("PROXY TCP4 a b 1 2\r\n"), "its PROXY line is malformed"],
  ["a wrong family", bytes("PROXY TCP4 ::1 ::1 1 2\r\n"), "its PROXY line is malformed"],
  [
    "a wrong port",
    bytes("PROXY TCP4 10.0.0.1 10.0.0.2 70000 2\r\n"),
    "its PROXY line is malformed",
  ],
  ["no CR", bytes("PROXY TCP4 10.0.0.1 10.0.0.2 1 2\n"), "its PROXY line is malformed"],
  [
    "too long",
    block(
      1,
      0x11,
      Array.from({ length: 5000 }, () => 0),
    ),
    "its PROXY header has 5016 bytes, above 4096",
  ],
  ["too short", block(1, 0x11, [1, 2, 3]), "its PROXY header is too short"],
  ["another command", block(5, 0x11, four), "its PROXY header has an unknown command"],
  [
    "version 3",
    Uint8Array.of(...block(1, 0x11, four).with(12, 0x31)),
    "its PROXY header has version 3",
  ],
];

test.each(good)("%s", (_, header, remote) => {
  const all = Buffer.concat([header, bytes("\x10\x0c")]);
  expect(readProxyHeader(all)).toMatchObject({ bytes: header.length });
  const read = readProxyHeader(all);
  expect(read !== null && typeof read !== "string" && (read.client?.remote ?? null)).toBe(remote);
  for (let length = 0; length < header.length; length += 1)
    expect(readProxyHeader(header.subarray(0, length))).toBeNull();
});

test.each(bad)("%s is refused", (_, header, why) => {
  expect(readProxyHeader(header)).toBe(why);
});

test("addresses and networks", () => {
  const right = ["10.0.0.7", "10.0.0.0/8", "::1", "fd00::/8", "0.0.0.0/0"];
  const wrong = ["", "localhost", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.1/", "fe80::1%lo"];
  expect([...right, ...wrong].filter(isAddressOrNetwork)).toEqual(right);
  const trusted = new TrustedAddresses(["10.0.0.0/8", "::1", "fd00::/8"]);
  const has = ["10.1.2.3:5", "[::1]:7", "[fd12::3]:7", "unix:/run/x"];
  const hasNot = ["11.0.0.1:5", "[fe80::3]:7", "unknown", "127.0.0.1:9"];
  expect([...has, ...hasNot].filter((remote) => trusted.has(remote))).toEqual(has);
});

describe.each(tcpTransports)("%s", (_, make) => {
  const behind = (from: string[]) => proxied(make(), new TrustedAddresses(from));
  const header = "PROXY TCP4 192.0.2.7 198.51.100.1 51000 8883\r\n";

  test("the client's address and its bytes, however they are cut", async () => {
    const recorder = new Recorder();
    await listening(behind(["127.0.0.1"]), recorder, async (port) => {
      const peer = await dial({ hostname: "127.0.0.1", port });
      const link = await recorder.link();
      expect(link.preparing).toBe("PROXY header");
      for (const character of `${header}hello`) {
        peer.send(character);
        await new Promise(setImmediate);
      }
      await recorder.until(() => recorder.text === "hello");
      expect([link.remote, link.isLocal, link.preparing]).toEqual(["192.0.2.7:51000", false, null]);
      peer.rst();
    });
  });

  test("from another address: closed, and said", async () => {
    const recorder = new Recorder();
    await listening(behind(["10.0.0.0/8"]), recorder, async (port) => {
      const peer = await dial({ hostname: "127.0.0.1", port });
      expect(await peer.ended).toBe("eof");
      expect(recorder.log).toEqual(["opened", "proxyFailed"]);
      expect(recorder.details).toEqual(["its address is not in proxyProtocol.from"]);
      peer.rst();
    });
  });

  test("without a header: closed, and said", async () => {
    const recorder = new Recorder();
    await listening(behind(["127.0.0.1"]), recorder, async (port) => {
      const peer = await dial({ hostname: "127.0.0.1", port });
      peer.send("\x10\x0c\x00\x04MQTT");
      expect(await peer.ended).toBe("eof");
      expect(recorder.log).toEqual(["opened", "proxyFailed"]);
      expect(recorder.details).toEqual(["it does not begin with a PROXY header"]);
      peer.rst();
    });
  });
});
