import { expect, test } from "bun:test";
import fc from "fast-check";
import pc from "picocolors";
import { type PacketTree, packetTree, packetTreeText } from "../../../src/inspect/packet/packet.ts";
import { type Bytes, connect, publish, text } from "../../wire/frames.ts";

function read(bytes: Bytes): PacketTree[] {
  return packetTree(Uint8Array.from(bytes), { protocol: "auto", skips: true });
}

/** Type and offset of each. */
function shape(trees: readonly PacketTree[]): [string, number][] {
  return trees.map(({ type, offset }) => [type, offset]);
}

const readings = Array.from({ length: 200 }, (_, at) =>
  publish(4, { first: 0x32, packetId: at + 1, topic: `plant/line-${at}`, payload: `{"v": ${at}}` }),
);

test("a stream that begins in the middle of a packet: one sentence, then the packets", () => {
  const bytes = readings.flat().slice(11);
  const [first, ...rest] = read(bytes);
  const size = (readings[0]?.length ?? 0) - 11;
  expect(first).toMatchObject({ type: "bytes", offset: 0, length: size, violations: [] });
  expect(first?.note).toBe(
    `${size} bytes at offset 0 skipped: the bytes begin in the middle of a packet. ` +
      `The next packets that fit begin at offset ${size}.`,
  );
  expect(rest).toHaveLength(199);
  expect(rest.every(({ type, violations }) => type === "PUBLISH" && violations.length === 0)).toBe(
    true,
  );
  // Without skipping, each wrong boundary is a violation.
  const naive = packetTree(Uint8Array.from(bytes), { protocol: "auto" });
  expect(naive.flatMap(({ violations }) => violations).length).toBeGreaterThan(3);
});

test("wherever a stream is cut, the packets behind the cut are found", () => {
  const all = readings.flat();
  const starts = new Set<number>();
  let at = 0;
  for (const one of readings) {
    starts.add(at);
    at += one.length;
  }
  fc.assert(
    fc.property(fc.nat(all.length - 200), (cut) => {
      const trees = read(all.slice(cut));
      const found = trees.filter(({ type }) => type === "PUBLISH");
      // A wrong length may end where a packet does; then the bytes before that are one broken packet.
      const [first] = trees;
      const isWrong = first?.note === undefined && !starts.has(cut);
      const wrong = isWrong ? first : null;
      const left = [...starts].filter((start) => start >= cut + (wrong?.length ?? 0));
      // Its length is a character of a topic or a payload.
      expect(wrong?.length ?? 0).toBeLessThan(130);
      expect(found.map(({ offset }) => offset + cut)).toEqual(expect.arrayContaining(left));
      expect(trees.slice(1).flatMap(({ violations }) => violations)).toEqual([]);
    }),
    { numRuns: 60, examples: [[275], [416], [418]] },
  );
});

test("bytes that are missing in the middle: what is before and behind them is decoded", () => {
  const one = readings[0]?.length ?? 0;
  const all = readings.slice(0, 20).flat();
  const cut = [...all.slice(0, one * 3 + 5), ...all.slice(one * 4 + 9)];
  const trees = read(cut);
  expect(trees.filter(({ note }) => note !== undefined)).toHaveLength(1);
  expect(trees.filter(({ type }) => type === "PUBLISH").length).toBe(18);
});

test("a CONNECT behind other bytes is found by itself", () => {
  const trees = read([0xff, 0x00, 0x13, ...connect(4)]);
  expect(shape(trees)).toEqual([
    ["bytes", 0],
    ["CONNECT", 3],
  ]);
});

test("a packet with violations is decoded where its length is right", () => {
  const wrong = publish(4, { topic: "#" });
  for (const bytes of [
    wrong,
    [...wrong, 0xc0, 0, 0xe0, 0],
    [...connect(4), ...wrong, ...readings.flat()],
    [...wrong, ...publish(4, { topic: "+" })],
    // A length that is one too small, in front of nothing that fits.
    connect(4, { flags: 0xc2, rest: [text("me"), text("x".repeat(200))] }).with(2, 1),
    [0x10, 0x15, ...connect(4, { flags: 0xc2, rest: [text("b"), text("secret")] }).slice(2)],
  ]) {
    expect(read(bytes)).toEqual(packetTree(Uint8Array.from(bytes), { protocol: "auto" }));
  }
});

test("bytes that are no MQTT: one sentence instead of hundreds of violations", () => {
  const noise = Array.from({ length: 3000 }, (_, at) => (at * 7919 + (at >> 3) * 31) & 0xff);
  const trees = read(noise);
  expect(trees.at(-1)?.note).toContain("not decoded: nowhere in them do 3 packets fit in a row");
  expect(trees.flatMap(({ violations }) => violations).length).toBeLessThan(20);
  const text = packetTreeText(trees, { columns: 40, colors: pc.createColors(false) });
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(40);
});

test("a search in bytes made to be slow ends", () => {
  // Each offset begins a PUBLISH of 64 KiB with a topic of 2 bytes, and no packet behind it is right.
  const bytes = Uint8Array.from(
    { length: 1024 * 1024 },
    (_, at) => [0x30, 0xff, 0xff, 0x03, 0, 2][at % 6] ?? 0,
  );
  const trees = packetTree(bytes, { protocol: "auto", skips: true });
  expect(trees.reduce((sum, tree) => sum + tree.length, 0)).toBe(bytes.length);
});

test("a run of packets that all break rules takes time in proportion to its length", () => {
  // A SUBSCRIBE without a packet id: its first two bytes are right, so the run goes on. Quadratic time would take minutes.
  const trees = read(Array.from({ length: 8000 }, () => [0x82, 0]).flat());
  expect(trees).toHaveLength(8000);
  expect(trees.every(({ type, length }) => type === "SUBSCRIBE" && length === 2)).toBe(true);
});
