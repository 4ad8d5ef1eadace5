import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import path from "node:path";
import { spawn } from "../support/child.ts";
import { environment, executable, Folder, run } from "../support/executable.ts";
import { eventually } from "../support/inbox.ts";
import { mosquittoAbsent } from "../support/mosquitto.ts";

/** A run that is as short as can be; a busy machine takes longer to start its processes. */
const boundMs = 180_000;
const longMs = 180_000;
const short = ["--rows", "pair-qos1-w1", "--seconds", "1"];

interface Line {
  readonly type: string;
  readonly [fact: string]: unknown;
}

const linesOf = (text: string): Line[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

/** Whether something listens on a port of this machine. */
async function listens(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: "127.0.0.1", port });
  socket.on("connect", () => resolve(true));
  socket.on("error", () => resolve(false));
  const answer = await promise;
  socket.destroy();
  return answer;
}

/** A broker's command that leaves its port in a file. */
function toldBroker(folder: Folder): readonly string[] {
  const line = `echo {port} > ${folder.file("port")}; exec ${executable()} serve --port {port} --quiet`;
  return ["--command", `told=${line}`];
}

test(
  "a run: figures of the load and of the bystander, as NDJSON and as text",
  async () => {
    using folder = new Folder();
    const args = ["bench", "--embedded", ...short, "--json"];
    const { code, stdout, stderr } = await run(folder, args, { boundMs });
    const [machine, one, row, ...rest] = linesOf(stdout);
    expect({ code, types: [machine?.type, one?.type, row?.type], rest }).toEqual({
      code: 0,
      types: ["machine", "run", "row"],
      rest: [],
    });
    expect(one).toMatchObject({
      row: "pair-qos1-w1",
      broker: "mqttd",
      run: 1,
      errors: [],
      sighting: { pinging: 50, ended: 0, errors: [] },
    });
    expect(row).toMatchObject({ lines: [{ broker: "mqttd", runs: 1, errors: [] }] });
    expect(stderr).toContain("1 pair, QoS 1, window 1");
    expect(stderr).toContain("bystander");
  },
  boundMs,
);

test(
  "a broker that does not start is an invalid run, with its own words, and exit code 1",
  async () => {
    using folder = new Folder();
    const broker = ["--command", "x=echo no luck today; exit 3 # {port}"];
    const { code, stdout, stderr } = await run(folder, ["bench", ...broker, ...short], { boundMs });
    expect(code).toBe(1);
    expect(stdout).toContain("invalid");
    expect(stderr).toContain("x did not accept on port");
    expect(stderr).toContain("no luck today");
  },
  boundMs,
);

test(
  "nothing listens: exit code 3, and one line",
  async () => {
    using folder = new Folder();
    const { code, stdout, stderr } = await run(folder, ["bench", "-p", "1", ...short], { boundMs });
    expect({ code, stdout, stderr }).toEqual({
      code: 3,
      stdout: "",
      stderr:
        "mqttd: nothing listens on mqtt://localhost:1 (start one there, or measure mqttd's own: " +
        "mqttd bench --embedded)\n",
    });
  },
  boundMs,
);

test(
  "Ctrl-C in the middle: what was measured is reported, and nothing is left",
  async () => {
    using folder = new Folder();
    const args = [
      ...toldBroker(folder),
      "--rows",
      "pair-qos1-w1",
      "--runs",
      "100",
      "--seconds",
      "1",
    ];
    await using child = spawn([executable(), "bench", ...args, "--no-bystander"], {
      cwd: folder.path,
      env: environment(folder),
      stdout: "pipe",
      stderr: "pipe",
    });
    let stderr = "";
    for await (const chunk of child.stderr) {
      const before = stderr;
      stderr += new TextDecoder().decode(chunk);
      if (stderr.includes("1 of 100") && !before.includes("1 of 100")) child.kill("SIGINT");
    }
    const stdout = await child.stdout.text();
    expect(await child.exited).toBe(130);
    expect(stdout).toContain("1 pair, QoS 1, window 1");
    expect(stderr).toMatch(/called off after \d+ of 100 runs\n$/);
    expect(await listens(Number(folder.text("port")))).toBe(false);
  },
  boundMs,
);

test(
  "a bench that is killed leaves no broker behind",
  async () => {
    using folder = new Folder();
    const args = [...toldBroker(folder), "--rows", "pair-qos1-w1", "--seconds", "60"];
    await using child = spawn([executable(), "bench", ...args, "--no-bystander"], {
      cwd: folder.path,
      env: environment(folder),
      stdout: "ignore",
      stderr: "ignore",
    });
    const port = () => (existsSync(folder.file("port")) ? Number(folder.text("port")) : 0);
    await eventually(
      async () => port() > 0 && (await listens(port())),
      () => "the broker listens",
      boundMs / 3,
    );
    child.kill("SIGKILL");
    await child.exited;
    await eventually(
      async () => !(await listens(port())),
      () => "the broker has ended",
      boundMs / 3,
    );
  },
  boundMs,
);

test(
  "--data: a second bench measures only what is missing",
  async () => {
    using folder = new Folder();
    const args = ["bench", "--embedded", ...short, "--no-bystander", "--data", "figures.ndjson"];
    expect((await run(folder, args, { boundMs })).code).toBe(0);
    const before = linesOf(folder.text("figures.ndjson"));
    expect(before.map(({ type }) => type)).toEqual(["machine", "run"]);
    const again = await run(folder, args, { boundMs });
    expect(again.code).toBe(0);
    expect(again.stdout).toContain("1 pair, QoS 1, window 1");
    expect(linesOf(folder.text("figures.ndjson")).map(({ type }) => type)).toEqual([
      "machine",
      "run",
      "machine",
    ]);
  },
  boundMs,
);

test(
  "--within: what was not played in time is exit code 5",
  async () => {
    using folder = new Folder();
    const args = ["bench", "--embedded", ...short, "--within", "0s"];
    const { code, stderr } = await run(folder, args, { boundMs });
    expect(code).toBe(5);
    expect(stderr).toContain("mqttd: the time is over: 1 of 1 runs were not played\n");
  },
  boundMs,
);

const script = path.resolve(import.meta.dir, "../../bench/mosquitto.sh");
const beside: readonly [name: string, command: string | null, missing: string | null][] = [
  ["mqttd", null, null],
  ["mosquitto", `sh ${script} {transport} {port} {folder}`, mosquittoAbsent],
];

for (const [name, command, missing] of beside) {
  test.skipIf(missing !== null)(
    `rows over TLS and WebSocket, ${name}${missing === null ? "" : ` (skipped: ${missing})`}`,
    async () => {
      using folder = new Folder();
      const broker = command === null ? ["--embedded"] : ["--command", `${name}=${command}`];
      const rows = ["tls-connects", "ws-pairs-qos1", "wss-pairs-qos0"];
      const args = ["--rows", rows.join(","), "--seconds", "1", "--json"];
      const { code, stdout } = await run(folder, ["bench", ...broker, ...args], {
        boundMs: longMs,
      });
      const runs = linesOf(stdout).filter(({ type }) => type === "run");
      expect({ code, runs }).toMatchObject({
        code: 0,
        runs: rows.map((row) => ({ row, broker: name, errors: [] })),
      });
    },
    longMs,
  );
}

test(
  "a command without {transport} plays no rows over TLS, and that is said",
  async () => {
    using folder = new Folder();
    const args = [...toldBroker(folder), "--rows", "pair-qos1-w1,tls-connects", "--seconds", "1"];
    const { code, stderr } = await run(folder, ["bench", ...args, "--no-bystander"], { boundMs });
    expect({ code, lines: stderr.split("\n").slice(0, 2) }).toEqual({
      code: 0,
      lines: [
        "mqttd: told plays no rows over tls (its command has no {transport})",
        "mqttd: 1 run, about 5 s",
      ],
    });
  },
  boundMs,
);
