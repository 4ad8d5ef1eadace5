import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { generate } from "mqtt-packet";
import { htmlPage } from "../../src/drop/report/page/page.ts";
import { recordingOf } from "../../src/drop/report/records.ts";
import { embeddedBroker } from "../../src/server/embedded.ts";
import { type Outcome, mqttd } from "../cli/surroundings.ts";
import { type LogLine, RunningBroker } from "../support/executable.ts";
import { expectInTime, expectNotHeldUp } from "../support/held-up.ts";
import { Inbox, now, patienceMs } from "../support/inbox.ts";
import { reservedPort } from "../support/reserved-port.ts";
import { spawn } from "../support/child.ts";

/** `mqttd simulate-drop` from the command line to its exit code, against brokers of this machine. */

const main = path.resolve(import.meta.dir, "../../src/main.ts");
const folder = mkdtempSync(path.join(tmpdir(), "mqttd-drop-"));
/** For the command in processes of its own. */
const elsewhere = mkdtempSync(path.join(tmpdir(), "mqttd-drop-"));
afterAll(() => {
  for (const made of [folder, elsewhere]) rmSync(made, { recursive: true });
});

const loadDrop = () => import("../../src/cli/drop-run.ts");

async function simulateDrop(...args: string[]): Promise<Outcome> {
  const began = now();
  const outcome = await mqttd(["simulate-drop", ...args], { loadDrop });
  expectNotHeldUp("a scenario", outcome.stdout + outcome.stderr, began);
  return outcome;
}

/** A server of this machine; `answer`: to the first bytes of each connection. */
function server(answer: (first: Uint8Array) => Uint8Array | "close" | null) {
  const listener = Bun.listen<undefined>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data: (socket, chunk) => {
        const bytes = answer(chunk);
        if (bytes === "close") socket.end();
        else if (bytes !== null) socket.end(bytes);
      },
    },
  });
  return { port: String(listener.port), [Symbol.dispose]: () => listener.stop(true) };
}

test("without --json the report is on stdout, what is said meanwhile on stderr", async () => {
  const { code, stdout, stderr } = await simulateDrop("RST", "--embedded", "-V", "mqttv5");
  expect(code).toBe(0);
  const constant = stdout.replace(/:\d+ /, ":PORT ").replace(/\d+ ms|\d+\.\d s$/gm, "N");
  expect(constant.replace(/ {2,}/g, "  ")).toMatchInlineSnapshot(`
    "mqtt://localhost:PORT (keepalive 2 s, wait 8 s)

    scenario  due  MQTT 5  the drop  rule
    rst  at once  pass +N  TCP reset  v5-3.1.2-8

    1 passed, 0 failed in N
    "
  `);
  expect(stderr).toMatch(/^pass {10}rst {19}MQTT 5\n$/);
}, 180_000);

test("nothing listens: exit 3, and an offer", async () => {
  const port = reservedPort();
  const { code, stdout, stderr } = await simulateDrop("-h", "127.0.0.1", "-p", `${port}`);
  expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
  expect(stderr).toBe(
    `mqttd: nothing listens on mqtt://127.0.0.1:${port} (start one there, or try mqttd's own: mqttd simulate-drop --embedded)\n`,
  );
});

test("a broker that can't be reached by its second address: exit 3, and which one", async () => {
  const broker = await embeddedBroker();
  const via = `mqtt://127.0.0.1:${reservedPort()}`;
  const { code, stderr } = await simulateDrop("rst", "-p", `${broker.port}`, "--via", via);
  await broker.close();
  expect(code).toBe(3);
  expect(stderr).toContain(`nothing listens on ${via}`);
});

test("wrong password: exit 4, with the reason in words and never the password", async () => {
  const broker = await embeddedBroker({ allowAnonymous: false });
  const url = `mqtt://ann:hunter2@127.0.0.1:${broker.port}`;
  const where = `mqtt://127.0.0.1:${broker.port}`;
  const outcomes = [
    await simulateDrop("rst", "-L", url),
    await simulateDrop("rst", "-L", url, "-V", "5"),
    await simulateDrop("rst", "-L", where, "-V", "5"),
  ];
  await broker.close();
  expect(outcomes.map(({ code }) => code)).toEqual([4, 4, 4]);
  const words = outcomes.map(({ stderr }) => stderr.replace(where, "WHERE")).join("");
  expect(`\n${words}`).toMatchInlineSnapshot(`
    "
    mqttd: WHERE refused the connection: bad user name or password (0x04) (see -u and -P)
    mqttd: WHERE refused the connection: bad user name or password (0x86) (see -u and -P)
    mqttd: WHERE refused the connection: not authorized (0x87) (log in with -u USER -P PASSWORD)
    "
  `);
  expect(words).not.toContain("hunter2");
});

test("a broker's reason string can't forge a line or move the cursor", async () => {
  const reasonString = "\u001b[2Jno\n37 passed, 0 failed\u202e";
  const connack = generate(
    { cmd: "connack", reasonCode: 0x87, sessionPresent: false, properties: { reasonString } },
    { protocolVersion: 5 },
  );
  using refusing = server(() => connack);
  const { code, stderr } = await simulateDrop("-p", refusing.port, "-V", "5");
  expect(code).toBe(4);
  expect(stderr.replace(refusing.port, "PORT")).toMatchInlineSnapshot(`
    "mqttd: mqtt://localhost:PORT refused the connection: not authorized (0x87), "\\u001b[2Jno\\n37 passed, 0 failed\\u202e" (log in with -u USER -P PASSWORD)
    "
  `);
});

test("a server that hangs up: exit 3", async () => {
  using rude = server(() => "close");
  const { code, stderr } = await simulateDrop("-p", rude.port, "-V", "3.1.1");
  expect(code).toBe(3);
  expect(stderr).toContain("closed the connection before its CONNACK");
});

test("a report that can't be written is refused before anything is played", async () => {
  // Other tests write reports into the file's folder.
  const empty = mkdtempSync(path.join(tmpdir(), "mqttd-drop-"));
  const file = path.join(empty, "none/x.xml");
  const other = path.join(empty, "other");
  const hint = "name a file in a folder that exists and is writable";
  for (const flags of [
    ["--junit", file, "--html", other],
    ["--html", file, "--junit", other],
  ]) {
    const { code, stdout, stderr } = await simulateDrop("rst", "--embedded", ...flags);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe(`mqttd: can't write ${file}: no such file or directory (${hint})\n`);
  }
  expect(readdirSync(empty)).toEqual([]);
  rmSync(empty, { recursive: true });
});

test.concurrent(
  "against a broker of its own: table, NDJSON, JUnit, exit 0, nothing left",
  async () => {
    const junit = path.join(folder, "drops.xml");
    const args = ["rst", "fin", "half-open", "--embedded", "-k", "1", "--json", "--junit", junit];
    const html = path.join(folder, "drops.html");
    const { code, stdout, stderr } = await simulateDrop(...args, "--html", html);
    expect(code).toBe(0);
    const given = [...args.slice(0, 4), "--keepalive", ...args.slice(5), "--html", html];
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(lines).toHaveLength(8);
    expect(recordingOf(stdout)).toMatchObject({
      run: { settings: { keepAlive: 1, waitMs: 8000 } },
    });
    expect(lines[0]).toMatchObject({
      ...{ type: "run", mqttd: "1.2.3", commit: "abc1234", via: null, protocols: ["3.1.1", "5"] },
      ...{ scenarios: ["rst", "fin", "half-open"], command: ["simulate-drop", ...given] },
      target: (lines[1] as { target: string }).target,
    });
    expect(lines.at(-1)).toMatchObject({ type: "summary", passed: 6, failed: 0, exitCode: 0 });
    for (const line of lines.slice(1, -1)) expect(line).toMatchObject({ verdict: "pass" });
    expect(stderr).toContain("scenario   due      MQTT 3.1.1");
    expect(stderr).toMatch(/\n6 passed, 0 failed in \d+\.\d s\n$/);
    expect(stderr).not.toContain("\u001b");
    const xml = readFileSync(junit, "utf8");
    expect(xml).toContain('tests="6" failures="0" errors="0" skipped="0"');
    expect(xml.match(/<testcase [^>]*time="[1-9]/g)).toHaveLength(6);
    const recording = recordingOf(stdout);
    if (typeof recording === "string") throw new Error(recording);
    expect(readFileSync(html, "utf8")).toBe(htmlPage(recording));
    expect(readdirSync(folder).sort()).toEqual(["drops.html", "drops.xml"]);
  },
  180_000,
);

test.concurrent(
  "two addresses stand side by side",
  async () => {
    const broker = await embeddedBroker();
    const [first, via] = ["127.0.0.1", "[::1]"].map((host) => `mqtt://${host}:${broker.port}`);
    const { code, stdout } = await simulateDrop("fin", "-L", `${first}`, "--via", `${via}`);
    await broker.close();
    expect(code).toBe(0);
    expect(stdout).toStartWith(`${first}, and via ${via} (`);
    expect(stdout).toMatch(/ MQTT 3\.1\.1 +MQTT 5 +MQTT 3\.1\.1 via +MQTT 5 via\n/);
    expect(stdout).toContain("4 passed, 0 failed");
  },
  180_000,
);

test.concurrent(
  "a server that accepts and says nothing: exit 5, within bounds",
  async () => {
    using silent = server(() => null);
    const began = now();
    const { code, stderr } = await simulateDrop("-p", silent.port, "-h", "127.0.0.1");
    expect(code).toBe(5);
    expectInTime("the run", now() - began, 8000);
    expect(stderr).toBe(
      `mqttd: mqtt://127.0.0.1:${silent.port} accepts connections but does not answer: no CONNACK within 5 s (is it an MQTT broker?)\n`,
    );
  },
  180_000,
);

test.concurrent(
  "a broker that speaks only MQTT 3.1.1: v5 is skipped, and why",
  async () => {
    const broker = await embeddedBroker();
    using old = await oldBroker(broker.port);
    const args = ["rst", "-p", old.port, "-h", "127.0.0.1"];
    const both = await simulateDrop(...args);
    const only5 = await simulateDrop(...args, "-V", "5");
    await broker.close();
    expect(both.code).toBe(0);
    expect(both.stdout).toContain(
      "skipped MQTT 5 altogether: the broker does not speak it: unacceptable protocol\nversion (0x01).",
    );
    expect(both.stdout).toContain("\n1 passed, 0 failed, 1 skipped in ");
    expect(only5.code).toBe(4);
    expect(only5.stderr).toContain(
      "unacceptable protocol version (0x01) (it speaks another version",
    );
  },
  180_000,
);

/** Stands before a broker, and refuses the level 5 as a broker of 2014 would. */
async function oldBroker(port: number) {
  type Way = { other: Bun.Socket<Way> | null };
  const refusal = generate({ cmd: "connack", returnCode: 1, sessionPresent: false });
  const listener = Bun.listen<Way>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => {
        socket.data = { other: null };
      },
      data: async (socket, chunk) => {
        // The level stands behind the fixed header and the name of the protocol.
        if (chunk[0] === 0x10 && chunk[8] === 5) return void socket.end(refusal);
        if (socket.data.other === null) {
          socket.data.other = await Bun.connect<Way>({
            hostname: "127.0.0.1",
            port,
            data: { other: socket },
            socket: {
              data: ({ data: way }, answer) => void way.other?.write(answer),
              close: ({ data: way }) => void way.other?.end(),
            },
          });
        }
        socket.data.other.write(chunk);
      },
      close: (socket) => socket.data.other?.terminate(),
    },
  });
  return { port: String(listener.port), [Symbol.dispose]: () => listener.stop(true) };
}

test.concurrent(
  "a broker that dies in the middle: said, exit 3, without a wait for what can't come",
  async () => {
    await using broker = await RunningBroker.start({ command: [process.execPath, main] });
    const began = now();
    const dropping = simulateDrop(
      ...["half-open", "mid-packet", "--serial", "-k", "60", "-p", `${broker.port}`, "--json"],
    );
    await broker.line("the client that dies", (line) => isVictim(line, 4));
    broker.signal("SIGKILL");
    const { code, stdout, stderr } = await dropping;
    expect(code).toBe(3);
    expectInTime("the run", now() - began, 8000);
    expect(stderr).toContain("The run was cut short: the broker is lost: ");
    expect(stdout).toContain('"inconclusive":1,"skipped":0,"notPlayed":3,');
    expect(stdout).toContain('"cutShort":"the broker is lost');
  },
  180_000,
);

/** The client that dies has connected: the one with the will. */
function isVictim({ event, client, will }: LogLine, version: 4 | 5): boolean {
  return event === "connected" && (client ?? "").endsWith(`half-open-v${version}`) && will !== null;
}

/** The command in a process of its own. */
function started(...args: string[]) {
  const child = spawn([process.execPath, main, "simulate-drop", ...args], {
    cwd: elsewhere,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: 2 * patienceMs,
    killSignal: "SIGKILL",
  });
  const said = new Inbox<string>();
  const listen = async (): Promise<string> => {
    for await (const chunk of child.stderr) said.add(new TextDecoder().decode(chunk));
    said.end("the command has ended");
    return said.items.join("");
  };
  const output = Promise.all([child.stdout.text(), listen(), child.exited]);
  const end = async (): Promise<void> => {
    child.kill("SIGKILL");
    await output;
  };
  return { child, output, said, [Symbol.asyncDispose]: end };
}

for (const [signal, expected] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  test.concurrent(
    `${signal} in the middle: exit ${expected}, and nothing is left on the broker`,
    async () => {
      await using broker = await RunningBroker.start({ command: [process.execPath, main] });
      const junit = path.join(elsewhere, `${signal}.xml`);
      await using dropping = started(
        "half-open",
        "rst",
        "-k",
        "60",
        "-p",
        `${broker.port}`,
        "--junit",
        junit,
        "--html",
        path.join(elsewhere, `${signal}.html`),
      );
      await broker.line("the client that dies", (line) => isVictim(line, 5));
      dropping.child.kill(signal);
      const [stdout, stderr, code] = await dropping.output;
      expect(code).toBe(expected);
      expect(stderr).toContain("called off, cleaning up (a second signal does not wait)");
      expect(stderr).toMatch(/cleaned up \d+ connections and \d+ sessions/);
      expect(stdout).toContain("The run was cut short: called off.");
      expect(readdirSync(elsewhere).filter((name) => name.startsWith(signal))).toEqual([]);
      const half = (line: { client?: string | null }): boolean =>
        /half-open/.test(line.client ?? "");
      await broker.log.count(
        "clients gone",
        connections(broker.log, half),
        (line) => line.event === "ended" && half(line),
      );
      const fates = broker.log.items.filter((line) => line.event === "ended" && half(line));
      for (const line of fates) expect(line).toMatchObject({ cause: "disconnected" });
    },
    180_000,
  );
}

function connections(
  log: Inbox<{ event: string; client?: string | null }>,
  fits: (line: { client?: string | null }) => boolean,
): number {
  return log.items.filter((line) => line.event === "connected" && fits(line)).length;
}

test.concurrent(
  "a second signal does not wait for a broker that answers no more",
  async () => {
    if (process.platform === "win32") return;
    await using broker = await RunningBroker.start({ command: [process.execPath, main] });
    await using dropping = started("persistent", "half-open", "-k", "60", "-p", `${broker.port}`);
    await broker.line("the client that dies", (line) => isVictim(line, 5));
    await broker.line(
      "a session",
      (line) => line.event === "connected" && /persistent/.test(line.client ?? ""),
    );
    broker.signal("SIGSTOP");
    dropping.child.kill("SIGINT");
    await dropping.said.first("that it cleans up", (text) => text.includes("cleaning up"));
    const began = now();
    dropping.child.kill("SIGINT");
    const [, , code] = await dropping.output;
    expect(code).toBe(130);
    expectInTime("the end", now() - began, 1500);
    broker.signal("SIGCONT");
  },
  180_000,
);
