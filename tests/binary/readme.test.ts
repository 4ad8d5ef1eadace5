import { expect, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { Authority, opensslMissing } from "../support/certificates.ts";
import { spawn } from "../support/child.ts";
import { fencesOf } from "../support/documents.ts";
import { type Ended, executable, Folder, run } from "../support/executable.ts";
import { expectNotHeldUp } from "../support/held-up.ts";
import { now, patienceMs } from "../support/inbox.ts";
import {
  allReplaced,
  commandsOf,
  device,
  ends,
  firstLineOf,
  followed,
  follows,
  jobsEnded,
  judges,
  ontoPath,
  type Play,
  playAll,
  type Plays,
  type Replacement,
  serves,
  textOf,
} from "../support/pasted.ts";
import type { ShellName } from "../support/shell.ts";

// Types each command of README.md into an interactive shell, as a newcomer does.

const readme = textOf("README.md");
const commands = commandsOf("README.md");

/** They install from the network; the second runs this test. */
const exempt: readonly string[] = ["npm install && npm run serve", "npm install && npm test"];

/** Replacements for a made-up host, or a long keepalive. */
const replacements: readonly Replacement[] = [
  ["-i dev-42 -k 10 -t", "-i dev-42 -k 5 -t"],
  // However long the two take to start.
  [
    "sleep 1",
    "until mqttd inspect subscriptions home/dev-42/status | grep -q 'go to 1' &&\n" +
      "  mqttd inspect client dev-42 > /dev/null 2>&1; do sleep 0.1; done",
  ],
  ["@broker.example", "@localhost:1883"],
  ["listening --keepalive 60", "listening --keepalive 1 --wait 1s"],
  ["--all --via", "rst --via"],
];

test("each replacement is needed, and none is missing", () => {
  const typed = allReplaced(commands, replacements);
  expect(typed.filter((command) => /example|188[348]|\b[1-9]\d s\b/.test(command))).toEqual([]);
});

const listening = /mqttd is listening on mqtt:.*\n/;

/** In 60 seconds: the watcher prints the will, and the terminal is clean afterwards. */
const hangs: Play = async ({ shell, broker }, typed) => {
  const { code, output } = await shell.run(typed);
  expect(code, output).toBe(0);
  await shell.until("home/dev-42/status offline\n", "the watcher's line");
  expect(await broker.ended("dev-42")).toMatchObject({ cause: "keepAliveExpired" });
};

const cleansUp: Play = async ({ shell }, typed) => {
  await shell.run(typed);
  await jobsEnded(shell);
};

const testsItsWill: Play = async ({ shell, broker }, typed) => {
  shell.type(typed);
  await broker.line(
    "the subscription of dev-42",
    ({ event, client }) => event === "connected" && client === "dev-42",
    patienceMs,
  );
  expect(await shell.interrupt()).toBe(130);
  expect(await broker.ended("dev-42")).toMatchObject({
    ...{ cause: "closedByPeer", will: { fate: "published" } },
  });
};

/** `tail` shows events while it runs. */
const followsEvents: Play = async ({ shell, broker }, typed) => {
  shell.type(typed);
  await followed(broker);
  using _ = await device(broker, "dev-43");
  await shell.until(/New client connected from .* as dev-43 .*\n/, "the line of a new client");
  expect(await shell.interrupt()).toBe(130);
};

/** A question for a password, twice. */
const asks: Play = async ({ shell }, typed) => {
  await shell.begin(typed, "Password of dev-42: ");
  shell.type("sword-fish");
  await shell.until("Again: ", "the second question");
  shell.type("sword-fish");
  await shell.until("added dev-42 in mqttd.passwd", "what was done");
};

/** A password, and then a run of simulate-drop. */
const logsIn: Play = async ({ shell }, typed) => {
  const began = now();
  await shell.begin(typed, /Password.*: /);
  shell.type("sword-fish");
  const [output = ""] = await shell.until(/\n\d+ passed, .* in \d/, "the verdicts");
  expectNotHeldUp(typed, output, began);
  expect(output).toMatch(/\n[1-9]\d* passed, 0 failed/);
};

const readsPassword: Play = async (session, typed) => {
  await session.shell.run("echo sword-fish > password.txt");
  await ends({ says: /changed dev-42/ })(session, typed);
};

/** The last of its terminal, which leaves no file behind. */
const reloads: Play = async (session, typed) => {
  await ends({ says: /reloaded: no changes\n/ })(session, typed);
  await session.shell.run("rm mqttd.passwd password.txt");
};

const keeps: Play = async (session, typed) => {
  await serves(listening)(session, typed);
  await ends({ says: /mqttd\.db/ })(session, "ls mqttd-data && rm -r mqttd-data");
};

const prints: Play = async (session, typed) => {
  await ends({ says: /limits.packetSize +25MiB +default\n/ })(session, typed);
  await session.shell.run("rm mqttd.jsonc mqttd.schema.json");
};

const translates: Play = async (session, typed) => {
  await session.shell.run("echo 'listener 1884' > mosquitto.conf");
  await ends({ says: /1 line: 1 taken, 0 not needed, 0 not taken, 0 mistakes/ })(session, typed);
  await session.shell.run("rm mosquitto.conf");
};

/** The way to play each command, by its first line: a list for each terminal, in this order. */
const terminals: Readonly<Record<string, Plays>> = {
  "of the first minute": [
    ["mqttd sub -t 'home/#' -v &", hangs],
    ["kill -CONT %2; kill %1 %2", cleansUp],
  ],
  "of pub and sub": [
    ["mqttd pub -t home/lamp -m on -r", ends({ says: /-m on -r\n/ })],
    ["mqttd sub -t home/lamp -C 1 -W 5 -v", ends({ says: /\nhome\/lamp on\n/ })],
    ["mqttd sub -t 'home/#' -F '@H:@M:@S %t %p'", follows(/\n\d\d:\d\d:\d\d home\/lamp on\n/)],
    ["mqttd rr -t ask -e answer -m how -W 1", ends({ code: 5, says: /-W 1\n/ })],
    [
      "mqttd sub -t commands -i dev-42 --will-topic home/dev-42/status --will-payload offline --no-disconnect",
      testsItsWill,
    ],
  ],
  "of simulate-drop": [
    ["mqttd simulate-drop", judges()],
    ["mqttd simulate-drop rst --url mqtt://user@broker.example --pw-file -", logsIn],
    ["mqttd simulate-drop half-open listening --keepalive 60", judges()],
    ["mqttd simulate-drop --all --via mqtt://localhost:1884", judges()],
    ["mqttd simulate-drop --list", ends({ says: /half-open +must/ })],
    ["mqttd simulate-drop --show half-open", ends({ says: /By hand:/ })],
    ["mqttd simulate-drop rst half-open --embedded", judges()],
  ],
  "of serve and inspect": [
    ["mqttd serve --like rumqttd-0.19", serves(listening)],
    ["mqttd inspect", ends({ says: /Wills +1 armed/ })],
    ["mqttd inspect explain dev-42", ends({ says: /What can happen now/ })],
    ["mqttd inspect client dev-42", ends({ says: /Keepalive +60 s/ })],
    ["mqttd inspect wills --not-fired", ends({ says: /no wills|discarded|CLIENT/ })],
    ["mqttd inspect subscriptions home/x", ends({ says: /would go to 0 clients/ })],
    ["mqttd inspect messages 'home/#'", ends({ says: /TIME +TOPIC|no messages/ })],
    ["mqttd inspect tail --topic 'home/#'", followsEvents],
    ["mqttd inspect drop dev-42 --how silent", ends({ says: /dev-42: silent from now on/ })],
    ["mqttd inspect packet c0 00", ends({ says: /PINGREQ from a client/ })],
    [
      "(",
      ends({
        says: /dev-42: reset\n[\s\S]*dev-42 +\S+ m?s ago +published on home\/dev-42\/status [\s\S]*\[v4-3.1.2-8\]/,
      }),
    ],
    ["mqttd serve", serves(listening)],
    ["mqttd serve --port 0 --ready-file mqttd.ready", serves(listening)],
    ["mqttd serve --host 0.0.0.0", serves(listening)],
    ["mqttd serve --verbose", serves(listening)],
    ["mqttd serve --log-format json", serves(/"event":"listening".*\n/)],
    [
      "mqttd serve --set limits.keepAliveMax=60s --test-config",
      ends({ says: /ok: no configuration file, defaults and --set limits.keepAliveMax\n/ }),
    ],
  ],
  "of accounts": [
    ["mqttd passwd mqttd.passwd dev-42", asks],
    ["mqttd passwd mqttd.passwd dev-42 < password.txt", readsPassword],
    ["mqttd passwd mqttd.passwd --list", ends({ says: /dev-42 \(pbkdf2-sha512\)\n/ })],
    ["mqttd serve --set auth.passwordFile=mqttd.passwd", serves(listening)],
    ["mqttd inspect reload", reloads],
  ],
  "of a store": [["mqttd serve --data ./mqttd-data", keeps]],
  "of config": [
    ["mqttd config init", ends({ says: /wrote mqttd.jsonc, and mqttd.schema.json for editors/ })],
    ["mqttd config check", ends({ says: /ok: mqttd.jsonc\n/ })],
    ["mqttd config print --origin", prints],
    ["mqttd config import mosquitto.conf", translates],
  ],
  "of the conformance run": [
    [
      "npm run conformance -- --url mqtt://localhost:1883",
      ends({ says: /\d+ passed, 0 disagree/ }, 90_000),
    ],
  ],
};

test("each command of the README is played here", () => {
  const played = Object.values(terminals).flatMap((plays) => plays.map(([start]) => start));
  expect([ontoPath, ...played, ...exempt].sort()).toEqual(commands.map(firstLineOf).sort());
});

for (const name of ["bash", "zsh"] satisfies ShellName[]) {
  const isAbsent = Bun.which(name) === null;
  const why = isAbsent ? ` (skipped: ${name} is not installed)` : "";
  for (const [title, plays] of Object.entries(terminals)) {
    test
      .skipIf(isAbsent)
      .concurrent(
        `the README's commands ${title} work in an interactive ${name}${why}`,
        async () => playAll(name, commands, plays, replacements),
        180_000,
      );
  }
}

const userTest = commands.find((command) => command.startsWith("(")) ?? "";

/** Runs a script as a user would who has saved it, with `mqttd` on the PATH. */
async function runScript(script: string): Promise<Ended> {
  using folder = new Folder({ "test.sh": script });
  symlinkSync(executable(), folder.file("mqttd"));
  await using child = spawn(["sh", "test.sh"], {
    cwd: folder.path,
    env: {
      PATH: `${folder.path}:${process.env["PATH"] ?? ""}`,
      HOME: folder.path,
      TMPDIR: folder.path,
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: 3 * patienceMs,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  await child.exited;
  expect(folder.names()).toEqual(["mqttd", "test.sh"]);
  return { code: child.exitCode, stdout, stderr };
}

test("the README's test passes as a script too", async () => {
  const { code, stdout } = await runScript(userTest);
  const steady = stdout.replace(/\d[\d.]* (?:ms|s) (ago|late)/g, "TIME $1").replace(/ +/g, " ");
  expect({ code, steady: `\n${steady}` }).toMatchInlineSnapshot(`
      {
        "code": 0,
        "steady": 
      "
      dev-42: reset
      CLIENT WHEN WILL
      dev-42 TIME ago published on home/dev-42/status (no subscribers, q0, TIME late): connection reset (RST) [v4-3.1.2-8]
      "
      ,
      }
    `);
}, 180_000);

for (const [what, from, to, code, says] of [
  [
    "where the broker loses the will",
    "mqttd serve",
    "mqttd serve --like B1-reset-publishes-nothing",
    1,
    "mqttd: expected a will that was published, the newest discarded\n",
  ],
  ["when the broker does not start", "--port 0", "--port none", 2, '--port: found "none"'],
  ["when the device does not start", "mqttd sub", "mqttd sub --none", 2, "--none"],
] as const) {
  test(`the README's test ends with ${code} ${what}`, async () => {
    const faulty = userTest.replace(from, to);
    expect(faulty).not.toBe(userTest);
    const ended = await runScript(faulty);
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({
      code,
      stderr: expect.stringContaining(says),
    });
  }, 180_000);
}

test("the README's configurations are valid, and give no warning", async () => {
  using authority = opensslMissing === null ? new Authority() : null;
  const broker = authority?.issue("broker", ["DNS:localhost"]);
  const files = {
    "broker.crt": broker?.cert ?? "",
    "broker.key": broker?.key ?? "",
    "clients-ca.crt": authority?.root.cert ?? "",
  };
  const all = fencesOf(readme).filter(({ language }) => language === "jsonc");
  expect(all.length).toBeGreaterThan(1);
  for (const { text } of all) {
    if (text.includes("broker.crt") && authority === null) continue;
    using folder = new Folder({ ...files, "mqttd.jsonc": text });
    const ended = await run(folder, ["serve", "--test-config"]);
    expect(ended).toEqual({ code: 0, stdout: "ok: mqttd.jsonc\n", stderr: "" });
  }
});
