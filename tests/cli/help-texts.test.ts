import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { commands } from "../../src/cli/commands.ts";
import { catalogue } from "../../src/drop/scenarios/catalogue.ts";
import { width } from "../../src/log/columns.ts";
import { examplesOf } from "../../src/cli/help.ts";
import { verbNames as configVerbs } from "../../src/cli/config-verbs.ts";
import { helpTopics } from "../../src/cli/help-topics.ts";
import { flagForms, verbs } from "../../src/cli/inspect-verbs.ts";
import { configSchema } from "../../src/config/schema.ts";
import { printed as runWith } from "../drop/report/recordings.ts";
import { arm, result } from "../drop/report/results.ts";
import { mqttd } from "./surroundings.ts";

async function printed(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await mqttd(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

test("mqttd --help", async () => {
  const text = await printed("--help");
  expect(text).toMatchInlineSnapshot(`
    "Usage: mqttd COMMAND [FLAGS]

    An MQTT 3.1, 3.1.1 and 5.0 broker for a dev laptop: its keepalives and wills are
    exact, and it explains each of them.

    Run:
      serve          run the broker

    Look:
      inspect        query a running broker: why did this will (not) fire?
      rule           what a statement of the standard says, and where mqttd obeys it

    Break:
      simulate-drop  simulate a client's death on any broker, and judge the broker

    Talk:
      pub            publish messages: from arguments, files or standard input
      sub            subscribe to topics, and print the messages
      rr             send a request, and print its response

    Measure:
      bench          measure any broker under load, and what its other clients
                     notice

    Set up:
      config         write, check, print a configuration; translate a mosquitto.conf
      passwd         accounts: add, change, delete, list
      certs          a CA for development, and certificates of the server and
                     clients
      doctor         what on this machine keeps a broker or its clients from working
      version        version, runtime, target and features
      completions    completion for bash, zsh or fish
      man            write the manual pages

    Help on:
      codes          reason codes of MQTT 5.0, return codes of 3.1.1
      errors         exit codes, mosquitto's beside them; causes of ends, and the
                     will

    Flags:
      -h, --help     show this help; for a command: mqttd help COMMAND
          --version  show the version

    Exit codes:
      0         done, or the expectation was met
      1         the expectation was not met
      2         error in usage or configuration
      3         could not connect
      4         refused by the broker
      5         timed out
      70        internal fault of mqttd
      130, 143  ended by SIGINT, SIGTERM

    Statements:
      [v4-3.1.2-24] is statement MQTT-3.1.2-24 of the OASIS standard MQTT Version
      3.1.1, section 3.1.2; v5 means MQTT Version 5.0. Both are free to read at
      docs.oasis-open.org/mqtt. mqttd rule v4-3.1.2-24 shows it in our own words.

    Examples:
      mqttd serve
      mqttd serve --port 1884 --verbose
      mqttd simulate-drop --embedded
      mqttd inspect explain dev-42
      mqttd help serve
    "
  `);
  expect(await printed()).toBe(text);
  expect(await printed("-h")).toBe(text);
  expect(await printed("help")).toBe(text);
  expect(await printed("help", "-h")).toBe(text);
});

test("mqttd serve --help", async () => {
  const text = await printed("serve", "--help");
  expect(text).toMatchInlineSnapshot(`
    "Usage: mqttd serve [FLAGS]

    Runs the broker until SIGINT or SIGTERM stops it. SIGHUP reloads the
    configuration, SIGUSR1 prints clients, deadlines and wills. The log goes to
    stderr.

    Flags:
      -p, --port PORT          port of the first listener; 0 takes a free one
                               (default 1883)
          --host ADDRESS       address of the first listener (default: localhost,
                               both 127.0.0.1 and ::1)
          --lan                accept other machines: shows their address and a QR
                               code; needs a password file
          --anonymous          with --lan: without a password
          --data DIR           keep sessions, messages and wills in this folder, so
                               that they survive the broker
      -c, --config FILE        configuration file, JSON with comments
          --set PATH=VALUE     set any key of the configuration; may be repeated
      -t, --test-config        check the configuration, print ok or every problem,
                               and exit
          --ready-file FILE    write the addresses to this file once clients can
                               connect
          --tls-keylog FILE    append the secrets of TLS connections to this file,
                               for Wireshark
      -v, --verbose            log every packet (log level debug)
      -q, --quiet              log errors only (log level error)
          --log-level LEVEL    error, warn, info or debug (default info)
          --log-format FORMAT  human, json (NDJSON), or auto: human on a terminal
                               (default human)
          --color WHEN         auto, always or never (default auto: on a terminal,
                               unless NO_COLOR is set)
          --like NAME          misbehave on purpose, like another broker or by one
                               quirk; --like help lists all
      -h, --help               show this help

    Configuration:
      Flags win over the environment, the environment over the file, the file over
      defaults.
      Environment: MQTTD_ and the path in capitals, MQTTD_LIMITS__PACKET_SIZE for
      limits.packetSize, MQTTD_LISTENERS__0__PORT for listeners.0.port.
      File: --config, else MQTTD_CONFIG, else mqttd.json or mqttd.jsonc in this
      folder, else mqttd/config.json in XDG_CONFIG_HOME (default ~/.config).

    Misbehaviour:
      rumqttd-0.19   no keepalive deadline and no detection by TCP: a client that
                     vanishes without FIN or RST stays connected, and its will is
                     not published
      mosquitto-2.0  checks keepalives every 6 s; a takeover, a DISCONNECT from 0x80
                     and a protocol error lose the will; newer delayed wills hold up
                     older ones

      mqttd serve --like help lists these and the single quirks.

    Exit codes:
      0         stopped by SIGINT or SIGTERM
      2         error in usage or configuration
      70        internal fault of mqttd
      130, 143  ended at once by a second SIGINT or SIGTERM

    Examples:
      mqttd serve
      mqttd serve --port 1884 --set limits.packetSize=64KiB --verbose
      mqttd serve --port 0 --ready-file mqttd.ready --log-format json
      mqttd serve --data ./mqttd-data
      mqttd serve --lan --anonymous
      mqttd serve --like rumqttd-0.19
      MQTTD_LIMITS__KEEP_ALIVE_MAX=60s mqttd serve --test-config
    "
  `);
  expect(await printed("serve", "-h")).toBe(text);
  expect(await printed("help", "serve")).toBe(text);
  expect(await printed("--help", "serve")).toBe(text);
});

test("help wins over whatever else is wrong", async () => {
  expect(await printed("serve", "--prot", "1", "--help")).toStartWith("Usage: mqttd serve");
  expect(await printed("serve", "junk", "-p", "x", "-h")).toStartWith("Usage: mqttd serve");
});

test("mqttd --version", async () => {
  expect(await printed("--version")).toBe("mqttd 1.2.3 (commit abc1234)\n");
});

/** Every command that prints a page of help, or a list in its place. */
function pages(): readonly (readonly string[])[] {
  return [
    ["--help"],
    ...commands.map(({ name }) => ["help", name]),
    ...verbNames.map((verb) => ["inspect", verb, "--help"]),
    ...configVerbs.map((verb) => ["config", verb, "--help"]),
    ...helpTopics.map(({ name }) => ["help", name]),
    ["serve", "--like", "help"],
    ["simulate-drop", "--list"],
    ...catalogue.map(({ id }) => ["simulate-drop", "--show", id]),
  ];
}

const verbNames = Object.keys(verbs).filter((verb) => verb !== "");

for (const [terminal, columns] of [
  [undefined, 80],
  [200, 100],
  [80, 80],
  [57, 57],
  [40, 40],
  [10, 40],
] as const) {
  test(`on a terminal of ${terminal} columns no line has more than ${columns}`, async () => {
    const given = terminal === undefined ? {} : { columns: terminal };
    for (const page of pages()) {
      const { code, stdout } = await mqttd(page, given);
      expect({ page, code }).toEqual({ page, code: 0 });
      // Commands that show a drop by hand stay whole, so that a user can paste them.
      const [text = ""] = stdout.split("\nBy hand:\n");
      for (const line of text.split("\n")) {
        const isOneWord = /^ *\S+$/.test(line);
        if (!isOneWord) expect(width(line), line).toBeLessThanOrEqual(columns);
        expect(line).not.toMatch(/\t| $/);
      }
    }
  });
}

test("on a narrow terminal the texts are the same, in other lines", async () => {
  const words = (text: string): string[] => text.replaceAll(" \\\n", " ").split(/\s+/);
  for (const page of pages()) {
    const wide = await mqttd(page, { columns: 80 });
    const narrow = await mqttd(page, { columns: 40 });
    expect(words(narrow.stdout)).toEqual(words(wide.stdout));
  }
  const { stdout } = await mqttd(["inspect", "wills", "--help"], { columns: 40 });
  expect(`\n${stdout}`).toMatchInlineSnapshot(`
    "
    Usage: mqttd inspect wills [FLAGS]

    Wills, newest first: armed (its client
    is connected), delayed (its Will Delay
    Interval runs), published, discarded or
    cancelled, with the cause and the
    statement of the standard. --wait and
    --expect are for scripts.

    Flags:
      --client ID
          wills of this client only
      --topic TOPIC
          wills on this topic only
      --pending
          armed and delayed wills
      --fired
          published wills
      --not-fired
          discarded and cancelled wills
      --wait TIME
          wait until the newest one is
          published, discarded or cancelled
      --expect FATE
          published, discarded or cancelled;
          exit code 1 if the newest had
          another fate
      --limit N
          at most N lines (default: the most
          that the broker sends, 10,000)
      --data DIR
          read the store of a broker that
          does not run (serve --data)
      --watch [TIME]
          show it again every TIME, until
          Ctrl-C (default 2s)
      --admin WHERE
          port or URL of the broker's
          administration
      --token-file FILE
          file with its token, if it
          requires one
      --cafile FILE
          PEM file with the CA of its
          certificate, if it speaks HTTPS
          (default: the run file knows it)
      --timeout TIME
          how long an answer may take
          (default 5s)
      --json
          print JSON, on one line
      --color WHEN
          auto, always or never (default
          auto)
      -h, --help
          show this help

    Which broker:
      --admin, else MQTTD_ADMIN, else the
      one with a run file in MQTTD_RUN_DIR
      (default: a folder of this user). Its
      token: --token-file, else
      MQTTD_TOKEN_FILE, else the file that
      the run file names.

    Exit codes:
      0         done
      1         with --expect: the will had
                another fate, or there is no
                will
      2         usage, or several brokers on
                this machine
      3         no broker, or it stopped
                before the end
      4         refused, or the answer of
                another program
      5         timed out; with --wait: the
                will is still armed or
                delayed
      70        internal fault of mqttd
      130, 143  ended by SIGINT, SIGTERM

    Statements:
      [v4-3.1.2-24] is statement
      MQTT-3.1.2-24 of the OASIS standard
      MQTT Version 3.1.1, section 3.1.2; v5
      means MQTT Version 5.0. Both are free
      to read at docs.oasis-open.org/mqtt.
      mqttd rule v4-3.1.2-24 shows it in our
      own words.

    Examples:
      mqttd inspect wills
      mqttd inspect wills --not-fired
      mqttd inspect wills --client dev-42 \\
          --wait 5s --expect published
    "
  `);
});

test("the steps by hand are commands that can be pasted", async () => {
  for (const { id, byHand } of catalogue) {
    for (const line of byHand) expect({ id, line }).not.toMatchObject({ line: /(^|\s)#/ });
  }
});

test("every command is in the help, with examples that work when pasted", async () => {
  const all = await printed("--help");
  for (const listed of commands) {
    expect(all).toContain(`  ${listed.name} `);
    const examples = examplesOf((await listed.load()).command);
    expect(examples.length).toBeGreaterThanOrEqual(2);
    for (const example of examples) await expectToWork(example);
  }
  for (const example of examplesIn(all)) await expectToWork(example);
});

test("every verb has a page of its own, with examples of it that work when pasted", async () => {
  const general = await printed("inspect", "--help");
  expect(await printed("inspect", "help")).toBe(general);
  expect(await printed("inspect", "help", "-h")).toBe(general);
  for (const verb of verbNames) {
    const page = await printed("inspect", verb, "--help");
    expect(page).toStartWith(`Usage: mqttd inspect ${verb}`);
    expect(page).not.toBe(general);
    expect(await printed("help", "inspect", verb)).toBe(page);
    expect(await printed("inspect", "help", verb)).toBe(page);
    expect(await printed("inspect", verb, "-h")).toBe(page);
    expect(await printed("inspect", "help", verb, "-h")).toBe(page);
    expect(await printed("help", "inspect", verb, "--help")).toBe(page);
    const examples = examplesIn(page);
    expect(examples.length).toBeGreaterThanOrEqual(2);
    for (const example of examples) {
      expect(example).toContain(`mqttd inspect ${verb}`);
      await expectToWork(example);
    }
  }
});

test("every verb of config has a page of its own, with examples that work when pasted", async () => {
  const general = await printed("config", "--help");
  expect(await printed("config")).toBe(general);
  expect(await printed("config", "help")).toBe(general);
  for (const verb of configVerbs) {
    const page = await printed("config", verb, "--help");
    expect(page).toStartWith(`Usage: mqttd config ${verb}`);
    expect(await printed("config", "help", verb)).toBe(page);
    expect(await printed("help", "config", verb)).toBe(page);
    const examples = examplesIn(page);
    expect(examples.length).toBeGreaterThanOrEqual(2);
    for (const example of examples) await expectToWork(example);
  }
});

test("a verb's page has the verb's flags, and no others", async () => {
  for (const verb of verbNames) {
    const page = await printed("inspect", verb, "--help");
    const told = [...page.matchAll(/^ {2}(?:-\w,|   ) --([a-z-]+)/gm)].map(([, flag]) => flag);
    for (const flag of Object.keys(flagForms)) {
      const { words } = verbs[verb as keyof typeof verbs];
      const values = flagForms[flag]?.includes("<") ? ["1"] : [];
      const word = words === "" || words.startsWith("[") ? [] : ["00"];
      const { stderr } = await mqttd(["inspect", verb, ...word, `--${flag}`, ...values], {
        env: { MQTTD_RUN_DIR: "/nonexistent" },
      });
      expect({ verb, flag, isTaken: !stderr.includes("has no flag") }).toEqual({
        verb,
        flag,
        isTaken: told.includes(flag),
      });
    }
  }
});

test("mqttd inspect wills --help", async () => {
  expect(`\n${await printed("inspect", "wills", "--help")}`).toMatchInlineSnapshot(`
    "
    Usage: mqttd inspect wills [FLAGS]

    Wills, newest first: armed (its client is connected), delayed (its Will Delay
    Interval runs), published, discarded or cancelled, with the cause and the
    statement of the standard. --wait and --expect are for scripts.

    Flags:
          --client ID        wills of this client only
          --topic TOPIC      wills on this topic only
          --pending          armed and delayed wills
          --fired            published wills
          --not-fired        discarded and cancelled wills
          --wait TIME        wait until the newest one is published, discarded or
                             cancelled
          --expect FATE      published, discarded or cancelled; exit code 1 if the
                             newest had another fate
          --limit N          at most N lines (default: the most that the broker
                             sends, 10,000)
          --data DIR         read the store of a broker that does not run (serve
                             --data)
          --watch [TIME]     show it again every TIME, until Ctrl-C (default 2s)
          --admin WHERE      port or URL of the broker's administration
          --token-file FILE  file with its token, if it requires one
          --cafile FILE      PEM file with the CA of its certificate, if it speaks
                             HTTPS (default: the run file knows it)
          --timeout TIME     how long an answer may take (default 5s)
          --json             print JSON, on one line
          --color WHEN       auto, always or never (default auto)
      -h, --help             show this help

    Which broker:
      --admin, else MQTTD_ADMIN, else the one with a run file in MQTTD_RUN_DIR
      (default: a folder of this user). Its token: --token-file, else
      MQTTD_TOKEN_FILE, else the file that the run file names.

    Exit codes:
      0         done
      1         with --expect: the will had another fate, or there is no will
      2         usage, or several brokers on this machine
      3         no broker, or it stopped before the end
      4         refused, or the answer of another program
      5         timed out; with --wait: the will is still armed or delayed
      70        internal fault of mqttd
      130, 143  ended by SIGINT, SIGTERM

    Statements:
      [v4-3.1.2-24] is statement MQTT-3.1.2-24 of the OASIS standard MQTT Version
      3.1.1, section 3.1.2; v5 means MQTT Version 5.0. Both are free to read at
      docs.oasis-open.org/mqtt. mqttd rule v4-3.1.2-24 shows it in our own words.

    Examples:
      mqttd inspect wills
      mqttd inspect wills --not-fired
      mqttd inspect wills --client dev-42 --wait 5s --expect published
    "
  `);
});

test("-h alone is help, also where it is the host", async () => {
  const text = await printed("simulate-drop", "--help");
  expect(await printed("simulate-drop", "-h")).toBe(text);
  expect(await printed("simulate-drop", "rst", "-p", "1", "-h")).toBe(text);
  expect(await printed("simulate-drop", "-h", "--all")).toBe(text);
  const { dropped } = await mqttd(["simulate-drop", "-h", "broker.example"]);
  expect(dropped).toMatchObject([{ target: { host: "broker.example" } }]);
});

/** The examples of a page, unwrapped. */
function examplesIn(page: string): string[] {
  const [, examples = ""] = page.split("Examples:\n");
  return examples.replaceAll(" \\\n", " ").trim().split(/\n */);
}

/** What examples write, they write here. */
const written = mkdtempSync(path.join(tmpdir(), "mqttd-examples-"));
afterAll(() => rmSync(written, { recursive: true }));

/** Splits as a shell does: at spaces outside quotes. */
async function expectToWork(example: string): Promise<void> {
  const [, echoed, last] = /^(?:echo ([^|]*) \| )?(.*?)(?: [<>] \S+)?$/.exec(example) ?? [];
  const words = (last?.trim().match(/(?:[^ ']|'[^']*')+/g) ?? []).map((word) =>
    word.replaceAll("'", "").replace(/\bmqttd\.passwd$/, path.join(written, "mqttd.passwd")),
  );
  const start = words.indexOf("mqttd");
  if (words[start + 1] === "certs") {
    const named = words[start + 2]?.startsWith("--") === false;
    words.splice(start + 2, named ? 1 : 0, path.join(written, words[start + 2] ?? "certs"));
  }
  if (words[start + 1] === "config") placeWritten(words, start + 2);
  const env = Object.fromEntries(words.slice(0, start).map((word) => word.split("=")));
  const nowhere = { MQTTD_RUN_DIR: "/nonexistent", ...env };
  const { code, stderr } = await mqttd(words.slice(start + 1), {
    env: nowhere,
    files: readByExamples[words[start + 1] ?? ""] ?? {},
    // Of commands that read standard input; `<` names a file that the reader has.
    input: `${echoed ?? "input"}\n`,
  });
  // It needs a broker, and none runs here: reaching that error proves that the arguments were
  // accepted.
  if (code === 3 && words[start + 1] === "inspect") {
    return expect(stderr).toStartWith("mqttd: found no running broker");
  }
  // What it finds depends on the machine.
  if (words[start + 1] === "doctor")
    return expect({ example, stderr }).toEqual({ example, stderr: "" });
  // The account of each line goes to stderr.
  if (words[start + 2] === "import") return expect(stderr).toContain("2 lines: 2 taken");
  expect({ example, code, stderr }).toEqual({ example, code: 0, stderr: "" });
}

/** What `mqttd config` writes goes to the folder of this test. */
function placeWritten(words: string[], verb: number): void {
  const here = (file = "mqttd.jsonc"): string => path.join(written, file);
  if (words[verb] === "init") words.splice(verb + 1, 1, here(words[verb + 1]), "--force");
  const out = words.indexOf("--out");
  if (out > 0) words.splice(out, 2, "--force", "--out", here(words[out + 1]));
}

const mosquittoConf = "listener 1883 127.0.0.1\nallow_anonymous true\n";

/** A run of simulate-drop whose only result passed. */
const recorded = runWith([result("rst", { arms: [arm({ dueMs: 0, gotMs: 2 })] })]);

/** What examples read, by their command. */
const readByExamples: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  config: {
    "mqttd.jsonc": "{}",
    "mosquitto.conf": mosquittoConf,
    "/etc/mosquitto/mosquitto.conf": mosquittoConf,
  },
  "simulate-drop": { "before.json": recorded, "after.json": recorded },
};

test("the defaults in the help are those of the configuration", async () => {
  const text = (await printed("help", "serve")).replace(/\s+/g, " ");
  const { listeners, log } = configSchema.parse({});
  expect(text).toContain(`(default ${listeners[0]?.port})`);
  expect(text).toContain(`error, warn, info or debug (default ${log.level})`);
  expect(text).toContain(`human on a terminal (default ${log.format})`);
  expect(text).toContain(`(default ${log.color}:`);
});
