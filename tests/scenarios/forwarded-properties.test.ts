import { expect, test } from "bun:test";
import { World } from "../support/world.ts";

/** The bytes that a v5 subscriber gets for a PUBLISH with these property bytes. */
function forwarded(properties: readonly number[], qos: 0 | 1): number[] {
  const world = new World();
  const client = world.open();
  client.connect({ clientId: "s", protocolVersion: 5 });
  client.subscribe({ topic: "t", qos });
  const source = world.open();
  source.connect({ clientId: "p", protocolVersion: 5 });
  const sent: number[] = [];
  client.write = (bytes, start, end) => {
    sent.push(...bytes.slice(start, end));
    return end - start;
  };
  const id = qos === 0 ? [] : [0, 9];
  const body = [0, 1, 0x74, ...id, properties.length, ...properties, 0x21];
  source.sendBytes(Uint8Array.from([0x30 | (qos << 1), body.length, ...body]));
  expect(sent[1]).toBe(sent.length - 2);
  return sent.slice(2);
}

const pair = (name: string, value: string) => [
  0x26,
  0,
  name.length,
  ...Buffer.from(name),
  0,
  value.length,
  ...Buffer.from(value),
];
const contentType = [0x03, 0, 1, 0x63];
const responseTopic = [0x08, 0, 1, 0x72];
const correlation = [0x09, 0, 2, 0xff, 0x00];
const format = [0x01, 1];
const expiry = [0x02, 0, 0, 0, 60];

test("v5-3.3.2-17, -18, -20: properties arrive as the publisher wrote them, in its order", () => {
  const properties = [
    ...pair("b", "1"),
    ...contentType,
    ...pair("a", "2"),
    ...correlation,
    ...pair("b", "1"),
    ...format,
    ...responseTopic,
    ...pair("", ""),
  ];
  expect(forwarded(properties, 0)).toEqual([0, 1, 0x74, properties.length, ...properties, 0x21]);
  expect(forwarded(properties, 1)).toEqual([
    0,
    1,
    0x74,
    0,
    1,
    properties.length,
    ...properties,
    0x21,
  ]);
});

test("an alias and an expiry among them are removed, and the expiry is rewritten", () => {
  const alias = [0x23, 0, 7];
  const properties = [...pair("b", "1"), ...alias, ...contentType, ...expiry, ...pair("a", "2")];
  const rest = [...expiry, ...pair("b", "1"), ...contentType, ...pair("a", "2")];
  expect(forwarded(properties, 0)).toEqual([0, 1, 0x74, rest.length, ...rest, 0x21]);
});

test("request and response: the responder gets the response topic, and the requester its correlation data", () => {
  const world = new World();
  const requester = world.open();
  const responder = world.open();
  requester.connect({ clientId: "requester", protocolVersion: 5 });
  responder.connect({ clientId: "responder", protocolVersion: 5 });
  requester.subscribe({ topic: "answers/requester", qos: 1 });
  responder.subscribe({ topic: "questions", qos: 1 });
  requester.publish("questions", "6 x 9", {
    qos: 1,
    properties: {
      responseTopic: "answers/requester",
      correlationData: Buffer.from([0, 255, 128]),
    },
  });
  const [question] = responder.take("publish");
  const { responseTopic: topic = "", correlationData = Buffer.alloc(0) } =
    question?.properties ?? {};
  responder.publish(topic, "42", { qos: 1, properties: { correlationData } });
  expect(requester.take("publish")).toMatchObject([
    {
      topic: "answers/requester",
      payload: Buffer.from("42"),
      properties: { correlationData: Buffer.from([0, 255, 128]) },
    },
  ]);
});

test("a v4 subscriber gets no property bytes, and a v5 subscriber of a v4 publisher an empty block", () => {
  const world = new World();
  const sent: number[][] = [];
  for (const protocolVersion of [4, 5] as const) {
    const client = world.open();
    client.connect({ clientId: `s${protocolVersion}`, protocolVersion });
    client.subscribe("t");
    client.write = (bytes, start, end) => {
      sent.push([...bytes.slice(start, end)]);
      return end - start;
    };
  }
  const modern = world.open();
  modern.connect({ clientId: "p5", protocolVersion: 5 });
  modern.publish("t", "!", { properties: { contentType: "c" } });
  const old = world.open();
  old.connect({ clientId: "p4" });
  old.publish("t", "!");
  expect(sent.toSorted((a, b) => a.length - b.length)).toEqual([
    [0x30, 4, 0, 1, 0x74, 0x21],
    [0x30, 4, 0, 1, 0x74, 0x21],
    [0x30, 5, 0, 1, 0x74, 0, 0x21],
    [0x30, 9, 0, 1, 0x74, 4, ...contentType, 0x21],
  ]);
});

test("v5-3.3.2.3.2: a payload that is not UTF-8 although it claims to be ends the connection with 0x99", () => {
  const world = new World();
  const watcher = world.open();
  watcher.connect({ clientId: "w" });
  watcher.subscribe("#");
  const client = world.open();
  client.connect({ clientId: "p", protocolVersion: 5 });
  client.publish("t", Buffer.from([0xc3, 0x28]), { properties: { payloadFormatIndicator: true } });
  expect(client.take("disconnect")).toMatchObject([{ reasonCode: 0x99 }]);
  expect(watcher.messages()).toEqual([]);
});
