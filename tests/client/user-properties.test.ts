import { expect, test } from "bun:test";
import fc from "fast-check";
import { generate } from "mqtt-packet";
import { ClientMachine } from "../../src/client/machine.ts";
import { userPropertiesIn } from "../../src/client/user-properties.ts";

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
};

function variable(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return Buffer.from(bytes);
}

/** A PUBLISH whose properties are these bytes. */
function publish(qos: number, topic: string, properties: Buffer, payload: string): Buffer {
  const id = qos > 0 ? Buffer.from([0, 7]) : Buffer.alloc(0);
  const body = [text(topic), id, variable(properties.length), properties, Buffer.from(payload)];
  const whole = Buffer.concat(body);
  return Buffer.concat([Buffer.from([0x30 | (qos << 1)]), variable(whole.length), whole]);
}

/** Each property of PUBLISH that is none of the user's, with its identifier. */
const others = fc.constantFrom(
  Buffer.from([0x01, 1]),
  Buffer.from([0x02, 0, 0, 0, 60]),
  Buffer.concat([Buffer.from([0x03]), text("text/plain")]),
  Buffer.concat([Buffer.from([0x08]), text("re/x")]),
  Buffer.concat([Buffer.from([0x09]), text("id")]),
  Buffer.from([0x0b, 0x80, 0x01]),
  Buffer.from([0x23, 0, 3]),
);
const pairs = fc.tuple(
  fc.constantFrom("a", "b", "2", "1", "__proto__", "é"),
  fc.string({ maxLength: 9 }),
);

test("User Properties keep their order among all others, for every QoS", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(pairs, others), { maxLength: 40 }),
      fc.nat({ max: 2 }),
      fc.string({ minLength: 1, maxLength: 200 }),
      (items, qos, topic) => {
        const bytes = items.map((item) =>
          Buffer.isBuffer(item)
            ? item
            : Buffer.concat([Buffer.from([0x26]), text(item[0]), text(item[1])]),
        );
        const frame = publish(qos, topic, Buffer.concat(bytes), "payload");
        expect(userPropertiesIn(frame)).toEqual(
          items.flatMap((item) => (Buffer.isBuffer(item) ? [] : [item])),
        );
      },
    ),
  );
});

test("a client's message has them in order; of MQTT 3.1.1 it has none", () => {
  const user = [
    ["b", "1"],
    ["2", "2"],
    ["b", "3"],
    ["1", "4"],
  ] as const;
  const bytes = user.map(([key, value]) =>
    Buffer.concat([Buffer.from([0x26]), text(key), text(value)]),
  );
  const [event] = new ClientMachine(5).receive(publish(0, "t", Buffer.concat(bytes), "x")).events;
  expect(event).toMatchObject({ event: "message", packet: { userProperties: user } });
  const plain = generate({
    ...{ cmd: "publish", topic: "t", payload: "x", qos: 0 },
    dup: false,
    retain: false,
  });
  const [old] = new ClientMachine(4).receive(plain).events;
  expect(old).toMatchObject({ event: "message", packet: { userProperties: [] } });
});

test.each([
  ["a key that ends behind the properties", Buffer.from([0x26, 0, 9, 0x61])],
  ["a key without a value", Buffer.concat([Buffer.from([0x26]), text("a")])],
  ["a value that ends in the payload", Buffer.from([0x26, 0, 1, 0x61, 0, 2, 0x62])],
  ["half the length of a content type", Buffer.from([0x03, 0])],
  ["half an expiry interval", Buffer.from([0x02, 0, 0])],
])("a client gives up on %s, and acknowledges nothing", (_, properties) => {
  const frame = publish(1, "t", properties, "payload");
  expect(userPropertiesIn(frame)).toBeNull();
  const { events, answers } = new ClientMachine(5).receive(frame);
  expect(events).toMatchObject([{ event: "malformed" }]);
  expect(answers).toEqual([]);
});

test("properties that are longer than the packet are malformed", () => {
  const frame = publish(0, "t", Buffer.alloc(0), "");
  frame[frame.length - 1] = 5;
  expect(userPropertiesIn(frame)).toBeNull();
  const { events } = new ClientMachine(5).receive(frame);
  expect(events).toMatchObject([{ event: "malformed" }]);
});
