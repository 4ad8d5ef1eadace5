import { expect, test } from "bun:test";
import { spawn } from "../support/child.ts";
import { environment, executable, Folder, RunningBroker } from "../support/executable.ts";
import { eventually } from "../support/inbox.ts";

/** `mqttd inspect ... --watch` in a pipe. */
class Watcher implements AsyncDisposable {
  output = "";
  errors = "";
  readonly #child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #read: Promise<unknown>;

  constructor(folder: Folder, runFolder: string, args: readonly string[]) {
    this.#child = spawn([executable(), "inspect", ...args], {
      cwd: folder.path,
      env: environment(folder, { MQTTD_RUN_DIR: runFolder }),
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#read = Promise.all([
      this.#take(this.#child.stdout, (text) => (this.output += text)),
      this.#take(this.#child.stderr, (text) => (this.errors += text)),
    ]);
  }

  async #take(stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) add(decoder.decode(chunk, { stream: true }));
  }

  async until(pattern: RegExp): Promise<void> {
    await eventually(
      () => pattern.test(this.output + this.errors),
      () => `${pattern.source}; it printed: ${this.output}${this.errors}`,
    );
  }

  async interrupt(): Promise<number | null> {
    this.#child.kill("SIGINT");
    await this.#child.exited;
    await this.#read;
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }
}

const admin = ["--set", "admin.port=0"];

test("in a pipe: snapshots with their time, across a restart of the broker, until Ctrl-C", async () => {
  using folder = new Folder();
  const first = await RunningBroker.start({ args: admin });
  const runFolder = `${first.folder.path}-run`;
  await using watcher = new Watcher(folder, runFolder, ["--watch", "100ms"]);
  await watcher.until(/^\d\d:\d\d:\d\d\nmqttd .*pid \d+\n[\s\S]*\n\n\d\d:\d\d:\d\d\nmqttd /);
  first.signal("SIGTERM");
  expect(await first.exit()).toBe(0);
  await watcher.until(/no answer: /);
  const second = await RunningBroker.start({ args: admin, env: { MQTTD_RUN_DIR: runFolder } });
  await watcher.until(new RegExp(`the broker has started again \\(pid ${second.pid}\\)`));
  await watcher.until(new RegExp(`mqttd .*pid ${second.pid}\\n`));
  expect(await watcher.interrupt()).toBe(130);
  await second.stop();
  await first[Symbol.asyncDispose]();
  await second[Symbol.asyncDispose]();
}, 180_000);

test("--json: one answer a line; a client that is unknown yet is waited for", async () => {
  await using broker = await RunningBroker.start({ args: admin });
  const runFolder = `${broker.folder.path}-run`;
  using folder = new Folder();
  await using json = new Watcher(folder, runFolder, ["clients", "--json", "--watch=100ms"]);
  await json.until(/^(.*\n){3}/);
  expect(await json.interrupt()).toBe(130);
  for (const line of json.output.trimEnd().split("\n")) {
    expect(JSON.parse(line)).toEqual({ clients: [], more: false });
  }
  await using unknown = new Watcher(folder, runFolder, ["client", "dev-42", "--watch", "100ms"]);
  await unknown.until(/(no such client[\s\S]*){2}/);
  expect(await unknown.interrupt()).toBe(130);
});

test("without a broker at the start, and with flags that contradict it, it ends at once", async () => {
  using folder = new Folder();
  for (const [args, code] of [
    [["--watch"], 3],
    [["wills", "--watch", "--wait", "5s"], 2],
    [["tail", "--watch"], 2],
    [["clients", "--watch", "1ms"], 2],
    [["clients", "--watch=soon"], 2],
  ] as const) {
    await using child = spawn([executable(), "inspect", ...args], {
      cwd: folder.path,
      env: environment(folder),
      stderr: "pipe",
    });
    expect({ args, code: await child.exited }).toEqual({ args, code });
  }
});

test("on a terminal each snapshot takes the place of the one before", async () => {
  await using broker = await RunningBroker.start({ args: admin });
  let output = "";
  const decoder = new TextDecoder();
  const closed = Promise.withResolvers<void>();
  await using child = spawn([executable(), "inspect", "clients", "--watch", "100ms"], {
    cwd: broker.folder.path,
    env: { ...environment(broker.folder), TERM: "xterm" },
    terminal: {
      cols: 60,
      rows: 24,
      data: (_, bytes) => {
        output += decoder.decode(bytes, { stream: true });
      },
      exit: () => closed.resolve(),
    },
  });
  // The second is the next one in which the time has changed.
  const isDrawnOver = (): boolean => {
    const begin = output.indexOf("inspect clients every 100 ms");
    return begin >= 0 && output.includes("\u001b[2A\u001b[2Kmqttd inspect clients", begin);
  };
  await eventually(
    isDrawnOver,
    () => `a second snapshot; the terminal has: ${JSON.stringify(output)}`,
  );
  child.terminal?.write("\u0003");
  expect(await child.exited).toBe(130);
  await closed.promise;
  // What has not changed is not written again.
  expect(output.split("no clients")).toHaveLength(2);
});
