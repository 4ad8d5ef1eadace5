import { afterAll, beforeAll, expect, test } from "bun:test";
import { rowLimitMs, WillAccounts } from "../support/will-account.ts";

// The client breaks a rule: the log's lines about its will, and `mqttd inspect explain`.

let accounts: WillAccounts;
beforeAll(async () => {
  accounts = await WillAccounts.start({
    args: ["--set", "limits.packetSize=1KiB", "--set", "limits.receiveMaximum=1"],
  });
}, rowLimitMs);
afterAll(async () => {
  await accounts[Symbol.asyncDispose]();
});

test(
  "a packet that only a server sends",
  async () => {
    using client = await accounts.raw("pingresp");
    client.sendBytes(Uint8Array.of(0xd0, 0x00));
    await accounts.ended("pingresp");
    expect(await accounts.account("pingresp")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as pingresp (p5, c1, k30), will on wills/pingresp (q0)
    Client pingresp disconnected: protocol error (PINGRESP comes only from a server [v5-2.1.2], silent <measured>, allowed 45.0 s) · will published to 1 on wills/pingresp

    The will of pingresp fired at once, because pingresp broke a rule of MQTT:
    PINGRESP comes only from a server. 1 subscriber got it. [v5-3.1.2-8]

    Advice: brokenRule"
  `);
  },
  rowLimitMs,
);

test(
  "a malformed packet",
  async () => {
    using client = await accounts.raw("qos-3", { protocolVersion: 4 });
    client.sendBytes(Uint8Array.of(0x36, 0x03, 0x00, 0x01, 0x61));
    await accounts.ended("qos-3");
    expect(await accounts.account("qos-3")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as qos-3 (p2, c1, k30), will on wills/qos-3 (q0)
    Client qos-3 disconnected: malformed packet (QoS of a PUBLISH is 3 [v4-3.3.1-4], silent <measured>, allowed 45.0 s) · will published to 1 on wills/qos-3

    The will of qos-3 fired at once, because qos-3 sent a malformed packet: QoS of a
    PUBLISH is 3. 1 subscriber got it. [v4-3.1.2-8]

    Advice: brokenRule"
  `);
  },
  rowLimitMs,
);

test(
  "a second CONNECT",
  async () => {
    using client = await accounts.raw("twice");
    client.send({ cmd: "connect", protocolId: "MQTT", protocolVersion: 5, clientId: "twice" });
    await accounts.ended("twice");
    expect(await accounts.account("twice")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as twice (p5, c1, k30), will on wills/twice (q0)
    Client twice disconnected: protocol error (second CONNECT [v5-3.1.0-2], silent <measured>, allowed 45.0 s) · will published to 1 on wills/twice

    The will of twice fired at once, because twice broke a rule of MQTT: second
    CONNECT. 1 subscriber got it. [v5-3.1.2-8]

    Advice: brokenRule"
  `);
  },
  rowLimitMs,
);

test(
  "a packet above the limit",
  async () => {
    await using client = await accounts.mqttjs("large", { protocolVersion: 4 });
    client.mqtt.publish("data", Buffer.alloc(2048));
    await accounts.ended("large");
    expect(await accounts.account("large")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as large (p2, c1, k30), will on wills/large (q0)
    Client large disconnected: packet too large (a packet of 2057 B, and the maximum is 1024 B (limits.packetSize), silent <measured>, allowed 45.0 s) · will published to 1 on wills/large

    The will of large fired at once, because large sent a packet of 2057 B, and the
    maximum is 1024 B (limits.packetSize). 1 subscriber got it. [v4-3.1.2-8]

    Advice: packetTooLarge"
  `);
  },
  rowLimitMs,
);

test(
  "more unfinished messages than it may send",
  async () => {
    using client = await accounts.raw("hasty");
    client.publish("one", "", { qos: 2 });
    client.publish("two", "", { qos: 2 });
    await accounts.ended("hasty");
    expect(await accounts.account("hasty")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as hasty (p5, c1, k30), will on wills/hasty (q0)
    Client hasty disconnected: quota exceeded (more than 1 unfinished QoS 2 messages (limits.receiveMaximum) [v5-3.3.4-7], silent <measured>, allowed 45.0 s) · will published to 1 on wills/hasty

    The will of hasty fired at once, because hasty sent more than it may: more than
    1 unfinished QoS 2 messages (limits.receiveMaximum). 1 subscriber got it.
    [v5-3.1.2-8]

    Advice: quotaExceeded"
  `);
  },
  rowLimitMs,
);
