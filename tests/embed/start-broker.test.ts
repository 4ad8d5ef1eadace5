import { expect, test } from "bun:test";
import { Socket } from "node:net";
import { createColors } from "picocolors";
import type { ClientAnswer } from "../../src/api/api.ts";
import { clientOf } from "../../src/core/queries/queries.ts";
import { explanationOf } from "../../src/embed/explanation.ts";
import { type ListenFailure, startBroker } from "../../src/embed/mqttd.ts";
import { TestTime } from "../../src/embed/test-time.ts";
import { explain, explanationText } from "../../src/inspect/explain/explain.ts";
import { clientJson } from "../../src/server/admin/client.ts";
import { embeddedBroker } from "../../src/server/embedded.ts";
import { eventually } from "../support/inbox.ts";
import { MqttJsClient } from "../support/mqttjs-client.ts";
import { reservedPort } from "../support/reserved-port.ts";
import { problemOf } from "./problem.ts";

const will = {
  topic: "dev/42/status",
  payload: Buffer.from("gone"),
  qos: 1,
  retain: true,
} as const;

test("a client that is reset: the fate of its will, with cause and recipients", async () => {
  await using broker = await startBroker();
  await using watcher = await MqttJsClient.connect(broker.url, { protocolVersion: 5 });
  await watcher.mqtt.subscribeAsync("dev/+/status", { qos: 1 });
  await using client = await MqttJsClient.connect(broker.port, { clientId: "dev-42", will });
  await client.mqtt.publishAsync("dev/42/status", "here", { qos: 1, retain: true });
  expect(broker.wills.list({ clientId: "dev-42" })).toMatchObject([
    { state: "armed", fate: null, cause: null, recipients: null, at: null },
  ]);
  broker.drop("dev-42", "rst");
  const fate = await broker.wills.wait({ clientId: "dev-42" });
  expect(fate).toMatchObject({
    ...{ clientId: "dev-42", topic: "dev/42/status", qos: 1, retain: true, payloadBytes: 4 },
    ...{ state: "published", fate: "published", cause: "resetByPeer", why: null },
    recipients: { delivered: 1, queued: 0, dropped: 0, away: 0, retained: "stored" },
  });
  expect(Buffer.from(fate.payload).toString()).toBe("gone");
  const messages = await broker.messages("dev/#", { count: 2 });
  expect(messages.map(({ text, isWill, clientId }) => ({ text, isWill, clientId }))).toEqual([
    { text: "here", isWill: false, clientId: "dev-42" },
    { text: "gone", isWill: true, clientId: "dev-42" },
  ]);
  await watcher.messages.first("the will", ({ payload }) => payload.toString() === "gone");
  expect(broker.wills.list({ topic: "dev/42/status" })).toEqual([fate]);
  expect(broker.wills.list({ topic: "dev" })).toEqual([]);
});

test("wills.wait waits for a will that is not there yet, and tells a clean end", async () => {
  await using broker = await startBroker();
  const waiting = broker.wills.wait({ topic: will.topic });
  await using client = await MqttJsClient.connect(broker.port, { clientId: "dev-42", will });
  await client.mqtt.endAsync();
  expect(await waiting).toMatchObject({
    ...{ state: "discarded", fate: "discarded", cause: "disconnected", why: "disconnect" },
    ...{ recipients: null, rule: "v4-3.14.4-3" },
  });
});

test("a wait in vain says what there is", async () => {
  await using broker = await startBroker();
  await using client = await MqttJsClient.connect(broker.port, { clientId: "dev-42", will });
  await client.roundTrip();
  const within = "1ms";
  expect(await problemOf(broker.wills.wait({ clientId: "dev-42", within }))).toContain(
    'the will of "dev-42" on "dev/42/status" is armed: no fate within 1ms',
  );
  expect(
    await problemOf(broker.wills.wait({ clientId: "dev-43", topic: "t", within: 1 })),
  ).toContain('no will of "dev-43" on "t" came within 1 ms');
  await client.mqtt.publishAsync("t", "", { qos: 1 });
  expect(await problemOf(broker.messages("t", { count: 2, within }))).toContain(
    '1 of 2 messages on "t" came within 1ms',
  );
});

test("messages are the last ones, within their bounds, and only those that match", async () => {
  await using broker = await startBroker({ keptMessages: 2, keptBytes: 100 });
  await using client = await MqttJsClient.connect(broker.port, {});
  for (const text of ["1", "2", "3"]) await client.mqtt.publishAsync(`a/${text}`, text, { qos: 1 });
  const texts = async (filter?: string) => (await broker.messages(filter)).map(({ text }) => text);
  expect(await texts()).toEqual(["2", "3"]);
  expect(await texts("a/3")).toEqual(["3"]);
  expect(await texts("+/2")).toEqual(["2"]);
  await client.mqtt.publishAsync("b", "x".repeat(98), { qos: 1 });
  expect(await texts("a/#")).toEqual([]);
  await client.mqtt.publishAsync("b", "x".repeat(100), { qos: 1 });
  expect(await texts()).toEqual(["x".repeat(98)]);
  expect(await problemOf(broker.messages("a/#/b"))).toContain('filter "a/#/b": ');
});

test("clients lists the sessions, and explain is the text for people", async () => {
  await using broker = await startBroker();
  await using client = await MqttJsClient.connect(broker.port, {
    ...{ clientId: "dev-42", keepalive: 10, username: "anna", will },
  });
  await client.mqtt.subscribeAsync("a");
  expect(broker.clients()).toMatchObject([
    {
      ...{ clientId: "dev-42", connected: true, protocol: "3.1.1", username: "anna" },
      ...{ keepAliveSeconds: 10, subscriptions: 1, queued: 0, will: "armed" },
    },
  ]);
  broker.drop("dev-42", "rst");
  await broker.wills.wait();
  expect(broker.clients()).toEqual([]);
  expect(broker.explain("dev-42")).toStartWith("The will of dev-42 fired ");
  const unknown = broker.explain("dev-43").replaceAll("\n", " ");
  expect(unknown).toStartWith("dev-43 has not connected since the broker started ");
  expect(unknown).toContain("Did you mean dev-42?");
});

test("brokers of one process do not know each other", async () => {
  await using one = await startBroker();
  await using other = await startBroker();
  expect(one.port).not.toBe(other.port);
  await using client = await MqttJsClient.connect(one.port, { clientId: "dev-42" });
  await client.mqtt.publishAsync("t", "text", { qos: 1 });
  expect([one.clients().length, other.clients().length]).toEqual([1, 0]);
  expect([(await one.messages()).length, (await other.messages()).length]).toEqual([1, 0]);
  expect(() => other.drop("dev-42", "rst")).toThrow('drop: "dev-42" is not connected');
});

test("stop disconnects clients and frees the port, and may be called again", async () => {
  const broker = await startBroker({ port: reservedPort() });
  await using client = await MqttJsClient.connect(broker.port, { clientId: "dev-42", will });
  const closed = new Promise<void>((resolve) => client.mqtt.once("close", () => resolve()));
  await broker.stop();
  await broker.stop();
  await closed;
  expect(broker.wills.list()).toMatchObject([{ cause: "shuttingDown", fate: "published" }]);
  await using again = await startBroker({ port: broker.port });
  expect(again.port).toBe(broker.port);
  expect(await problemOf(startBroker({ port: broker.port }))).toContain(
    `port ${broker.port} on 127.0.0.1 is in use`,
  );
});

test("authenticate decides who may connect, also later", async () => {
  await using broker = await startBroker({
    authenticate: ({ username, password }) => {
      const isKnown = username === "anna" && password === "secret";
      return username === "later" ? Promise.resolve(isKnown) : isKnown;
    },
  });
  await using anna = await MqttJsClient.connect(broker.port, {
    ...{ username: "anna", password: "secret" },
  });
  expect(anna.mqtt.connected).toBe(true);
  for (const username of ["later", "anna"]) {
    const refused = MqttJsClient.connect(broker.port, { username, password: "wrong" });
    expect(await problemOf(refused)).toContain("Not authorized");
  }
});

test.each(["throws", "rejects"])(
  "an authenticate that %s fails the test that waits",
  async (how) => {
    const broker = await startBroker({
      authenticate: () => {
        const fault = new Error("no such table");
        if (how === "throws") throw fault;
        return Promise.reject(fault);
      },
    });
    const waiting = problemOf(broker.wills.wait());
    const client = new MqttJsClient(broker.port, {});
    expect(await waiting).toBe("Error: no such table");
    expect(await problemOf(broker.stop())).toBe("Error: no such table");
    await client.mqtt.endAsync(true);
  },
);

test("explain says what the administration interface would have inspect say", async () => {
  const broker = await embeddedBroker({ time: new TestTime() });
  const { clock } = broker;
  await using client = await MqttJsClient.connect(broker.port, { clientId: "dev-42", will });
  await client.mqtt.subscribeAsync("a");
  await client.vanish();
  const isKnown = (): boolean => broker.broker.sessions.has("dev-42");
  await eventually(
    () => !isKnown(),
    () => "its connection has not ended",
  );
  const account = clientOf(broker.broker, "dev-42");
  if (account === null) throw new Error("the client is not known");
  const json = clientJson(account, {
    clock,
    like: null,
    predecessor: null,
    restarts: [],
    storeFile: null,
  });
  const answer: ClientAnswer = JSON.parse([...json].join(""));
  const style = { columns: 80, colors: createColors(false) };
  const told = explanationText(explain(answer, []), style);
  expect(told).toStartWith("The will of dev-42 fired ");
  expect(explanationOf(broker, "dev-42")).toBe(told);
  await broker.close();
});

test("the log is written only if asked for, a line an event", async () => {
  const lines: string[] = [];
  {
    await using broker = await startBroker({ log: (line) => lines.push(line) });
    await using client = await MqttJsClient.connect(broker.port, { clientId: "dev-42", will });
    broker.drop("dev-42", "rst");
    await broker.wills.wait();
    expect(client.mqtt.options.clientId).toBe("dev-42");
  }
  expect(lines.length).toBeGreaterThan(1);
  expect(lines.filter((line) => !/^\d\d:\d\d:\d\d\.\d{3} [^\n]+$/.test(line))).toEqual([]);
});

test("an unusable option is an error that says what is allowed", async () => {
  const started = async (options: object) => startBroker(options);
  expect(await problemOf(started({ clck: "test" }))).toContain(
    "clck: unknown option, did you mean clock?",
  );
  expect(await problemOf(started({ clock: "real" }))).toContain(
    'clock: found "real", allowed: "system" or "test"',
  );
  expect(await problemOf(started({ limits: { keepAliveMx: "1s" } }))).toContain(
    "limits: unknown key keepAliveMx, did you mean keepAliveMax?",
  );
  expect(await problemOf(started({ limits: { keepAliveMax: 3 } }))).toContain(
    "limits.keepAliveMax: allowed: a duration with its unit",
  );
  expect(await problemOf(started({ keptMessages: -1 }))).toContain(
    "keptMessages: found -1, allowed: a whole number from 0",
  );
  // What JavaScript lets pass.
  const loose = async (options: unknown) => started(options as object);
  expect(await problemOf(loose(null))).toContain("startBroker: found null, allowed: an object");
  expect(await problemOf(loose({ authenticate: true }))).toContain(
    "authenticate: found true, allowed: a function",
  );
  await using broker = await startBroker({ limits: { packetSize: "1KiB" } });
  const misspelt: object = { client: "d1" };
  expect(await problemOf(broker.wills.wait(misspelt))).toContain(
    "client: unknown option, did you mean clientId?",
  );
  expect(await problemOf(broker.messages("#", misspelt))).toContain("client: unknown option");
  expect(await problemOf(broker.advance("1s"))).toContain(
    'advance() needs startBroker({ clock: "test" })',
  );
  expect(await problemOf(broker.wills.wait({ within: "5" }))).toContain(
    'found "5", allowed: a duration',
  );
  expect(() => broker.drop("dev-42", Object("fin"))).toThrow('allowed: "rst" or "silent"');
});

test("limits are those of the configuration", async () => {
  await using broker = await startBroker({ limits: { packetSize: "1KiB", payloadSize: "10B" } });
  await using client = await MqttJsClient.connect(broker.port, { protocolVersion: 5 });
  expect(client.connacks.items[0]?.properties?.maximumPacketSize).toBe(1024);
  expect(client.mqtt.stream).toBeInstanceOf(Socket);
});

test("a stop ends waits, and says so", async () => {
  const broker = await startBroker();
  const waits = [
    broker.wills.wait({ within: "1h" }),
    broker.messages("#", { count: 1, within: "1h" }),
  ];
  const problems = waits.map(async (wait) => problemOf(wait));
  await broker.stop();
  const [ofWill, ofMessages] = await Promise.all(problems);
  expect(ofWill).toContain("no will came before the broker was stopped");
  expect(ofMessages).toContain('0 of 1 messages on "#" came before the broker was stopped');
});

test("a port that is in use: the code of the system, the port, and who has it", async () => {
  await using first = await startBroker();
  const failure = await startBroker({ port: first.port }).then(
    () => null,
    (error: unknown) => error as ListenFailure, // As documented.
  );
  expect(failure).toBeInstanceOf(Error);
  expect(failure).toMatchObject({
    ...{ name: "ListenFailure", code: "EADDRINUSE", port: first.port, address: "127.0.0.1" },
    message: expect.stringContaining(`port ${first.port} on 127.0.0.1 is in use`),
  });
  // No flag of the command is advised.
  expect(String(failure)).not.toContain("--port");
  const foreign = startBroker({ host: "192.0.2.1" });
  expect(await problemOf(foreign)).toBe(
    "ListenFailure: 192.0.2.1 is not an address of this machine",
  );
});

test("explain says that the test broke a connection, and names no order that a test has not", async () => {
  await using broker = await startBroker({ clock: "test" });
  await using _rst = await MqttJsClient.connect(broker.port, { clientId: "rst", will });
  const keepalive = 2;
  await using _silent = await MqttJsClient.connect(broker.port, {
    ...{ clientId: "silent", keepalive, will },
  });
  broker.drop("rst", "rst");
  broker.drop("silent", "silent");
  const flat = (id: string): string => broker.explain(id).replace(/\s+/g, " ");
  const during = flat("silent");
  expect(during).toContain(
    "The test made its link silent (`drop()`): from then on nothing is heard",
  );
  await broker.advance("10s");
  expect(flat("silent")).toContain("of silence, and the test had made its link silent");
  expect(flat("rst")).toContain(
    "because the test broke rst's connection (`drop()`) as a network does",
  );
  for (const page of [during, flat("silent"), flat("rst")]) {
    expect(page).not.toMatch(/operator|mqttd inspect/);
  }
});
