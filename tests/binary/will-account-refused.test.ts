import { afterAll, beforeAll, expect, test } from "bun:test";
import { connectBytes, connectFlag, willQosFlag } from "../support/connect-bytes.ts";
import { explain } from "../../src/inspect/explain/explain.ts";
import { logText } from "../support/account-text.ts";
import { briefPage, clientAnswer } from "../support/brief-account.ts";
import { run, RunningBroker } from "../support/executable.ts";
import { SocketClient } from "../support/socket-client.ts";
import { rowLimitMs, WillAccounts } from "../support/will-account.ts";

// A refused CONNECT arms no will. `mqttd inspect explain` shows why it was refused.

let accounts: WillAccounts;
beforeAll(async () => {
  accounts = await WillAccounts.start({
    args: [
      ...["--set", "limits.qos=1", "--set", "limits.payloadSize=1KiB"],
      ...["--set", "limits.packetSize=2KiB", "--set", "limits.sessions=3"],
    ],
  });
}, rowLimitMs);
afterAll(async () => {
  await accounts[Symbol.asyncDispose]();
});

const { clean, will, willRetain } = connectFlag;

test(
  "the will's topic has a wildcard",
  async () => {
    await accounts.send(connectBytes({ version: 4, clientId: "wild-4", willTopic: "wills/#" }));
    expect(await accounts.account("wild-4")).toMatchInlineSnapshot(`
      "Client wild-4 (127.0.0.1:<port>) disconnected: protocol error (Will Topic holds a wildcard [v4-4.7.1-1])

      wild-4 was refused: Will Topic holds a wildcard. A refused CONNECT arms no will,
      so nothing can fire. [v4-4.7.1-1]

      Advice: refused"
    `);
  },
  rowLimitMs,
);

test(
  "the will's topic has a wildcard, MQTT 5.0",
  async () => {
    await accounts.send(connectBytes({ version: 5, clientId: "wild-5", willTopic: "wills/+" }));
    expect(await accounts.account("wild-5")).toMatchInlineSnapshot(`
      "Client wild-5 (127.0.0.1:<port>) disconnected: refused (Will Topic holds a wildcard [v5-4.7.0-1])

      wild-5 was refused: Will Topic holds a wildcard. A refused CONNECT arms no will,
      so nothing can fire. [v5-4.7.0-1]

      Advice: refused"
    `);
  },
  rowLimitMs,
);

test(
  "the will's topic is empty",
  async () => {
    await accounts.send(connectBytes({ version: 5, clientId: "empty-topic", willTopic: "" }));
    expect(await accounts.account("empty-topic")).toMatchInlineSnapshot(`
      "Client empty-topic (127.0.0.1:<port>) disconnected: refused (Will Topic is empty [v5-4.7.3-1])

      empty-topic was refused: Will Topic is empty. A refused CONNECT arms no will, so
      nothing can fire. [v5-4.7.3-1]

      Advice: refused"
    `);
  },
  rowLimitMs,
);

test(
  "the will's topic holds U+0000",
  async () => {
    await accounts.send(connectBytes({ version: 4, clientId: "nul-topic", willTopic: "a\0b" }));
    expect(await accounts.account("nul-topic")).toMatchInlineSnapshot(`
      "Client nul-topic (127.0.0.1:<port>) disconnected: malformed packet (Will Topic holds U+0000 [v4-1.5.3-2])

      nul-topic was refused: Will Topic holds U+0000. A refused CONNECT arms no will,
      so nothing can fire. [v4-1.5.3-2]

      Advice: refused"
    `);
  },
  rowLimitMs,
);

test(
  "Will QoS 3",
  async () => {
    const flags = clean | will | willQosFlag(3);
    await accounts.send(connectBytes({ version: 5, clientId: "will-qos-3", flags }));
    expect(await accounts.account("will-qos-3")).toMatchInlineSnapshot(`
      "Client will-qos-3 (127.0.0.1:<port>) disconnected: refused (Will QoS is 3 [v5-3.1.2-12])

      will-qos-3 was refused: Will QoS is 3. A refused CONNECT arms no will, so
      nothing can fire. [v5-3.1.2-12]

      Advice: refused"
    `);
  },
  rowLimitMs,
);

test(
  "Will QoS without the Will Flag",
  async () => {
    const flags = clean | willQosFlag(1);
    const bytes = connectBytes({ version: 4, clientId: "qos-no-will", flags, willTopic: null });
    await accounts.send(bytes);
    expect(await accounts.account("qos-no-will")).toMatchInlineSnapshot(`
      "Client qos-no-will (127.0.0.1:<port>) disconnected: protocol error (Will QoS without Will Flag [v4-3.1.2-13])

      qos-no-will was refused: Will QoS without Will Flag. A refused CONNECT arms no
      will, so nothing can fire. [v4-3.1.2-13]

      Advice: refused"
    `);
  },
  rowLimitMs,
);

test(
  "Will Retain without the Will Flag",
  async () => {
    const flags = clean | willRetain;
    const bytes = connectBytes({ version: 5, clientId: "retain-no-will", flags, willTopic: null });
    await accounts.send(bytes);
    expect(await accounts.account("retain-no-will")).toMatchInlineSnapshot(`
      "Client retain-no-will (127.0.0.1:<port>) disconnected: refused (Will Retain without Will Flag [v5-3.1.2-13])

      retain-no-will was refused: Will Retain without Will Flag. A refused CONNECT
      arms no will, so nothing can fire. [v5-3.1.2-13]

      Advice: refused"
    `);
  },
  rowLimitMs,
);

test(
  "the payload is not UTF-8 although its Payload Format Indicator says so",
  async () => {
    await accounts.send(
      connectBytes({
        ...{ version: 5, clientId: "not-utf-8" },
        ...{ willProperties: [0x01, 1], willPayload: [0xff, 0xfe] },
      }),
    );
    expect(await accounts.account("not-utf-8")).toMatchInlineSnapshot(`
      "Client not-utf-8 (127.0.0.1:<port>) disconnected: refused (Will Payload is not the UTF-8 that its Payload Format Indicator says [v5-3.1.3.2.3])

      not-utf-8 was refused: Will Payload is not the UTF-8 that its Payload Format
      Indicator says. A refused CONNECT arms no will, so nothing can fire.
      [v5-3.1.3.2.3]

      Advice: refused"
    `);
  },
  rowLimitMs,
);

test(
  "a Will QoS above this broker's maximum",
  async () => {
    const flags = clean | will | willQosFlag(2);
    await accounts.send(
      connectBytes({ version: 5, clientId: "will-qos-2", flags, willTopic: "wills/qos-2" }),
    );
    expect(await accounts.account("will-qos-2")).toMatchInlineSnapshot(`
    "Client will-qos-2 (127.0.0.1:<port>) disconnected: refused (Will QoS 2 exceeds the maximum of 1 (limits.qos) [v5-3.2.2-12]) · will on wills/qos-2 not armed

    will-qos-2 was refused: Will QoS 2 exceeds the maximum of 1 (limits.qos). A
    refused CONNECT arms no will, so nothing can fire. [v5-3.2.2-12]

    Advice: refused"
  `);
  },
  rowLimitMs,
);

test(
  "a will on a topic where this client may not publish",
  async () => {
    await accounts.send(
      connectBytes({ version: 4, clientId: "sys-will", willTopic: "$SYS/broker" }),
    );
    expect(await accounts.account("sys-will")).toMatchInlineSnapshot(`
    "Client sys-will (127.0.0.1:<port>) disconnected: refused (the will topic is below $SYS, where only the broker may publish [v4-3.1.4]) · will on $SYS/broker not armed

    sys-will was refused: the will topic is below $SYS, where only the broker may
    publish. A refused CONNECT arms no will, so nothing can fire. [v4-3.1.4]

    Advice: refused"
  `);
  },
  rowLimitMs,
);

test(
  "a client that was connected before: the will before the refusal is shown too",
  async () => {
    const client = await accounts.mqttjs("was-there", { protocolVersion: 4 });
    await client.vanish();
    await accounts.ended("was-there");
    await accounts.send(connectBytes({ version: 4, clientId: "was-there", willTopic: "wills/#" }));
    expect(await accounts.account("was-there")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as was-there (p2, c1, k30), will on wills/was-there (q0)
    Client was-there disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published to 1 on wills/was-there
    Client was-there (127.0.0.1:<port>) disconnected: protocol error (Will Topic holds a wildcard [v4-4.7.1-1])

    was-there was refused: Will Topic holds a wildcard. A refused CONNECT arms no
    will, so nothing can fire. [v4-4.7.1-1]

    The will before it fired at once, because was-there, or something between,
    closed the connection without a DISCONNECT (FIN). 1 subscriber got it.
    [v4-3.1.2-8]

    Advice: refused"
  `);
  },
  rowLimitMs,
);

test(
  "another CONNECT is refused while the client is connected: it stays",
  async () => {
    await using _client = await accounts.mqttjs("stays");
    await accounts.send(connectBytes({ version: 4, clientId: "stays", willTopic: "wills/#" }));
    expect(await accounts.account("stays")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as stays (p5, c1, k30), will on wills/stays (q0)
    Client stays (127.0.0.1:<port>) disconnected: protocol error (Will Topic holds a wildcard [v4-4.7.1-1])

    The will of stays is armed and has not fired: stays is connected and was last
    heard <measured> ago. If nothing more comes, the will fires in <measured>.
    [v5-3.1.2-7]

    Advice: none"
  `);
  },
  rowLimitMs,
);

test(
  "a will whose payload is above this broker's limit",
  async () => {
    const payload = "x".repeat(1025);
    await accounts.send(
      connectBytes({
        ...{ version: 4, clientId: "large-will", willTopic: "wills/large-will" },
        willPayload: payload,
      }),
    );
    expect(await accounts.account("large-will")).toMatchInlineSnapshot(`
      "Client large-will (127.0.0.1:<port>) disconnected: refused (the will payload of 1025 B exceeds the limit of 1024 B (limits.payloadSize) [v4-3.1.3.3]) · will on wills/large-will not armed

      large-will was refused: the will payload of 1025 B exceeds the limit of 1024 B
      (limits.payloadSize). A refused CONNECT arms no will, so nothing can fire.
      [v4-3.1.3.3]

      Advice: refused"
    `);
  },
  rowLimitMs,
);

test(
  "a CONNECT above this broker's limit is told with its client id",
  async () => {
    const willPayload = "x".repeat(3000);
    await accounts.send(connectBytes({ version: 5, clientId: "large-connect", willPayload }));
    expect(logText([await accounts.line("a packet of 3038 B")])).toMatchInlineSnapshot(
      `"Client large-connect (127.0.0.1:<port>) disconnected: refused (a packet of 3038 B, and the maximum is 2048 B (limits.packetSize) [v5-3.2.2-15])"`,
    );
  },
  rowLimitMs,
);

test(
  "the limit of sessions is reached",
  async () => {
    await using _one = await accounts.mqttjs("first");
    await using _two = await accounts.mqttjs("second");
    await accounts.send(
      connectBytes({ version: 4, clientId: "one-too-many", willTopic: "wills/one-too-many" }),
    );
    await accounts.line("one-too-many");
    // The reader of the log needs a session of its own.
    await _one.mqtt.endAsync();
    expect(await accounts.account("one-too-many")).toMatchInlineSnapshot(`
      "Client one-too-many (127.0.0.1:<port>) disconnected: refused (the limit of 3 sessions is reached (limits.sessions) [v4-3.1.4]) · will on wills/one-too-many not armed

      one-too-many was refused: the limit of 3 sessions is reached (limits.sessions).
      A refused CONNECT arms no will, so nothing can fire. [v4-3.1.4]

      Advice: brokerFull"
    `);
  },
  rowLimitMs,
);

test(
  "a client without the required user name",
  async () => {
    const config = { auth: { allowAnonymous: false } };
    await using strict = await RunningBroker.start({
      files: { "mqttd.json": JSON.stringify(config) },
      logFormat: "human",
    });
    using client = await SocketClient.dial(strict.port);
    client.sendBytes(connectBytes({ version: 5, clientId: "nobody", willTopic: "wills/nobody" }));
    await client.ended;
    const line = await strict.lines.first("its end", (text) => text.includes("disconnected:"));
    const answer = await clientAnswer(strict.folder, "nobody");
    const { stdout } = await run(strict.folder, ["inspect", "explain", "nobody"]);
    const explained = briefPage(stdout, explain(answer));
    expect(`${logText([line])}\n\n${explained}`).toMatchInlineSnapshot(`
      "Client nobody (127.0.0.1:<port>) disconnected: refused (anonymous clients are not allowed [v5-3.1.4-2]) · will on wills/nobody not armed

      nobody was refused: anonymous clients are not allowed. A refused CONNECT arms no
      will, so nothing can fire. [v5-3.1.4-2]

      Advice: refused"
    `);
  },
  rowLimitMs,
);
