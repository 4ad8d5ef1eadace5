import { expect, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { type Verb, verbs } from "../../src/cli/inspect-verbs.ts";
import { spawn } from "../support/child.ts";
import { connectBytes } from "../support/connect-bytes.ts";
import { environment, executable, Folder, RunningBroker } from "../support/executable.ts";
import { patienceMs } from "../support/inbox.ts";

/** Those that run until Ctrl-C have tests of their own on a terminal. */
const endless: readonly Verb[] = ["tail"];

const examples = Object.entries(verbs)
  .filter(([verb]) => !endless.some((other) => other === verb))
  .flatMap(([, row]) => [...row.examples]);

/** Connects the device of the examples, for the `turn`th time. */
async function device(broker: RunningBroker, turn: number): Promise<Disposable> {
  const { port } = broker;
  const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
  const willTopic = "home/dev-42/status";
  socket.write(connectBytes({ version: 4, clientId: "dev-42", keepAlive: 60, willTopic }));
  await broker.log.count("a connection of dev-42", turn, ({ event }) => event === "connected");
  return { [Symbol.dispose]: () => socket.terminate() };
}

test("each example of a verb's page works as described against a running broker", async () => {
  await using broker = await RunningBroker.start({ args: ["--set", "admin.port=0"] });
  using folder = new Folder();
  symlinkSync(executable(), folder.file("mqttd"));
  const env = environment(broker.folder);
  for (const [index, example] of examples.entries()) {
    using connected = await device(broker, index + 1);
    // An example that waits for a will gets one.
    if (example.includes("--wait")) connected[Symbol.dispose]();
    await using child = spawn(["sh", "-c", example], {
      cwd: folder.path,
      env: { ...env, PATH: `${folder.path}:${env.PATH}` },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: 3 * patienceMs,
    });
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    await child.exited;
    // What lint proves is exit code 1.
    const code = example.includes(" lint") && /^  proved/m.test(stdout) ? 1 : 0;
    expect({ example, code: child.exitCode, stderr }).toEqual({ example, code, stderr: "" });
    expect(stdout, example).not.toBe("");
  }
}, 180_000);
