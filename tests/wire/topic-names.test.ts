import { expect, test } from "bun:test";
import { Reason } from "../../src/core/reason.ts";
import { TopicNames } from "../../src/wire/topics.ts";
import { connected, errorOf, publish } from "./frames.ts";

function topicOf(reader: ReturnType<typeof connected>, topic: string): string {
  reader.feed(Uint8Array.from(publish(4, { topic })));
  const packet = reader.next();
  if (packet?.type !== "publish") throw new Error("no PUBLISH");
  return packet.topic;
}

test("many repeated topics are never confused", () => {
  const reader = connected(4);
  const topics = Array.from({ length: 300 }, (_, index) => `home/${index % 7}/${index}`);
  for (let round = 0; round < 3; round++) {
    for (const topic of topics) {
      expect(topicOf(reader, topic)).toBe(topic);
      expect(topicOf(reader, topic)).toBe(topic);
    }
  }
});

test("topics that differ in one place only, and long ones", () => {
  const reader = connected(4);
  for (const length of [1, 255, 256, 257, 65_535]) {
    const even = "x".repeat(length);
    for (const topic of [even, `y${even.slice(1)}`, `${even.slice(1)}y`, even]) {
      expect(topicOf(reader, topic)).toBe(topic);
    }
  }
});

test("a cached topic does not change with the chunk in which it arrived", () => {
  const names = new TopicNames();
  const chunk = new TextEncoder().encode("a/b");
  expect(names.read(chunk, 0, 3, 4)).toBe("a/b");
  chunk.set([0x63], 2);
  expect(names.read(chunk, 0, 3, 4)).toBe("a/c");
  chunk.set([0x62], 2);
  expect(names.read(chunk, 0, 3, 4)).toBe("a/b");
});

test("a refused topic is refused again", () => {
  const names = new TopicNames();
  const chunk = new TextEncoder().encode("a/#");
  for (let round = 0; round < 2; round++) {
    expect(names.read(chunk, 0, 3, 5)).toMatchObject({ reason: Reason.topicNameInvalid });
  }
  const reader = connected(4);
  expect(topicOf(reader, "a/b")).toBe("a/b");
  reader.feed(Uint8Array.from(publish(4, { topic: "a/+" })));
  const violation = reader.next();
  if (violation === null) throw new Error("nothing");
  expect(errorOf(violation).statement).toBe("v4-3.3.2-2");
});
