import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Folder, type LogLine, run, RunningBroker } from "../support/executable.ts";
import { eventually } from "../support/inbox.ts";
import { MqttJsClient } from "../support/mqttjs-client.ts";

// A disk that fills up under a running broker, for real: a small file system of its own.

const mountable =
  process.platform === "linux" &&
  process.geteuid?.() === 0 &&
  spawnSync("mount", ["--version"]).status === 0;

const lasting = {
  clean: false,
  protocolVersion: 5,
  properties: { sessionExpiryInterval: 3600 },
} as const;

test.skipIf(!mountable)(
  "a full disk: nothing is acknowledged that is not kept, and it recovers (skipped: needs root)",
  async () => onSmallDisk(play),
  180_000,
);

test.skipIf(!mountable)(
  "a full disk: inspect store tells of it, and a restart knows how long the broker lived (skipped: needs root)",
  async () => onSmallDisk(playSignsOfLife),
  180_000,
);

test.skipIf(!mountable)(
  "a broker that was killed on a full disk starts on it, and goes on once there is room (skipped: needs root)",
  async () => onSmallDisk(playRestart),
  180_000,
);

test.skipIf(!mountable)(
  "a full disk: a session that exists is resumed, and a kill then loses nothing of it (skipped: needs root)",
  async () => onSmallDisk(playResume),
  180_000,
);

/** The line that tells that signs of life can't be written. */
const isWarning = ({ event, text }: LogLine): boolean =>
  event === "warning" && String(text).includes("note that the broker lives");

async function playRestart(folder: string): Promise<void> {
  const filler = path.join(folder, "filler");
  const settings = ["--data", path.join(folder, "data"), "--set", "admin.port=off"];
  await using broker = await RunningBroker.start({ args: settings });
  await using client = await MqttJsClient.connect(broker.port, { clientId: "first", ...lasting });
  await client.mqtt.publishAsync("kept", "1", { qos: 1, retain: true });
  fill(filler);
  broker.signal("SIGKILL");
  await broker.exit();
  await using next = await RunningBroker.start({ args: settings });
  await next.line("the restore", ({ event }) => event === "restored");
  await using reader = await MqttJsClient.connect(next.port, { clientId: "reader" });
  await reader.mqtt.subscribeAsync("kept");
  expect((await reader.message("kept")).payload.toString()).toBe("1");
  await next.line("the failure", isWarning);
  rmSync(filler);
  await reader.mqtt.publishAsync("kept", "2", { qos: 1, retain: true });
}

async function onSmallDisk(story: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), "mqttd-full-"));
  mount("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder);
  try {
    await story(folder);
  } finally {
    mount("umount", folder);
    rmSync(folder, { recursive: true });
  }
}

async function playResume(folder: string): Promise<void> {
  const data = path.join(folder, "data");
  const settings = ["--data", data, "--set", "admin.port=0"];
  const willed = {
    ...{ clientId: "willed", ...lasting },
    will: { topic: "gone", payload: Buffer.from("late"), qos: 1, retain: true },
  } as const;
  await using broker = await RunningBroker.start({ args: settings });
  await using first = await MqttJsClient.connect(broker.port, willed);
  await first.mqtt.subscribeAsync("news", { qos: 1 });
  await using publisher = await MqttJsClient.connect(broker.port, { clientId: "p", ...lasting });
  const away = await MqttJsClient.connect(broker.port, { clientId: "away", ...lasting });
  await away.mqtt.subscribeAsync("news", { qos: 1 });
  await away.mqtt.endAsync();
  await publisher.mqtt.publishAsync("news", "1", { qos: 1 });
  await first.message("news");
  fill(path.join(folder, "filler"));
  publisher.mqtt.publish("big", Buffer.alloc(900_000, 1), { qos: 1, retain: true });
  await broker.line("the failure", ({ event }) => event === "storeFailed");
  // The room that the log has left when it went into the file.
  fill(path.join(folder, "more"));
  await first.vanish();
  // Its messages come and are acknowledged, for as long as the store keeps nothing.
  await using again = await MqttJsClient.connect(broker.port, willed);
  expect(again.connacks.items).toMatchObject([{ sessionPresent: true }]);
  await using back = await MqttJsClient.connect(broker.port, { clientId: "away", ...lasting });
  expect((await back.message("news")).payload.toString()).toBe("1");
  const sign = (): number => Number(readFileSync(`${data}/mqttd.alive`, "latin1").split(" ")[1]);
  const from = sign();
  await eventually(
    () => sign() >= from + 3000,
    () => "signs of life",
  );
  expect(again.mqtt.connected && back.mqtt.connected).toBe(true);
  await using unknown = new MqttJsClient(broker.port, { clientId: "new", ...lasting });
  const answer = await unknown.connected(1).catch(String);
  expect(answer).toContain("Quota exceeded");
  broker.signal("SIGKILL");
  await broker.exit();
  rmSync(path.join(folder, "filler"));
  await using next = await RunningBroker.start({
    args: [...settings, "--set", "store.restartSettle=0s"],
  });
  const isRecovered = broker.log.items.some(({ event }) => event === "storeRecovered");
  expect(isRecovered).toBe(false);
  await next.line("the gap", ({ text }) => String(text).includes("had not kept everything"));
  await using reader = await MqttJsClient.connect(next.port, { clientId: "reader" });
  await reader.mqtt.subscribeAsync("gone");
  expect((await reader.message("gone")).payload.toString()).toBe("late");
  using own = new Folder();
  const url = await next.administration();
  const { stdout } = await run(own, ["inspect", "explain", "willed", "--admin", url]);
  expect(stdout.replaceAll(/\s+/g, " ")).toContain("so what clients did then is not known");
  await using last = await MqttJsClient.connect(next.port, willed);
  expect(last.connacks.items).toMatchObject([{ sessionPresent: true }]);
}

async function playSignsOfLife(folder: string): Promise<void> {
  const filler = path.join(folder, "filler");
  const data = path.join(folder, "data");
  const settings = ["--data", data, "--set", "admin.port=0"];
  await using broker = await RunningBroker.start({ args: settings });
  await using client = await MqttJsClient.connect(broker.port, { clientId: "first", ...lasting });
  const url = await broker.administration();
  using own = new Folder();
  const failure = async (): Promise<unknown> => {
    const { stdout } = await run(own, ["inspect", "store", "--json", "--admin", url]);
    return (JSON.parse(stdout) as { store: { failure: unknown } }).store.failure;
  };
  const untilFull = async (): Promise<void> =>
    eventually(
      async () => {
        fill(filler);
        return (await failure()) === "the disk is full";
      },
      () => "the failure",
    );
  await untilFull();
  await broker.line("the failure", isWarning);
  rmSync(filler);
  await eventually(
    async () => (await failure()) === null,
    () => "the recovery",
  );
  await untilFull();
  const sign = (): number => Number(readFileSync(`${data}/mqttd.alive`, "latin1").split(" ")[1]);
  const from = sign();
  await eventually(
    () => sign() >= from + 3000,
    () => "signs of life",
  );
  expect(client.mqtt.connected).toBe(true);
  broker.signal("SIGKILL");
  await broker.exit();
  const last = sign();
  rmSync(filler);
  await using next = await RunningBroker.start({ args: settings });
  const { diedMsAgo } = await next.line("the restore", ({ event }) => event === "restored");
  expect(Number(diedMsAgo)).toBeLessThanOrEqual(Date.now() - last);
}

async function play(folder: string): Promise<void> {
  const filler = path.join(folder, "filler");
  const data = path.join(folder, "data");
  await using broker = await RunningBroker.start({
    args: ["--data", data, "--set", "admin.port=off"],
  });
  await using watcher = await MqttJsClient.connect(broker.port, { clientId: "watcher" });
  await watcher.mqtt.subscribeAsync("live/#", { qos: 0 });
  await using first = await MqttJsClient.connect(broker.port, { clientId: "first", ...lasting });
  await first.mqtt.publishAsync("kept", "1", { qos: 1, retain: true });
  fill(filler);
  // Larger than what is left in the log's file.
  const large = Buffer.alloc(900_000, 1);
  let isAcknowledged = false;
  first.mqtt.publish("lost", large, { qos: 1, retain: true }, (error) => {
    isAcknowledged = error === undefined || error === null;
  });
  const failed = await broker.line("the failure", ({ event }) => event === "storeFailed");
  expect(failed).toMatchObject({ level: "error", detail: "the disk is full", clients: 1 });
  const end = await broker.line(
    "the end of its publisher",
    ({ event, client }) => event === "ended" && client === "first",
  );
  expect(end).toMatchObject({ cause: "storeFailed" });
  expect(isAcknowledged).toBe(false);
  // Everybody else goes on.
  await using other = await MqttJsClient.connect(broker.port, { clientId: "other" });
  await other.mqtt.publishAsync("live/1", "on", { qos: 0 });
  await watcher.message("live/1");
  rmSync(filler);
  await broker.line("the recovery", ({ event }) => event === "storeRecovered");
  await using second = await MqttJsClient.connect(broker.port, { clientId: "second", ...lasting });
  await second.mqtt.publishAsync("kept", "2", { qos: 1, retain: true });
  broker.signal("SIGKILL");
  await broker.exit();
  await using next = await RunningBroker.start({
    args: ["--data", data, "--set", "admin.port=off"],
  });
  await using reader = await MqttJsClient.connect(next.port, { clientId: "reader" });
  await reader.mqtt.subscribeAsync("kept");
  expect((await reader.message("kept")).payload.toString()).toBe("2");
}

/** Takes all room that is left, also what the log leaves when it goes into the file. */
function fill(name: string): void {
  spawnSync("dd", ["if=/dev/zero", `of=${name}`, "bs=4096", "oflag=append", "conv=notrunc"]);
  writeFileSync(`${name}.end`, "");
}

function mount(command: string, ...words: readonly string[]): void {
  const ran = spawnSync(command, words, { encoding: "utf8" });
  if (ran.status !== 0) throw new Error(`${command}: ${ran.stderr}`);
}
