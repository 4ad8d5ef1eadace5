import { expect, test } from "bun:test";
import { Door } from "../support/door.ts";
import { type Ended, Folder, run, RunningBroker } from "../support/executable.ts";

// `simulate-drop broker-crash` against the executable, which is killed and started again for real.

/** Kills its broker with SIGKILL and starts another one, whenever the command is run. */
class Restarts implements AsyncDisposable {
  readonly door: Door;
  readonly command: string;
  restarted = 0;
  readonly #args: readonly string[];
  readonly #done: string;
  #broker: RunningBroker;
  #running: Promise<void> = Promise.resolve();
  readonly #handler = (): void => void (this.#running = this.#restart());

  static async of(folder: Folder, args: readonly string[]): Promise<Restarts> {
    const door = await Door.open();
    return new Restarts(folder, args, door, await RunningBroker.start({ args }));
  }

  private constructor(folder: Folder, args: readonly string[], door: Door, broker: RunningBroker) {
    this.#args = args;
    this.door = door;
    this.#broker = broker;
    door.leadTo(broker.port);
    this.#done = folder.file("done");
    // The shell polls for the end of #restart; simulate-drop bounds it.
    const wait = `until [ -e '${this.#done}' ]; do sleep 0.02; done; rm '${this.#done}'`;
    this.command = `kill -USR2 ${process.pid}; ${wait}`;
    process.on("SIGUSR2", this.#handler);
  }

  async #restart(): Promise<void> {
    this.door.leadTo(null);
    this.#broker.signal("SIGKILL");
    await this.#broker.exit();
    await this.#broker[Symbol.asyncDispose]();
    this.#broker = await RunningBroker.start({ args: this.#args });
    this.door.leadTo(this.#broker.port);
    this.restarted += 1;
    await Bun.write(this.#done, "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off("SIGUSR2", this.#handler);
    await this.#running;
    await this.#broker[Symbol.asyncDispose]();
    await this.door[Symbol.asyncDispose]();
  }
}

const settings = ["--set", "admin.port=off"];

async function play(folder: Folder, { door, command }: Restarts, wait: string): Promise<Ended> {
  const url = `mqtt://127.0.0.1:${door.port}`;
  const args = ["--url", url, "--restart-command", command, "--wait", wait, "--strict"];
  return run(folder, ["simulate-drop", "broker-crash", ...args], { boundMs: 150_000 });
}

test.skipIf(process.platform === "win32")(
  "with a store the will is published once the broker is back, 3.1.1 and 5.0",
  async () => {
    using folder = new Folder();
    await using restarts = await Restarts.of(folder, ["--data", folder.file("data"), ...settings]);
    const { code, stdout } = await play(folder, restarts, "30s");
    expect([code, stdout]).toEqual([0, expect.stringContaining("2 passed, 0 failed")]);
    expect(restarts.restarted).toBe(2);
  },
  180_000,
);

test.skipIf(process.platform === "win32")(
  "without a store it is lost, and the report says what that means",
  async () => {
    using folder = new Folder();
    await using restarts = await Restarts.of(folder, settings);
    const { code, stdout } = await play(folder, restarts, "2s");
    expect([code, stdout]).toEqual([1, expect.stringContaining("Wills do not survive the broker")]);
    expect(restarts.restarted).toBe(2);
  },
  180_000,
);
