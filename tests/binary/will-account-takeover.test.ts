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

    Advice: takeover"
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

    Advice: takeover"
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
    resumed its session before the delay of 10 s was over. [v5-3.1.3-9]

    Advice: quickReturn"
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

    Advice: cleanStartReturn"
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
    and the client had sent no DISCONNECT. 1 subscriber got it. [v5-3.1.2-8]

    Advice: kicked"
  `);
  },
  rowLimitMs,
);
