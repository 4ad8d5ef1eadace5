import { afterAll, beforeAll, expect, test } from "bun:test";
import { SocketClient } from "../support/socket-client.ts";
import { vanish } from "../support/vanish.ts";
import { mosquittoSubMissing, rowLimitMs, WillAccounts } from "../support/will-account.ts";

// The network, or the client's silence, ends the connection: the log's lines about the will, and
// `mqttd inspect explain`.

let accounts: WillAccounts;
beforeAll(async () => {
  accounts = await WillAccounts.start({
    args: [
      ...["--set", "tcp.keepAlive=1s", "--set", "tcp.userTimeout=1s"],
      ...["--set", "limits.stallTimeout=1s", "--set", "limits.outputBytes=64KiB"],
    ],
  });
}, rowLimitMs);
afterAll(async () => {
  await accounts[Symbol.asyncDispose]();
});

const withMosquitto = mosquittoSubMissing === null ? "" : ` (skipped: ${mosquittoSubMissing})`;

test(
  "FIN: the socket is closed without a DISCONNECT",
  async () => {
    const client = await accounts.mqttjs("fin", { protocolVersion: 4 });
    await client.vanish();
    await accounts.ended("fin");
    expect(await accounts.account("fin")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as fin (p2, c1, k30), will on wills/fin (q0)
    Client fin disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published to 1 on wills/fin

    The will of fin fired at once, because fin closed the connection without a
    DISCONNECT (FIN). 1 subscriber got it. [v4-3.1.2-8]

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 3.1.1 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
              silence. [v4-3.1.2-24]
      <time>  With Clean Session 1 it began a new session, which ends with the
              connection. [v4-3.1.2-6]
      <time>  It set a will on wills/fin (QoS 0, not retained, 4 bytes).
              [v4-3.1.2-8]
      <time>  No packet came after CONNECT until the end, <measured> later.
      <time>  The connection ended: it closed the connection without a DISCONNECT
              (FIN).
      <time>  The will was published on wills/fin, <lateness>. 1 subscriber got it.
              [v4-3.1.2-8]

    What a statement says: mqttd rule v4-3.1.2-8"
  `);
  },
  rowLimitMs,
);

test(
  "RST: the connection is reset",
  async () => {
    const client = await accounts.raw("was-reset");
    client.reset();
    await accounts.ended("was-reset");
    expect(await accounts.account("was-reset")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as was-reset (p5, c1, k30), will on wills/was-reset (q0)
    Client was-reset disconnected: connection reset (RST) (silent <measured>, allowed 45.0 s) · will published to 1 on wills/was-reset

    The will of was-reset fired at once, because was-reset's connection was reset
    without a DISCONNECT (RST). 1 subscriber got it. [v5-3.1.2-8]

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
              silence. [v5-3.1.2-22]
      <time>  With Clean Start 1 it began a new session, which ends with the
              connection. [v5-3.1.2-4]
      <time>  It set a will on wills/was-reset (QoS 0, not retained, 4 bytes, no
              delay). [v5-3.1.2-7]
      <time>  No packet came after CONNECT until the end, <measured> later.
      <time>  The connection ended: its connection was reset without a DISCONNECT
              (RST).
      <time>  The will was published on wills/was-reset, <lateness>. 1 subscriber
              got it. [v5-3.1.2-8]

    What a statement says: mqttd rule v5-3.1.2-8"
  `);
  },
  rowLimitMs,
);

test(
  "RST by `inspect drop`",
  async () => {
    await using _client = await accounts.mqttjs("dropped");
    await accounts.inspected("drop", "dropped");
    await accounts.ended("dropped");
    expect(await accounts.account("dropped")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as dropped (p5, c1, k30), will on wills/dropped (q0)
    Operator's order: drop rst dropped
    Client dropped disconnected: connection reset (RST) (on the operator's order, silent <measured>, allowed 45.0 s) · will published to 1 on wills/dropped

    The will of dropped fired at once, because the operator broke dropped's
    connection (\`mqttd inspect drop\`) as a network does, with a reset (RST). 1
    subscriber got it. [v5-3.1.2-8]

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
              silence. [v5-3.1.2-22]
      <time>  With Clean Start 1 it began a new session, which ends with the
              connection. [v5-3.1.2-4]
      <time>  It set a will on wills/dropped (QoS 0, not retained, 4 bytes, no
              delay). [v5-3.1.2-7]
      <time>  No packet came after CONNECT until the end, <measured> later.
      <time>  The connection ended: the operator broke its connection (\`mqttd
              inspect drop\`) as a network does, with a reset (RST).
      <time>  The will was published on wills/dropped, <lateness>. 1 subscriber got
              it. [v5-3.1.2-8]

    What a statement says: mqttd rule v5-3.1.2-8"
  `);
  },
  rowLimitMs,
);

test.skipIf(mosquittoSubMissing !== null)(
  `a process of MQTT 3.1 is killed (SIGKILL)${withMosquitto}`,
  async () => {
    await using sub = await accounts.mosquitto("killed", ["-V", "mqttv31"]);
    sub.signal("SIGKILL");
    await accounts.ended("killed");
    expect(await accounts.account("killed")).toMatchInlineSnapshot(`
      "New client connected from 127.0.0.1:<port> as killed (p1, c1, k30), will on wills/killed (q0)
      Client killed disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published to 1 on wills/killed

      The will of killed fired at once, because killed closed the connection without a
      DISCONNECT (FIN). 1 subscriber got it. [v4-3.1.2-8]

      What happened
        <time>  It connected from 127.0.0.1:<port> with MQTT 3.1 (listener: tcp
                localhost:0).
        <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
                silence. [v4-3.1.2-24]
        <time>  With Clean Session 1 it began a new session, which ends with the
                connection. [v4-3.1.2-6]
        <time>  It set a will on wills/killed (QoS 0, not retained, 4 bytes).
                [v4-3.1.2-8]
        <time>  The last packet was SUBSCRIBE, <measured> before the end.
        <time>  The connection ended: it closed the connection without a DISCONNECT
                (FIN).
        <time>  The will was published on wills/killed, <lateness>. 1 subscriber got
                it. [v4-3.1.2-8]

      What a statement says: mqttd rule v4-3.1.2-8"
    `);
  },
  rowLimitMs,
);

test.concurrent.skipIf(mosquittoSubMissing !== null)(
  `keepalive: mosquitto_sub hangs (SIGSTOP)${withMosquitto}`,
  async () => {
    // It accepts no shorter one.
    await using sub = await accounts.mosquitto("hung", ["-V", "mqttv311", "-k", "5"]);
    sub.signal("SIGSTOP");
    await accounts.ended("hung");
    expect(await accounts.account("hung")).toMatchInlineSnapshot(`
      "New client connected from 127.0.0.1:<port> as hung (p2, c1, k5), will on wills/hung (q0)
      Client hung disconnected: exceeded timeout (silent <measured>, allowed 7.50 s) · will published to 1 on wills/hung

      The will of hung fired <measured> after its last packet, because its keepalive
      of 5 s allows 7.50 s of silence. 1 subscriber got it. [v4-3.1.2-8]

      What happened
        <time>  It connected from 127.0.0.1:<port> with MQTT 3.1.1 (listener: tcp
                localhost:0).
        <time>  It asked for a keepalive of 5 s: its connection ends after 7.50 s of
                silence. [v4-3.1.2-24]
        <time>  With Clean Session 1 it began a new session, which ends with the
                connection. [v4-3.1.2-6]
        <time>  It set a will on wills/hung (QoS 0, not retained, 4 bytes).
                [v4-3.1.2-8]
        <time>  The last packet was SUBSCRIBE, <measured> before the end.
        <time>  The connection ended: nothing came from it for <measured>, and its
                keepalive of 5 s allows 7.50 s of silence. [v4-3.1.2-24]
        <time>  The will was published on wills/hung, <lateness>. 1 subscriber got it.
                [v4-3.1.2-8]

      What a statement says: mqttd rule v4-3.1.2-8"
    `);
  },
  rowLimitMs,
);

test.concurrent(
  "keepalive: a client that sends nothing after CONNECT",
  async () => {
    using _client = await accounts.raw("mute", { protocolVersion: 4, keepalive: 1 });
    await accounts.ended("mute");
    expect(await accounts.account("mute")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as mute (p2, c1, k1), will on wills/mute (q0)
    Client mute disconnected: exceeded timeout (silent <measured>, allowed 1.50 s) · will published to 1 on wills/mute

    The will of mute fired <measured> after its last packet, because its keepalive
    of 1 s allows 1.50 s of silence. 1 subscriber got it. [v4-3.1.2-8]

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 3.1.1 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 1 s: its connection ends after 1.50 s of
              silence. [v4-3.1.2-24]
      <time>  With Clean Session 1 it began a new session, which ends with the
              connection. [v4-3.1.2-6]
      <time>  It set a will on wills/mute (QoS 0, not retained, 4 bytes).
              [v4-3.1.2-8]
      <time>  No packet came after CONNECT until the end, <measured> later.
      <time>  The connection ended: nothing came from it for <measured>, and its
              keepalive of 1 s allows 1.50 s of silence. [v4-3.1.2-24]
      <time>  The will was published on wills/mute, <lateness>. 1 subscriber got it.
              [v4-3.1.2-8]

    What to change
      - It never sent anything after CONNECT. With a keepalive of 1 s it has to send
        a PINGREQ whenever it was silent for so long: does its network loop run
        (loop_start() or loop_forever() in Paho)? [v4-3.1.2-23]

    What a statement says: mqttd rule v4-3.1.2-8"
  `);
  },
  rowLimitMs,
);

test.concurrent(
  "keepalive: a link that `inspect drop` made silent",
  async () => {
    await using client = await accounts.mqttjs("cut-off", { keepalive: 4 });
    await accounts.inspected("drop", "cut-off", "--how", "silent");
    await accounts.ended("cut-off");
    expect(await accounts.account("cut-off")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as cut-off (p5, c1, k4), will on wills/cut-off (q0)
    Operator's order: drop silent cut-off
    Client cut-off disconnected: exceeded timeout (the operator had silenced its link, silent <measured>, allowed 6.00 s) · will published to 1 on wills/cut-off

    The will of cut-off fired <measured> after its last packet, because its
    keepalive of 4 s allows 6.00 s of silence, and the operator had made its link
    silent. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 4 s: its connection ends after 6.00 s of
              silence. [v5-3.1.2-22]
      <time>  With Clean Start 1 it began a new session, which ends with the
              connection. [v5-3.1.2-4]
      <time>  It set a will on wills/cut-off (QoS 0, not retained, 4 bytes, no
              delay). [v5-3.1.2-7]
      <time>  No packet came after CONNECT until the end, <measured> later.
      <time>  The operator made its link silent (\`mqttd inspect drop\`): from then on
              nothing is heard of it, whatever it sends.
      <time>  The connection ended: nothing came from it for <measured>, and its
              keepalive of 4 s allows 6.00 s of silence. [v5-3.1.2-22]
      <time>  The will was published on wills/cut-off, <lateness>. 1 subscriber got
              it. [v5-3.1.2-8]

    What a statement says: mqttd rule v5-3.1.2-8"
  `);
    expect(client.connacks.items).toHaveLength(1);
  },
  rowLimitMs,
);

test.concurrent.if(process.platform === "linux")(
  "TCP detects that the machine is gone, without a keepalive",
  async () => {
    using client = await accounts.raw("unplugged", { keepalive: 0 });
    vanish(client.descriptor);
    await accounts.ended("unplugged");
    expect(await accounts.account("unplugged")).toMatchInlineSnapshot(`
      "New client connected from 127.0.0.1:<port> as unplugged (p5, c1, k0), will on wills/unplugged (q0)
      Warning: unplugged has a will on wills/unplugged, and a keepalive of 0: only TCP can detect a dead link, or nothing does · set a keepalive; the will is published 1.5 times the keepalive after the last packet
      Client unplugged disconnected: peer unreachable (found by TCP) (silent <measured>, no keepalive) · will published to 1 on wills/unplugged

      The will of unplugged fired <measured> after its last packet, because TCP found
      that unplugged's machine does not answer any more. 1 subscriber got it.
      [v5-3.1.2-8]

      What happened
        <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
                localhost:0).
        <time>  It asked for no keepalive: MQTT itself never finds that it is silent.
                [v5-3.1.2.10]
        <time>  With Clean Start 1 it began a new session, which ends with the
                connection. [v5-3.1.2-4]
        <time>  It set a will on wills/unplugged (QoS 0, not retained, 4 bytes, no
                delay). [v5-3.1.2-7]
        <time>  No packet came after CONNECT until the end, <measured> later.
        <time>  The connection ended: TCP found that its machine does not answer any
                more.
        <time>  The will was published on wills/unplugged, <lateness>. 1 subscriber
                got it. [v5-3.1.2-8]

      What to change
        - It has a will on wills/unplugged, and a keepalive of 0: only TCP can detect
          a dead link, or nothing does. Set a keepalive; the will is published 1.5
          times the keepalive after the last packet.

      What a statement says: mqttd rule v5-3.1.2-8"
    `);
  },
  rowLimitMs,
);

test.concurrent(
  "a client that reads nothing",
  async () => {
    using client = await accounts.raw("stuffed");
    await client.subscribe("flood/stuffed");
    client.pause();
    using source = await SocketClient.connect(accounts.port, { clientId: "source" });
    const payload = Buffer.alloc(64 * 1024, "x");
    while (!accounts.broker.lines.items.some((line) => /dropped for client stuffed/.test(line))) {
      source.publish("flood/stuffed", payload);
      await source.ping();
    }
    await accounts.ended("stuffed");
    expect(await accounts.account("stuffed")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as stuffed (p5, c1, k30), will on wills/stuffed (q0)
    Warning: Outgoing messages are being dropped for client stuffed: it reads no data, first on flood/stuffed
    Client stuffed disconnected: stalled: takes no data (nothing for 1 s, silent <measured>, allowed 45.0 s) · will published to 1 on wills/stuffed

    The will of stuffed fired at once, because stuffed took no data of what the
    broker had for it: nothing for 1 s. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
              silence. [v5-3.1.2-22]
      <time>  With Clean Start 1 it began a new session, which ends with the
              connection. [v5-3.1.2-4]
      <time>  It set a will on wills/stuffed (QoS 0, not retained, 4 bytes, no
              delay). [v5-3.1.2-7]
      <time>  The last packet was SUBSCRIBE, <measured> before the end.
      <time>  The connection ended: it took no data of what the broker had for it:
              nothing for 1 s.
      <time>  The will was published on wills/stuffed, <lateness>. 1 subscriber got
              it. [v5-3.1.2-8]

    What to change
      - Look at its program: it does not read what comes to it, or its link is too
        slow for what it subscribes to. Let it subscribe to less, or give this
        broker a longer limits.stallTimeout.

    What a statement says: mqttd rule v5-3.1.2-8"
  `);
  },
  rowLimitMs,
);

test.concurrent(
  "keepalive: a client that does not obey the Server Keep Alive",
  async () => {
    await using strict = await WillAccounts.start({ args: ["--set", "limits.keepAliveMax=1s"] });
    using _client = await strict.raw("disobeys", { keepalive: 3600 });
    await strict.ended("disobeys");
    expect(await strict.account("disobeys")).toMatchInlineSnapshot(`
      "New client connected from 127.0.0.1:<port> as disobeys (p5, c1, k1), asked for k3600, will on wills/disobeys (q0)
      Client disobeys disconnected: exceeded timeout (silent <measured>, allowed 1.50 s) · will published to 1 on wills/disobeys

      The will of disobeys fired <measured> after its last packet, because its
      keepalive of 1 s allows 1.50 s of silence. 1 subscriber got it. [v5-3.1.2-8]

      What happened
        <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
                localhost:0).
        <time>  It asked for a keepalive of 1 h, the broker told it to keep 1 s
                (Server Keep Alive): its connection ends after 1.50 s of silence.
                [v5-3.2.2-22]
        <time>  With Clean Start 1 it began a new session, which ends with the
                connection. [v5-3.1.2-4]
        <time>  It set a will on wills/disobeys (QoS 0, not retained, 4 bytes, no
                delay). [v5-3.1.2-7]
        <time>  No packet came after CONNECT until the end, <measured> later.
        <time>  The connection ended: nothing came from it for <measured>, and its
                keepalive of 1 s allows 1.50 s of silence. [v5-3.1.2-22]
        <time>  The will was published on wills/disobeys, <lateness>. 1 subscriber got
                it. [v5-3.1.2-8]

      What to change
        - It never sent anything after CONNECT. With a keepalive of 1 s it has to send
          a PINGREQ whenever it was silent for so long: does its network loop run
          (loop_start() or loop_forever() in Paho)? [v5-3.1.2-20]
        - Let it obey the Server Keep Alive of 1 s in CONNACK, whatever it had asked
          for (1 h). [v5-3.1.2-21]

      What a statement says: mqttd rule v5-3.1.2-8"
    `);
  },
  rowLimitMs,
);
