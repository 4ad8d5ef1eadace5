import { expect, test } from "bun:test";
import { chmodSync, readFileSync, statSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import path from "node:path";
import { connectBytes } from "../support/connect-bytes.ts";
import { Folder, run, RunningBroker, type Surroundings } from "../support/executable.ts";
import { HttpSocket } from "../support/http-socket.ts";
import { eventually } from "../support/inbox.ts";
import { MqttJsClient } from "../support/mqttjs-client.ts";

/** A broker and the URL of its administration interface. */
async function administered(args: readonly string[] = [], surroundings: Surroundings = {}) {
  const admin = ["--set", "admin.port=0", ...args];
  const broker = await RunningBroker.start({ ...surroundings, args: admin });
  const url = await broker.administration();
  return { broker, url, port: Number(new URL(url).port) };
}

test("a PUT that breaks off ends no connection", async () => {
  const { broker, url, port } = await administered();
  await using _ = broker;
  using asker = await HttpSocket.connect(port);
  asker.ask("PUT /v1/log", ["Content-Length: 100"]);
  asker.send("abc");
  asker.close();
  await asker.end();
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  await broker.stop();
});

test("a fault of the administration ends the broker, with the broker's state", async () => {
  const planted = path.resolve(import.meta.dir, "../cli/planted-fault.ts");
  const main = path.resolve(import.meta.dir, "../../src/main.ts");
  const { broker, url } = await administered([], {
    command: [process.execPath, "--preload", planted, main],
    env: { PLANTED_FAULT: "answer" },
  });
  await using _ = broker;
  await MqttJsClient.connect(broker.port, { clientId: "dev-42", reconnectPeriod: 0 });
  await fetch(`${url}/v1/overview`).catch(() => null);
  expect(await broker.exit()).toBe(70);
  expect(broker.otherWords).toContain("  caused by AssertionFault: planted\n");
  expect(broker.otherWords).toMatch(/^  state: \{.*"dev-42"/m);
});

test("with few descriptors, requests to the administration leave room for clients", async () => {
  const { broker, port } = await administered([], {
    through: 'ulimit -n 200 && exec "$0" "$@"',
  });
  await using _ = broker;
  const sockets: Socket[] = [];
  /** Shown by its first bytes, or by its end. */
  const isServed = async (to: number, first: string | Uint8Array): Promise<boolean> => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const socket = connect(to, "127.0.0.1", () => socket.write(first));
    socket.on("data", () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("close", () => resolve(false));
    sockets.push(socket);
    return promise;
  };
  const count = async (
    number: number,
    to: number,
    first: (index: number) => string | Uint8Array,
  ) => {
    const served = Array.from({ length: number }, async (_, index) => isServed(to, first(index)));
    return (await Promise.all(served)).filter((one) => one).length;
  };
  try {
    expect(await count(120, port, () => "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")).toBe(
      12,
    );
    const clients = await count(100, broker.port, (index) =>
      connectBytes({ version: 4, clientId: `dev-${index}` }),
    );
    expect(clients).toBe(76);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  await broker.stop();
});

test("a stream of packets continues after another log level, and after a reload", async () => {
  const { broker, url } = await administered();
  await using _ = broker;
  const { body } = await fetch(`${url}/v1/events?event=packet`);
  const packets = body?.[Symbol.asyncIterator]();
  for (const order of [
    { path: "/v1/log", method: "PUT", body: '{"level":"warn"}' },
    { path: "/v1/reload", method: "POST" },
  ]) {
    expect((await fetch(`${url}${order.path}`, order)).status).toBe(200);
    const clientId = `after${order.path}`;
    const client = await MqttJsClient.connect(broker.port, { clientId, reconnectPeriod: 0 });
    let told = "";
    while (!told.includes(clientId)) {
      const { value, done } = (await packets?.next()) ?? { done: true };
      if (done === true) throw new Error(`it ended after ${told}`);
      told += Buffer.from(value ?? "").toString();
    }
    await client.vanish();
  }
  await packets?.return?.();
  await broker.stop();
});

test("a reader of the events gets the last of them, and the stream ends in order", async () => {
  const { broker, url } = await administered();
  await using _ = broker;
  const client = await MqttJsClient.connect(broker.port, {
    ...{ protocolVersion: 5, clientId: "dev-42", reconnectPeriod: 0 },
    will: { topic: "wills/dev-42", payload: Buffer.from("gone"), qos: 0, retain: false },
  });
  const { body } = await fetch(`${url}/v1/events`);
  const waiting = fetch(`${url}/v1/wills?client=dev-42&wait=1m`);
  const told = new Response(body).text();
  // The stream and the wait exist once they are counted.
  await eventually(
    async () => (await (await fetch(`${url}/metrics`)).text()).includes("mqttd_event_streams 2"),
    () => "no two streams",
  );
  await broker.stop();
  expect(await told).toMatch(/"event":"stopping"[^]*"event":"ended"[^]*"event":"stopped"/);
  expect(await (await waiting).json()).toMatchObject({
    ...{ decided: true, awaited: 1 },
    awaitedWill: { end: { cause: "shuttingDown" }, fate: { fate: "published" } },
  });
  await client[Symbol.asyncDispose]();
});

test("another site's page, and a rebound name, are refused", async () => {
  const { broker, url } = await administered();
  await using _ = broker;
  const status = async (headers: Record<string, string>) =>
    (await fetch(`${url}/v1/overview`, { headers })).status;
  expect(await status({})).toBe(200);
  expect(await status({ origin: "http://evil.example" })).toBe(403);
  expect(await status({ "sec-fetch-site": "cross-site" })).toBe(403);
  expect(await status({ host: "evil.example" })).toBe(403);
  expect(await (await fetch(`${url}/metrics`)).text()).toContain(
    'mqttd_keepalive_lateness_seconds_bucket{le="+Inf"} 0',
  );
  await broker.stop();
});

const lanAddress = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

test.skipIf(lanAddress === undefined)(
  "bound to all addresses, it answers on each of them to requests with the token",
  async () => {
    const { broker, port } = await administered(["--set", "admin.host=0.0.0.0"]);
    await using _ = broker;
    const file = `${broker.folder.path}-run/token`;
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const authorization = `Bearer ${readFileSync(file, "utf8").trim()}`;
    for (const host of ["127.0.0.1", lanAddress]) {
      const url = `http://${host}:${port}/v1/overview`;
      expect((await fetch(url)).status).toBe(401);
      expect((await fetch(url, { headers: { authorization } })).status).toBe(200);
    }
    await broker.stop();
  },
);

test("a user who finds the broker in another folder finds the token, too", async () => {
  const { broker, url } = await administered(["--set", "admin.tokenFile=token"]);
  await using _ = broker;
  using elsewhere = new Folder();
  const through = `export MQTTD_RUN_DIR='${broker.folder.path}-run'; exec "$0" "$@"`;
  const { code, stdout } = await run(elsewhere, ["inspect", "--json"], { through });
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('"startedAt"') });
  expect((await fetch(`${url}/v1/overview`)).status).toBe(401);
  broker.folder.remove("token");
  await broker.stop();
});

test("the operator's own token file is used unchanged, on loopback too", async () => {
  using folder = new Folder({ token: "correct-horse\n" });
  chmodSync(folder.file("token"), 0o600);
  const { broker, url } = await administered(["--set", `admin.tokenFile=${folder.file("token")}`]);
  await using _ = broker;
  const headers = { authorization: "Bearer correct-horse" };
  expect((await fetch(`${url}/v1/overview`)).status).toBe(401);
  expect((await fetch(`${url}/v1/overview`, { headers })).status).toBe(200);
  await broker.stop();
});

/** The one line with which it refuses to start. */
async function refusal(folder: Folder, ...settings: readonly string[]): Promise<string> {
  const set = settings.flatMap((setting) => ["--set", setting]);
  const { code, stdout, stderr } = await run(folder, ["serve", "--port", "0", ...set]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr.match(/\n/g)).toHaveLength(1);
  return stderr;
}

test.each([
  [
    "missing/token",
    /^mqttd: --set admin.tokenFile: can't use the token file missing\/token: no such file or directory \(set admin\.tokenFile /,
  ],
  [
    "folder",
    /^mqttd: --set admin.tokenFile: the token file folder is not a regular file \(set admin\.tokenFile .*\)\n$/,
  ],
  [
    "open",
    /^mqttd: --set admin.tokenFile: the token file open is readable by other users \(chmod 600 open\)\n$/,
  ],
  ["empty", /^mqttd: --set admin.tokenFile: the token file empty contains no token \(.*\)\n$/],
  ["words", /^mqttd: --set admin.tokenFile: the token file words contains no token \(.*\)\n$/],
])("a token file that is no good: %s", async (name, said) => {
  const files = { "folder/file": "", open: "secret", empty: "\n", words: "two words" };
  using folder = new Folder(files);
  chmodSync(folder.file("open"), 0o644);
  for (const own of ["empty", "words"]) chmodSync(folder.file(own), 0o600);
  const before = folder.names();
  expect(await refusal(folder, "admin.port=0", `admin.tokenFile=${name}`)).toMatch(said);
  expect(folder.names()).toEqual(before);
});

test("a configured port in use is an error, whichever it is", async () => {
  const { broker, port } = await administered();
  await using _ = broker;
  using folder = new Folder();
  const said = await refusal(folder, `admin.port=${port}`);
  expect(said).toStartWith(`mqttd: administration: port ${port} on 127.0.0.1 is in use`);
  await besideBlocked(async (blocked) => {
    expect(await refusal(folder, `admin.port=${blocked}`)).toContain(`port ${blocked} on `);
  });
  await broker.stop();
});

test("with no configured port and the default in use, a free one is chosen and logged", async () => {
  await besideBlocked(async (blocked) => {
    await using broker = await RunningBroker.start();
    const line = await broker.line("the administration", ({ event }) => event === "administration");
    expect(line["taken"]).toBe(blocked);
    const [url = ""] = Array.isArray(line["urls"]) ? line["urls"].map(String) : [];
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    await broker.stop();
  });
});

/** Acts while the default port is in use. */
async function besideBlocked(act: (port: number) => Promise<void>): Promise<void> {
  for (let left = 5; ; left--) {
    using blocked = await blockDefault();
    try {
      return await act(blocked.port);
    } catch (error) {
      // The broker of another test had it, and let go of it meanwhile.
      if (blocked.isOurs || left === 1) throw error;
    }
  }
}

/** Takes the default port, as soon as the brokers of other tests let go of it. */
async function blockDefault() {
  const port = 1888;
  let listener: Bun.TCPSocketListener | null = null;
  const isTaken = (): boolean => {
    try {
      listener ??= Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } });
      return true;
    } catch {
      return false;
    }
  };
  // Who keeps it for so long blocks it as well.
  const wait = eventually(isTaken, () => `port ${port} is in use`, 10_000);
  const isOurs = await wait.then(
    () => true,
    () => false,
  );
  return { port, isOurs, [Symbol.dispose]: () => listener?.stop(true) };
}
