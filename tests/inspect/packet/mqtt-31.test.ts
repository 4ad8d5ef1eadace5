import { expect, test } from "bun:test";
import pc from "picocolors";
import type { ProtocolVersion } from "../../../src/core/packet.ts";
import { packetTree, packetTreeText } from "../../../src/inspect/packet/packet.ts";
import { type Bytes, connect, frame } from "../../wire/frames.ts";

/** The statements that these bytes violate, and what a person reads. */
function told(bytes: Bytes, protocol: ProtocolVersion | "auto" = "auto"): [string[], string] {
  const trees = packetTree(Uint8Array.from(bytes), { protocol });
  const statements = trees.flatMap(({ violations }) =>
    violations.map(({ statement }) => statement),
  );
  return [statements, packetTreeText(trees, { columns: 100, colors: pc.createColors(false) })];
}

test("MQTT 3.1 requires a client id of 1 to 23 characters", () => {
  const of = (clientId: string): string[] => told(connect(3, { clientId }))[0];
  expect(of("")).toEqual(["v3-3.1"]);
  expect(of("x".repeat(24))).toEqual(["v3-3.1"]);
  expect(of("é".repeat(23))).toEqual([]);
  expect(told(connect(3, { clientId: "x".repeat(24) }))[1]).toContain(
    "! Client Identifier has 24 characters, allowed: 23 [v3-3.1]",
  );
  // Later versions have the broker assign one, and no maximum of 23.
  for (const version of [4, 5] as const) {
    expect(told(connect(version, { clientId: "x".repeat(24) }))[0]).toEqual([]);
    expect(told(connect(version, { clientId: "" }))[0]).toEqual([]);
    expect(told(connect(version, { clientId: "" }))[1]).toContain("the broker assigns one");
  }
});

test("MQTT 3.1 has no code 0x80 in a SUBACK, and no Session Present", () => {
  const suback = frame(0x90, [0, 1], [0x80]);
  expect(told(suback, 3)[0]).toEqual(["v3-3.9"]);
  expect(told(suback, 4)[0]).toEqual([]);
  for (const first of [0, 1, 0xff]) {
    const [statements, text] = told(frame(0x20, [first, 5]), 3);
    expect(statements).toEqual([]);
    expect(text).toContain("Reserved: ");
    expect(text).not.toContain("Session Present");
  }
  expect(told(frame(0x20, [0xff, 5]), 4)[0]).toEqual(["v4-3.2.2-4", "v4-3.2.2-1"]);
});

test("MQTT 3.1 does not use the flags of a CONNACK, SUBACK, UNSUBACK and PINGRESP", () => {
  for (const bytes of [
    frame(0x29, [0, 0]),
    frame(0x99, [0, 1], [0]),
    frame(0xb9, [0, 1]),
    frame(0xd9),
  ]) {
    expect(told(bytes, 3)[0]).toEqual([]);
    expect(told(bytes, 4)[0]).toEqual(["v4-2.2.2-2"]);
  }
});

test("the bridge bit of mosquitto is named", () => {
  for (const [version, level, name] of [
    [3, 0x83, "MQTT 3.1"],
    [4, 0x84, "MQTT 3.1.1"],
  ] as const) {
    const [statements, text] = told(connect(version, { level }));
    expect(statements).toEqual([]);
    expect(text).toContain("1... ....               Bridge: 1 (mosquitto's bit, in no standard)");
    expect(text).toContain(`Level: ${version} (${name})`);
  }
  const [statements, text] = told(connect(5, { level: 0x85 }));
  expect(statements).toContain("v4-3.1.2-2");
  expect(text).toContain("Bridge: 1");
});

test("a packet that is the same in every version is called neither", () => {
  for (const bytes of [[0xe0, 0], [0xc0, 0], [0xd0, 0], frame(0x40, [0, 1])]) {
    expect(told(bytes)[1]).toContain(", the same in MQTT 3.1, 3.1.1 and 5.0\n");
    expect(packetTree(Uint8Array.from(bytes), { protocol: "auto" })[0]?.protocolBy).toBe(
      "fits all",
    );
  }
  // Another packet decides, or the bytes differ by version.
  expect(told([0xe0, 0, 0x90, 3, 0, 1, 0])[1]).toContain("MQTT 3.1.1 (a guess");
  expect(told([...connect(4), 0xe0, 0])[1]).not.toContain("the same in");
  expect(told([0x30, 4, 0, 1, 0x61, 0])[1]).toContain(
    "MQTT 5.0 (a guess: 3.1.1 fits equally well)",
  );
});
