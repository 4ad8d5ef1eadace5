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
      Warning: mqttjs_07ac55e1 has a new client id (before: mqttjs_9f31c2d0) for the same will topic wills/esp: the old id's will can be published after the new id's birth · give the device one client id and keep it
      Client mqttjs_07ac55e1 disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published to 1 on wills/esp
      New client connected from 127.0.0.1:<port> as mqttjs_07ac55e1 (p5, c1, k30), will on wills/esp (q0)
      Client mqttjs_07ac55e1 disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published to 1 on wills/esp

      The will of mqttjs_07ac55e1 fired at once, because mqttjs_07ac55e1 closed the
      connection without a DISCONNECT (FIN). 1 subscriber got it. [v5-3.1.2-8]

      What happened
        <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
                localhost:0).
        <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
                silence. [v5-3.1.2-22]
        <time>  With Clean Start 1 it began a new session, which ends with the
                connection. [v5-3.1.2-4]
        <time>  It set a will on wills/esp (QoS 0, not retained, 4 bytes, no delay).
                [v5-3.1.2-7]
        <time>  No packet came after CONNECT until the end, <measured> later.
        <time>  The connection ended: it closed the connection without a DISCONNECT
                (FIN).
        <time>  The will was published on wills/esp, <lateness>. 1 subscriber got it.
                [v5-3.1.2-8]

      What to change
        - It has a new client id (before: mqttjs_9f31c2d0) for the same will topic
          wills/esp (seen <measured> ago): the old id's will can be published after
          the new id's birth. Give the device one client id and keep it.

      Its other connections
        <time>  127.0.0.1:<port>, MQTT 5.0. Closed without DISCONNECT (FIN) after
                <measured>; will fired, 1 got it

      What a statement says: mqttd rule v5-3.1.2-8"
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

      What happened
        <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
                localhost:0).
        <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
                silence. [v5-3.1.2-22]
        <time>  With Clean Start 1 it began a new session, which ends with the
                connection. [v5-3.1.2-4]
        <time>  It set a will on wills/nameless (QoS 0, not retained, 4 bytes, no
                delay). [v5-3.1.2-7]
        <time>  No packet came after CONNECT until the end, <measured> later.
        <time>  The connection ended: its connection was reset without a DISCONNECT
                (RST).
        <time>  The will was published on wills/nameless, <lateness>. 1 subscriber got
                it. [v5-3.1.2-8]

      What to change
        - It gave no client id, so the broker drew one: after a restart it is another
          client. Its return then neither takes over nor cancels anything, and the
          will of the old id can land after the birth of the new one. Give the device
          one client id and keep it.

      What a statement says: mqttd rule v5-3.1.2-8"
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
      Warning: no-birth has a retained will on wills/no-birth, but published nothing retained there while connected: after the first death the topic keeps the will for ever · publish a retained birth on the same topic after each CONNACK
      New client connected from 127.0.0.1:<port> as no-birth (p5, c1, k30), will on wills/no-birth (q0, retained)
      Client no-birth disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published to 1 on wills/no-birth (retained)

      The will of no-birth fired at once, because no-birth closed the connection
      without a DISCONNECT (FIN). 1 subscriber got it, and it is kept as the topic's
      retained message. [v5-3.1.2-8]

      What happened
        <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
                localhost:0).
        <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
                silence. [v5-3.1.2-22]
        <time>  With Clean Start 1 it began a new session, which ends with the
                connection. [v5-3.1.2-4]
        <time>  It set a will on wills/no-birth (QoS 0, retained, 4 bytes, no delay).
                [v5-3.1.2-7]
        <time>  No packet came after CONNECT until the end, <measured> later.
        <time>  The connection ended: it closed the connection without a DISCONNECT
                (FIN).
        <time>  The will was published on wills/no-birth, <lateness>. 1 subscriber got
                it, and it is kept as the topic's retained message. [v5-3.1.2-8]

      What to change
        - It has a retained will on wills/no-birth, but published nothing retained
          there while connected (seen <measured> ago): after the first death the topic
          keeps the will for ever. Publish a retained birth on the same topic after
          each CONNACK.

      Its other connections
        <time>  127.0.0.1:<port>, MQTT 5.0. Closed without DISCONNECT (FIN) after
                <measured>; will fired, 1 got it
        <time>  127.0.0.1:<port>, MQTT 5.0. Closed without DISCONNECT (FIN) after
                <measured>; will fired, 1 got it

      What a statement says: mqttd rule v5-3.1.2-8"
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
      Warning: birth-there has a retained will on wills/birth-there, and its birth on wills/birth: the birth never overwrites the will · publish the birth, retained, on the will's own topic
      New client connected from 127.0.0.1:<port> as birth-there (p5, c1, k30), will on wills/birth-there (q0, retained)
      Client birth-there disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published to 1 on wills/birth-there (retained)

      The will of birth-there fired at once, because birth-there closed the connection
      without a DISCONNECT (FIN). 1 subscriber got it, and it is kept as the topic's
      retained message. [v5-3.1.2-8]

      What happened
        <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
                localhost:0).
        <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
                silence. [v5-3.1.2-22]
        <time>  With Clean Start 1 it began a new session, which ends with the
                connection. [v5-3.1.2-4]
        <time>  It set a will on wills/birth-there (QoS 0, retained, 4 bytes, no
                delay). [v5-3.1.2-7]
        <time>  The last packet was SUBSCRIBE, <measured> before the end.
        <time>  The connection ended: it closed the connection without a DISCONNECT
                (FIN).
        <time>  The will was published on wills/birth-there, <lateness>. 1 subscriber
                got it, and it is kept as the topic's retained message. [v5-3.1.2-8]

      What to change
        - It has a retained will on wills/birth-there, and its birth on wills/birth
          (seen <measured> ago): the birth never overwrites the will. Publish the
          birth, retained, on the will's own topic.

      Its other connections
        <time>  127.0.0.1:<port>, MQTT 5.0. Closed without DISCONNECT (FIN) after
                <measured>; will fired, 1 got it

      What a statement says: mqttd rule v5-3.1.2-8"
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
      Warning: no-keepalive has a will on wills/no-keepalive, and a keepalive of 0: only TCP can detect a dead link, or nothing does · set a keepalive; the will is published 1.5 times the keepalive after the last packet
      Client no-keepalive disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, no keepalive) · will published to 1 on wills/no-keepalive
      New client connected from 127.0.0.1:<port> as no-keepalive (p5, c1, k0), will on wills/no-keepalive (q0)

      The will of no-keepalive is armed and has not fired: no-keepalive is connected
      and was last heard <measured> ago. With its keepalive of 0, silence alone never
      makes it fire. [v5-3.1.2-7]

      The will before it fired at once, because no-keepalive closed the connection
      without a DISCONNECT (FIN). 1 subscriber got it. [v5-3.1.2-8]

      What happened
        <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
                localhost:0).
        <time>  It asked for no keepalive: MQTT itself never finds that it is silent.
                [v5-3.1.2.10]
        <time>  With Clean Start 1 it began a new session, which ends with the
                connection. [v5-3.1.2-4]
        <time>  It set a will on wills/no-keepalive (QoS 0, not retained, 4 bytes, no
                delay). [v5-3.1.2-7]
        <time>  Nothing has come after CONNECT, for <measured>.

      What can happen now
        - If it falls silent, only TCP can find that: in minutes, or never. Then the
          will fires.
        - If its connection breaks (FIN, RST) or it breaks a rule of MQTT, the will
          fires. [v5-3.1.2-8]
        - If it says a clean DISCONNECT, the will is discarded. [v5-3.14.4-3]
        - If its DISCONNECT has another reason code, as 0x04, the will fires.
          [v5-3.1.2-8]
        - If another connection comes with the same client id, the will fires at once.
          [v5-3.1.2-8]

      What to change
        - It has a will on wills/no-keepalive, and a keepalive of 0: only TCP can
          detect a dead link, or nothing does. Set a keepalive; the will is published
          1.5 times the keepalive after the last packet.

      Its other connections
        <time>  127.0.0.1:<port>, MQTT 5.0. Closed without DISCONNECT (FIN) after
                <measured>; will fired, 1 got it

      What a statement says: mqttd rule v5-3.1.2-7"
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
      Warning: hours has a will on wills/hours, and a keepalive of 2 h: a silent death is detected after 3 h · set the keepalive to two thirds of the time within which a death must be known
      Client hours disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 3 h) · will published to 1 on wills/hours
      New client connected from 127.0.0.1:<port> as hours (p2, c1, k7200), will on wills/hours (q0)

      The will of hours is armed and has not fired: hours is connected and was last
      heard <measured> ago. If nothing more comes, the will fires in 3 h. [v4-3.1.2-8]

      The will before it fired at once, because hours closed the connection without a
      DISCONNECT (FIN). 1 subscriber got it. [v4-3.1.2-8]

      What happened
        <time>  It connected from 127.0.0.1:<port> with MQTT 3.1.1 (listener: tcp
                localhost:0).
        <time>  It asked for a keepalive of 2 h: its connection ends after 3 h of
                silence. [v4-3.1.2-24]
        <time>  With Clean Session 1 it began a new session, which ends with the
                connection. [v4-3.1.2-6]
        <time>  It set a will on wills/hours (QoS 0, not retained, 4 bytes).
                [v4-3.1.2-8]
        <time>  Nothing has come after CONNECT, for <measured>.

      What can happen now
        - If nothing comes from it for another 3 h, the will fires. [v4-3.1.2-24]
        - If its connection breaks (FIN, RST) or it breaks a rule of MQTT, the will
          fires. [v4-3.1.2-8]
        - If it says a clean DISCONNECT, the will is discarded. [v4-3.14.4-3]
        - If another connection comes with the same client id, the will fires at once.
          [v4-3.1.2-8]

      What to change
        - It has a will on wills/hours, and a keepalive of 2 h: a silent death is
          detected after 3 h. Set the keepalive to two thirds of the time within which
          a death must be known.

      Its other connections
        <time>  127.0.0.1:<port>, MQTT 3.1.1. Closed without DISCONNECT (FIN) after
                <measured>; will fired, 1 got it

      What a statement says: mqttd rule v4-3.1.2-8"
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
      last heard <measured> ago. If nothing more comes, the will fires in 7 min 30 s.
      [v5-3.1.2-7]

      What happened
        <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
                localhost:0).
        <time>  It asked for a keepalive of 5 min: its connection ends after 7 min 30
                s of silence. [v5-3.1.2-22]
        <time>  With Clean Start 1 it began a new session, which ends with the
                connection. [v5-3.1.2-4]
        <time>  It set a will on wills/minutes (QoS 0, not retained, 4 bytes, no
                delay). [v5-3.1.2-7]
        <time>  Nothing has come after CONNECT, for <measured>.

      What can happen now
        - If nothing comes from it for another 7 min 30 s, the will fires.
          [v5-3.1.2-22]
        - If its connection breaks (FIN, RST) or it breaks a rule of MQTT, the will
          fires. [v5-3.1.2-8]
        - If it says a clean DISCONNECT, the will is discarded. [v5-3.14.4-3]
        - If its DISCONNECT has another reason code, as 0x04, the will fires.
          [v5-3.1.2-8]
        - If another connection comes with the same client id, the will fires at once.
          [v5-3.1.2-8]

      What to change
        - It has a will on wills/minutes, and a keepalive of 5 min: a silent death is
          detected after 7 min 30 s. Set the keepalive to two thirds of the time
          within which a death must be known.

      What a statement says: mqttd rule v5-3.1.2-7"
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
      Warning: too-long has a Will Delay Interval of 30 s, and a Session Expiry Interval of 0: the session ends with the connection, and the will is published at once · set a Session Expiry Interval above the Will Delay Interval
      Client too-long disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published to 1 on wills/too-long (delay of 30 s skipped)
      New client connected from 127.0.0.1:<port> as too-long (p5, c1, k30), will on wills/too-long (q0, delay 30 s)
      Client too-long disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published to 1 on wills/too-long (delay of 30 s skipped)

      The will of too-long fired at once, because too-long closed the connection
      without a DISCONNECT (FIN). Its delay of 30 s was not waited for: its session
      ended with the connection. 1 subscriber got it. [v5-3.1.2-8]

      What happened
        <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
                localhost:0).
        <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
                silence. [v5-3.1.2-22]
        <time>  With Clean Start 1 it began a new session, which ends with the
                connection. [v5-3.1.2-4]
        <time>  It set a will on wills/too-long (QoS 0, not retained, 4 bytes, delay
                30 s). [v5-3.1.2-7]
        <time>  No packet came after CONNECT until the end, <measured> later.
        <time>  The connection ended: it closed the connection without a DISCONNECT
                (FIN).
        <time>  Its delay of 30 s was not waited for: its session ended with the
                connection. [v5-3.1.2-8]
        <time>  The will was published on wills/too-long, <lateness>. 1 subscriber got
                it. [v5-3.1.2-8]

      What to change
        - Its will asks for a delay of 30 s, and its session ends with its connection:
          the will fires at once, since it never outlives its session. Ask for a
          Session Expiry Interval above the delay. [v5-3.1.2-8]

      Its other connections
        <time>  127.0.0.1:<port>, MQTT 5.0. Closed without DISCONNECT (FIN) after
                <measured>; will fired, 1 got it

      What a statement says: mqttd rule v5-3.1.2-8"
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
      Warning: misspelt has a will on will/misspelt that reached no subscriber and is not retained: its message is lost · check the topic's spelling, retain the will, or give the watcher a session that lasts
      New client connected from 127.0.0.1:<port> as misspelt (p5, c1, k30), will on will/misspelt (q0)
      Client misspelt disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published on will/misspelt (no subscribers)
      New client connected from 127.0.0.1:<port> as misspelt (p5, c1, k30), will on will/misspelt (q0)
      Client misspelt disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published on will/misspelt (no subscribers)

      The will of misspelt fired at once, because misspelt closed the connection
      without a DISCONNECT (FIN). Nobody had subscribed to will/misspelt. [v5-3.1.2-8]

      What happened
        <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
                localhost:0).
        <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
                silence. [v5-3.1.2-22]
        <time>  With Clean Start 1 it began a new session, which ends with the
                connection. [v5-3.1.2-4]
        <time>  It set a will on will/misspelt (QoS 0, not retained, 4 bytes, no
                delay). [v5-3.1.2-7]
        <time>  No packet came after CONNECT until the end, <measured> later.
        <time>  The connection ended: it closed the connection without a DISCONNECT
                (FIN).
        <time>  The will was published on will/misspelt, <lateness>. Nobody had
                subscribed to will/misspelt. [v5-3.1.2-8]

      What to change
        - It has a will on will/misspelt that reached no subscriber and is not
          retained: its message is lost. Check the topic's spelling, retain the will,
          or give the watcher a session that lasts.

      Its other connections
        <time>  127.0.0.1:<port>, MQTT 5.0. Closed without DISCONNECT (FIN) after
                <measured>; will fired, nobody got it
        <time>  127.0.0.1:<port>, MQTT 5.0. Closed without DISCONNECT (FIN) after
                <measured>; will fired, nobody got it

      What a statement says: mqttd rule v5-3.1.2-8"
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
      Warning: hopeful sent a clean DISCONNECT, which discarded its will on wills/hopeful: 1 subscriber of that topic received nothing · publish the farewell before DISCONNECT, or send DISCONNECT 0x04 (MQTT 5.0)
      New client connected from 127.0.0.1:<port> as hopeful (p5, c1, k30), will on wills/hopeful (q0)
      Client hopeful disconnected: DISCONNECT (silent <measured>, allowed 45.0 s) · will on wills/hopeful discarded

      The will of hopeful did not fire: hopeful said goodbye with a clean DISCONNECT,
      which discards the will. [v5-3.14.4-3]

      What happened
        <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
                localhost:0).
        <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
                silence. [v5-3.1.2-22]
        <time>  With Clean Start 1 it began a new session, which ends with the
                connection. [v5-3.1.2-4]
        <time>  It set a will on wills/hopeful (QoS 0, not retained, 4 bytes, no
                delay). [v5-3.1.2-7]
        <time>  The connection ended: it said goodbye with a clean DISCONNECT.
        <time>  The will was discarded. [v5-3.14.4-3]

      What to change
        - If planned ends are to be heard of too, publish the farewell before
          DISCONNECT, or send DISCONNECT with reason code 0x04. To try the will, kill
          the program (SIGKILL). [v5-3.14.4-3]

      Its other connections
        <time>  127.0.0.1:<port>, MQTT 5.0. DISCONNECT after <measured>; will
                discarded

      What a statement says: mqttd rule v5-3.14.4-3"
    `);
  },
  rowLimitMs,
);

test.skipIf(mosquittoSubMissing !== null)(
  `two hosts with one client id${withMosquitto}`,
  async () => {
    // Each returns a second after its takeover, as most clients do.
    await using _one = await accounts.mosquitto("twin", ["-V", "mqttv311", "-A", "127.0.0.2"]);
    await using _two = await accounts.mosquitto("twin", ["-V", "mqttv311", "-A", "127.0.0.3"]);
    await accounts.ended("twin", 4);
    const [log = "", ...sections] = (await accounts.account("twin")).split("\n\n");
    const warnings = log.split("\n").filter((line) => line.startsWith("Warning"));
    expect(warnings.join("\n")).toMatchInlineSnapshot(
      `"Warning: twin has a client id that clients at 127.0.0.3:<port> and 127.0.0.2:<port> share: each time one connects, the other is disconnected and its will is published · give each client an id of its own"`,
    );
    expect(sections.find((text) => text.startsWith("What to change"))).toMatchInlineSnapshot(`
      "What to change
        - It has a client id that clients at 127.0.0.3:<port> and 127.0.0.2:<port>
          share (seen <measured> ago): each time one connects, the other is
          disconnected and its will is published. Give each client an id of its own."
    `);
  },
  rowLimitMs,
);
