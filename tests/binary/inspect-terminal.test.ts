import { expect, test } from "bun:test";
import { width } from "../../src/log/columns.ts";
import { connectBytes } from "../support/connect-bytes.ts";
import { environment, executable, RunningBroker } from "../support/executable.ts";
import { eventually } from "../support/inbox.ts";
import { spawn } from "../support/child.ts";

/** `mqttd inspect` on a terminal of its own. */
class OnTerminal implements AsyncDisposable {
  output = "";
  readonly #child: Bun.Subprocess;
  readonly #closed = Promise.withResolvers<void>();

  constructor(
    broker: RunningBroker,
    columns: number,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ) {
    const decoder = new TextDecoder();
    this.#child = spawn([executable(), "inspect", ...args], {
      cwd: broker.folder.path,
      env: { ...environment(broker.folder), TERM: "xterm-256color", ...env },
      terminal: {
        cols: columns,
        rows: 24,
        data: (_, bytes) => {
          this.output += decoder.decode(bytes, { stream: true });
        },
        exit: () => this.#closed.resolve(),
      },
    });
  }

  type(keys: string): void {
    this.#child.terminal?.write(keys);
  }

  /** Its exit code, when all its output has arrived. */
  async end(): Promise<number | null> {
    await this.#child.exited;
    await this.#closed.promise;
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.end();
  }
}

const hostile = "dev\u001b[2J\r\n\u202e灯";

async function startHousehold(): Promise<RunningBroker> {
  const broker = await RunningBroker.start({ args: ["--set", "admin.port=0"] });
  const { port } = broker;
  for (const clientId of ["dev-42", hostile]) {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    const willTopic = `home/${clientId}`;
    socket.write(connectBytes({ version: 4, clientId, keepAlive: 600, willTopic }));
    await broker.line(clientId, ({ client }) => client === clientId);
  }
  return broker;
}

const verbs = [
  ...["", "clients", "client dev-42", "wills", "sessions", "subscriptions", "retained", "config"],
  ...["subscriptions home/dev-42", "explain dev-42", "packet c0 00"],
];

for (const columns of [40, 80, 160]) {
  test(`on a terminal of ${columns} columns no view's line is wider`, async () => {
    await using broker = await startHousehold();
    for (const verb of verbs) {
      await using screen = new OnTerminal(
        broker,
        columns,
        verb.split(" ").filter((word) => word !== ""),
      );
      expect({ verb, code: await screen.end() }).toEqual({ verb, code: 0 });
      const plain = Bun.stripANSI(screen.output).replaceAll("\r\n", "\n");
      expect(plain, verb).not.toMatch(/[^\n\P{C}]/u);
      for (const line of plain.split("\n")) {
        expect(width(line), `${verb}: ${line}`).toBeLessThanOrEqual(columns);
      }
    }
  });
}

test("colours on a terminal, and none where they are switched off", async () => {
  await using broker = await startHousehold();
  await using colored = new OnTerminal(broker, 80, ["clients"]);
  expect(await colored.end()).toBe(0);
  expect(colored.output).toContain("\u001b[1mCLIENT");
  for (const [args, env] of [
    [["clients"], { NO_COLOR: "1" }],
    [["clients", "--color", "never"], {}],
    [["clients"], { TERM: "dumb" }],
  ] as const) {
    await using plain = new OnTerminal(broker, 80, args, env);
    expect(await plain.end()).toBe(0);
    expect(plain.output).not.toContain("\u001b");
  }
});

test("Ctrl-C ends a tail, and a wait", async () => {
  await using broker = await startHousehold();
  await using tail = new OnTerminal(broker, 80, ["tail"]);
  await using wait = new OnTerminal(broker, 80, ["wills", "--client", "nobody", "--wait", "60s"]);
  const url = await broker.administration();
  await eventually(
    async () => (await (await fetch(`${url}/metrics`)).text()).includes("mqttd_event_streams 2"),
    () => "the broker has no two that listen",
  );
  tail.type("\u0003");
  wait.type("\u0003");
  expect(await tail.end()).toBe(130);
  expect(tail.output).toBe("^C");
  // It has nothing to clean up, so the signal itself ends it.
  expect(await wait.end()).toBeOneOf([130, null]);
});
