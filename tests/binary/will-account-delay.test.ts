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
    the will is due in <measured>, unless waits reconnects and resumes its session
    first. [v5-3.1.2-8]

    Advice: willDelay"
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

    The will of is-due fired <measured> after its connection ended: is-due, or
    something between, closed the connection without a DISCONNECT (FIN), and the
    delay of 1 s was over. 1 subscriber got it. [v5-3.1.2-8]

    Advice: none"
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
    Warning: cut-short <delayBeyondSession> {"topic":"wills/cut-short","delayInterval":60,"sessionExpiry":1}
    Client cut-short disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will due in 1 s on wills/cut-short
    cut-short's will published to 1 on wills/cut-short (due after <measured>, <lateness>, session ended) · connection ended: closed without DISCONNECT (FIN)
    Session of client cut-short ended: its Session Expiry Interval has passed

    The will of cut-short fired <measured> after its connection ended: cut-short, or
    something between, closed the connection without a DISCONNECT (FIN), and its
    session ended before the delay of 1 min was over. 1 subscriber got it.
    [v5-3.1.2-8]

    Advice: delayBeyondSession"
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

    The will before it did not fire: back came back after <measured> and resumed its
    session before the delay of 30 s was over. [v5-3.1.3-9]

    Advice: quickReturn"
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

    The will before it fired <measured> after its connection ended: anew, or
    something between, closed the connection without a DISCONNECT (FIN), and its
    return with Clean Start 1 ended the session before the delay of 30 s was over. 1
    subscriber got it. [v5-3.1.2-8]

    Advice: cleanStartReturn"
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

    Advice: sessionCutByDisconnect"
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
    Warning: delayed-bye <cleanDisconnect> {"topic":"wills/delayed-bye","listeners":1}

    The will of delayed-bye did not fire: delayed-bye sent a clean DISCONNECT, which
    discards the will. [v5-3.14.4-3]

    Advice: cleanDisconnect"
  `);
  },
  rowLimitMs,
);
