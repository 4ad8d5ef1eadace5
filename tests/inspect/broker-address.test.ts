import { expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, symlinkSync } from "node:fs";
import { userInfo } from "node:os";
import type { RunningBroker } from "../../src/api/api.ts";
import { processStart } from "../../src/api/process-start.ts";
import { runningBrokers, takePredecessor } from "../../src/api/registry.ts";
import { CliError } from "../../src/config/cli-error.ts";
import { addressOf } from "../../src/inspect/broker-address.ts";
import { Folder } from "../support/executable.ts";
import { spawn } from "../support/child.ts";

const isRoot = userInfo().uid === 0;
const somebodyElse = 12_345;

/** A run folder with a file of one broker, which runs according to its process id. */
class RunFolder extends Folder {
  constructor(brokers: Readonly<Record<string, Partial<RunningBroker>>> = {}) {
    super({ secret: "s3cret\n" });
    chmodSync(this.file("secret"), 0o600);
    chmodSync(this.path, 0o700);
    for (const [name, broker] of Object.entries(brokers)) {
      const file = {
        ...{ pid: process.pid, processStart: processStart(broker.pid ?? process.pid) },
        ...{ startedAt: 1, version: "0", api: 1, url: "http://127.0.0.1:6666" },
        ...{ listeners: [], tokenFile: this.file("secret"), ...broker },
      };
      this.write(name, JSON.stringify(file));
    }
  }

  get env() {
    return { MQTTD_RUN_DIR: this.path };
  }

  async address(): Promise<unknown> {
    try {
      return await addressOf({ admin: null, tokenFile: null, caFile: null, env: this.env });
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      return `${error.text.replaceAll(this.path, "FOLDER").trimEnd()} (${error.exitCode})`;
    }
  }
}

const own = `${process.pid}.json`;
const none =
  "mqttd: found no running broker (start one with mqttd serve, or name one elsewhere with --admin) (3)";
const hint = "(name one with --admin, or a folder of your own with MQTTD_RUN_DIR) (3)";

test("a broker with a file in this user's own folder is found, with its token", async () => {
  using folder = new RunFolder({ [own]: {} });
  expect(await folder.address()).toEqual({
    url: "http://127.0.0.1:6666",
    token: { text: "s3cret", file: folder.file("secret") },
    tls: null,
  });
});

test.skipIf(process.platform === "win32")(
  "a folder that others can write to is not trusted",
  async () => {
    using folder = new RunFolder({ [own]: {} });
    for (const mode of [0o720, 0o702]) {
      chmodSync(folder.path, mode);
      expect(await folder.address()).toBe(
        `mqttd: can't look for brokers: other users can write to FOLDER ${hint}`,
      );
    }
  },
);

test.skipIf(!isRoot)("nothing of another user is trusted: folder, file", async () => {
  using folder = new RunFolder({ [own]: {} });
  chownSync(folder.file(own), somebodyElse, somebodyElse);
  expect(await folder.address()).toBe(none);
  chownSync(folder.file(own), 0, 0);
  chownSync(folder.path, somebodyElse, somebodyElse);
  expect(await folder.address()).toBe(
    `mqttd: can't look for brokers: FOLDER belongs to another user ${hint}`,
  );
});

test.skipIf(isRoot)("a process of another user is no broker of this user", async () => {
  using folder = new RunFolder({ "1.json": { pid: 1 } });
  expect(await folder.address()).toBe(none);
});

test("an entry that looks like a dead broker's file and cannot be removed does no harm", () => {
  using folder = new RunFolder();
  mkdirSync(folder.file("4194305.json"));
  expect(runningBrokers(folder.env)).toEqual([]);
  expect(folder.names()).toContain("4194305.json");
});

test.skipIf(process.platform === "win32")(
  "a process id reused by another process is no broker, and gets no token",
  async () => {
    const start = processStart(process.pid);
    expect(start).toBeString();
    for (const processStart of [`${start}0`, "", null]) {
      using folder = new RunFolder({ [own]: { processStart } });
      expect(await folder.address()).toBe(none);
    }
  },
);

test("a file of an unknown kind is not trusted: too large, a link, a folder", async () => {
  using folder = new RunFolder({ [own]: { listeners: ["x".repeat(70_000)] } });
  expect(await folder.address()).toBe(none);
  folder.remove(own);
  using elsewhere = new RunFolder({ [own]: {} });
  symlinkSync(elsewhere.file(own), folder.file(own));
  expect(await folder.address()).toBe(none);
  folder.remove(own);
  mkdirSync(folder.file(own));
  expect(await folder.address()).toBe(none);
});

test("of several, one whose process id belongs to another process by now does no harm", async () => {
  await using another = spawn([process.execPath, "-e", "setInterval(() => {}, 1000)"]);
  const { pid } = another;
  let answer = { status: 200, headers: { "mqttd-api": "1" }, pid: process.pid };
  using server = Bun.serve({
    ...{ port: 0, hostname: "127.0.0.1" },
    fetch: () => Response.json({ process: { pid: answer.pid } }, answer),
  });
  const url = `http://127.0.0.1:${server.port}`;
  using gone = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("other") });
  const stale = `http://127.0.0.1:${gone.port}`;
  using folder = new RunFolder({
    [own]: { url },
    [`${pid}.json`]: { pid, url: stale, startedAt: 0 },
  });
  expect(await folder.address()).toMatchObject({ url });
  // A broker that does not show its process id without a token still counts.
  answer = { ...answer, status: 401, pid: 1 };
  expect(await folder.address()).toMatchObject({ url });
  // The port now belongs to another broker.
  answer = { ...answer, status: 200, pid };
  expect(await folder.address()).toBe(none);
});

test.skipIf(process.platform === "win32")(
  "the broker that ran last on an address and did not stop in order is told of once",
  () => {
    const at = (...listeners: string[]) => ({ processStart: "", listeners });
    const dead = { pid: 4194305, ...at("mqtt://127.0.0.1:1883", "mqtt://[::1]:1883") };
    using folder = new RunFolder({
      [own]: { ...at("mqtt://0.0.0.0:1883"), startedAt: 5 },
      "4194305.json": { ...dead, startedAt: 4 },
      "4194306.json": { pid: 4194306, ...at("mqtt://127.0.0.1:1884"), startedAt: 9 },
      "4194307.json": { pid: 4194307, ...at("mqtt://10.0.0.5:1883"), startedAt: 9 },
    });
    const take = (...urls: string[]) => takePredecessor(urls, folder.env)?.startedAt;
    expect(take("mqtt://127.0.0.1:1885")).toBeUndefined();
    expect(take("mqtt://127.0.0.1:1883")).toBe(5);
    // Those of one address go together; of other addresses nothing is told.
    expect(take("mqtt://127.0.0.1:1883")).toBeUndefined();
    expect(folder.names().filter((name) => name.endsWith(".json"))).toEqual([
      "4194306.json",
      "4194307.json",
    ]);
    expect(take("mqtt://0.0.0.0:1883")).toBe(9);
  },
);

test("a running broker is no predecessor, and few files of dead ones are kept", () => {
  const many = Array.from({ length: 30 }, (_, at) => 4194305 + at);
  using folder = new RunFolder({
    [own]: {},
    ...Object.fromEntries(many.map((pid) => [`${pid}.json`, { pid, startedAt: pid }])),
  });
  expect(takePredecessor(["mqtt://127.0.0.1:9"], folder.env)).toBeNull();
  const kept = folder.names().filter((name) => name.endsWith(".json"));
  expect(kept).toHaveLength(21);
  expect(kept).toContain(own);
  expect(kept).not.toContain("4194305.json");
});
