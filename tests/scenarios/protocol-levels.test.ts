import { expect, test } from "bun:test";
import { World } from "../support/world.ts";

/** A CONNECT written by hand: mqtt-packet writes none of an unknown level. */
function connectBytes(name: string, level: number): Uint8Array {
  const properties = level >= 5 && level < 0x80 ? [0] : [];
  const body = [0, name.length, ...Buffer.from(name), level, 2, 0, 0, ...properties, 0, 1, 0x61];
  return Uint8Array.from([0x10, body.length, ...body]);
}

/** The bytes of the broker's answer. */
function answerTo(bytes: Uint8Array): { answer: number[]; closedBy: string | null } {
  const world = new World();
  const client = world.open();
  const answer: number[] = [];
  client.write = (written, start, end) => {
    answer.push(...written.slice(start, end));
    return end - start;
  };
  client.sendBytes(bytes);
  expect(world.broker.view().sessions).toHaveLength(client.closedBy === null ? 1 : 0);
  return { answer, closedBy: client.closedBy };
}

test("v4-3.1.2-2: an unknown level below 5 is answered with CONNACK 0x01, then closed", () => {
  for (const level of [0, 1, 2, 3, 0x83, 0x85]) {
    expect(answerTo(connectBytes("MQTT", level))).toEqual({
      answer: [0x20, 2, 0, 1],
      closedBy: "end",
    });
  }
  for (const level of [4, 0x84]) {
    expect(answerTo(connectBytes("MQIsdp", level)).answer).toEqual([0x20, 2, 0, 1]);
  }
});

test("v5-3.1.2-2: an unknown level above 5 is answered with CONNACK 0x84, then closed", () => {
  for (const level of [6, 7, 0x7f]) {
    const { answer, closedBy } = answerTo(connectBytes("MQTT", level));
    expect(answer[0]).toBe(0x20);
    expect(answer.slice(2, 4)).toEqual([0, 0x84]);
    expect(closedBy).toBe("end");
  }
});

test("v4-3.1.2-1: another protocol name gets no answer at all", () => {
  expect(answerTo(connectBytes("HTTP", 4))).toEqual({ answer: [], closedBy: "end" });
  expect(answerTo(Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"))).toEqual({
    answer: [],
    closedBy: "end",
  });
});

test("levels 3, 4 and 5 are accepted, and bridges of mosquitto", () => {
  expect(answerTo(connectBytes("MQIsdp", 0x83)).answer).toEqual([0x20, 2, 0, 0]);
  expect(answerTo(connectBytes("MQTT", 0x84)).answer).toEqual([0x20, 2, 0, 0]);
  expect(answerTo(connectBytes("MQIsdp", 3))).toEqual({ answer: [0x20, 2, 0, 0], closedBy: null });
  expect(answerTo(connectBytes("MQTT", 4))).toEqual({ answer: [0x20, 2, 0, 0], closedBy: null });
  const { answer, closedBy } = answerTo(connectBytes("MQTT", 5));
  expect(answer.slice(2, 4)).toEqual([0, 0]);
  expect(closedBy).toBeNull();
});
