import { expect, test } from "bun:test";
import { Memory } from "../../src/core/memory.ts";
import { PacketReader } from "../../src/wire/reader.ts";
import { UnfinishedBytes } from "../../src/wire/unfinished.ts";
import { connect, drain, publish } from "./frames.ts";

function reading(memory: Memory, names: readonly string[]): PacketReader {
  const reader = new PacketReader({ packetSize: 1000, unfinished: new UnfinishedBytes(1, memory) });
  reader.feed(Uint8Array.from(connect(5)));
  for (const topic of names) reader.feed(Uint8Array.from(publish(5, { topic })));
  const read = drain(reader).filter(({ type }) => type === "publish");
  expect(read.map((packet) => "topic" in packet && packet.topic)).toEqual([...names]);
  return reader;
}

const many = Array.from({ length: 500 }, (_, at) => `plant/line-${at}/state`);

test("remembered Topic Names count as long as the connection lasts", () => {
  const memory = new Memory();
  const one = reading(memory, ["a", "a"]);
  const ofOne = memory.unfinished.bytes;
  expect(ofOne).toBeGreaterThan(100);
  expect(one.namesMemory).toBe(ofOne);
  const all = reading(memory, [...many, ...many]);
  expect(all.namesMemory).toBe(memory.unfinished.bytes - ofOne);
  expect(all.namesMemory).toBeGreaterThan(30 * ofOne);
  expect(all.namesMemory).toBeLessThan(64 * 2 * ofOne);
  one.discard();
  all.discard();
  expect(memory.unfinished.bytes).toBe(0);
});

test("no further name is remembered once memory is short", () => {
  const memory = new Memory();
  memory.limit = 1000;
  memory.sessions.take(900);
  memory.update();
  reading(memory, many);
  expect(memory.unfinished.bytes).toBe(0);
});
