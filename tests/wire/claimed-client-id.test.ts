import { describe, expect, test } from "bun:test";
import { PacketReader } from "../../src/wire/reader.ts";
import { connectBytes, connectFlag, willQosFlag } from "../support/connect-bytes.ts";

/** The claims of a refused CONNECT, in one chunk or byte by byte. */
function claimed(bytes: Uint8Array): string | null {
  const [whole, parts] = [[bytes], Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))].map(
    (chunks) => {
      const reader = new PacketReader({ packetSize: 1000 });
      for (const chunk of chunks) reader.feed(chunk);
      const violation = reader.next();
      if (violation?.type !== "violation") throw new Error(`accepted as ${violation?.type}`);
      return violation.clientId;
    },
  );
  expect(parts).toBe(whole ?? null);
  return whole ?? null;
}

const { clean, will } = connectFlag;

describe.each([4, 5] as const)("a refused CONNECT of v%d reports its client id", (version) => {
  test.each([
    ["a wildcard in the will's topic", { willTopic: "a/#" }],
    ["an empty will topic", { willTopic: "" }],
    ["U+0000 in the will's topic", { willTopic: "a\0" }],
    ["Will QoS 3", { flags: clean | will | willQosFlag(3) }],
    ["Will QoS without the Will Flag", { flags: clean | willQosFlag(1), willTopic: null }],
    ["a reserved flag", { flags: clean | will | 0x01 }],
    ["a packet that ends within its will", { flags: clean | will, willTopic: null }],
  ])("that has %s", (_, fields) => {
    expect(claimed(connectBytes({ version, clientId: "dev-42", ...fields }))).toBe("dev-42");
  });
});

test("a CONNECT that is too large is refused by its level, and reports the client id if that has arrived", () => {
  const bytes = connectBytes({ version: 5, clientId: "dev-42", willPayload: "x".repeat(100) });
  const of = (arrived: Uint8Array) => {
    const reader = new PacketReader({ packetSize: 1000, connectSize: 80 });
    reader.feed(arrived);
    return reader.next();
  };
  expect(of(bytes)).toMatchObject({ type: "violation", clientId: "dev-42" });
  expect(of(bytes.subarray(0, 11))).toMatchObject({ type: "violation", clientId: null });
});

test.each([
  ["is empty", connectBytes({ version: 4, clientId: "", willTopic: "#" })],
  ["holds U+0000", connectBytes({ version: 4, clientId: "a\0", willTopic: "#" })],
  ["is behind a property that can't be read", connectBytes({ version: 5, properties: [0x7f] })],
  ["is of another protocol", Uint8Array.of(0x10, 0x07, 0x00, 0x04, 0x4d, 0x51, 0x54, 0x54, 9)],
])("a client id that %s is none", (_, bytes) => {
  expect(claimed(bytes)).toBeNull();
});
