import { expect, test } from "bun:test";
import { ClientMachine, type ClientEvent } from "../../src/client/machine.ts";

/**
 * `simulate-drop` accepts any broker as its target: whatever that sends is an event, never an
 * exception.
 */

const puback = [0x40, 2, 0, 1];

function events(version: 3 | 4 | 5, ...chunks: readonly (readonly number[])[]): ClientEvent[] {
  const machine = new ClientMachine(version);
  return chunks.flatMap((chunk) => [...machine.receive(Uint8Array.from(chunk)).events]);
}

test("a PUBLISH without a Packet Identifier is not answered", () => {
  const machine = new ClientMachine(4);
  // The body ends after the topic.
  const turn = machine.receive(Uint8Array.of(0x32, 3, 0, 1, 0x74));
  expect(turn).toEqual({
    events: [{ event: "malformed", detail: "PUBLISH without a Packet Identifier" }],
    answers: [],
  });
});

test("a Packet Identifier of 0 is not answered", () => {
  expect(events(4, [0x62, 2, 0, 0])).toEqual([
    { event: "malformed", detail: "PUBREL without a Packet Identifier" },
  ]);
  expect(events(5, [0x40, 2, 0, 0])).toEqual([
    { event: "malformed", detail: "PUBACK without a Packet Identifier" },
  ]);
});

test("bytes that are no MQTT end the reading, even in the same chunk", () => {
  const subscribe = [0x82, 6, 0, 1, 0, 1, 0x74, 0];
  const refused = { event: "malformed", detail: "a broker does not send SUBSCRIBE" } as const;
  expect(events(4, [...subscribe, ...puback])).toEqual([refused]);
  expect(events(4, subscribe, puback)).toEqual([refused]);
});

test("a Remaining Length without end", () => {
  expect(events(5, [0x30, 0xff, 0xff], [0xff, 0xff, 0x01])).toEqual([
    { event: "malformed", detail: "Remaining Length takes more than four bytes" },
  ]);
});

test("packets that arrive byte by byte, or many at once, are the same packets", () => {
  const publish = [0x30, 6, 0, 1, 0x74, 0x78, 0x79, 0x7a];
  const bytes = [...puback, ...publish, ...puback];
  const atOnce = events(4, bytes);
  expect(atOnce.map(({ event }) => event)).toEqual(["published", "message", "published"]);
  expect(events(4, ...bytes.map((byte) => [byte]))).toEqual(atOnce);
});

test("memory follows the received bytes, not the announced length", () => {
  const machine = new ClientMachine(4);
  const payload = 100_000;
  const length = [(payload & 0x7f) | 0x80, ((payload >> 7) & 0x7f) | 0x80, payload >> 14];
  machine.receive(Uint8Array.from([0x30, ...length, 0, 1, 0x74]));
  const left = payload - 3;
  for (let at = 0; at < left - 1; at++) machine.receive(Uint8Array.of(0x78));
  const { events } = machine.receive(Uint8Array.of(0x78));
  expect(events).toMatchObject([{ event: "message", packet: { topic: "t" } }]);
});

/** A PUBLISH header that announces so many bytes in all. */
function header(bytes: number): number[] {
  const remaining = bytes - 4;
  return [0x30, (remaining & 0x7f) | 0x80, ((remaining >> 7) & 0x7f) | 0x80, remaining >> 14];
}

test("a packet announced as too large is refused by its header", () => {
  const limits = { packetBytes: 100_000, packets: Infinity };
  const machine = new ClientMachine(4, new Set(), limits);
  expect(machine.receive(Uint8Array.from(header(100_001))).events).toEqual([
    {
      event: "malformed",
      detail: "it announced a packet of 97.7 KiB, and the limit is 97.7 KiB",
    },
  ]);
  const other = new ClientMachine(4, new Set(), limits);
  const whole = new Uint8Array(100_000);
  whole.set([...header(100_000), 0, 1, 0x74]);
  expect(other.receive(whole).events).toMatchObject([{ event: "message" }]);
});

test("unrequested packets are no answers", () => {
  const machine = new ClientMachine(4, new Set(), { packetBytes: Infinity, packets: 3 });
  const pong = Uint8Array.of(0xd0, 0);
  for (let pings = 0; pings < 100; pings++) {
    machine.expectReply();
    expect(machine.receive(pong).events).toEqual([{ event: "pingresp" }]);
  }
  const more = [pong, pong, pong].flatMap((bytes) => machine.receive(bytes).events);
  expect(more.at(-1)).toEqual({
    event: "malformed",
    detail: "4 unsolicited packets",
  });
  expect(machine.receive(pong).events).toEqual([]);
});
