import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import path from "node:path";
import { Keeper } from "../../src/load/keeper.ts";
import { Folder } from "../support/executable.ts";
import { eventually } from "../support/inbox.ts";

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test.skipIf(process.platform === "win32")(
  "a broker that a shell runs as its child ends with the keeper",
  async () => {
    using folder = new Folder();
    const log = path.join(folder.path, "log");
    const keeper = new Keeper(["sh", "-c", "sleep 1000 & echo $!; wait"], log);
    let broker = 0;
    await eventually(
      () => {
        broker = Number(readFileSync(log, "utf8"));
        return broker > 0;
      },
      () => "the shell says what it runs",
    );
    expect(runs(broker)).toBe(true);
    await keeper.end();
    await eventually(
      () => !runs(broker),
      () => "the broker runs on",
    );
  },
);

test.skipIf(process.platform === "win32")(
  "a broker whose command has ended before it is asked to stop in order",
  async () => {
    using folder = new Folder();
    const log = path.join(folder.path, "log");
    // Its loop waits for nothing but the signal.
    const broker = 'trap "echo in order; exit" TERM; echo ready; while :; do sleep 0.05; done';
    const keeper = new Keeper(["sh", "-c", `(${broker}) &`], log);
    await keeper.ended;
    await eventually(
      () => readFileSync(log, "utf8") === "ready\n",
      () => "the broker is ready",
    );
    await keeper.end();
    // Some shells also say that the `sleep` was terminated.
    expect(readFileSync(log, "utf8")).toEndWith("\nin order\n");
  },
);
