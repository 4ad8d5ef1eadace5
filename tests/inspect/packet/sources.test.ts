import { expect, test } from "bun:test";
import fc from "fast-check";
import { packetTree } from "../../../src/inspect/packet/packet.ts";
import { hexadecimal, packetSource } from "../../../src/inspect/packet/source.ts";

const packets = "100f00044d5154540402000a0003646576c00030090003612f6232312e35";
const bytes = Uint8Array.from(Buffer.from(packets, "hex"));

/** The bytes found in a text, in hexadecimal. */
function taken(text: string): { form: string; hex: string; headerBytes: number } | null {
  const source = packetSource(new TextEncoder().encode(text));
  if (source === null) return null;
  const { form, headerBytes } = source;
  return { form, hex: Buffer.from(source.bytes).toString("hex"), headerBytes };
}

test("hexadecimal, in its usual forms", () => {
  for (const text of [
    "c000",
    "c0 00",
    "C0:00\n",
    "0xc0, 0x00",
    "0xc000",
    "{ 0xC0, 0x00 };",
    "\\xc0\\x00",
    "c0\r\n00\r\n",
  ]) {
    expect(taken(text), text).toEqual({ form: "hexadecimal", hex: "c000", headerBytes: 0 });
  }
  for (const text of ["c00", "c0 0", "", " ", "0x", "cg", "c0-00", "c0 00 PINGREQ"]) {
    expect(hexadecimal(text), text).toBeNull();
  }
});

const dumps = {
  "hex dump of xxd": `
00000000: 100f 0004 4d51 5454 0402 000a 0003 6465  ....MQTT......de
00000010: 76c0 0030 0900 0361 2f62 3231 2e35       v..0...a/b21.5
`,
  "hex dump of hexdump -C": `
00000000  10 0f 00 04 4d 51 54 54  04 02 00 0a 00 03 64 65  |....MQTT......de|
00000010  76 c0 00 30 09 00 03 61  2f 62 32 31 2e 35        |v..0...a/b21.5|
0000001e
`,
  "hex dump of Wireshark": `
0000   10 0f 00 04 4d 51 54 54 04 02 00 0a 00 03 64 65   ....MQTT......de
0010   76 c0 00 30 09 00 03 61 2f 62 32 31 2e 35         v..0...a/b21.5
`,
  "hex dump of tcpdump": `
	0x0000:  100f 0004 4d51 5454 0402 000a 0003 6465  ....MQTT......de
	0x0010:  76c0 0030 0900 0361 2f62 3231 2e35       v..0...a/b21.5
`,
};

for (const [form, text] of Object.entries(dumps)) {
  test(`${form}: its bytes, without its margins`, () => {
    expect(taken(text)).toEqual({ form, hex: packets, headerBytes: 0 });
    expect(taken(text.replaceAll("\n", "\r\n"))).toEqual({ form, hex: packets, headerBytes: 0 });
    // A line is missing, or out of place.
    const [, first = "", ...rest] = text.split("\n");
    expect(taken(rest.join("\n"))).toBeNull();
    expect(taken([...rest.slice(0, 1), first].join("\n"))).toBeNull();
    expect(taken(`${text}${text}`)).toBeNull();
  });
}

test("the headers in tcpdump's output are removed", () => {
  const text = `
13:09:03.733012 IP localhost.43808 > localhost.1883: Flags [P.], seq 1:3, ack 1, win 512, length 2
	0x0000:  4500 0036 1c46 4000 4006 2078 7f00 0001  E..6.F@.@..x....
	0x0010:  7f00 0001 ab20 075b 0000 0001 0000 0001  .......[........
	0x0020:  8018 0200 fe2a 0000 0101 080a 0000 0001  .....*..........
	0x0030:  0000 0001 c000                           ......
`;
  expect(taken(text)).toEqual({ form: "hex dump of tcpdump", hex: "c000", headerBytes: 52 });
  const six = Uint8Array.from([
    ...[0x60, 0, 0, 0, 0, 22, 6, 64, ...Array.from({ length: 32 }, () => 1)],
    ...[0xab, 0x20, 0x07, 0x5b, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 2, 0, 0, 0, 0, 0, 0xc0, 0],
  ]);
  expect(taken(wireshark(six))).toMatchObject({ hex: "c000", headerBytes: 60 });
  const frame = [...Array.from({ length: 12 }, () => 2), 0x86, 0xdd, ...six];
  expect(taken(wireshark(Uint8Array.from(frame)))).toMatchObject({ hex: "c000", headerBytes: 74 });
});

/** As Wireshark copies it. */
function wireshark(all: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < all.length; at += 16) {
    const own = [...all.subarray(at, at + 16)];
    const hex = own.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = own.map((byte) => (byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "."));
    lines.push(`${at.toString(16).padStart(4, "0")}   ${hex.padEnd(48)}  ${text.join("")}`);
  }
  return `${lines.join("\n")}\n`;
}

test("raw bytes, and text that is none of these", () => {
  expect(packetSource(bytes)).toEqual({ bytes, form: "raw bytes", headerBytes: 0 });
  for (const text of ["hello", "22:45:53.824 dev-42 · disconnected\n", '{"a": 1}', "c0 00 or so"]) {
    expect(taken(text), text).toBeNull();
  }
});

test("a dump of any bytes is read back", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 17, maxLength: 200 }), (any) => {
      // Unless they happen to be an IP packet.
      fc.pre(any[0] !== 0x45);
      expect(taken(wireshark(any))?.hex).toBe(Buffer.from(any).toString("hex"));
    }),
    { numRuns: 300, includeErrorInReport: true },
  );
});

test("input taken for text would be no packet as raw bytes", () => {
  const hex = fc.constantFrom(...Array.from("0123456789abcdef \n"));
  const text = fc.oneof(
    fc.string({ unit: hex, minLength: 1, maxLength: 300 }),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 300 }),
  );
  fc.assert(
    fc.property(text, (written) => {
      const raw = new TextEncoder().encode(written);
      fc.pre(packetSource(raw)?.form !== "raw bytes");
      const trees = packetTree(raw, { protocol: "auto" });
      const isRight = trees.every(
        ({ missing, violations }) => missing === 0 && violations.length === 0,
      );
      expect(isRight).toBe(false);
    }),
    { numRuns: 2000, includeErrorInReport: true },
  );
});
