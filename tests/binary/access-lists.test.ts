import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { Folder, type LogLine, run, RunningBroker } from "../support/executable.ts";
import { SocketClient } from "../support/socket-client.ts";

const lines = [
  "# The lab",
  "topic mqttd-drop/#",
  "topic read $SYS/#",
  "user ann",
  "topic home/#",
  "topic deny home/safe/#",
  "pattern dev/%c/#",
];
const config = JSON.stringify({ auth: { aclFile: "lab.acl" } });

async function started(text = lines): Promise<RunningBroker> {
  const files = { "lab.acl": `${text.join("\n")}\n`, "mqttd.json": config };
  return RunningBroker.start({ files });
}

test("the scenario acl of simulate-drop passes", async () => {
  await using broker = await started();
  const flags = ["-p", String(broker.port), "--denied-topic", "secret/status", "--json"];
  const { code, stdout } = await run(broker.folder, ["simulate-drop", "acl", ...flags]);
  const results = stdout
    .trimEnd()
    .split("\n")
    .map((line): Record<string, unknown> => JSON.parse(line) as Record<string, unknown>)
    .filter(({ type }) => type === "result");
  const verdicts = results.map(({ id, protocol, verdict }) => [id, protocol, verdict].join(" "));
  expect({ code, verdicts: verdicts.toSorted() }).toEqual({
    ...{ code: 0, verdicts: ["acl 3.1.1 pass", "acl 5 pass"] },
  });
});

test("every invalid line is reported at the start, and nothing listens", async () => {
  using folder = new Folder({ "lab.acl": "topik a\n\nuser\ntopic a+b\n", "mqttd.json": config });
  for (const args of [["serve"], ["serve", "--test-config"]]) {
    const { code, stderr } = await run(folder, args);
    expect(code).toBe(2);
    expect(stderr.trimEnd().split("\n")).toEqual([
      'mqttd: lab.acl:1: found "topik", allowed: user, topic, pattern or a comment (#), did you mean topic?',
      "mqttd: lab.acl:3: user: the name is missing",
      'mqttd: lab.acl:4: the topic "a+b" is no filter: + is not a whole level of the Topic Filter',
    ]);
  }
});

describe("a reload", () => {
  test("keeps connections, applies at once, and names the clients whose rights changed", async () => {
    await using broker = await started();
    using ann = await SocketClient.connect(broker.port, { clientId: "ann-1", username: "ann" });
    using other = await SocketClient.connect(broker.port, { clientId: "dev-1" });
    await ann.subscribe("home/#");
    const file = broker.folder.file("lab.acl");
    writeFileSync(file, `${lines.join("\n")}\ntopik wrong\n`);
    const failed = await run(broker.folder, ["inspect", "reload"]);
    expect(failed.code).toBe(2);
    expect(failed.stderr).toStartWith('mqttd: lab.acl:8: found "topik", allowed: ');
    ann.publish("home/a", "1");
    expect(await ann.message("home/a")).toMatchObject({ payload: "1" });
    writeFileSync(file, lines.join("\n").replace("topic home/#", "topic home/+/open"));
    const { code, stdout } = await run(broker.folder, ["inspect", "reload"]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout:
        "Access list lab.acl reloaded: 5 lines\n" +
        "warning: listeners.0: lab.acl has lines for user names, which any client may claim, " +
        "since no password file checks them; create one: mqttd passwd FILE USER\n",
    });
    const changed = await broker.line("rightsChanged", ({ event }) => event === "rightsChanged");
    expect(changed).toMatchObject({
      ...{ client: "ann-1", username: "ann" },
      ...{ gained: ["topic home/+/open"], lost: ["topic home/#"] },
    });
    for (const topic of ["home/b", "home/x/open"]) ann.publish(topic, "2");
    expect(await ann.message("home/x/open")).toMatchObject({ payload: "2" });
    await ann.ping();
    await other.ping();
    expect(ann.messages()).toEqual(["home/a=1", "home/x/open=2"]);
    expect(broker.log.items.filter(({ event }) => event === "rightsChanged")).toHaveLength(1);
    await broker.stop();
  });

  test("100,000 lines hold nobody up", async () => {
    await using broker = await started();
    using client = await SocketClient.connect(broker.port, { clientId: "dev-1" });
    const many = Array.from({ length: 100_000 }, (_, index) => `topic read site/${index}/+/state`);
    const reloads = (): LogLine[] =>
      broker.log.items.filter(({ event }) => event === "accessReloaded");
    let pings = 0;
    // The broker answers while it parses; again if this process slept through that.
    for (let times = 1; times <= 5 && pings <= 10; times++) {
      const text = [...lines, ...many, "# changed".repeat(times)].join("\n");
      writeFileSync(broker.folder.file("lab.acl"), text);
      broker.signal("SIGHUP");
      for (pings = 0; reloads().length < times; pings++) await client.ping();
    }
    expect(reloads()[0]).toMatchObject({ file: "lab.acl", lines: 100_005 });
    expect(pings).toBeGreaterThan(10);
    await broker.stop();
  });
});

test("inspect acl: the line that decides, and an exit code for scripts", async () => {
  await using broker = await started();
  const ask = async (...args: string[]) => run(broker.folder, ["inspect", "acl", ...args]);
  const denied = await ask("--user", "ann", "--client", "a", "--topic", "home/safe/key");
  expect(denied.code).toBe(1);
  expect(denied.stdout).toContain("read    denied  lab.acl:6 'topic deny home/safe/#'");
  const allowed = await ask("--client", "a", "--topic", "dev/a/x", "--action", "write", "--json");
  expect(allowed.code).toBe(0);
  expect(JSON.parse(allowed.stdout)).toEqual({
    ...{ topic: "dev/a/x", clientId: "a", username: null },
    listener: `tcp localhost:${broker.port}`,
    verdicts: [
      {
        ...{ action: "write", allowed: true, by: "lab.acl:7 'pattern dev/%c/#'" },
        rule: { file: "lab.acl", line: 7, text: "pattern dev/%c/#" },
      },
    ],
    warnings: [],
  });
  expect((await ask("--client", "a", "--topic", "dev/+/x")).code).toBe(0);
  expect((await ask("--client", "a", "--topic", "other/#")).code).toBe(1);
  const wrong = await ask("--topic", "a", "--listener", "tcp elsewhere");
  expect(wrong).toMatchObject({ code: 2 });
  expect(wrong.stderr).toContain("there is no listener tcp elsewhere");
});

test("a line that is hardly meant is a warning wherever the file is read, and beside its answer", async () => {
  const text = ["topic read", "user anm", "topic home/#"].join("\n");
  const config = JSON.stringify({
    listeners: [{ port: 0, passwordFile: "pw", aclFile: "lab.acl" }],
  });
  const files = { "lab.acl": text, pw: accountOfAnn, "mqttd.json": config };
  const word =
    "lab.acl:1 'topic read' allows to read and write a topic of that name: the topic after it is missing";
  const user = "lab.acl:2 'user anm' has no account in pw, did you mean ann?";
  await using broker = await RunningBroker.start({ files });
  const isOfList = ({ event, text }: LogLine): boolean =>
    event === "warning" && String(text).includes("lab.acl");
  // The log is read behind the ready file.
  await broker.line("the last warning", (line) => isOfList(line) && line["text"] === user);
  const noted = broker.log.items.filter(isOfList);
  expect(noted.map((line) => line["text"])).toEqual([word, user]);
  const test = await run(broker.folder, ["serve", "--test-config"]);
  expect(test).toMatchObject({ code: 0 });
  expect(test.stderr).toEndWith(`mqttd: warning: ${word}\nmqttd: warning: ${user}\n`);
  const reload = await run(broker.folder, ["inspect", "reload"]);
  expect(reload.stdout).toStartWith("reloaded: no changes\n");
  expect(reload.stdout).toEndWith(`warning: ${word}\nwarning: ${user}\n`);
  const ask = async (...who: string[]) =>
    run(broker.folder, ["inspect", "acl", "--client", "a", "--topic", "home/x", ...who, "--json"]);
  const asked = async (...who: string[]): Promise<unknown> =>
    (JSON.parse((await ask(...who)).stdout) as Record<string, unknown>)["warnings"];
  expect(await asked("--user", "ann")).toEqual([user]);
  expect(await asked()).toEqual([word]);
  await broker.stop();
});

const accountOfAnn =
  "ann:$7$101$9fYtpJbrsui6OuqC$XSnsxK6XcSZPqLeiYl71875oMukynOdoo+fGBfMZv1CdfV+W52CT4aGxdtjco6uhfobxH/uicIHvZj2Z9dSU9Q==\n";

test("explain names the line behind a refused will", async () => {
  await using broker = await started();
  using client = await SocketClient.dial(broker.port);
  const will = { topic: "secret", payload: Buffer.from("x"), qos: 0 as const, retain: false };
  const connack = await client.connect({ clientId: "dev-9", will });
  expect(connack).toMatchObject({ reasonCode: 0x87 });
  expect(JSON.stringify(connack)).not.toContain("lab.acl");
  const { stdout } = await run(broker.folder, ["inspect", "explain", "dev-9"]);
  expect(stdout.replace(/\s+/g, " ")).toContain(
    "dev-9 was refused: the client may not publish on its will topic: no line of lab.acl.",
  );
});
