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

    The will of fin fired at once, because fin, or something between, closed the
    connection without a DISCONNECT (FIN). 1 subscriber got it. [v4-3.1.2-8]

    Advice: none"
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

    Advice: none"
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

    Advice: none"
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

      The will of killed fired at once, because killed, or something between, closed
      the connection without a DISCONNECT (FIN). 1 subscriber got it. [v4-3.1.2-8]

      Advice: none"
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

      Advice: onlyReceives"
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

    Advice: neverPinged"
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

    Advice: none"
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
      Warning: unplugged <noKeepAlive> {"topic":"wills/unplugged"}
      Client unplugged disconnected: peer unreachable (found by TCP) (silent <measured>, no keepalive) · will published to 1 on wills/unplugged

      The will of unplugged fired <measured> after its last packet, because TCP found
      that unplugged's machine does not answer any more. 1 subscriber got it.
      [v5-3.1.2-8]

      Advice: noKeepAlive"
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

    Advice: stalled"
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

      Advice: neverPinged, serverKeepAlive"
    `);
  },
  rowLimitMs,
);
