import { chmodSync, statSync } from "node:fs";
import { describe, expect, test } from "bun:test";
import { spawn } from "../support/child.ts";
import {
  environment,
  executable,
  Folder,
  type LogLine,
  run,
  RunningBroker,
} from "../support/executable.ts";
import { eventually } from "../support/inbox.ts";
import { Mosquitto, mosquittoAbsent } from "../support/mosquitto.ts";
import { InteractiveShell } from "../support/shell.ts";
import { SocketClient } from "../support/socket-client.ts";

/** Lines of mosquitto_passwd 2.0.11 and, in argon2id, of what mosquitto 2.1 writes. */
const accounts = {
  alice:
    "alice:$7$101$9fYtpJbrsui6OuqC$XSnsxK6XcSZPqLeiYl71875oMukynOdoo+fGBfMZv1CdfV+W52CT4aGxdtjco6uhfobxH/uicIHvZj2Z9dSU9Q==",
  bob: "bob:$6$cSfffqOQ9ajRtAM4$SrHkXBg+FKr3LG4BPX4C9dSz+au6WQUVIS6JB6kwoHnzgh/jsq7WVIIO1B5ZEPix3YxjQesGGvaJ1VZk/9KsJw==",
  carol:
    "carol:$argon2id$v=19$m=47104,t=1,p=1$+vSeeTcQ1HOKMrLtbYDqbBevKxzDuxxLsdqG/cHFCw8$2o6J+LTJvc5Fvpru9nuwmXqi2O2wLN+UhhX6ecMi4p4",
};
const passwords = { alice: "secret", bob: "hunter2", carol: "secret" };

const file = (...lines: readonly string[]): string => `# accounts\n${lines.join("\n")}\n`;
const all = file(accounts.alice, accounts.bob, accounts.carol);
const config = (): string => JSON.stringify({ auth: { passwordFile: "passwd" } });

async function started(passwd: string): Promise<RunningBroker> {
  return RunningBroker.start({ files: { passwd, "mqttd.json": config() } });
}

async function connect(
  broker: RunningBroker,
  credentials: { username?: string; password?: string },
  protocolVersion: 4 | 5 = 5,
): Promise<{ code: number | undefined; properties: unknown }> {
  using client = await SocketClient.dial(broker.port);
  const { password, ...rest } = credentials;
  const connack = await client.connect({
    clientId: "dev-42",
    protocolVersion,
    ...rest,
    ...(password !== undefined && { password: Buffer.from(password) }),
  });
  const code = protocolVersion === 5 ? connack.reasonCode : connack.returnCode;
  return { code, properties: connack.properties };
}

test("accounts of all three schemes are let in, others refused, and each refusal has its line", async () => {
  await using broker = await started(all);
  for (const [username, password] of Object.entries(passwords)) {
    for (const version of [4, 5] as const) {
      expect(await connect(broker, { username, password }, version)).toMatchObject({ code: 0 });
    }
  }
  const refused: readonly [{ username?: string; password?: string }, number, number, string][] = [
    [{ username: "alice", password: "wrong" }, 4, 0x86, "wrong password"],
    [{ username: "bob", password: "secret" }, 4, 0x86, "wrong password"],
    [{ username: "eve", password: "secret" }, 4, 0x86, "unknown user name"],
    [{ username: "alice" }, 4, 0x86, "a user name without a password"],
    [{}, 5, 0x87, "anonymous clients are not allowed"],
  ];
  let lines = 0;
  for (const [credentials, v4, v5, detail] of refused) {
    expect(await connect(broker, credentials, 4)).toEqual({ code: v4, properties: undefined });
    expect(await connect(broker, credentials, 5)).toMatchObject({ code: v5 });
    lines += 2;
    const isRefusal = ({ cause }: LogLine) => cause === "refused";
    await broker.log.count("lines of refusals", lines, isRefusal);
    const { username } = credentials;
    const line = { detail, ...(username !== undefined && { username }) };
    expect(broker.log.items.filter(isRefusal).slice(-2)).toMatchObject([line, line]);
  }
  // The client learns nothing but the code.
  const { properties } = await connect(broker, { username: "eve", password: "x" });
  expect(JSON.stringify(properties ?? {})).not.toContain("user");
  await broker.stop();
});

test("explain says why it was refused, and what to do", async () => {
  await using broker = await started(all);
  await connect(broker, { username: "alice", password: "wrong" });
  const { stdout } = await run(broker.folder, ["inspect", "explain", "dev-42"]);
  expect(stdout.replace(/\s+/g, " ")).toContain("was refused: wrong password.");
  expect(stdout.replace(/\s+/g, " ")).toContain("set a new one with `mqttd passwd FILE alice`");
  await broker.stop();
});

test("SIGHUP: connections stay, new clients meet the new file, and a line says what changed for whom", async () => {
  await using broker = await started(file(accounts.alice, accounts.bob));
  using bob = await SocketClient.connect(broker.port, {
    ...{ clientId: "of-bob", username: "bob", password: Buffer.from("hunter2") },
  });
  using alice = await SocketClient.connect(broker.port, {
    ...{ clientId: "of-alice", username: "alice", password: Buffer.from("secret") },
  });
  broker.folder.write("passwd", file(accounts.alice, accounts.carol));
  broker.signal("SIGHUP");
  const line = await broker.line("the accounts", ({ event }) => event === "accountsReloaded");
  const none = { names: [], more: 0 };
  expect(line).toMatchObject({
    file: "passwd",
    added: { names: ["carol"], more: 0 },
    changed: none,
    removed: { names: ["bob"], more: 0 },
    connected: { names: ["of-bob"], more: 0 },
  });
  expect(await connect(broker, { username: "bob", password: "hunter2" })).toMatchObject({
    code: 0x86,
  });
  expect(await connect(broker, { username: "carol", password: "secret" })).toMatchObject({
    code: 0,
  });
  await bob.ping();
  await alice.ping();

  broker.folder.write("passwd", "alice:plain\nbob\n");
  const { code, stderr } = await run(broker.folder, ["inspect", "reload"]);
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr:
      "mqttd: passwd:1: alice has a password that is not hashed ($6$, $7$ or $argon2id$); set it anew with mqttd passwd\n" +
      "mqttd: passwd:2: has no colon (its form is user:hash) (the old configuration stays in force)\n",
  });
  expect(await connect(broker, { username: "carol", password: "secret" })).toMatchObject({
    code: 0,
  });

  broker.folder.write("passwd", file(accounts.alice));
  expect((await run(broker.folder, ["inspect", "reload"])).stdout).toBe(
    "Accounts of passwd reloaded: removed carol\n" +
      "warning: the password file passwd is readable by every user of this machine: chmod o= passwd\n",
  );
  await bob.ping();
  await broker.stop();
});

test("a reload may give a running listener another password file, or none", async () => {
  const files = { passwd: file(accounts.alice), others: file(accounts.bob) };
  await using broker = await RunningBroker.start({
    files: { ...files, "mqttd.json": config() },
  });
  broker.folder.write("mqttd.json", JSON.stringify({ auth: { passwordFile: "others" } }));
  expect((await run(broker.folder, ["inspect", "reload"])).code).toBe(0);
  expect(await connect(broker, { username: "bob", password: "hunter2" })).toMatchObject({
    code: 0,
  });
  expect(await connect(broker, { username: "alice", password: "secret" })).toMatchObject({
    code: 0x86,
  });
  broker.folder.write("mqttd.json", "{}");
  expect((await run(broker.folder, ["inspect", "reload"])).code).toBe(0);
  expect(await connect(broker, {})).toMatchObject({ code: 0 });
  await broker.stop();
});

test("a password file that can't be used is refused at the start, with every problem", async () => {
  using folder = new Folder({ passwd: "alice:plain\n\nbob\n", "mqttd.json": config() });
  for (const args of [
    ["serve", "--port", "0"],
    ["serve", "--test-config"],
  ]) {
    const { code, stderr } = await run(folder, args);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        "mqttd: passwd:1: alice has a password that is not hashed ($6$, $7$ or $argon2id$); set it anew with mqttd passwd\n" +
        "mqttd: passwd:3: has no colon (its form is user:hash)\n",
    });
  }
  folder.remove("passwd");
  expect(await run(folder, ["serve", "--port", "0"])).toMatchObject({
    code: 2,
    stderr:
      "mqttd: mqttd.json:1:25 auth.passwordFile: passwd: can't read the password file: no such file or directory (mqttd passwd creates one)\n",
  });
});

describe("on a terminal", () => {
  const echoes = /(?:^|\s)echo\s/;

  async function shellIn(folder: Folder): Promise<InteractiveShell> {
    const shell = await InteractiveShell.start("bash", folder.path, environment(folder));
    await shell.run(`mqttd() { ${JSON.stringify(executable())} "$@"; }`);
    return shell;
  }

  test("the password is asked for twice, and never shown", async () => {
    using folder = new Folder();
    await using shell = await shellIn(folder);
    await shell.begin("mqttd passwd passwd alice -I 10", "Password of alice: ");
    shell.type("sword-fish");
    await shell.until("Again: ", "the second question");
    shell.type("sword-fish");
    await shell.until("added alice in passwd", "what was done");
    expect(shell.output).not.toContain("sword-fish");
    expect((await shell.run("stty -a")).output).toMatch(echoes);
    expect(statSync(folder.file("passwd")).mode & 0o777).toBe(0o600);
  });

  test("Ctrl-C at the question leaves the file and the terminal as they were", async () => {
    using folder = new Folder({ passwd: "alice:old\n" });
    await using shell = await shellIn(folder);
    await shell.begin("mqttd passwd passwd alice -I 10", "Password of alice: ");
    expect(await shell.interrupt()).toBe(130);
    expect((await shell.run("stty -a")).output).toMatch(echoes);
    expect(folder.text("passwd")).toBe("alice:old\n");
    expect(folder.names()).toEqual(["passwd"]);
  });
});

describe.skipIf(mosquittoAbsent !== null)("mosquitto", () => {
  async function publishes(port: number, username: string, password: string): Promise<boolean> {
    await using child = spawn(
      [
        ...["mosquitto_pub", "-h", "127.0.0.1", "-p", `${port}`, "-t", "t", "-m", "m"],
        ...["-u", username, "-P", password],
      ],
      { stdin: "ignore", stdout: "ignore", stderr: "pipe" },
    );
    const stderr = await child.stderr.text();
    await child.exited;
    if (child.exitCode !== 0) expect(stderr).toMatch(/not authori[sz]ed|bad user name/i);
    return child.exitCode === 0;
  }

  test("an account of mosquitto_passwd is let in here", async () => {
    using folder = new Folder({ passwd: "" });
    for (const [user, scheme] of [
      ["alice", "sha512"],
      ["bob", "sha512-pbkdf2"],
    ] as const) {
      await using child = spawn(
        ["mosquitto_passwd", "-H", scheme, "-b", folder.file("passwd"), user, "p 1:$"],
        { stdin: "ignore", stdout: "ignore", stderr: "ignore" },
      );
      expect(await child.exited).toBe(0);
    }
    await using broker = await started(folder.text("passwd"));
    for (const user of ["alice", "bob"]) {
      expect(await publishes(broker.port, user, "p 1:$")).toBe(true);
      expect(await publishes(broker.port, user, "p 1:")).toBe(false);
    }
    await broker.stop();
  });

  test("an account of mqttd passwd is let in there", async () => {
    using folder = new Folder();
    await using child = spawn([executable(), "passwd", folder.file("passwd"), "alice"], {
      stdin: new Blob(["p 1:$\n"]),
      stdout: "ignore",
      stderr: "inherit",
    });
    expect(await child.exited).toBe(0);
    // mosquitto gives up root.
    chmodSync(folder.path, 0o755);
    chmodSync(folder.file("passwd"), 0o644);
    await using mosquitto = await Mosquitto.start([`password_file ${folder.file("passwd")}`]);
    await eventually(
      async () => publishes(mosquitto.port, "alice", "p 1:$"),
      () => "mosquitto does not let the account in",
    );
    expect(await publishes(mosquitto.port, "alice", "wrong")).toBe(false);
  });
});
