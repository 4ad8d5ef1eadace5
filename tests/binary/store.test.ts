import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, renameSync, statSync, truncateSync } from "node:fs";
import path from "node:path";
import { spawn } from "../support/child.ts";
import { Folder, run, RunningBroker } from "../support/executable.ts";
import { eventually } from "../support/inbox.ts";
import { MqttJsClient } from "../support/mqttjs-client.ts";
import { reservedPort } from "../support/reserved-port.ts";

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
}, 180_000);

test("a smaller limits.memory than what was kept is one warning, and its client gets all of it", async () => {
  using folder = new Folder();
  const data = folder.file("data");
  await using first = await serve(data);
  const options = { clientId: "sleeper", ...lasting };
  {
    await using sleeper = await MqttJsClient.connect(first.port, options);
    await sleeper.mqtt.subscribeAsync("t", { qos: 1 });
    await sleeper.mqtt.endAsync();
    await using publisher = await MqttJsClient.connect(first.port, { clientId: "publisher" });
    const large = Buffer.alloc(1024 * 1024);
    for (let number = 0; number < 20; number++) {
      await publisher.mqtt.publishAsync("t", large, { qos: 1 });
    }
  }
  await kill(first);
  await using second = await serve(data, "--set", "limits.memory=16MiB");
  const warned = ({ event, text }: Readonly<Record<string, unknown>>): boolean =>
    event === "warning" && String(text).includes("limits.memory");
  const { text } = await second.line("the warning", warned);
  // Whether the records of its clients are in it too depends on when it was killed.
  expect(String(text).replace(/20\.[01] MiB/, "20 MiB")).toBe(
    "what the store had kept takes 20 MiB, and limits.memory is 16.0 MiB: all of it stays, and its clients can " +
      "connect, but new sessions and subscriptions, and messages to keep, are refused until there is room",
  );
  const sleeper = new MqttJsClient(second.port, options);
  await using _sleeper = sleeper;
  expect((await sleeper.connected(1)).sessionPresent).toBe(true);
  await eventually(
    () => sleeper.texts().length === 20,
    () => `${sleeper.texts().length} messages`,
  );
  await second.stop();
}, 180_000);

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
  const url = await second.administration();
  const explained = await run(folder, ["inspect", "explain", "dev-42", "--admin", url]);
  expect(explained.stdout).toContain("The broker was killed, or it crashed; its last");
  expect(explained.stdout).toContain("The broker was back, with what its store had kept.");
  expect(explained.stdout).toContain("The connection ended with the broker.");
  expect(explained.stdout).toMatch(/The will was published on will\/dev-42/);
  const store = await run(folder, ["inspect", "store", "--json", "--admin", url]);
  expect(JSON.parse(store.stdout)).toMatchObject({
    store: { durability: "normal", failure: null, commits: { failed: 0 }, rows: { will: 0 } },
  });
  await second.stop();
}, 180_000);

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
}, 180_000);

test("starts that fail move neither the time of death nor a delayed will, and nothing is called lost", async () => {
  using folder = new Folder();
  const data = folder.file("data");
  const env = { MQTTD_RUN_DIR: folder.file("run") };
  await using first = await RunningBroker.start({
    ...{ env, port: reservedPort(), args: ["--data", data, "--set", "admin.port=0"] },
  });
  const will = { topic: "will/dev-42", payload: Buffer.from("gone"), qos: 1, retain: false };
  await using device = await MqttJsClient.connect(first.port, {
    ...{ clientId: "dev-42", ...lasting },
    will: { ...will, qos: 1, properties: { willDelayInterval: 600 } },
  });
  await device.roundTrip();
  await kill(first);
  const inspected = async (): Promise<unknown> => {
    const { stdout } = await run(folder, ["inspect", "client", "dev-42", "--json", "--data", data]);
    const { restarts, wills } = JSON.parse(stdout);
    return { restarts, dueAt: wills[0].dueAt };
  };
  const before = await inspected();
  expect(before).toMatchObject({ restarts: [{ pid: first.pid, how: "killed", backAt: null }] });
  using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
  for (let time = 0; time < 2; time++) {
    const port = String(taken.port);
    const failed = await run(folder, ["serve", "--port", port, "--data", data]);
    expect(failed.code).toBe(2);
    expect(failed.stderr).not.toContain("are lost");
  }
  expect(await inspected()).toEqual(before);

  await using second = await RunningBroker.start({
    ...{ env, port: first.port, args: ["--data", data, "--set", "admin.port=0"] },
  });
  const restored = await second.line("what was restored", ({ event }) => event === "restored");
  expect(restored).toMatchObject({ sessions: 1, wills: 1, dueWills: 0 });
  expect(second.log.items.filter(({ event }) => event === "predecessor")).toEqual([]);
  const url = await second.administration();
  const explained = await run(folder, ["inspect", "explain", "dev-42", "--admin", url]);
  expect(explained.stdout).toContain("The broker was killed, or it crashed; its last");
  expect(explained.stdout).not.toContain("lost");
  await second.stop();
}, 180_000);

/** Of each file in a folder, by its name. */
function contentOf(data: string): Record<string, string> {
  const names = readdirSync(data).toSorted();
  const hash = (name: string) => Bun.hash(readFileSync(path.join(data, name))).toString(16);
  return Object.fromEntries(names.map((name) => [name, hash(name)]));
}

test("inspect --data reads the store of a broker that does not run", async () => {
  using folder = new Folder();
  const data = folder.file("data");
  await using first = await serve(data);
  await using sleeper = await MqttJsClient.connect(first.port, { clientId: "sleeper", ...lasting });
  await sleeper.mqtt.subscribeAsync("home/#", { qos: 1 });
  await sleeper.mqtt.endAsync();
  const will = {
    topic: "will/dev-42",
    payload: Buffer.from("gone"),
    qos: 1,
    retain: false,
  } as const;
  const early = await MqttJsClient.connect(first.port, { clientId: "early", will });
  await early.roundTrip();
  await early.mqtt.endAsync();
  await first.line("its end", ({ event, client }) => event === "ended" && client === "early");
  await using device = await MqttJsClient.connect(first.port, { clientId: "dev-42", will });
  // Its acknowledgement says that what came before it, the end of early too, is in the store.
  await device.mqtt.publishAsync("home/door", "shut", { qos: 1, retain: true });
  const inspect = async (...args: readonly string[]) =>
    run(folder, ["inspect", ...args, "--data", data]);
  const running = await inspect("wills");
  expect(running.code).toBe(2);
  expect(running.stderr).toContain(`another broker has it open (process ${first.pid})`);
  await kill(first);
  const before = contentOf(data);

  const decided = await inspect("explain", "early");
  expect(decided.stdout).toContain("The will of early did not fire: early sent a clean DISCONNECT");
  const explained = await inspect("explain", "dev-42");
  expect(explained).toMatchObject({ code: 0, stderr: "" });
  expect(explained.stdout).toContain("The broker was killed, or it crashed; its last");
  expect(explained.stdout).not.toContain("The broker was back");
  const overview = await inspect();
  expect(overview.stdout).toMatch(/^mqttd \S+, not running\nClients /);
  expect(overview.stdout).toContain(
    `does not run: it (pid ${first.pid}) was killed, or it crashed, `,
  );
  expect(overview.stdout).not.toMatch(/unknown|\bup\b|Listeners|Process/);
  const stranger = await inspect("explain", "stranger");
  expect(stranger.stdout.replaceAll(/\s+/g, " ")).toStartWith(
    "The broker does not run, and its store knows nothing of stranger.",
  );
  expect(stranger.stdout).not.toMatch(/started/);
  expect(await inspect("wills", "--wait", "1s")).toEqual({
    ...{ code: 2, stdout: "" },
    stderr: "mqttd: --data reads the store of a broker that does not run; it excludes --wait\n",
  });
  const client = (await inspect("client", "sleeper")).stdout;
  expect(client).toStartWith("The broker does not run: it was killed, or it crashed, ");
  expect(client).toContain("home/#");
  expect((await inspect("wills", "--json")).stdout).toContain('"topic":"will/dev-42"');
  expect((await inspect("retained")).stdout).toContain("home/door");
  const sessions = JSON.parse((await inspect("sessions", "--json")).stdout);
  expect(sessions.sessions).toMatchObject([
    { clientId: "sleeper", queue: { messages: 1 } },
    { clientId: "dev-42" },
  ]);
  const store = JSON.parse((await inspect("store", "--json")).stdout);
  expect(store.store).toMatchObject({ durability: null, rows: { session: 2, will: 1 } });
  expect((await inspect("explain", "nobody")).code).toBe(2);
  const none = await run(folder, ["inspect", "wills", "--data", "elsewhere"]);
  expect(none).toMatchObject({ code: 2, stdout: "" });
  expect(none.stderr.split("\n")).toHaveLength(2);
  // The reader has changed nothing.
  expect(contentOf(data)).toEqual(before);
  await using second = await serve(data);
  const restored = await second.line("what was restored", ({ event }) => event === "restored");
  expect(restored).toMatchObject({ sessions: 2, messages: 1, retained: 1, wills: 1 });
}, 180_000);

/** One after the other, each acknowledged: with durability full, as many commits. */
const messages = 50;
const canTrace = Bun.which("strace") !== null && process.geteuid?.() === 0;

test.skipIf(!canTrace)(
  "normal syncs each second, full each commit, off never, none on the loop (skipped: no strace as root)",
  async () => {
    for (const durability of ["normal", "full", "off"]) {
      using folder = new Folder();
      await using broker = await RunningBroker.start({
        args: [
          ...["--data", folder.file("data"), "--set", "admin.port=off"],
          ...["--set", `store.durability=${durability}`],
        ],
      });
      const syncs = await tracedSyncs(broker.pid, folder.file("trace"));
      await using _strace = syncs;
      await using client = await MqttJsClient.connect(broker.port, { clientId: "a", ...lasting });
      const before = syncs.threads().length;
      const began = performance.now();
      for (let number = 0; number < messages; number++) {
        await client.mqtt.publishAsync("t", String(number), { qos: 1, retain: true });
      }
      // Signs of life come between, one a second, and each may sync the log and the file: far fewer than
      // the messages.
      const most = 4 + 2 * Math.ceil((performance.now() - began) / 1000);
      if (durability === "normal") expect(syncs.threads().length - before).toBeLessThan(most);
      if (durability === "full")
        expect(syncs.threads().length - before).toBeGreaterThanOrEqual(messages);
      if (durability === "off") expect(syncs.threads()).toEqual([]);
      else
        await eventually(
          () => syncs.threads().length > before + 1,
          () => "a sync each second",
        );
      // The thread of the loop has the number of the process.
      expect(syncs.threads()).not.toContain(String(broker.pid));
    }
  },
  180_000,
);

/** Follows a process; `threads` has the thread of each sync so far. */
async function tracedSyncs(pid: number, file: string) {
  const words = ["strace", "-f", "-e", "trace=fsync,fdatasync", "-o", file, "-p", String(pid)];
  const child = spawn(words, { stdout: "ignore", stderr: "ignore" });
  // Each thread is followed by itself.
  const isFollowed = (thread: string): boolean => {
    try {
      return !/^TracerPid:\s+0$/m.test(readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8"));
    } catch {
      // It has ended meanwhile.
      return true;
    }
  };
  await eventually(
    () => readdirSync(`/proc/${pid}/task`).every(isFollowed),
    () => "strace",
  );
  const lines = (): string[] => readFileSync(file, "utf8").split("\n");
  return {
    threads: () =>
      lines().flatMap((line) => (/f(?:data)?sync\(/.test(line) ? [line.split(" ")[0]] : [])),
    [Symbol.asyncDispose]: async () => {
      // It lets go of the broker.
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

test("a folder that is moved away is one line, and everything is kept again once it is back", async () => {
  using folder = new Folder();
  const data = folder.file("data");
  const args = ["--data", data, "--set", "admin.port=off"];
  await using broker = await RunningBroker.start({ args });
  await using client = await MqttJsClient.connect(broker.port, {
    clientId: "a",
    reconnectPeriod: 50,
  });
  await client.mqtt.publishAsync("kept", "1", { qos: 1, retain: true });
  renameSync(data, folder.file("away"));
  const { text } = await broker.line(
    "the warning",
    ({ event, text: found }) => event === "warning" && String(found).includes("mqttd.db"),
  );
  expect(text).toBe(
    "mqttd.db was deleted or moved while the broker runs: nothing is kept until it is back as it was " +
      "(a broker that is started again has what is in the folder then, and nothing else)",
  );
  renameSync(folder.file("away"), data);
  // If it comes too early, the client loses its connection, and publishes again by itself.
  await client.mqtt.publishAsync("kept", "2", { qos: 1, retain: true });
  await kill(broker);
  await using next = await RunningBroker.start({ args });
  await using reader = await MqttJsClient.connect(next.port, { clientId: "reader" });
  await reader.mqtt.subscribeAsync("kept");
  expect((await reader.message("kept")).payload.toString()).toBe("2");
}, 180_000);

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
}, 180_000);

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
  expect(stderr).toContain("mqttd.db is damaged");
  expect(Bun.hash(await Bun.file(file).bytes())).toBe(before);
  expect(existsSync(`${file}-wal`)).toBe(false);
}, 180_000);
