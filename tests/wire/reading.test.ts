import { expect, test } from "bun:test";
import fc from "fast-check";
import type { ClientPacket } from "../../src/core/packet.ts";
import { PacketReader, type WireViolation } from "../../src/wire/reader.ts";
import { connected } from "./frames.ts";
import {
  bytes,
  encoded,
  filter,
  packetId,
  parsed,
  publishProperties,
  qos,
  seconds,
  string,
  topic,
  userProperties,
  version,
} from "./values.ts";

/** The reader decodes mqtt-packet's output to the same values. */

function one(reader: PacketReader, frame: Uint8Array): ClientPacket | WireViolation | null {
  reader.feed(frame);
  return reader.next();
}

/** Property bytes decoded by the oracle: as those of a PUBLISH with nothing else in it. */
function propertiesOf(block: Uint8Array | null): unknown {
  if (block === null) return undefined;
  const size =
    block.length < 128 ? [block.length] : [(block.length & 127) | 128, block.length >> 7];
  const body = [0, 1, 0x61, ...size, ...block];
  const whole = body.length < 128 ? [body.length] : [(body.length & 127) | 128, body.length >> 7];
  const packet = parsed(Uint8Array.from([0x30, ...whole, ...body]), 5);
  return packet.cmd === "publish" ? { ...packet.properties } : null;
}

test("PUBLISH", () => {
  const fields = fc.record({ topic, payload: bytes, qos, retain: fc.boolean(), dup: fc.boolean() });
  fc.assert(
    fc.property(version, fields, packetId, publishProperties, (v, fields, id, properties) => {
      const dup = fields.dup && fields.qos > 0;
      const packet = { cmd: "publish", ...fields, dup, messageId: id, properties } as const;
      const frame = encoded(packet, v);
      const { topicAlias, messageExpiryInterval, ...forwarded } = v === 5 ? properties : {};
      const read = one(connected(v), frame);
      if (read?.type !== "publish") throw new Error(JSON.stringify(read));
      const { payload, properties: block, frame: where, ...rest } = read;
      expect(rest).toEqual({
        type: "publish",
        topic: fields.topic,
        qos: fields.qos,
        retain: fields.retain,
        dup,
        packetId: fields.qos === 0 ? 0 : id,
        expirySeconds: messageExpiryInterval ?? null,
        topicAlias: topicAlias ?? 0,
      });
      expect(Buffer.from(payload).equals(fields.payload)).toBeTrue();
      expect(where).toEqual({ bytes: frame, start: 0, end: frame.length, version: v });
      const wanted = parsed(encoded({ ...packet, properties: forwarded }, v), v);
      expect(propertiesOf(block)).toEqual(
        wanted.cmd === "publish" && wanted.properties !== undefined
          ? { ...wanted.properties }
          : undefined,
      );
    }),
    { numRuns: 400 },
  );
});

test("PUBACK, PUBREC, PUBREL and PUBCOMP", () => {
  const name = fc.constantFrom("puback", "pubrec", "pubrel", "pubcomp");
  const properties = fc.record({ reasonString: string, userProperties }, { requiredKeys: [] });
  fc.assert(
    fc.property(version, name, packetId, fc.boolean(), properties, (v, cmd, id, bad, more) => {
      const failure = cmd === "puback" || cmd === "pubrec" ? 0x87 : 0x92;
      const reasonCode = bad ? failure : 0;
      const frame = encoded({ cmd, messageId: id, reasonCode, properties: more }, v);
      expect<unknown>(one(connected(v), frame)).toEqual({
        type: cmd,
        packetId: id,
        reason: v === 5 ? reasonCode : 0,
      });
    }),
    { numRuns: 300 },
  );
});

test("CONNECT", () => {
  const properties = fc.record(
    {
      sessionExpiryInterval: seconds,
      receiveMaximum: packetId,
      maximumPacketSize: fc.integer({ min: 1, max: 0xffff_ffff }),
      topicAliasMaximum: fc.integer({ min: 0, max: 0xffff }),
      requestResponseInformation: fc.boolean(),
      requestProblemInformation: fc.boolean(),
      authenticationMethod: string,
      userProperties,
    },
    { requiredKeys: [] },
  );
  const will = fc.record({ topic, payload: bytes, qos, retain: fc.boolean() });
  const willProperties = fc.record(
    {
      willDelayInterval: seconds,
      messageExpiryInterval: seconds,
      contentType: string,
      responseTopic: topic,
      correlationData: bytes,
      userProperties,
    },
    { requiredKeys: [] },
  );
  const parts = fc.record({
    clientId: string.filter((value) => value !== ""),
    clean: fc.boolean(),
    keepalive: fc.integer({ min: 0, max: 0xffff }),
    username: fc.option(string),
    password: fc.option(bytes),
    will: fc.option(will),
  });
  fc.assert(
    fc.property(version, parts, properties, willProperties, (v, parts, properties, ofWill) => {
      const { will, username, password, ...fields } = parts;
      const named = username !== null;
      const frame = encoded(
        {
          cmd: "connect",
          protocolVersion: v,
          protocolId: v === 3 ? "MQIsdp" : "MQTT",
          ...fields,
          ...(named ? { username } : {}),
          ...(named && password !== null ? { password } : {}),
          ...(will === null ? {} : { will: { ...will, properties: ofWill } }),
          properties,
        },
        v,
      );
      const read = one(new PacketReader({ packetSize: Infinity }), frame);
      // Overwritten, so that any reference into it shows.
      frame.fill(0xff);
      if (read?.type !== "connect") throw new Error(JSON.stringify(read));
      const given = v === 5 ? properties : {};
      const { willDelayInterval, messageExpiryInterval, ...forwarded } = v === 5 ? ofWill : {};
      expect({ ...read, password: null, will: null }).toEqual({
        type: "connect",
        version: v,
        bridge: false,
        clientId: fields.clientId,
        cleanStart: fields.clean,
        keepAliveSeconds: fields.keepalive,
        username: named ? username : null,
        password: null,
        will: null,
        sessionExpiryInterval: given.sessionExpiryInterval ?? null,
        receiveMaximum: given.receiveMaximum ?? 65_535,
        maximumPacketSize: given.maximumPacketSize ?? null,
        topicAliasMaximum: given.topicAliasMaximum ?? 0,
        requestProblemInformation: given.requestProblemInformation ?? true,
        authenticationMethod: given.authenticationMethod ?? null,
      });
      const secret = named && password !== null ? new Uint8Array(password) : null;
      expect(read.password).toEqual(secret);
      if (will === null) return expect(read.will).toBeNull();
      expect({ ...read.will, properties: null }).toEqual({
        topic: will.topic,
        payload: new Uint8Array(will.payload),
        qos: will.qos,
        retain: will.retain,
        delayIntervalSeconds: willDelayInterval ?? 0,
        expirySeconds: messageExpiryInterval ?? null,
        properties: null,
      });
      const wanted = parsed(
        encoded(
          { ...will, cmd: "publish", qos: 0, dup: false, payload: "", properties: forwarded },
          5,
        ),
        5,
      );
      expect(propertiesOf(read.will?.properties ?? null)).toEqual(
        wanted.cmd === "publish" && wanted.properties !== undefined
          ? { ...wanted.properties }
          : undefined,
      );
    }),
    { numRuns: 300 },
  );
});

test("the kept parts of a CONNECT have their own memory, and no more than necessary", () => {
  const reader = new PacketReader({ packetSize: Infinity });
  const password = Buffer.from("secret");
  const will = { topic: "t", payload: Buffer.from("gone"), qos: 0, retain: false } as const;
  const properties = { contentType: "text/plain" };
  const read = one(
    reader,
    encoded(
      {
        cmd: "connect",
        protocolVersion: 5,
        clientId: "a".repeat(1000),
        username: "me",
        password,
        will: { ...will, properties },
      },
      5,
    ),
  );
  if (read?.type !== "connect") throw new Error(JSON.stringify(read));
  for (const kept of [read.password, read.will?.payload, read.will?.properties]) {
    expect(kept?.constructor).toBe(Uint8Array);
    expect(kept?.buffer.byteLength).toBe(kept?.byteLength ?? -1);
  }
});

test("SUBSCRIBE and UNSUBSCRIBE", () => {
  const subscription = fc.record({
    topic: filter,
    qos,
    nl: fc.boolean(),
    rap: fc.boolean(),
    rh: fc.constantFrom<0 | 1 | 2>(0, 1, 2),
  });
  const identifier = fc.option(fc.integer({ min: 1, max: 0xfff_ffff }));
  fc.assert(
    fc.property(
      version,
      packetId,
      fc.array(subscription, { minLength: 1, maxLength: 6 }),
      identifier,
      userProperties,
      (v, id, subscriptions, identifier, userProperties) => {
        const reader = connected(v);
        const properties = {
          userProperties,
          ...(identifier === null ? {} : { subscriptionIdentifier: identifier }),
        };
        const frame = encoded({ cmd: "subscribe", messageId: id, subscriptions, properties }, v);
        expect(one(reader, frame)).toEqual({
          type: "subscribe",
          packetId: id,
          subscriptionIdentifier: v === 5 ? identifier : null,
          subscriptions: subscriptions.map(({ topic, qos, nl, rap, rh }) => ({
            filter: topic,
            qos,
            noLocal: v === 5 && nl,
            retainAsPublished: v === 5 && rap,
            retainHandling: v === 5 ? rh : 0,
          })),
          undecoded: 0,
        });
        const filters = subscriptions.map(({ topic }) => topic);
        const undo = encoded(
          {
            cmd: "unsubscribe",
            messageId: id,
            unsubscriptions: filters,
            properties: { userProperties },
          },
          v,
        );
        expect(one(reader, undo)).toEqual({ type: "unsubscribe", packetId: id, filters });
      },
    ),
    { numRuns: 300 },
  );
});

test("DISCONNECT", () => {
  const properties = fc.record(
    { sessionExpiryInterval: seconds, reasonString: string, userProperties },
    { requiredKeys: [] },
  );
  const reasonCode = fc.constantFrom(0x00, 0x04, 0x80, 0x93, 0x99);
  fc.assert(
    fc.property(version, reasonCode, properties, (v, reasonCode, properties) => {
      const given = v === 5 ? properties : {};
      expect(one(connected(v), encoded({ cmd: "disconnect", reasonCode, properties }, v))).toEqual({
        type: "disconnect",
        reason: v === 5 ? reasonCode : 0,
        sessionExpiryInterval: given.sessionExpiryInterval ?? null,
        reasonString: given.reasonString ?? null,
      });
    }),
    { numRuns: 200 },
  );
});
