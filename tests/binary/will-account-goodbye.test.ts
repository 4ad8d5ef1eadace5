import { afterAll, beforeAll, expect, test } from "bun:test";
import { mosquittoSubMissing, rowLimitMs, WillAccounts } from "../support/will-account.ts";

// DISCONNECT in each of its forms: the log's lines about the will, and `mqttd inspect explain`.

let accounts: WillAccounts;
beforeAll(async () => {
  accounts = await WillAccounts.start();
}, rowLimitMs);
afterAll(async () => {
  await accounts[Symbol.asyncDispose]();
});

const withMosquitto = mosquittoSubMissing === null ? "" : ` (skipped: ${mosquittoSubMissing})`;

test(
  "a clean DISCONNECT of MQTT 3.1.1",
  async () => {
    const client = await accounts.mqttjs("bye-4", { protocolVersion: 4 });
    await client.mqtt.endAsync();
    await accounts.ended("bye-4");
    expect(await accounts.account("bye-4")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as bye-4 (p2, c1, k30), will on wills/bye-4 (q0)
    Client bye-4 disconnected: DISCONNECT (silent <measured>, allowed 45.0 s) · will on wills/bye-4 discarded
    Warning: bye-4 <cleanDisconnect> {"topic":"wills/bye-4","listeners":1}

    The will of bye-4 did not fire: bye-4 sent a clean DISCONNECT, which discards
    the will. [v4-3.14.4-3]

    Advice: cleanDisconnect"
  `);
  },
  rowLimitMs,
);

test(
  "a clean DISCONNECT of MQTT 5.0",
  async () => {
    const client = await accounts.mqttjs("bye-5");
    await client.mqtt.endAsync();
    await accounts.ended("bye-5");
    expect(await accounts.account("bye-5")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as bye-5 (p5, c1, k30), will on wills/bye-5 (q0)
    Client bye-5 disconnected: DISCONNECT (silent <measured>, allowed 45.0 s) · will on wills/bye-5 discarded
    Warning: bye-5 <cleanDisconnect> {"topic":"wills/bye-5","listeners":1}

    The will of bye-5 did not fire: bye-5 sent a clean DISCONNECT, which discards
    the will. [v5-3.14.4-3]

    Advice: cleanDisconnect"
  `);
  },
  rowLimitMs,
);

test.skipIf(mosquittoSubMissing !== null)(
  `mosquitto_sub of MQTT 3.1.1 is stopped by Ctrl-C${withMosquitto}`,
  async () => {
    await using sub = await accounts.mosquitto("ctrl-c-4", ["-V", "mqttv311"]);
    sub.signal("SIGINT");
    await accounts.ended("ctrl-c-4");
    expect(await accounts.account("ctrl-c-4")).toMatchInlineSnapshot(`
      "New client connected from 127.0.0.1:<port> as ctrl-c-4 (p2, c1, k30), will on wills/ctrl-c-4 (q0)
      Client ctrl-c-4 disconnected: DISCONNECT (silent <measured>, allowed 45.0 s) · will on wills/ctrl-c-4 discarded
      Warning: ctrl-c-4 <cleanDisconnect> {"topic":"wills/ctrl-c-4","listeners":1}

      The will of ctrl-c-4 did not fire: ctrl-c-4 sent a clean DISCONNECT, which
      discards the will. [v4-3.14.4-3]

      Advice: cleanDisconnect"
    `);
  },
  rowLimitMs,
);

test.skipIf(mosquittoSubMissing !== null)(
  `mosquitto_sub of MQTT 5.0 is stopped by Ctrl-C: 0x04${withMosquitto}`,
  async () => {
    await using sub = await accounts.mosquitto("ctrl-c-5", ["-V", "mqttv5"]);
    sub.signal("SIGINT");
    await accounts.ended("ctrl-c-5");
    expect(await accounts.account("ctrl-c-5")).toMatchInlineSnapshot(`
      "New client connected from 127.0.0.1:<port> as ctrl-c-5 (p5, c1, k30), will on wills/ctrl-c-5 (q0)
      Client ctrl-c-5 disconnected: DISCONNECT with will (silent <measured>, allowed 45.0 s) · will published to 1 on wills/ctrl-c-5

      The will of ctrl-c-5 fired at once, because ctrl-c-5 sent DISCONNECT with reason
      code 0x04, which asks for the will. 1 subscriber got it. [v5-3.1.2-8]

      Advice: none"
    `);
  },
  rowLimitMs,
);

test(
  "DISCONNECT 0x80, with a Reason String",
  async () => {
    const client = await accounts.mqttjs("fire-80");
    const properties = { reasonString: "fan is on fire" };
    await client.mqtt.endAsync(false, { reasonCode: 0x80, properties });
    await accounts.ended("fire-80");
    expect(await accounts.account("fire-80")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as fire-80 (p5, c1, k30), will on wills/fire-80 (q0)
    Client fire-80 disconnected: DISCONNECT with an error (unspecified error (0x80): fan is on fire, silent <measured>, allowed 45.0 s) · will published to 1 on wills/fire-80

    The will of fire-80 fired at once, because fire-80 sent DISCONNECT with an
    error: unspecified error (0x80): fan is on fire. 1 subscriber got it.
    [v5-3.1.2-8]

    Advice: none"
  `);
  },
  rowLimitMs,
);

test(
  "DISCONNECT with another reason code",
  async () => {
    const client = await accounts.mqttjs("moved-98");
    await client.mqtt.endAsync(false, { reasonCode: 0x98 });
    await accounts.ended("moved-98");
    expect(await accounts.account("moved-98")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as moved-98 (p5, c1, k30), will on wills/moved-98 (q0)
    Client moved-98 disconnected: DISCONNECT with an error (administrative action (0x98), silent <measured>, allowed 45.0 s) · will published to 1 on wills/moved-98

    The will of moved-98 fired at once, because moved-98 sent DISCONNECT with an
    error: administrative action (0x98). 1 subscriber got it. [v5-3.1.2-8]

    Advice: none"
  `);
  },
  rowLimitMs,
);

test(
  "DISCONNECT with flags that it may not have",
  async () => {
    using client = await accounts.raw("bad-flags");
    client.sendBytes(Uint8Array.of(0xe1, 0x00));
    await accounts.ended("bad-flags");
    expect(await accounts.account("bad-flags")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as bad-flags (p5, c1, k30), will on wills/bad-flags (q0)
    Client bad-flags disconnected: malformed packet (reserved flags of DISCONNECT are wrong [v5-3.14.1-1], silent <measured>, allowed 45.0 s) · will published to 1 on wills/bad-flags

    The will of bad-flags fired at once, because bad-flags sent a malformed packet:
    reserved flags of DISCONNECT are wrong. 1 subscriber got it. [v5-3.1.2-8]

    Advice: brokenRule"
  `);
  },
  rowLimitMs,
);

test(
  "DISCONNECT of MQTT 3.1.1 with a payload",
  async () => {
    using client = await accounts.raw("bad-length", { protocolVersion: 4 });
    client.sendBytes(Uint8Array.of(0xe0, 0x01, 0x00));
    await accounts.ended("bad-length");
    expect(await accounts.account("bad-length")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as bad-length (p2, c1, k30), will on wills/bad-length (q0)
    Client bad-length disconnected: malformed packet (bytes after the packet's last field [v4-2.2.3], silent <measured>, allowed 45.0 s) · will published to 1 on wills/bad-length

    The will of bad-length fired at once, because bad-length sent a malformed
    packet: bytes after the packet's last field. 1 subscriber got it. [v4-3.1.2-8]

    Advice: brokenRule"
  `);
  },
  rowLimitMs,
);

test(
  "DISCONNECT that raises a Session Expiry Interval of 0",
  async () => {
    using client = await accounts.raw("raised-expiry");
    client.send({ cmd: "disconnect", reasonCode: 0, properties: { sessionExpiryInterval: 60 } });
    await accounts.ended("raised-expiry");
    expect(await accounts.account("raised-expiry")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as raised-expiry (p5, c1, k30), will on wills/raised-expiry (q0)
    Client raised-expiry disconnected: protocol error (DISCONNECT raises a Session Expiry Interval of 0 [v5-3.14.2.2.2], silent <measured>, allowed 45.0 s) · will published to 1 on wills/raised-expiry

    The will of raised-expiry fired at once, because raised-expiry broke a rule of
    MQTT: DISCONNECT raises a Session Expiry Interval of 0. 1 subscriber got it.
    [v5-3.1.2-8]

    Advice: brokenRule"
  `);
  },
  rowLimitMs,
);

test(
  "a broker that loses such wills on purpose says so",
  async () => {
    await using like = await WillAccounts.start({ args: ["--like", "mosquitto-2.0"] });
    const client = await like.mqttjs("lost-80");
    await client.mqtt.endAsync(false, { reasonCode: 0x80 });
    await like.ended("lost-80");
    expect(await like.account("lost-80")).toMatchInlineSnapshot(`
      "[like mosquitto-2.0] New client connected from 127.0.0.1:<port> as lost-80 (p5, c1, k30), will on wills/lost-80 (q0)
      [like mosquitto-2.0] Warning: Client lost-80 disconnected: DISCONNECT with an error (unspecified error (0x80), silent <measured>, allowed 45.0 s) · will on wills/lost-80 discarded (lost on purpose)

      This broker misbehaves on purpose (--like mosquitto-2.0): checks keepalives
      every 6 s; a takeover, a DISCONNECT from 0x80 and a protocol error lose the
      will; newer delayed wills hold up older ones. What it did here is not
      necessarily what the standard asks for.

      The will of lost-80 did not fire: lost-80 sent DISCONNECT with an error:
      unspecified error (0x80), and this broker loses it then on purpose, since it was
      started to misbehave.

      Advice: onPurpose"
    `);
  },
  rowLimitMs,
);
