import { afterAll, beforeAll, expect, test } from "bun:test";
import { rowLimitMs, WillAccounts } from "../support/will-account.ts";

// A will with a delay: two log lines, and `mqttd inspect explain` before and after.

let accounts: WillAccounts;
beforeAll(async () => {
  accounts = await WillAccounts.start();
}, rowLimitMs);
afterAll(async () => {
  await accounts[Symbol.asyncDispose]();
});

/** A session with an expiry of `expiry` seconds, and a will with a delay of `delay`. */
function delayed(clientId: string, { delay = 1, expiry = 60 } = {}) {
  const will = { topic: `wills/${clientId}`, payload: Buffer.from("gone"), qos: 0 as const };
  return {
    clean: false,
    properties: { sessionExpiryInterval: expiry },
    will: { ...will, retain: false, properties: { willDelayInterval: delay } },
  };
}

test(
  "a waiting will",
  async () => {
    const client = await accounts.mqttjs("waits", delayed("waits", { delay: 30 }));
    await client.vanish();
    await accounts.ended("waits");
    expect(await accounts.account("waits")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as waits (p5, c0, k30), session kept 1 min, will on wills/waits (q0, delay 30 s)
    Client waits disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will due in 30 s on wills/waits

    The will of waits has not fired yet: its connection ended <measured> ago, and
    the will is due in <measured>, unless waits comes back and goes on with its
    session before that. [v5-3.1.2-8]

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
              silence. [v5-3.1.2-22]
      <time>  With Clean Start 0 it began a new session, since there was none to go
              on with, which is kept for 1 min after the connection. [v5-3.1.2-6]
      <time>  It set a will on wills/waits (QoS 0, not retained, 4 bytes, delay 30
              s). [v5-3.1.2-7]
      <time>  No packet came after CONNECT until the end, <measured> later.
      <time>  The connection ended: it closed the connection without a DISCONNECT
              (FIN).
      <time>  The will began to wait: it asked for a delay of 30 s. [v5-3.1.2-8]

    What can happen now
      - If it does not come back, the will is published in <measured>: its delay is
        over then. [v5-3.1.2-8]
      - If it comes back with Clean Start 0 before that, the will is cancelled.
        [v5-3.1.3-9]
      - If it comes back with Clean Start 1, its old session ends, and the will is
        published at once. [v5-3.1.2-8]
      - If the broker is stopped before that, the will is published then.

    What to change
      - If it is to fire at once, set its Will Delay Interval to 0; it is 30 s.
        [v5-3.1.2-8]

    What a statement says: mqttd rule v5-3.1.2-8"
  `);
  },
  rowLimitMs,
);

test.concurrent(
  "a due will",
  async () => {
    const client = await accounts.mqttjs("is-due", delayed("is-due"));
    await client.vanish();
    await accounts.line("is-due's will");
    expect(await accounts.account("is-due")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as is-due (p5, c0, k30), session kept 1 min, will on wills/is-due (q0, delay 1 s)
    Client is-due disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will due in 1 s on wills/is-due
    is-due's will published to 1 on wills/is-due (due after <measured>, <lateness>) · connection ended: closed without DISCONNECT (FIN)

    The will of is-due fired <measured> after its connection ended: is-due closed
    the connection without a DISCONNECT (FIN), and the delay of 1 s was over. 1
    subscriber got it. [v5-3.1.2-8]

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
              silence. [v5-3.1.2-22]
      <time>  With Clean Start 0 it began a new session, since there was none to go
              on with, which is kept for 1 min after the connection. [v5-3.1.2-6]
      <time>  It set a will on wills/is-due (QoS 0, not retained, 4 bytes, delay 1
              s). [v5-3.1.2-7]
      <time>  No packet came after CONNECT until the end, <measured> later.
      <time>  The connection ended: it closed the connection without a DISCONNECT
              (FIN).
      <time>  The will began to wait: it asked for a delay of 1 s. [v5-3.1.2-8]
      <time>  The will was published on wills/is-due, <lateness>. 1 subscriber got
              it. [v5-3.1.2-8]

    What a statement says: mqttd rule v5-3.1.2-8"
  `);
  },
  rowLimitMs,
);

test.concurrent(
  "a will due at the end of its session",
  async () => {
    const client = await accounts.mqttjs(
      "cut-short",
      delayed("cut-short", { delay: 60, expiry: 1 }),
    );
    await client.vanish();
    await accounts.line("cut-short's will");
    expect(await accounts.account("cut-short")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as cut-short (p5, c0, k30), session kept 1 s, will on wills/cut-short (q0, delay 1 min)
    Warning: cut-short has a Will Delay Interval of 1 min, and a Session Expiry Interval of 1 s: the will is published when the session ends, which is earlier · set a Session Expiry Interval above the Will Delay Interval
    Client cut-short disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will due in 1 s on wills/cut-short
    cut-short's will published to 1 on wills/cut-short (due after <measured>, <lateness>, session ended) · connection ended: closed without DISCONNECT (FIN)
    Session of client cut-short ended: its Session Expiry Interval has passed

    The will of cut-short fired <measured> after its connection ended: cut-short
    closed the connection without a DISCONNECT (FIN), and its session ended before
    the delay of 1 min was over. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
              silence. [v5-3.1.2-22]
      <time>  With Clean Start 0 it began a new session, since there was none to go
              on with, which is kept for 1 s after the connection. [v5-3.1.2-6]
      <time>  It set a will on wills/cut-short (QoS 0, not retained, 4 bytes, delay
              1 min). [v5-3.1.2-7]
      <time>  No packet came after CONNECT until the end, <measured> later.
      <time>  The connection ended: it closed the connection without a DISCONNECT
              (FIN).
      <time>  The will began to wait: its session ends after 1 s, before the delay
              of 1 min is over. [v5-3.1.2-8]
      <time>  The will was published on wills/cut-short, <lateness>. 1 subscriber
              got it. [v5-3.1.2-8]

    What to change
      - Its will asks for a delay of 1 min, and its session ends 1 s after its
        connection: the will fires after 1 s, since it never outlives its session.
        Ask for a Session Expiry Interval above the delay. [v5-3.1.2-8]

    What a statement says: mqttd rule v5-3.1.2-8"
  `);
  },
  rowLimitMs,
);

test(
  "a return that resumes the session",
  async () => {
    const options = delayed("back", { delay: 30 });
    const client = await accounts.mqttjs("back", options);
    await client.vanish();
    await accounts.ended("back");
    await using _back = await accounts.mqttjs("back", options);
    expect(await accounts.account("back")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as back (p5, c0, k30), session kept 1 min, will on wills/back (q0, delay 30 s)
    Client back disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will due in 30 s on wills/back
    back's will on wills/back cancelled: session resumed after <measured> · connection ended: closed without DISCONNECT (FIN)
    New client connected from 127.0.0.1:<port> as back (p5, c0, k30), session resumed, session kept 1 min, will on wills/back (q0, delay 30 s)

    The will of back is armed and has not fired: back is connected and was last
    heard <measured> ago. If nothing more comes, its connection ends in <measured>,
    and the will fires 30 s later, unless it is back by then. [v5-3.1.2-7]

    The will before it did not fire: back came back after <measured> and went on
    with its session before the delay of 30 s was over. [v5-3.1.3-9]

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
              silence. [v5-3.1.2-22]
      <time>  With Clean Start 0 it went on with its session, which is kept for 1
              min after the connection. [v5-3.1.2-5]
      <time>  It set a will on wills/back (QoS 0, not retained, 4 bytes, delay 30
              s). [v5-3.1.2-7]
      <time>  Nothing has come after CONNECT, for <measured>.

    What can happen now
      - If nothing comes from it for another <measured>, the will fires 30 s later,
        unless it is back by then. [v5-3.1.2-22]
      - If its connection breaks (FIN, RST) or it breaks a rule of MQTT, the will
        fires 30 s later, unless it is back by then. [v5-3.1.2-8]
      - If it says a clean DISCONNECT, the will is discarded. [v5-3.14.4-3]
      - If its DISCONNECT has another reason code, as 0x04, the will fires 30 s
        later, unless it is back by then. [v5-3.1.2-8]
      - If another connection comes with the same client id, the will is cancelled
        if that goes on with the session (Clean Start 0), and fires at once if not.
        [v5-3.1.3-9]

    What to change
      - That is what a Will Delay Interval is for: who is back within 30 s raises no
        alarm. If short absences are to be heard of too, make it shorter, or 0.
        [v5-3.1.3-9]

    Its other connections
      <time>  127.0.0.1:<port>, MQTT 5.0. Closed without DISCONNECT (FIN) after
              <measured>; will cancelled <measured> later

    What a statement says: mqttd rule v5-3.1.2-7"
  `);
  },
  rowLimitMs,
);

test(
  "a return with Clean Start 1",
  async () => {
    const options = delayed("anew", { delay: 30 });
    const client = await accounts.mqttjs("anew", options);
    await client.vanish();
    await accounts.ended("anew");
    await using _back = await accounts.mqttjs("anew", { ...options, clean: true });
    expect(await accounts.account("anew")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as anew (p5, c0, k30), session kept 1 min, will on wills/anew (q0, delay 30 s)
    Client anew disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will due in 30 s on wills/anew
    anew's will published to 1 on wills/anew (due after <measured>, <lateness>, session ended) · connection ended: closed without DISCONNECT (FIN)
    New client connected from 127.0.0.1:<port> as anew (p5, c1, k30), session kept 1 min, will on wills/anew (q0, delay 30 s)

    The will of anew is armed and has not fired: anew is connected and was last
    heard <measured> ago. If nothing more comes, its connection ends in <measured>,
    and the will fires 30 s later, unless it is back by then. [v5-3.1.2-7]

    The will before it fired <measured> after its connection ended: anew closed the
    connection without a DISCONNECT (FIN), and its return with Clean Start 1 ended
    the session before the delay of 30 s was over. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
              silence. [v5-3.1.2-22]
      <time>  With Clean Start 1 it began a new session, which is kept for 1 min
              after the connection. [v5-3.1.2-4]
      <time>  It set a will on wills/anew (QoS 0, not retained, 4 bytes, delay 30
              s). [v5-3.1.2-7]
      <time>  Nothing has come after CONNECT, for <measured>.

    What can happen now
      - If nothing comes from it for another <measured>, the will fires 30 s later,
        unless it is back by then. [v5-3.1.2-22]
      - If its connection breaks (FIN, RST) or it breaks a rule of MQTT, the will
        fires 30 s later, unless it is back by then. [v5-3.1.2-8]
      - If it says a clean DISCONNECT, the will is discarded. [v5-3.14.4-3]
      - If its DISCONNECT has another reason code, as 0x04, the will fires 30 s
        later, unless it is back by then. [v5-3.1.2-8]
      - If another connection comes with the same client id, the will is cancelled
        if that goes on with the session (Clean Start 0), and fires at once if not.
        [v5-3.1.3-9]

    What to change
      - If its return is to cancel the will, let it connect with Clean Start 0:
        Clean Start 1 ends the old session, and a will never outlives its session.
        [v5-3.1.3-9]

    Its other connections
      <time>  127.0.0.1:<port>, MQTT 5.0. Closed without DISCONNECT (FIN) after
              <measured>; will fired <measured> later, 1 got it

    What a statement says: mqttd rule v5-3.1.2-7"
  `);
  },
  rowLimitMs,
);

test(
  "DISCONNECT 0x04 that ends the session",
  async () => {
    const client = await accounts.mqttjs("hurried", delayed("hurried", { delay: 30 }));
    const properties = { sessionExpiryInterval: 0 };
    await client.mqtt.endAsync(false, { reasonCode: 0x04, properties });
    await accounts.ended("hurried");
    expect(await accounts.account("hurried")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as hurried (p5, c0, k30), session kept 1 min, will on wills/hurried (q0, delay 30 s)
    Client hurried disconnected: DISCONNECT with will (silent <measured>, allowed 45.0 s) · will published to 1 on wills/hurried (delay of 30 s skipped)

    The will of hurried fired at once, because hurried sent DISCONNECT with reason
    code 0x04, which asks for the will. Its delay of 30 s was not waited for: that
    DISCONNECT set its Session Expiry Interval to 0, which ended the session. 1
    subscriber got it. [v5-3.1.2-8]

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
              silence. [v5-3.1.2-22]
      <time>  With Clean Start 0 it began a new session, since there was none to go
              on with, which is kept for 1 min after the connection. [v5-3.1.2-6]
      <time>  It set a will on wills/hurried (QoS 0, not retained, 4 bytes, delay 30
              s). [v5-3.1.2-7]
      <time>  The connection ended: it sent DISCONNECT with reason code 0x04, which
              asks for the will.
      <time>  Its delay of 30 s was not waited for: that DISCONNECT set its Session
              Expiry Interval to 0, which ended the session. [v5-3.1.2-8]
      <time>  The will was published on wills/hurried, <lateness>. 1 subscriber got
              it. [v5-3.1.2-8]

    What to change
      - If the will is to wait for its delay of 30 s, leave the Session Expiry
        Interval out of DISCONNECT: it set it to 0, and a will never outlives its
        session. [v5-3.1.3-9]

    What a statement says: mqttd rule v5-3.1.2-8"
  `);
  },
  rowLimitMs,
);

test(
  "a clean DISCONNECT",
  async () => {
    const client = await accounts.mqttjs("delayed-bye", delayed("delayed-bye", { delay: 30 }));
    await client.mqtt.endAsync();
    await accounts.ended("delayed-bye");
    expect(await accounts.account("delayed-bye")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as delayed-bye (p5, c0, k30), session kept 1 min, will on wills/delayed-bye (q0, delay 30 s)
    Client delayed-bye disconnected: DISCONNECT (silent <measured>, allowed 45.0 s) · will on wills/delayed-bye discarded
    Warning: delayed-bye sent a clean DISCONNECT, which discarded its will on wills/delayed-bye: 1 subscriber of that topic received nothing · publish the farewell before DISCONNECT, or send DISCONNECT 0x04 (MQTT 5.0)

    The will of delayed-bye did not fire: delayed-bye said goodbye with a clean
    DISCONNECT, which discards the will. [v5-3.14.4-3]

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
              silence. [v5-3.1.2-22]
      <time>  With Clean Start 0 it began a new session, since there was none to go
              on with, which is kept for 1 min after the connection. [v5-3.1.2-6]
      <time>  It set a will on wills/delayed-bye (QoS 0, not retained, 4 bytes,
              delay 30 s). [v5-3.1.2-7]
      <time>  The connection ended: it said goodbye with a clean DISCONNECT.
      <time>  The will was discarded. [v5-3.14.4-3]

    What to change
      - 1 subscriber of wills/delayed-bye was told nothing. If planned ends are to
        be heard of too, publish the farewell before DISCONNECT, or send DISCONNECT
        with reason code 0x04. To try the will, kill the program (SIGKILL).
        [v5-3.14.4-3]

    What a statement says: mqttd rule v5-3.14.4-3"
  `);
  },
  rowLimitMs,
);
