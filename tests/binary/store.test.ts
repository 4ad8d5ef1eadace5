import { expect, test } from "bun:test";
import { existsSync, statSync, truncateSync } from "node:fs";
import { Folder, run, RunningBroker } from "../support/executable.ts";
import { MqttJsClient } from "../support/mqttjs-client.ts";

// `serve --data`: what a user sees of a broker that is killed and started again.

async function serve(data: string, ...args: readonly string[]): Promise<RunningBroker> {
  return RunningBroker.start({
    args: ["--data", data, "--set", "store.restartSettle=1s", "--set", "admin.port=0", ...args],
  });
}

async function kill(broker: RunningBroker): Promise<void> {
  broker.signal("SIGKILL");
  await broker.exit();
}

const lasting = {
  clean: false,
  protocolVersion: 5,
  properties: { sessionExpiryInterval: 3600 },
} as const;

test("session, queue, retained message and will survive kill -9", async () => {
  using folder = new Folder();
  const data = folder.file("data");
  await using first = await serve(data);
  {
    await using sleeper = await MqttJsClient.connect(first.port, {
      clientId: "sleeper",
      ...lasting,
    });
    await sleeper.mqtt.subscribeAsync("home/#", { qos: 1 });
    await sleeper.mqtt.endAsync();
    await using watcher = await MqttJsClient.connect(first.port, {
      clientId: "watcher",
      ...lasting,
    });
    await watcher.mqtt.subscribeAsync("will/#", { qos: 1 });
    await watcher.mqtt.endAsync();
  }
  const will = {
    topic: "will/dev-42",
    payload: Buffer.from("gone"),
    qos: 1,
    retain: true,
  } as const;
  await using device = await MqttJsClient.connect(first.port, { clientId: "dev-42", will });
  await device.mqtt.publishAsync("home/lamp", "on", { qos: 1 });
  await device.mqtt.publishAsync("home/door", "shut", { qos: 2, retain: true });
  await kill(first);

  await using second = await serve(data);
  const restored = await second.line("what was restored", ({ event }) => event === "restored");
  expect(restored).toMatchObject({
    ...{ sessions: 3, subscriptions: 2, messages: 2, retained: 1, wills: 1, dueWills: 1 },
  });
  const sleeper = new MqttJsClient(second.port, { clientId: "sleeper", ...lasting });
  await using _sleeper = sleeper;
  expect((await sleeper.connected(1)).sessionPresent).toBe(true);
  await sleeper.message("home/door");
  expect(sleeper.texts().sort()).toEqual(["home/door=shut", "home/lamp=on"]);
  const watcher = new MqttJsClient(second.port, { clientId: "watcher", ...lasting });
  await using _watcher = watcher;
  const fired = await watcher.message("will/dev-42");
  expect([fired.payload.toString(), fired.qos]).toEqual(["gone", 1]);
  await using late = await MqttJsClient.connect(second.port, { clientId: "late" });
  await late.mqtt.subscribeAsync("#");
  await late.message("will/dev-42");
  await late.message("home/door");
  await second.stop();
}, 120_000);

test("explain and inspect store go on after a kill", async () => {
  using folder = new Folder();
  const data = folder.file("data");
  await using first = await serve(data);
  const will = { topic: "will/dev-42", payload: Buffer.from("gone"), qos: 1 } as const;
  await using device = await MqttJsClient.connect(first.port, {
    ...{ clientId: "dev-42", will: { ...will, retain: false } },
  });
  await device.roundTrip();
  await kill(first);
  await using second = await serve(data);
  await second.line("the will", ({ event, client }) => event === "will" && client === "dev-42");
  const admin = await second.line("its interface", ({ event }) => event === "administration");
  const url = String((admin["urls"] as unknown[])[0]);
  const explained = await run(folder, ["inspect", "explain", "dev-42", "--admin", url]);
  expect(explained.stdout).toContain("The broker was killed, or it crashed.");
  expect(explained.stdout).toContain("The broker was back, with what its store had kept.");
  expect(explained.stdout).toContain("The connection ended: the broker was restarted.");
  expect(explained.stdout).toMatch(/The will was published on will\/dev-42/);
  const store = await run(folder, ["inspect", "store", "--json", "--admin", url]);
  expect(JSON.parse(store.stdout)).toMatchObject({
    store: { durability: "normal", failure: null, commits: { failed: 0 }, rows: { will: 0 } },
  });
  await second.stop();
}, 120_000);

test("an orderly stop leaves one closed file, and the next start restores it", async () => {
  using folder = new Folder();
  const data = folder.file("data");
  const first = await serve(data);
  {
    await using one = await MqttJsClient.connect(first.port, { clientId: "one", ...lasting });
    await one.mqtt.publishAsync("a", "1", { qos: 1, retain: true });
    await one.mqtt.endAsync();
  }
  await first.stop();
  expect(folder.names()).toEqual(["data", "data/mqttd.db"]);
  expect(statSync(data).mode & 0o777).toBe(0o700);
  const second = await serve(data);
  const restored = await second.line("what was restored", ({ event }) => event === "restored");
  expect(restored).toMatchObject({ sessions: 1, retained: 1, wills: 0, diedMsAgo: null });
  await second.stop();
}, 120_000);

test("a second broker on the folder is refused with one line, and the first goes on", async () => {
  using folder = new Folder();
  const data = folder.file("data");
  await using first = await serve(data);
  const second = await run(folder, ["serve", "--port", "0", "--data", data]);
  expect({ ...second, stderr: second.stderr.replace(data, "DIR") }).toEqual({
    code: 2,
    stdout: "",
    stderr:
      `mqttd: --data DIR: another broker has it open (process ${first.pid}) ` +
      "(each broker needs a folder of its own)\n",
  });
  await using client = await MqttJsClient.connect(first.port, { clientId: "one", ...lasting });
  await client.roundTrip();
}, 60_000);

test("a damaged store is refused with one line and stays as it is", async () => {
  using folder = new Folder();
  const data = folder.file("data");
  const first = await serve(data);
  await first.stop();
  const file = `${data}/mqttd.db`;
  truncateSync(file, statSync(file).size - 5000);
  const before = Bun.hash(await Bun.file(file).bytes());
  const { code, stderr } = await run(folder, ["serve", "--port", "0", "--data", data]);
  expect([code, stderr.split("\n").length]).toEqual([2, 2]);
  expect(stderr).toContain("it is damaged");
  expect(Bun.hash(await Bun.file(file).bytes())).toBe(before);
  expect(existsSync(`${file}-wal`)).toBe(false);
}, 60_000);
