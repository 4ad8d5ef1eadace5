import { expect, test } from "bun:test";
import fc from "fast-check";
import { packetTree } from "../../../src/inspect/packet/packet.ts";
import { hexadecimal } from "../../../src/inspect/packet/literals.ts";
import { packetSource, type Taken, textSource } from "../../../src/inspect/packet/source.ts";

const packets = "100f00044d5154540402000a0003646576c00030090003612f6232312e35";
const bytes = Uint8Array.from(Buffer.from(packets, "hex"));

interface Summary {
  readonly form: string;
  readonly hex: string;
  readonly headerBytes: number;
}

function summary(taken: Taken): Summary | null {
  if (taken.type !== "packets") return null;
  const { form, headerBytes, connections } = taken;
  const streams = connections.flatMap((connection) => [...connection.streams]);
  const hex = streams.map((stream) => Buffer.from(stream.bytes).toString("hex")).join(" ");
  return { form, hex, headerBytes };
}

/** What is taken of a text, in hexadecimal. */
function taken(text: string): Summary | null {
  return summary(packetSource(new TextEncoder().encode(text)));
}

test("hexadecimal, in the ways that it is written", () => {
  for (const text of [
    "c000",
    "c0 00",
    "C0:00\n",
    "C0-00",
    "0xc0, 0x00",
    "0xc0, 0x0",
    "0xc000",
    "{ 0xC0, 0x00 };",
    "\\xc0\\x00",
    "c0\r\n00\r\n",
    "\ufeffc0 00",
  ]) {
    expect(taken(text), text).toEqual({ form: "hexadecimal", hex: "c000", headerBytes: 0 });
  }
  for (const text of ["c00", "c0 0", "", " ", "0x", "cg", "c0-0", "c0 00 PINGREQ"]) {
    expect(hexadecimal(text), text).toBeNull();
  }
});

test("text of UTF-16, which PowerShell writes with >", () => {
  for (const encoding of ["utf16le", "utf-16be"] as const) {
    const own = Buffer.from("\ufeffc0 00\r\n", "utf16le");
    const text = encoding === "utf16le" ? own : own.swap16();
    expect(summary(packetSource(Uint8Array.from(text)))?.hex).toBe("c000");
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
  "hex dump of hexdump": `
0000000 0f10 0400 514d 5454 0204 0a00 0300 6564
0000010 c076 3000 0009 6103 622f 3132 352e
000001e
`,
  "hex dump of od": `
0000000 10 0f 00 04 4d 51 54 54 04 02 00 0a 00 03 64 65
0000020 76 c0 00 30 09 00 03 61 2f 62 32 31 2e 35
0000036
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
    expect(taken(rest.join("\n"))?.hex).not.toBe(packets.slice(32));
    expect(taken([...rest.slice(0, 1), first].join("\n"))).toBeNull();
    // Two dumps are the bytes of one after those of the other.
    expect(taken(`${text}${text}`)).toEqual({ form, hex: packets + packets, headerBytes: 0 });
  });
}

test("a dump whose lines are not all there: which offset is wrong", () => {
  const lines = dumps["hex dump of xxd"].trim().split("\n");
  const text = [lines[0], `00000020: ${"61".repeat(16)}  aaaa`, ""].join("\n");
  expect(textSource(text)).toEqual({
    type: "text",
    what: "a hex dump of xxd with a gap: line 2: found offset 0x20, expected 0x10",
  });
});

test("hexdump and xxd leave out lines that repeat", () => {
  const zeros = "00 ".repeat(16).trim();
  const text = `00000000  ${zeros}  |................|\n*\n00000040  c0 00  |..|\n00000042\n`;
  expect(taken(text)?.hex).toBe(`${"00".repeat(64)}c000`);
  // However long it claims to be, memory is not taken for it.
  const endless = `00000000  ${zeros}  |................|\n*\nfffffff0  c0 00  |..|\n`;
  expect(textSource(endless)).toMatchObject({ type: "text" });
});

test("text beside the bytes that looks like bytes", () => {
  const text = "0000  61 62 63 64 65 66 67 68  ab cd ef\n0008  c0 00  c0\n";
  expect(taken(text)?.hex).toBe("6162636465666768c000c0");
  const full = "00000000: 6162 6364  ab cd\n00000004: 6566 6768  ef\n00000008: c000  aa\n";
  expect(taken(full)?.hex).toBe("6162636465666768c000");
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
  expect(summary(packetSource(bytes))).toEqual({ form: "raw bytes", hex: packets, headerBytes: 0 });
  for (const text of [
    ...["hello", "22:45:53.824 dev-42 · disconnected\n", '{"a": 1}', "c0 00 or so", "see [3]"],
    ...["it's (1) of 'these' or (2)", "a, b, c"],
  ]) {
    expect(textSource(text), text).toEqual({ type: "text", what: "text that is not hexadecimal" });
  }
});

test("digits that are not in pairs are counted, not repeated", () => {
  expect(textSource("c00")).toEqual({
    type: "text",
    what: "3 hexadecimal digits, an odd number",
  });
  expect(textSource("c0 0 0")).toEqual({
    type: "text",
    what: "hexadecimal digits that are not in pairs",
  });
});

const pasted: readonly (readonly [form: string, text: string])[] = [
  ["Node.js Buffer", "<Buffer c0 00 e0 00>"],
  ["Node.js Buffer", "received <Buffer c0 00\n e0 00>\n"],
  ["array of bytes", "const uint8_t ping[4] = { 0xC0, 0x00, 0xe0, 0x0 };"],
  [
    "array of bytes",
    "unsigned char x[] = {\n  0xc0, 0x00, // PINGREQ\n  0xe0, 0x00\n};\nunsigned int x_len = 4;",
  ],
  ["array of bytes", "[192, 0, 224, 0]"],
  ["array of bytes", "[-64, 0, -32, 0]"],
  ["array of bytes", "[192 0 224 0]"],
  ["array of bytes", "[]byte{0xc0, 0x00, 0xe0, 0x00}"],
  ["array of bytes", "Uint8Array(4) [ 192, 0, 224, 0 ]"],
  ["array of bytes", '{"type":"Buffer","data":[192,0,224,0]}'],
  ["array of bytes", "<<192,0,224,0>>"],
  ["array of bytes", "new byte[] { (byte) 0xC0, 0, (byte) 0xE0, 0 }"],
  ["array of bytes", "let p: [u8; 4] = [0xc0, 0x00, 0xe0u8, 0];"],
  ["array of bytes", "192, 0, 224, 0"],
  ["array of bytes", "bytes((192, 0, 224, 0))"],
  ["string with escapes", String.raw`"\xc0\x00\xe0\x00"`],
  ["string with escapes", String.raw`"\xc0\x00" "\xe0\x00"`],
  ["string with escapes", `"\\xc0\\x00" \\\n"\\xe0\\x00"`],
  ["string with escapes", String.raw`b'\xc0\x00\xe0\x00'`],
  ["string with escapes", String.raw`packet = bytearray(b"\xc0\0\340\0")`],
  ["string with escapes", String.raw`'\u00c0\u0000\u00e0\u0000'`],
  ["hexadecimal", 'bytes.fromhex("c0 00 e0 00")'],
  ["hexadecimal", "Buffer.from('c000e000', 'hex')"],
  ["hexadecimal", String.raw`\xc0\x00\xe0\x00`],
];

for (const [form, text] of pasted) {
  test(`pasted: ${text.replaceAll("\n", " ")}`, () => {
    expect(taken(text)).toEqual({ form, hex: "c000e000", headerBytes: 0 });
  });
}

test("a Python string shows what prints as itself", () => {
  const text = String.raw`b'\x10\x0f\x00\x04MQTT\x04\x02\x00\n\x00\x03dev'`;
  expect(taken(text)?.hex).toBe(packets.slice(0, 34));
  expect(taken(text.slice(2, -1))?.hex).toBe(packets.slice(0, 34));
  expect(taken('b"it\'s \\\\ \\" \\d é"')?.hex).toBe("69742773205c2022205c6420c3a9");
});

test("an array with characters between its numbers", () => {
  expect(taken("{ 0x10, 'M', 'Q', '\\0', '\\x0a', 7 }")?.hex).toBe("104d51000a07");
});

test("a Buffer of which Node.js left out the end", () => {
  const read = textSource("<Buffer 10 25 00 04 4d 51 ... 31 more bytes>");
  expect(summary(read)?.hex).toBe("102500044d51");
  expect(read).toMatchObject({ notes: ["its printer left out the last 31 bytes"] });
});

test("a dump of any bytes is read back", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 17, maxLength: 200 }), (any) => {
      // As long as they don't happen to be an IP packet, or a file that is known by its beginning.
      fc.pre(any[0] !== 0x45);
      expect(taken(wireshark(any))?.hex).toBe(Buffer.from(any).toString("hex"));
    }),
    { numRuns: 300, includeErrorInReport: true },
  );
});

test("any bytes are read back from each form of source code", () => {
  const forms: readonly ((all: Uint8Array) => string)[] = [
    (all) =>
      `<Buffer ${Buffer.from(all)
        .toString("hex")
        .replaceAll(/..(?=.)/g, "$& ")}>`,
    (all) => `{ ${[...all].map((byte) => `0x${byte.toString(16)}`).join(", ")} }`,
    (all) => JSON.stringify([...all]),
    (all) => `[${[...Int8Array.from(all)].join(", ")}]`,
    (all) => JSON.stringify(Buffer.from(all)),
    (all) => `"${[...all].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")}"`,
  ];
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 8, maxLength: 60 }).filter((all) => all.includes(0)),
      fc.constantFrom(...forms),
      (all, form) => {
        fc.pre(all[0] !== 0x45);
        expect(taken(form(all))?.hex).toBe(Buffer.from(all).toString("hex"));
      },
    ),
    { numRuns: 500, includeErrorInReport: true },
  );
});

test("no text, however long and repetitive, keeps it from ending", () => {
  const parts = [
    "/*",
    "'",
    '"',
    "{",
    "(",
    "<<",
    "0",
    "0 ",
    "a",
    "0x",
    "\\x",
    ",",
    "<Buffer ",
    "00 ",
    '\\"',
    `"\\'\\"`,
  ];
  for (const part of parts) {
    for (const tail of ["", "!"]) {
      // An expression of quadratic time would take minutes.
      expect(textSource(part.repeat(50_000) + tail).type, part).toMatch(
        /^(?:packets|text|foreign)$/,
      );
    }
  }
});

test("what is taken for text would be no packet in the raw", () => {
  const hex = fc.constantFrom(...Array.from("0123456789abcdef \n"));
  const text = fc.oneof(
    fc.string({ unit: hex, minLength: 1, maxLength: 300 }),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 300 }),
  );
  fc.assert(
    fc.property(text, (written) => {
      const raw = new TextEncoder().encode(written);
      const read = packetSource(raw);
      fc.pre(read.type !== "packets" || read.form !== "raw bytes");
      const trees = packetTree(raw, { protocol: "auto" });
      const isRight = trees.every(
        ({ missing, violations }) => missing === 0 && violations.length === 0,
      );
      expect(isRight).toBe(false);
    }),
    { numRuns: 2000, includeErrorInReport: true },
  );
});
