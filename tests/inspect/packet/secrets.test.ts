import { expect, test } from "bun:test";
import fc from "fast-check";
import pc from "picocolors";
import { type PacketTree, packetTree, packetTreeText } from "../../../src/inspect/packet/packet.ts";
import { type Bytes, connect, frame, properties, text } from "../../wire/frames.ts";

const password = "s3cr";
const secretHex = Buffer.from(password).toString("hex");

function shownOf(trees: readonly PacketTree[]): { text: string; json: string } {
  return {
    text: packetTreeText(trees, { columns: 120, colors: pc.createColors(false) }),
    json: JSON.stringify(trees),
  };
}

/** Whether the text or the JSON of these bytes shows the password, in letters or in digits. */
function shows(bytes: Bytes, secrets: boolean): boolean {
  const trees = packetTree(Uint8Array.from(bytes), { protocol: "auto", secrets });
  const shown = shownOf(trees);
  const digits = `${shown.text}${shown.json}`.replaceAll(/(?<=[0-9a-f]{2}) (?=[0-9a-f]{2})/g, "");
  return digits.includes(secretHex) || digits.includes(password);
}

const withPassword = [3, 4, 5].map((version) =>
  connect(version as 3 | 4 | 5, { flags: 0xc2, rest: [text("me"), text(password)] }),
);
const method = [0x15, ...text("SCRAM")];
const data = [0x16, ...text(password)];
const withData = [
  connect(5, { properties: [method, data] }),
  frame(0x20, [0, 0], properties(5, method, data)),
  frame(0xf0, [0x18], properties(5, method, data)),
];

test("a password and Authentication Data are hidden in text and JSON, and shown if asked for", () => {
  for (const bytes of [...withPassword, ...withData]) {
    const hex = Buffer.from(bytes).toString("hex");
    expect(shows(bytes, false), hex).toBe(false);
    expect(shows(bytes, true), hex).toBe(true);
  }
  const [bytes = []] = withPassword;
  const shown = shownOf(packetTree(Uint8Array.from(bytes), { protocol: "auto" }));
  expect(shown.text).toContain("00 04 ..              Password: 4 bytes, hidden");
  expect(shown.text).toContain("--secrets shows them");
  expect(shown.json).toContain('"hex":"0004","value":null,"meaning":"4 bytes"');
  expect(shown.json).toContain('"hidden":true');
});

test("a password is hidden where the packet is cut off or its lengths are wrong", () => {
  for (const whole of [...withPassword, ...withData]) {
    for (let length = 2; length < whole.length; length++) {
      expect(shows(whole.slice(0, length), false)).toBe(false);
    }
  }
  // Behind the last field, behind a wrong length, and behind a property that does not exist.
  for (const bytes of [
    connect(4, { flags: 0x02, rest: [text("me"), text(password)] }),
    connect(4, { flags: 0xc6, rest: [[0x70, 0], text("gone"), text("me"), text(password)] }),
    connect(5, { properties: [[0x04, 1], method, data] }),
    connect(5, { properties: [[0x16, 0x70, 0, ...Buffer.from(password)]] }),
  ]) {
    expect(shows(bytes, false), Buffer.from(bytes).toString("hex")).toBe(false);
  }
});

test("any change of a length leaves the password hidden, unless another field has it", () => {
  const change = fc.record({ at: fc.nat(60), value: fc.nat(255) });
  fc.assert(
    fc.property(fc.constantFrom(...withData), change, (whole, { at, value }) => {
      const bytes = [...whole];
      // The header and the data's own identifier decide what the packet is.
      const place = 2 + (at % (bytes.length - 2 - data.length));
      bytes[place] = value;
      const trees = packetTree(Uint8Array.from(bytes), { protocol: 5 });
      const shown = shownOf(trees).json;
      const readable = /"name":"(?!Authentication Data)[^"]*"[^{}]*"hex":"[0-9a-f]*73336372/;
      const named = readable.test(shown);
      if (!named) expect(shown).not.toContain(secretHex);
    }),
    { numRuns: 500 },
  );
});
