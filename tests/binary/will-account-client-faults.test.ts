import { afterAll, beforeAll, expect, test } from "bun:test";
import type { IClientOptions } from "mqtt";
import { SocketClient } from "../support/socket-client.ts";
import { mosquittoSubMissing, rowLimitMs, WillAccounts } from "../support/will-account.ts";

// Habits of clients that spoil their wills: each is logged once, and `mqttd inspect explain` shows
// the fix.

let accounts: WillAccounts;
beforeAll(async () => {
  accounts = await WillAccounts.start();
}, rowLimitMs);
afterAll(async () => {
  await accounts[Symbol.asyncDispose]();
});

const withMosquitto = mosquittoSubMissing === null ? "" : ` (skipped: ${mosquittoSubMissing})`;

/** Connects and closes without DISCONNECT, so many times. */
async function dies(clientId: string, times: number, options: IClientOptions = {}): Promise<void> {
  for (let time = 1; time <= times; time++) {
    const client = await accounts.mqttjs(clientId, options);
    await client.vanish();
    await accounts.ended(clientId, time);
  }
}

function willOn(topic: string, retain = false): IClientOptions {
  return { will: { topic, payload: Buffer.from("gone"), qos: 0, retain } };
}

test(
  "a new client id each time",
  async () => {
    const options = willOn("wills/esp");
    await dies("mqttjs_9f31c2d0", 1, options);
    await dies("mqttjs_07ac55e1", 2, options);
    expect(await accounts.account("mqttjs_07ac55e1")).toMatchInlineSnapshot(`
      "New client connected from 127.0.0.1:<port> as mqttjs_07ac55e1 (p5, c1, k30), will on wills/esp (q0)
      Warning: mqttjs_07ac55e1 <randomClientId> {"topic":"wills/esp","before":"mqttjs_9f31c2d0"}
      Client mqttjs_07ac55e1 disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published to 1 on wills/esp
      New client connected from 127.0.0.1:<port> as mqttjs_07ac55e1 (p5, c1, k30), will on wills/esp (q0)
      Client mqttjs_07ac55e1 disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published to 1 on wills/esp

      The will of mqttjs_07ac55e1 fired at once, because mqttjs_07ac55e1, or something
      between, closed the connection without a DISCONNECT (FIN). 1 subscriber got it.
      [v5-3.1.2-8]

      Advice: randomClientId"
    `);
  },
  rowLimitMs,
);

test(
  "no client id at all",
  async () => {
    using client = await SocketClient.dial(accounts.port);
    const will = { topic: "wills/nameless", payload: Buffer.from("gone"), qos: 0 as const };
    const options = { clientId: "", keepalive: 30, protocolVersion: 5 } as const;
    const connack = await client.connect({ ...options, will: { ...will, retain: false } });
    const drawn = connack.properties?.assignedClientIdentifier ?? "";
    client.reset();
    await accounts.ended(drawn);
    const account = (await accounts.account(drawn)).replaceAll(drawn, "<drawn id>");
    expect(account).toMatchInlineSnapshot(`
      "New client connected from 127.0.0.1:<port> as <drawn id> (p5, c1, k30), will on wills/nameless (q0)
      Client <drawn id> disconnected: connection reset (RST) (silent <measured>, allowed 45.0 s) · will published to 1 on wills/nameless

      The will of <drawn id> fired at once, because
      <drawn id>'s connection was reset without a
      DISCONNECT (RST). 1 subscriber got it. [v5-3.1.2-8]

      Advice: randomClientId"
    `);
  },
  rowLimitMs,
);

test(
  "a retained will without a retained birth",
  async () => {
    await dies("no-birth", 3, willOn("wills/no-birth", true));
    expect(await accounts.account("no-birth")).toMatchInlineSnapshot(`
      "New client connected from 127.0.0.1:<port> as no-birth (p5, c1, k30), will on wills/no-birth (q0, retained)
      Client no-birth disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published to 1 on wills/no-birth (retained)
      New client connected from 127.0.0.1:<port> as no-birth (p5, c1, k30), will on wills/no-birth (q0, retained)
      Client no-birth disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published to 1 on wills/no-birth (retained)
      Warning: no-birth <retainedWillWithoutBirth> {"topic":"wills/no-birth"}
      New client connected from 127.0.0.1:<port> as no-birth (p5, c1, k30), will on wills/no-birth (q0, retained)
      Client no-birth disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published to 1 on wills/no-birth (retained)

      The will of no-birth fired at once, because no-birth, or something between,
      closed the connection without a DISCONNECT (FIN). 1 subscriber got it, and it is
      kept as the topic's retained message. [v5-3.1.2-8]

      Advice: retainedWillWithoutBirth"
    `);
  },
  rowLimitMs,
);

test(
  "a birth on another topic",
  async () => {
    for (let time = 1; time <= 2; time++) {
      const client = await accounts.mqttjs("birth-there", willOn("wills/birth-there", true));
      client.mqtt.publish("wills/birth-there/online", "yes", { retain: true });
      client.mqtt.publish("wills/birth", "online", { retain: true });
      await client.roundTrip();
      await client.vanish();
      await accounts.ended("birth-there", time);
    }
    expect(await accounts.account("birth-there")).toMatchInlineSnapshot(`
      "New client connected from 127.0.0.1:<port> as birth-there (p5, c1, k30), will on wills/birth-there (q0, retained)
      Client birth-there disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published to 1 on wills/birth-there (retained)
      New client connected from 127.0.0.1:<port> as birth-there (p5, c1, k30), will on wills/birth-there (q0, retained)
      Client birth-there disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published to 1 on wills/birth-there (retained)
      Warning: birth-there <birthElsewhere> {"topic":"wills/birth-there","published":"wills/birth"}

      The will of birth-there fired at once, because birth-there, or something
      between, closed the connection without a DISCONNECT (FIN). 1 subscriber got it,
      and it is kept as the topic's retained message. [v5-3.1.2-8]

      Advice: birthElsewhere"
    `);
  },
  rowLimitMs,
);

test(
  "a keepalive of 0",
  async () => {
    await dies("no-keepalive", 1, { keepalive: 0 });
    await using _client = await accounts.mqttjs("no-keepalive", { keepalive: 0 });
    expect(await accounts.account("no-keepalive")).toMatchInlineSnapshot(`
      "New client connected from 127.0.0.1:<port> as no-keepalive (p5, c1, k0), will on wills/no-keepalive (q0)
      Warning: no-keepalive <noKeepAlive> {"topic":"wills/no-keepalive"}
      Client no-keepalive disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, no keepalive) · will published to 1 on wills/no-keepalive
      New client connected from 127.0.0.1:<port> as no-keepalive (p5, c1, k0), will on wills/no-keepalive (q0)

      The will of no-keepalive is armed and has not fired: no-keepalive is connected
      and was last heard <measured> ago. With its keepalive of 0, silence alone never
      makes it fire. [v5-3.1.2-7]

      The will before it fired at once, because no-keepalive, or something between,
      closed the connection without a DISCONNECT (FIN). 1 subscriber got it.
      [v5-3.1.2-8]

      Advice: noKeepAlive"
    `);
  },
  rowLimitMs,
);

test(
  "a keepalive of hours",
  async () => {
    await dies("hours", 1, { keepalive: 7200, protocolVersion: 4 });
    await using _client = await accounts.mqttjs("hours", { keepalive: 7200, protocolVersion: 4 });
    expect(await accounts.account("hours")).toMatchInlineSnapshot(`
      "New client connected from 127.0.0.1:<port> as hours (p2, c1, k7200), will on wills/hours (q0)
      Warning: hours <longKeepAlive> {"topic":"wills/hours","keepAlive":7200,"allowedMs":10800000}
      Client hours disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 3 h) · will published to 1 on wills/hours
      New client connected from 127.0.0.1:<port> as hours (p2, c1, k7200), will on wills/hours (q0)

      The will of hours is armed and has not fired: hours is connected and was last
      heard <measured> ago. If nothing more comes, the will fires in <left>.
      [v4-3.1.2-8]

      The will before it fired at once, because hours, or something between, closed
      the connection without a DISCONNECT (FIN). 1 subscriber got it. [v4-3.1.2-8]

      Advice: longKeepAlive"
    `);
  },
  rowLimitMs,
);

test(
  "a keepalive of minutes",
  async () => {
    await using _client = await accounts.mqttjs("minutes", { keepalive: 300 });
    expect(await accounts.account("minutes")).toMatchInlineSnapshot(`
      "New client connected from 127.0.0.1:<port> as minutes (p5, c1, k300), will on wills/minutes (q0)

      The will of minutes is armed and has not fired: minutes is connected and was
      last heard <measured> ago. If nothing more comes, the will fires in <left>.
      [v5-3.1.2-7]

      Advice: longKeepAlive"
    `);
  },
  rowLimitMs,
);

test(
  "a delay longer than the session",
  async () => {
    const will = { topic: "wills/too-long", payload: Buffer.from("gone"), qos: 0 as const };
    await dies("too-long", 2, {
      will: { ...will, retain: false, properties: { willDelayInterval: 30 } },
    });
    expect(await accounts.account("too-long")).toMatchInlineSnapshot(`
      "New client connected from 127.0.0.1:<port> as too-long (p5, c1, k30), will on wills/too-long (q0, delay 30 s)
      Warning: too-long <delayBeyondSession> {"topic":"wills/too-long","delayInterval":30,"sessionExpiry":0}
      Client too-long disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published to 1 on wills/too-long (delay of 30 s skipped)
      New client connected from 127.0.0.1:<port> as too-long (p5, c1, k30), will on wills/too-long (q0, delay 30 s)
      Client too-long disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published to 1 on wills/too-long (delay of 30 s skipped)

      The will of too-long fired at once, because too-long, or something between,
      closed the connection without a DISCONNECT (FIN). Its delay of 30 s was not
      waited for: its session ended with the connection. 1 subscriber got it.
      [v5-3.1.2-8]

      Advice: delayBeyondSession"
    `);
  },
  rowLimitMs,
);

test(
  "a topic without subscribers",
  async () => {
    await dies("misspelt", 3, willOn("will/misspelt"));
    expect(await accounts.account("misspelt")).toMatchInlineSnapshot(`
      "New client connected from 127.0.0.1:<port> as misspelt (p5, c1, k30), will on will/misspelt (q0)
      Client misspelt disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published on will/misspelt (no subscribers)
      Warning: misspelt <willUnheard> {"topic":"will/misspelt"}
      New client connected from 127.0.0.1:<port> as misspelt (p5, c1, k30), will on will/misspelt (q0)
      Client misspelt disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published on will/misspelt (no subscribers)
      New client connected from 127.0.0.1:<port> as misspelt (p5, c1, k30), will on will/misspelt (q0)
      Client misspelt disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published on will/misspelt (no subscribers)

      The will of misspelt fired at once, because misspelt, or something between,
      closed the connection without a DISCONNECT (FIN). Nobody had subscribed to
      will/misspelt. [v5-3.1.2-8]

      Advice: willUnheard"
    `);
  },
  rowLimitMs,
);

test(
  "a clean DISCONNECT where a will was expected",
  async () => {
    for (let time = 1; time <= 2; time++) {
      const client = await accounts.mqttjs("hopeful");
      client.mqtt.publish("wills/hopeful", "online");
      await client.mqtt.endAsync();
      await accounts.ended("hopeful", time);
    }
    expect(await accounts.account("hopeful")).toMatchInlineSnapshot(`
      "New client connected from 127.0.0.1:<port> as hopeful (p5, c1, k30), will on wills/hopeful (q0)
      Client hopeful disconnected: DISCONNECT (silent <measured>, allowed 45.0 s) · will on wills/hopeful discarded
      Warning: hopeful <cleanDisconnect> {"topic":"wills/hopeful","listeners":1}
      New client connected from 127.0.0.1:<port> as hopeful (p5, c1, k30), will on wills/hopeful (q0)
      Client hopeful disconnected: DISCONNECT (silent <measured>, allowed 45.0 s) · will on wills/hopeful discarded

      The will of hopeful did not fire: hopeful sent a clean DISCONNECT, which
      discards the will. [v5-3.14.4-3]

      Advice: cleanDisconnect"
    `);
  },
  rowLimitMs,
);

test.skipIf(mosquittoSubMissing !== null)(
  `two hosts with one client id${withMosquitto}`,
  async () => {
    // Each returns a second after its takeover, as most clients do.
    await using one = await accounts.mosquitto("twin", ["-V", "mqttv311", "-A", "127.0.0.2"]);
    await using other = await accounts.mosquitto("twin", ["-V", "mqttv311", "-A", "127.0.0.3"]);
    await accounts.ended("twin", 4);
    // What is asked in two questions stays as it is meanwhile.
    for (const twin of [one, other]) twin.signal("SIGSTOP");
    const [log = "", ...sections] = (await accounts.account("twin")).split("\n\n");
    const warnings = log.split("\n").filter((line) => line.startsWith("Warning"));
    expect(warnings).toEqual([
      'Warning: twin <sharedClientId> {"remotes":["127.0.0.3:<port>","127.0.0.2:<port>"]}',
    ]);
    expect(sections.at(-1)).toBe("Advice: sharedClientId");
  },
  rowLimitMs,
);
