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
    Warning: bye-4 sent a clean DISCONNECT, which discarded its will on wills/bye-4: 1 subscriber of that topic received nothing · publish the farewell before DISCONNECT, or send DISCONNECT 0x04 (MQTT 5.0)

    The will of bye-4 did not fire: bye-4 said goodbye with a clean DISCONNECT,
    which discards the will. [v4-3.14.4-3]

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 3.1.1 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
              silence. [v4-3.1.2-24]
      <time>  With Clean Session 1 it began a new session, which ends with the
              connection. [v4-3.1.2-6]
      <time>  It set a will on wills/bye-4 (QoS 0, not retained, 4 bytes).
              [v4-3.1.2-8]
      <time>  The connection ended: it said goodbye with a clean DISCONNECT.
      <time>  The will was discarded. [v4-3.14.4-3]

    What to change
      - 1 subscriber of wills/bye-4 was told nothing. If planned ends are to be
        heard of too, publish the farewell before DISCONNECT (only MQTT 5.0 has a
        DISCONNECT that keeps the will). To try the will, kill the program
        (SIGKILL): with Ctrl-C many send DISCONNECT, as mosquitto_sub does.
        [v4-3.14.4-3]

    What a statement says: mqttd rule v4-3.14.4-3"
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
    Warning: bye-5 sent a clean DISCONNECT, which discarded its will on wills/bye-5: 1 subscriber of that topic received nothing · publish the farewell before DISCONNECT, or send DISCONNECT 0x04 (MQTT 5.0)

    The will of bye-5 did not fire: bye-5 said goodbye with a clean DISCONNECT,
    which discards the will. [v5-3.14.4-3]

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
              silence. [v5-3.1.2-22]
      <time>  With Clean Start 1 it began a new session, which ends with the
              connection. [v5-3.1.2-4]
      <time>  It set a will on wills/bye-5 (QoS 0, not retained, 4 bytes, no delay).
              [v5-3.1.2-7]
      <time>  The connection ended: it said goodbye with a clean DISCONNECT.
      <time>  The will was discarded. [v5-3.14.4-3]

    What to change
      - 1 subscriber of wills/bye-5 was told nothing. If planned ends are to be
        heard of too, publish the farewell before DISCONNECT, or send DISCONNECT
        with reason code 0x04. To try the will, kill the program (SIGKILL).
        [v5-3.14.4-3]

    What a statement says: mqttd rule v5-3.14.4-3"
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
      Warning: ctrl-c-4 sent a clean DISCONNECT, which discarded its will on wills/ctrl-c-4: 1 subscriber of that topic received nothing · publish the farewell before DISCONNECT, or send DISCONNECT 0x04 (MQTT 5.0)

      The will of ctrl-c-4 did not fire: ctrl-c-4 said goodbye with a clean
      DISCONNECT, which discards the will. [v4-3.14.4-3]

      What happened
        <time>  It connected from 127.0.0.1:<port> with MQTT 3.1.1 (listener: tcp
                localhost:0).
        <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
                silence. [v4-3.1.2-24]
        <time>  With Clean Session 1 it began a new session, which ends with the
                connection. [v4-3.1.2-6]
        <time>  It set a will on wills/ctrl-c-4 (QoS 0, not retained, 4 bytes).
                [v4-3.1.2-8]
        <time>  The connection ended: it said goodbye with a clean DISCONNECT.
        <time>  The will was discarded. [v4-3.14.4-3]

      What to change
        - 1 subscriber of wills/ctrl-c-4 was told nothing. If planned ends are to be
          heard of too, publish the farewell before DISCONNECT (only MQTT 5.0 has a
          DISCONNECT that keeps the will). To try the will, kill the program
          (SIGKILL): with Ctrl-C many send DISCONNECT, as mosquitto_sub does.
          [v4-3.14.4-3]

      What a statement says: mqttd rule v4-3.14.4-3"
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

      What happened
        <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
                localhost:0).
        <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
                silence. [v5-3.1.2-22]
        <time>  With Clean Start 1 it began a new session, which ends with the
                connection. [v5-3.1.2-4]
        <time>  It set a will on wills/ctrl-c-5 (QoS 0, not retained, 4 bytes, no
                delay). [v5-3.1.2-7]
        <time>  The connection ended: it sent DISCONNECT with reason code 0x04, which
                asks for the will.
        <time>  The will was published on wills/ctrl-c-5, <lateness>. 1 subscriber got
                it. [v5-3.1.2-8]

      What a statement says: mqttd rule v5-3.1.2-8"
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

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
              silence. [v5-3.1.2-22]
      <time>  With Clean Start 1 it began a new session, which ends with the
              connection. [v5-3.1.2-4]
      <time>  It set a will on wills/fire-80 (QoS 0, not retained, 4 bytes, no
              delay). [v5-3.1.2-7]
      <time>  The connection ended: it sent DISCONNECT with an error: unspecified
              error (0x80): fan is on fire.
      <time>  The will was published on wills/fire-80, <lateness>. 1 subscriber got
              it. [v5-3.1.2-8]

    What a statement says: mqttd rule v5-3.1.2-8"
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

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
              silence. [v5-3.1.2-22]
      <time>  With Clean Start 1 it began a new session, which ends with the
              connection. [v5-3.1.2-4]
      <time>  It set a will on wills/moved-98 (QoS 0, not retained, 4 bytes, no
              delay). [v5-3.1.2-7]
      <time>  The connection ended: it sent DISCONNECT with an error: administrative
              action (0x98).
      <time>  The will was published on wills/moved-98, <lateness>. 1 subscriber got
              it. [v5-3.1.2-8]

    What a statement says: mqttd rule v5-3.1.2-8"
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

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
              silence. [v5-3.1.2-22]
      <time>  With Clean Start 1 it began a new session, which ends with the
              connection. [v5-3.1.2-4]
      <time>  It set a will on wills/bad-flags (QoS 0, not retained, 4 bytes, no
              delay). [v5-3.1.2-7]
      <time>  No valid packet came after CONNECT until the end, <measured> later.
      <time>  The connection ended: it sent a malformed packet: reserved flags of
              DISCONNECT are wrong. [v5-3.14.1-1]
      <time>  The will was published on wills/bad-flags, <lateness>. 1 subscriber
              got it. [v5-3.1.2-8]

    What to change
      - That is a fault of its program or of its MQTT library, and each such packet
        costs it its connection. \`mqttd serve --verbose\` logs every packet before
        it; \`mqttd inspect packet HEX\` says what is wrong with its bytes.
        [v5-3.14.1-1]

    What a statement says: mqttd rule v5-3.1.2-8"
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

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 3.1.1 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
              silence. [v4-3.1.2-24]
      <time>  With Clean Session 1 it began a new session, which ends with the
              connection. [v4-3.1.2-6]
      <time>  It set a will on wills/bad-length (QoS 0, not retained, 4 bytes).
              [v4-3.1.2-8]
      <time>  No valid packet came after CONNECT until the end, <measured> later.
      <time>  The connection ended: it sent a malformed packet: bytes after the
              packet's last field. [v4-2.2.3]
      <time>  The will was published on wills/bad-length, <lateness>. 1 subscriber
              got it. [v4-3.1.2-8]

    What to change
      - That is a fault of its program or of its MQTT library, and each such packet
        costs it its connection. \`mqttd serve --verbose\` logs every packet before
        it; \`mqttd inspect packet HEX\` says what is wrong with its bytes. [v4-2.2.3]

    What a statement says: mqttd rule v4-3.1.2-8"
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

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
              silence. [v5-3.1.2-22]
      <time>  With Clean Start 1 it began a new session, which ends with the
              connection. [v5-3.1.2-4]
      <time>  It set a will on wills/raised-expiry (QoS 0, not retained, 4 bytes, no
              delay). [v5-3.1.2-7]
      <time>  The connection ended: it broke a rule of MQTT: DISCONNECT raises a
              Session Expiry Interval of 0. [v5-3.14.2.2.2]
      <time>  The will was published on wills/raised-expiry, <lateness>. 1
              subscriber got it. [v5-3.1.2-8]

    What to change
      - That is a fault of its program or of its MQTT library, and each such packet
        costs it its connection. \`mqttd serve --verbose\` logs every packet before
        it; \`mqttd inspect packet HEX\` says what is wrong with its bytes.
        [v5-3.14.2.2.2]

    What a statement says: mqttd rule v5-3.1.2-8"
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

      The will of lost-80 did not fire: lost-80 sent DISCONNECT with an error:
      unspecified error (0x80), and this broker loses it then on purpose, since it was
      started to misbehave.

      What happened
        <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
                localhost:0).
        <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
                silence. [v5-3.1.2-22]
        <time>  With Clean Start 1 it began a new session, which ends with the
                connection. [v5-3.1.2-4]
        <time>  It set a will on wills/lost-80 (QoS 0, not retained, 4 bytes, no
                delay). [v5-3.1.2-7]
        <time>  The connection ended: it sent DISCONNECT with an error: unspecified
                error (0x80).
        <time>  The will was discarded on purpose.

      What to change
        - Start the broker without --like and planted faults to see what the standard
          asks for.

      What a statement says: mqttd rule v5-3.1.2-22"
    `);
  },
  rowLimitMs,
);
