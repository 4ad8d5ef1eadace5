import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import {
  environment,
  executable,
  Folder,
  type LogLine,
  run,
  RunningBroker,
} from "../support/executable.ts";
import { floodUntilDropped } from "../support/flood.ts";
import { expectInTime } from "../support/held-up.ts";
import { now } from "../support/inbox.ts";
import { reservedPort } from "../support/reserved-port.ts";
import { SocketClient } from "../support/socket-client.ts";
import { spawn } from "../support/child.ts";

const gone = { payload: Buffer.from("gone"), qos: 1, retain: false } as const;

test.each(["SIGTERM", "SIGINT"] as const)(
  "%s: wills first, then every client is disconnected, and nothing is left",
  async (signal) => {
    await using broker = await RunningBroker.start();
    const { port } = broker;
    using subscriber = await SocketClient.connect(port, { clientId: "subscriber" });
    await subscriber.subscribe("wills/+", 1);
    const mortals = await Promise.all(
      ([4, 5] as const).map(async (protocolVersion) => {
        const clientId = `mortal-${protocolVersion}`;
        const will = { ...gone, topic: `wills/${clientId}` };
        return SocketClient.connect(port, { clientId, protocolVersion, will });
      }),
    );
    await broker.stop(signal);
    await Promise.all([subscriber, ...mortals].map(async ({ ended }) => ended));
    expect(subscriber.messages().sort()).toEqual(["wills/mortal-4=gone", "wills/mortal-5=gone"]);
    expect(subscriber.received.items.at(-1)?.packet).toMatchObject({
      ...{ cmd: "disconnect", reasonCode: 0x8b },
    });
    const [version4, version5] = mortals;
    const commands = (client: SocketClient | undefined): string[] | undefined =>
      client?.received.items.map(({ packet }) => packet.cmd);
    expect(commands(version4)).toEqual(["connack"]);
    expect(commands(version5)).toEqual(["connack", "disconnect"]);
    for (const clientId of ["subscriber", "mortal-4", "mortal-5"]) {
      expect(await broker.ended(clientId)).toMatchObject({ cause: "shuttingDown" });
    }
    expect(broker.log.items.slice(-1)).toMatchObject([{ event: "stopped" }]);
    expect(broker.log.items.filter(({ event }) => event === "stopping")).toMatchObject([
      { signal },
    ]);
  },
);

test("a signal in the middle of the start leaves no draft of the ready file", async () => {
  for (let starts = 0; starts < 10; starts++) {
    using folder = new Folder();
    await using child = spawn([executable(), "serve", "--port", "0", "--ready-file", "ready"], {
      ...{ cwd: folder.path, env: environment(folder) },
      ...{ stdin: "ignore", stdout: "ignore", stderr: "pipe" },
    });
    // The draft is the first file in the folder; an event would be too late.
    const until = performance.now() + 2000;
    while (readdirSync(folder.path).length === 0 && performance.now() < until);
    child.kill("SIGTERM");
    await child.exited;
    expect(await child.stderr.text()).not.toMatch(/^mqttd: /m);
    expect(folder.names()).toEqual([]);
  }
});

test("its port is free at once", async () => {
  await using first = await RunningBroker.start({ port: reservedPort() });
  using client = await SocketClient.connect(first.port, { clientId: "client" });
  await first.stop();
  await client.ended;
  await using second = await RunningBroker.start({ port: first.port });
  expect(second.urls).toEqual(first.urls);
  await second.stop();
});

/** A client that reads nothing of the broker's output. */
async function stalled(broker: RunningBroker): Promise<SocketClient> {
  const client = await SocketClient.connect(broker.port, { clientId: "stalled" });
  await client.subscribe("busy");
  client.pause();
  using publisher = await SocketClient.connect(broker.port, { clientId: "publisher" });
  await floodUntilDropped(broker, publisher, "busy", "stalled");
  return client;
}

test("a client that reads nothing does not prevent the stop", async () => {
  await using broker = await RunningBroker.start();
  using _ = await stalled(broker);
  await broker.stop();
});

test.each([
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const)("a second signal while it waits, %s: it ends at once with %d", async (signal, code) => {
  await using broker = await RunningBroker.start();
  using _ = await stalled(broker);
  const asked = now();
  broker.signal("SIGTERM");
  await broker.line("that it stops", ({ event }) => event === "stopping");
  broker.signal(signal);
  // After two seconds it waits for nobody.
  expectInTime("the second signal", now() - asked, 1500);
  expect(await broker.exit()).toBe(code);
  await broker.expectNothingLeft();
});

test("SIGHUP: settings that need a restart are logged", async () => {
  await using broker = await RunningBroker.start({ files: { "mqttd.json": "{}" } });
  broker.folder.write("mqttd.json", JSON.stringify({ sys: { interval: "1s" } }));
  broker.signal("SIGHUP");
  const warning = await broker.line("the warning", is("warning"));
  expect(warning["text"]).toBe("sys.interval: takes effect when the broker is restarted");
  await broker.stop();
});

test("SIGHUP: changeable settings change; an invalid configuration changes nothing", async () => {
  const config = (limits: object, level = "info") => ({ limits, log: { level } });
  await using broker = await RunningBroker.start({
    files: { "mqttd.json": JSON.stringify(config({ keepAliveMax: "60s" })) },
  });
  const serverKeepAlive = async (clientId: string): Promise<number | undefined> => {
    using client = await SocketClient.dial(broker.port);
    const { properties } = await client.connect({ clientId, keepalive: 600 });
    return properties?.serverKeepAlive;
  };
  expect(await serverKeepAlive("before")).toBe(60);
  using lasting = await SocketClient.connect(broker.port, { clientId: "lasting" });

  const reloaded = await broker.reload(config({ keepAliveMax: "30s" }, "debug"));
  expect(reloaded).toMatchObject({ file: "mqttd.json", level: "info" });
  expect(reloaded["changed"]).toEqual(["limits.keepAliveMax", "log.level"]);
  expect(await serverKeepAlive("after")).toBe(30);
  await lasting.subscribe("topic");
  await broker.line("a line of level debug", is("subscribed"));

  broker.folder.write("mqttd.json", JSON.stringify(config({ keepAliveMax: "0s", qos: 3 })));
  broker.signal("SIGHUP");
  const failed = await broker.line("the failed reload", is("configurationReloadFailed"));
  expect(failed).toMatchObject({ file: "mqttd.json", level: "error" });
  expect(failed["problems"]).toEqual([
    expect.stringContaining("limits.keepAliveMax"),
    expect.stringContaining("limits.qos"),
  ]);
  expect(await serverKeepAlive("still")).toBe(30);
  // The connections lasted throughout.
  await lasting.ping();
  await broker.stop();
});

test("SIGUSR1: the state, with connections, deadlines and wills", async () => {
  await using broker = await RunningBroker.start();
  using client = await SocketClient.connect(broker.port, {
    ...{ clientId: "client", keepalive: 40, will: { ...gone, topic: "wills/client" } },
  });
  await client.subscribe("some/+");
  broker.signal("SIGUSR1");
  const state = await broker.line("the state", is("state"));
  expect(state).toMatchObject({
    connections: [{ clientId: "client", keepAliveSeconds: 40, state: "connected" }],
    sessions: [
      {
        clientId: "client",
        subscriptions: [{ filter: "some/+" }],
        will: { topic: "wills/client", state: "armed" },
      },
    ],
  });
  await client.ping();
  await broker.stop();
});

function is(event: string): (line: LogLine) => boolean {
  return (line) => line.event === event;
}

async function asked(
  { folder }: RunningBroker,
  ...words: string[]
): Promise<Record<string, unknown>> {
  const { code, stdout } = await run(folder, ["inspect", ...words, "--json"]);
  expect(code).toBe(0);
  return JSON.parse(stdout) as Record<string, unknown>;
}

test("what needs a restart is said at each reload, and is not in force", async () => {
  const listener = { port: 0, transport: "ws", path: "/mqtt" };
  const config = (of: object): string => JSON.stringify({ listeners: [of], ...admin });
  const admin = { admin: { port: 0 } };
  await using broker = await RunningBroker.start({ files: { "mqttd.json": config(listener) } });
  const inForce = async (): Promise<unknown> => {
    const values = (await asked(broker, "config"))["values"] as { path: string; value: unknown }[];
    return values.filter(({ path }) => /^listeners\.0\.(path|transport|tls)/.test(path));
  };
  const before = await inForce();
  expect(before).toMatchObject([
    { path: "listeners.0.transport", value: "ws" },
    { path: "listeners.0.path", value: "/mqtt", origin: expect.stringContaining("mqttd.json") },
  ]);
  broker.folder.write("mqttd.json", config({ ...listener, path: "/new" }));
  for (let reload = 0; reload < 2; reload++) {
    expect(await asked(broker, "reload")).toMatchObject({
      changed: [],
      later: ["listeners.0.path"],
    });
    expect(await inForce()).toEqual(before);
  }
  const { stdout } = await run(broker.folder, ["inspect", "reload"]);
  expect(stdout).toBe("reloaded: no changes\nonly after a restart: listeners.0.path\n");
  broker.folder.write("mqttd.json", config(listener));
  expect(await asked(broker, "reload")).toMatchObject({ changed: [], later: [] });
  await broker.stop();
});

test("inspect config shows what decides a listener's absent keys, which no reload compares", async () => {
  const config = (auth: object): string =>
    JSON.stringify({ listeners: [{ port: 0 }], admin: { port: 0 }, auth });
  await using broker = await RunningBroker.start({
    files: {
      "mqttd.json": config({ aclFile: "a.acl" }),
      "a.acl": "topic a/#\n",
      "b.acl": "topic b/#\n",
    },
  });
  const decided = async (): Promise<unknown> => {
    const values = (await asked(broker, "config"))["values"] as Record<
      "path" | "value" | "origin",
      string
    >[];
    const keys = /^listeners\.0\.(?:allowAnonymous|passwordFile|aclFile|connections)$/;
    return values
      .filter(({ path }) => keys.test(path))
      .map(({ path, value, origin }) => [path.slice("listeners.0.".length), value, origin]);
  };
  const others = [
    ["allowAnonymous", true, "auth.passwordFile (default)"],
    ["passwordFile", null, "auth.passwordFile (default)"],
  ];
  const connections = ["connections", expect.any(Number), "limits.connections (default)"];
  const acl = (file: string): unknown => [
    ...["aclFile", file],
    expect.stringMatching(/^auth\.aclFile \(.*mqttd\.json:\d+:\d+\)$/),
  ];
  expect(await decided()).toEqual([...others, acl("a.acl"), connections]);
  broker.folder.write("mqttd.json", config({ aclFile: "b.acl" }));
  expect(await asked(broker, "reload")).toMatchObject({ changed: ["auth.aclFile"], later: [] });
  expect(await decided()).toEqual([...others, acl("b.acl"), connections]);
  await broker.stop();
});
