import { expect, test } from "bun:test";
import { executable, run, RunningBroker } from "../support/executable.ts";
import { connectBytes } from "../support/connect-bytes.ts";
import { spawn } from "../support/child.ts";
import { patienceMs } from "../support/inbox.ts";

async function inspect(broker: RunningBroker, ...args: string[]) {
  await using child = spawn([executable(), "inspect", ...args], {
    env: { PATH: process.env["PATH"] ?? "", MQTTD_RUN_DIR: `${broker.folder.path}-run` },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: 3 * patienceMs,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  await child.exited;
  return { code: child.exitCode, stdout, stderr };
}

async function clientOf(
  broker: RunningBroker,
  clientId: string,
  keepAlive: number,
  willTopic = "wills/status",
) {
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: broker.port,
    socket: { data() {} },
  });
  socket.write(connectBytes({ version: 4, clientId, keepAlive, willTopic }));
  await broker.line(
    `${clientId} connected`,
    ({ event, client }) => event === "connected" && client === clientId,
  );
  return socket;
}

test("a client that is dropped: its will's fate, and why", async () => {
  await using broker = await RunningBroker.start();
  await clientOf(broker, "dev-42", 60);
  expect((await inspect(broker, "clients")).stdout).toMatch(/^dev-42 +127\.0\.0\.1:/m);
  expect((await inspect(broker, "client", "dev-42")).stdout).toContain("deadline in ");
  expect(await inspect(broker, "drop", "dev-42")).toEqual({
    code: 0,
    stdout: "dev-42: reset\n",
    stderr: "",
  });
  const wills = ["wills", "--client", "dev-42", "--wait", "5s"];
  const fired = await inspect(broker, ...wills, "--expect", "published");
  expect(fired).toMatchObject({ code: 0, stdout: expect.stringContaining("published") });
  expect(await inspect(broker, ...wills, "--expect", "discarded")).toMatchObject({
    code: 1,
    stderr: "mqttd: expected a will that was discarded, the newest published\n",
  });
  const { code, stdout } = await inspect(broker, "explain", "dev-42");
  expect(code).toBe(0);
  expect(stdout).toContain("The will of dev-42 fired at once");
  expect((await inspect(broker)).stdout).toContain("1 published");
  await broker.stop();
});

test("a silent drop is found by the keepalive", async () => {
  await using broker = await RunningBroker.start();
  await clientOf(broker, "dev-1", 1);
  await inspect(broker, "drop", "dev-1", "--how", "silent");
  expect(await broker.ended("dev-1")).toMatchObject({ cause: "keepAliveExpired" });
});

test("unknown clients, verbs and brokers are reported in one line", async () => {
  await using broker = await RunningBroker.start();
  await clientOf(broker, "dev-42", 60);
  expect(await inspect(broker, "client", "dev-43")).toEqual({
    code: 2,
    stdout: "",
    stderr: "mqttd: no such client (did you mean dev-42?)\n",
  });
  expect(await inspect(broker, "explian", "dev-42")).toMatchObject({
    code: 2,
    stderr: 'mqttd: inspect: unknown verb "explian" (did you mean explain?)\n',
  });
  expect(await inspect(broker, "wills", "--client", "dev-42", "--wait", "1ms")).toMatchObject({
    code: 5,
    stderr: "mqttd: timed out: the will has not been decided yet\n",
  });
  expect(await inspect(broker, "--admin", "1")).toMatchObject({
    code: 3,
    stderr: expect.stringContaining("no administration interface answers at http://127.0.0.1:1"),
  });
  await broker.stop();
  expect(await inspect(broker)).toMatchObject({
    code: 3,
    stderr: expect.stringContaining("found no running broker"),
  });
});

test("a client id can't move the cursor or forge a line", async () => {
  await using broker = await RunningBroker.start();
  await clientOf(broker, "a\u001b[2J\r\nforged\u202e", 60);
  for (const verb of ["", "clients", "wills"]) {
    const { stdout } = await inspect(broker, ...(verb === "" ? [] : [verb]));
    for (const harm of ["\u001b", "\r", "\u202e", "\nforged"]) expect(stdout).not.toContain(harm);
  }
});

test("a misspelt client id is named, and an answer without wills says for what", async () => {
  await using broker = await RunningBroker.start();
  await clientOf(broker, "dev-42", 60);
  const near = "(did you mean dev-42?)\n";
  const unknown = { code: 2, stdout: "", stderr: `mqttd: no such client ${near}` };
  expect(await inspect(broker, "wills", "--client", "dev-43")).toEqual(unknown);
  expect(await inspect(broker, "wills", "--client", "dev-43", "--fired")).toEqual(unknown);
  expect(await inspect(broker, "wills", "--client", "dev-43", "--expect", "published")).toEqual({
    code: 1,
    stdout: "",
    stderr: `mqttd: expected a will that was published, there is none ${near}`,
  });
  expect(await inspect(broker, "wills", "--client", "dev-43", "--wait", "1ms")).toEqual({
    code: 5,
    stdout: "",
    stderr: `mqttd: timed out: there is no such will yet ${near}`,
  });
  expect(await inspect(broker, "wills", "--client", "dev-42", "--fired")).toMatchObject({
    code: 0,
    stdout: "no published wills of dev-42\n",
  });
  expect(await inspect(broker, "wills", "--topic", "wills/statsu")).toMatchObject({
    code: 0,
    stdout: "no wills on wills/statsu\n",
  });
});

test("a client id is accepted in the form in which it is printed", async () => {
  await using broker = await RunningBroker.start();
  const id = "dev\u001b[31mX's";
  await clientOf(broker, id, 60);
  const shown = String.raw`'dev\u001b[31mX\'s'`;
  expect((await inspect(broker, "clients")).stdout).toContain(shown);
  for (const printed of [shown, shown.slice(1, -1), id]) {
    expect((await inspect(broker, "client", printed)).stdout).toStartWith(shown);
    expect((await inspect(broker, "explain", printed)).stdout).toContain(`The will of ${shown}`);
    const wills = await inspect(broker, "wills", "--client", printed);
    expect(wills).toMatchObject({ code: 0, stdout: expect.stringContaining("armed on") });
  }
  expect(await inspect(broker, "drop", shown)).toMatchObject({ code: 0 });
  expect(await inspect(broker, "kick", shown)).toMatchObject({ code: 1 });
});

test("tail refuses a filter that MQTT does not allow", async () => {
  await using broker = await RunningBroker.start();
  expect(await inspect(broker, "tail", "--topic", "a/#/b")).toEqual({
    code: 2,
    stdout: "",
    stderr:
      "mqttd: topic: found a/#/b, allowed: a topic filter: + is a whole level, # is the whole last one\n",
  });
});

test("lint: a proved habit is exit code 1, none is 0, an unknown client 2", async () => {
  await using broker = await RunningBroker.start();
  await clientOf(broker, "dev-42", 60);
  expect(await inspect(broker, "lint")).toEqual({
    code: 0,
    stdout: "No habit found, in the records of 1 client.\n",
    stderr: "",
  });
  const socket = await clientOf(broker, "dev-7", 60);
  socket.write(connectBytes({ version: 4, clientId: "dev-7", keepAlive: 1 }));
  await broker.ended("dev-7");
  const { code, stdout } = await inspect(broker, "lint", "--client", "dev-7");
  expect(code).toBe(1);
  expect(stdout).toContain("  proved  dev-7, brokenRule (at ");
  const json = await inspect(broker, "lint", "--json");
  expect(json.code).toBe(1);
  const [worst] = (JSON.parse(json.stdout) as { findings: object[] }).findings;
  expect(worst).toMatchObject({ clientId: "dev-7", topic: "brokenRule", mark: "proved" });
  expect(await inspect(broker, "lint", "--client", "dev-43")).toMatchObject({
    code: 2,
    stderr: "mqttd: no such client (did you mean dev-42?)\n",
  });
});

test("lint: the clients of simulate-drop are left out and counted, unless one is asked for", async () => {
  await using broker = await RunningBroker.start();
  await clientOf(broker, "dev-42", 60);
  const ids = ["mqttd-drop-1a2b3c4d-protocol-error-v4", "mqttd-drop-1a2b3c4d-rst-v4"] as const;
  for (const id of ids) await clientOf(broker, id, 60);
  const socket = await clientOf(broker, "mqttd-drop-5e6f7a8b-x", 60);
  socket.write(connectBytes({ version: 4, clientId: "x", keepAlive: 1 }));
  await broker.ended("mqttd-drop-5e6f7a8b-x");
  expect(await inspect(broker, "lint")).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /^No habit found, in the records of 1 client\.\n\n3 clients of simulate-drop left out/,
    ),
  });
  const json = await inspect(broker, "lint", "--json");
  expect(JSON.parse(json.stdout)).toMatchObject({
    ...{ findings: [], clients: 1 },
    leftOut: { clients: 3, habits: expect.any(Number) },
  });
  const one = await inspect(broker, "lint", "--client", "mqttd-drop-5e6f7a8b-x");
  expect(one.code).toBe(1);
  expect(one.stdout).toContain("By its names it is a client of `mqttd simulate-drop`");
  // With --id, only the topic of its will tells.
  const topic = "mqttd-drop/1a2b3c4d/rst/v4/will";
  const given = await clientOf(broker, "dev-9", 60, topic);
  given.write(connectBytes({ version: 4, clientId: "dev-9", keepAlive: 1 }));
  await broker.ended("dev-9");
  const named = await inspect(broker, "lint", "--client", "dev-9", "--json");
  expect(JSON.parse(named.stdout)).toMatchObject({ clients: 1, dropClient: true });
});

test("messages shows the last ones, and waits for one", async () => {
  await using broker = await RunningBroker.start({ args: ["--set", "admin.port=0"] });
  const late = await inspect(broker, "messages", "home/#", "--wait", "100ms");
  expect(late).toEqual({
    code: 5,
    stdout: "no messages\n",
    stderr: "mqttd: timed out: 0 messages so far\n",
  });
  const waiting = inspect(broker, "messages", "home/#", "--wait", "20s");
  const url = ["-L", `mqtt://127.0.0.1:${broker.port}/home/lamp`];
  for (const payload of ["on", "off"]) {
    await run(broker.folder, ["pub", ...url, "-q", "1", "-m", payload]);
  }
  expect(await waiting).toMatchObject({
    ...{ code: 0, stderr: "" },
    stdout: expect.stringMatching(/home\/lamp +q1 +2 B +'on'\n/),
  });
  const { stdout } = await inspect(broker, "messages", "home/#", "--limit", "1", "--json");
  expect(JSON.parse(stdout)).toMatchObject({ messages: [{ topic: "home/lamp", payload: "off" }] });
});
