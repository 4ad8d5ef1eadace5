import { afterAll, beforeAll, expect, test } from "bun:test";
import { rowLimitMs, WillAccounts } from "../support/will-account.ts";

// Another connection with the same client id, or the operator, ends the connection: the account of
// the will.

let accounts: WillAccounts;
beforeAll(async () => {
  accounts = await WillAccounts.start();
}, rowLimitMs);
afterAll(async () => {
  await accounts[Symbol.asyncDispose]();
});

const kept = { clean: false, properties: { sessionExpiryInterval: 60 } } as const;

function delayed(clientId: string) {
  const will = { topic: `wills/${clientId}`, payload: Buffer.from("gone"), qos: 0 as const };
  return { will: { ...will, retain: false, properties: { willDelayInterval: 10 } } };
}

test(
  "a takeover that resumes the session, without delay",
  async () => {
    await using _before = await accounts.mqttjs("again", kept);
    await using _now = await accounts.mqttjs("again", kept);
    await accounts.ended("again");
    expect(await accounts.account("again")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as again (p5, c0, k30), session kept 1 min, will on wills/again (q0)
    Client again disconnected: already connected, taken over by a new connection (silent <measured>, allowed 45.0 s) · will published to 1 on wills/again
    New client connected from 127.0.0.1:<port> as again (p5, c0, k30), session resumed, session kept 1 min, will on wills/again (q0)

    The will of again is armed and has not fired: again is connected and was last
    heard <measured> ago. If nothing more comes, the will fires in <measured>.
    [v5-3.1.2-7]

    The will before it fired at once, because another connection came with the same
    client id, from 127.0.0.1:<port>. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
              silence. [v5-3.1.2-22]
      <time>  With Clean Start 0 it went on with its session, which is kept for 1
              min after the connection. [v5-3.1.2-5]
      <time>  It set a will on wills/again (QoS 0, not retained, 4 bytes, no delay).
              [v5-3.1.2-7]
      <time>  Nothing has come after CONNECT, for <measured>.

    What can happen now
      - If nothing comes from it for another <measured>, the will fires.
        [v5-3.1.2-22]
      - If its connection breaks (FIN, RST) or it breaks a rule of MQTT, the will
        fires. [v5-3.1.2-8]
      - If it says a clean DISCONNECT, the will is discarded. [v5-3.14.4-3]
      - If its DISCONNECT has another reason code, as 0x04, the will fires.
        [v5-3.1.2-8]
      - If another connection comes with the same client id, the will fires at once.
        [v5-3.1.2-8]

    What to change
      - It connected again while the broker still held its old connection, so the
        old one died. If a reconnect is to raise no alarm, give the will a delay of
        a few seconds, and connect with Clean Start 0 and a Session Expiry Interval
        above that delay. [v5-3.1.2-8]

    Its other connections
      <time>  127.0.0.1:<port>, MQTT 5.0. Taken over after <measured>; will fired, 1
              got it

    What a statement says: mqttd rule v5-3.1.2-7"
  `);
  },
  rowLimitMs,
);

test(
  "a takeover of MQTT 3.1.1 with Clean Session 1",
  async () => {
    await using _before = await accounts.mqttjs("again-clean", { protocolVersion: 4 });
    await using _now = await accounts.mqttjs("again-clean", { protocolVersion: 4 });
    await accounts.ended("again-clean");
    expect(await accounts.account("again-clean")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as again-clean (p2, c1, k30), will on wills/again-clean (q0)
    Client again-clean disconnected: already connected, taken over by a new connection (silent <measured>, allowed 45.0 s) · will published to 1 on wills/again-clean
    New client connected from 127.0.0.1:<port> as again-clean (p2, c1, k30), will on wills/again-clean (q0)

    The will of again-clean is armed and has not fired: again-clean is connected and
    was last heard <measured> ago. If nothing more comes, the will fires in
    <measured>. [v4-3.1.2-8]

    The will before it fired at once, because another connection came with the same
    client id, from 127.0.0.1:<port>. 1 subscriber got it. [v4-3.1.2-8]

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 3.1.1 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
              silence. [v4-3.1.2-24]
      <time>  With Clean Session 1 it began a new session, which ends with the
              connection. [v4-3.1.2-6]
      <time>  It set a will on wills/again-clean (QoS 0, not retained, 4 bytes).
              [v4-3.1.2-8]
      <time>  Nothing has come after CONNECT, for <measured>.

    What can happen now
      - If nothing comes from it for another <measured>, the will fires.
        [v4-3.1.2-24]
      - If its connection breaks (FIN, RST) or it breaks a rule of MQTT, the will
        fires. [v4-3.1.2-8]
      - If it says a clean DISCONNECT, the will is discarded. [v4-3.14.4-3]
      - If another connection comes with the same client id, the will fires at once.
        [v4-3.1.2-8]

    What to change
      - It connected again while the broker still held its old connection, so the
        old one died. Only MQTT 5.0 can delay a will; in MQTT 3.1.1 publish a birth
        on the same topic after each CONNACK, which corrects it. [v4-3.1.2-8]

    Its other connections
      <time>  127.0.0.1:<port>, MQTT 3.1.1. Taken over after <measured>; will fired,
              1 got it

    What a statement says: mqttd rule v4-3.1.2-8"
  `);
  },
  rowLimitMs,
);

test(
  "a takeover that resumes the session of a delayed will",
  async () => {
    const options = { ...kept, ...delayed("again-delayed") };
    await using _before = await accounts.mqttjs("again-delayed", options);
    await using _now = await accounts.mqttjs("again-delayed", options);
    await accounts.ended("again-delayed");
    expect(await accounts.account("again-delayed")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as again-delayed (p5, c0, k30), session kept 1 min, will on wills/again-delayed (q0, delay 10 s)
    Client again-delayed disconnected: already connected, taken over by a new connection (silent <measured>, allowed 45.0 s) · will on wills/again-delayed cancelled (session resumed)
    New client connected from 127.0.0.1:<port> as again-delayed (p5, c0, k30), session resumed, session kept 1 min, will on wills/again-delayed (q0, delay 10 s)

    The will of again-delayed is armed and has not fired: again-delayed is connected
    and was last heard <measured> ago. If nothing more comes, its connection ends in
    <measured>, and the will fires 10 s later, unless it is back by then.
    [v5-3.1.2-7]

    The will before it did not fire: again-delayed took over its own connection and
    went on with its session before the delay of 10 s was over. [v5-3.1.3-9]

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
              silence. [v5-3.1.2-22]
      <time>  With Clean Start 0 it went on with its session, which is kept for 1
              min after the connection. [v5-3.1.2-5]
      <time>  It set a will on wills/again-delayed (QoS 0, not retained, 4 bytes,
              delay 10 s). [v5-3.1.2-7]
      <time>  Nothing has come after CONNECT, for <measured>.

    What can happen now
      - If nothing comes from it for another <measured>, the will fires 10 s later,
        unless it is back by then. [v5-3.1.2-22]
      - If its connection breaks (FIN, RST) or it breaks a rule of MQTT, the will
        fires 10 s later, unless it is back by then. [v5-3.1.2-8]
      - If it says a clean DISCONNECT, the will is discarded. [v5-3.14.4-3]
      - If its DISCONNECT has another reason code, as 0x04, the will fires 10 s
        later, unless it is back by then. [v5-3.1.2-8]
      - If another connection comes with the same client id, the will is cancelled
        if that goes on with the session (Clean Start 0), and fires at once if not.
        [v5-3.1.3-9]

    What to change
      - That is what a Will Delay Interval is for: who is back within 10 s raises no
        alarm. If short absences are to be heard of too, make it shorter, or 0.
        [v5-3.1.3-9]

    Its other connections
      <time>  127.0.0.1:<port>, MQTT 5.0. Taken over after <measured>; will
              cancelled

    What a statement says: mqttd rule v5-3.1.2-7"
  `);
  },
  rowLimitMs,
);

test(
  "a takeover with Clean Start 1 of a delayed will",
  async () => {
    const options = { ...kept, ...delayed("again-anew") };
    await using _before = await accounts.mqttjs("again-anew", options);
    await using _now = await accounts.mqttjs("again-anew", { ...options, clean: true });
    await accounts.ended("again-anew");
    expect(await accounts.account("again-anew")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as again-anew (p5, c0, k30), session kept 1 min, will on wills/again-anew (q0, delay 10 s)
    Client again-anew disconnected: already connected, taken over by a new connection (silent <measured>, allowed 45.0 s) · will published to 1 on wills/again-anew (delay of 10 s skipped)
    New client connected from 127.0.0.1:<port> as again-anew (p5, c1, k30), session kept 1 min, will on wills/again-anew (q0, delay 10 s)

    The will of again-anew is armed and has not fired: again-anew is connected and
    was last heard <measured> ago. If nothing more comes, its connection ends in
    <measured>, and the will fires 10 s later, unless it is back by then.
    [v5-3.1.2-7]

    The will before it fired at once, because another connection came with the same
    client id, from 127.0.0.1:<port>. Its delay of 10 s was not waited for: the new
    connection's Clean Start 1 ended the session. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
              silence. [v5-3.1.2-22]
      <time>  With Clean Start 1 it began a new session, which is kept for 1 min
              after the connection. [v5-3.1.2-4]
      <time>  It set a will on wills/again-anew (QoS 0, not retained, 4 bytes, delay
              10 s). [v5-3.1.2-7]
      <time>  Nothing has come after CONNECT, for <measured>.

    What can happen now
      - If nothing comes from it for another <measured>, the will fires 10 s later,
        unless it is back by then. [v5-3.1.2-22]
      - If its connection breaks (FIN, RST) or it breaks a rule of MQTT, the will
        fires 10 s later, unless it is back by then. [v5-3.1.2-8]
      - If it says a clean DISCONNECT, the will is discarded. [v5-3.14.4-3]
      - If its DISCONNECT has another reason code, as 0x04, the will fires 10 s
        later, unless it is back by then. [v5-3.1.2-8]
      - If another connection comes with the same client id, the will is cancelled
        if that goes on with the session (Clean Start 0), and fires at once if not.
        [v5-3.1.3-9]

    What to change
      - If its return is to cancel the will, let it connect with Clean Start 0:
        Clean Start 1 ends the old session, and a will never outlives its session.
        [v5-3.1.3-9]

    Its other connections
      <time>  127.0.0.1:<port>, MQTT 5.0. Taken over after <measured>; will fired, 1
              got it

    What a statement says: mqttd rule v5-3.1.2-7"
  `);
  },
  rowLimitMs,
);

test(
  "closed by the operator: `inspect kick`",
  async () => {
    await using _client = await accounts.mqttjs("kicked");
    await accounts.inspected("kick", "kicked");
    await accounts.ended("kicked");
    expect(await accounts.account("kicked")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as kicked (p5, c1, k30), will on wills/kicked (q0)
    Operator's order: kick kicked
    Client kicked disconnected: closed by the operator (silent <measured>, allowed 45.0 s) · will published to 1 on wills/kicked

    The will of kicked fired at once, because the operator closed the connection,
    which is no goodbye of the client's own. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      <time>  It connected from 127.0.0.1:<port> with MQTT 5.0 (listener: tcp
              localhost:0).
      <time>  It asked for a keepalive of 30 s: its connection ends after 45.0 s of
              silence. [v5-3.1.2-22]
      <time>  With Clean Start 1 it began a new session, which ends with the
              connection. [v5-3.1.2-4]
      <time>  It set a will on wills/kicked (QoS 0, not retained, 4 bytes, no
              delay). [v5-3.1.2-7]
      <time>  No packet came after CONNECT until the end, <measured> later.
      <time>  The connection ended: the operator closed the connection, which is no
              goodbye of the client's own.
      <time>  The will was published on wills/kicked, <lateness>. 1 subscriber got
              it. [v5-3.1.2-8]

    What to change
      - Nothing at the client. If its will is not to fire when it is sent away, let
        the client itself say DISCONNECT: nobody can say it in its place.

    What a statement says: mqttd rule v5-3.1.2-8"
  `);
  },
  rowLimitMs,
);
