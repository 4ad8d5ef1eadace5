import { expect, test } from "bun:test";
import { commands } from "../../src/cli/commands.ts";
import { examplesOf } from "../../src/cli/help.ts";
import { configSchema } from "../../src/config/schema.ts";
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

    An MQTT 3.1.1 and 5.0 broker for a dev laptop: its keepalives and wills are
    exact, and it says why.

    Run:
      serve          run the broker

    Look:
      inspect        ask a running broker: why did this will (not) fire?

    Break:
      simulate-drop  play a client's death against any broker, and judge the broker

    Flags:
      -h, --help     show this help; mqttd help COMMAND shows that of a command
          --version  show the version

    Exit codes:
      0         done, or the expectation was met
      1         the expectation was not met
      2         usage or configuration
      3         could not connect
      4         refused by the broker
      5         timed out
      70        a fault of mqttd's own
      130, 143  ended by SIGINT, SIGTERM

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
});

test("mqttd serve --help", async () => {
  const text = await printed("serve", "--help");
  expect(text).toMatchInlineSnapshot(`
    "Usage: mqttd serve [FLAGS]

    Runs the broker until a signal stops it: SIGINT or SIGTERM ends it, SIGHUP reads
    the configuration again, SIGUSR1 prints clients, deadlines and wills. Its lines
    go to stderr.

    Flags:
      -p, --port PORT          port of the first listener; 0 takes a free one
                               (default 1883)
          --host ADDRESS       address of the first listener (default: localhost,
                               both 127.0.0.1 and ::1)
      -c, --config FILE        read this configuration, JSON with comments
          --set PATH=VALUE     set any key of the configuration; may be repeated
      -t, --test-config        check the configuration, say ok or all problems, and
                               end
          --ready-file FILE    write the addresses to this file when clients can
                               connect
      -v, --verbose            say every packet (log level debug)
      -q, --quiet              say errors only (log level error)
          --log-level LEVEL    error, warn, info or debug (default info)
          --log-format FORMAT  human, json (NDJSON), or auto: human on a terminal
                               (default human)
          --color WHEN         auto, always or never (default auto: on a terminal,
                               unless NO_COLOR is set)
          --like NAME          misbehave on purpose: like another broker, or by one
                               fault (see below)
      -h, --help               show this help

    Configuration:
      A flag wins over the environment, that over the file, that over the default.
      Environment: MQTTD_ and the path in capitals, MQTTD_LIMITS__PACKET_SIZE for
      limits.packetSize, MQTTD_LISTENERS__0__PORT for listeners.0.port.
      File: --config, else MQTTD_CONFIG, else mqttd.json or mqttd.jsonc in this
      folder, else mqttd/config.json in XDG_CONFIG_HOME (default ~/.config).

    Misbehaviour:
      rumqttd-0.19   no keepalive deadline, and TCP does not look either: who
                     vanishes without FIN or RST stays connected, and its will stays
                     unpublished
      mosquitto-2.0  keepalives are looked at every 6 s; a takeover, a DISCONNECT
                     from 0x80 and a protocol error lose the will; newer delayed
                     wills hold up older ones

      One fault: A1-no-deadline, A2-sent-packets-reset-deadline,
      A2-partial-packets-reset-deadline, A2-parts-of-large-packets-reset-deadline,
      A3-deadlines-found-by-sweep, A4-deadline-at-0.75, A4-deadline-at-1.0,
      A4-deadline-at-1.25, A4-only-pingreq-counts, A4-pingreq-does-not-count,
      A4-keepalive-0-has-deadline, B1-fin-publishes-nothing,
      B1-reset-publishes-nothing, B2-will-waits-for-session-end, B3-will-not-queued,
      B3-will-overtakes-publish, C1-disconnect-with-will-eats-will,
      C2-disconnect-with-error-eats-will, C2-protocol-error-eats-will,
      C3-clean-disconnect-publishes, D1-takeover-loses-will,
      D1-clean-takeover-loses-will, D1-takeover-publishes-delayed-will,
      D2-clean-takeover-loses-delayed-will, D4-old-deadline-ends-new-connection,
      E1-delay-ignored, E2-return-does-not-cancel,
      E3-session-end-does-not-cut-delay, E3-session-end-cuts-delay-on-expiry-only,
      E5-newer-wills-hold-up-older, F-qos-lowered, F-retain-dropped,
      F-properties-dropped, F-published-twice, F-empty-will-refused,
      F-empty-will-ignored, G-denied-will-taken, G-invalid-will-taken.

    Exit codes:
      0         stopped in order
      2         usage or configuration
      70        a fault of mqttd's own
      130, 143  a second SIGINT or SIGTERM, which ends it at once

    Examples:
      mqttd serve
      mqttd serve --port 1884 --set limits.packetSize=64KiB --verbose
      mqttd serve --port 0 --ready-file mqttd.ready --log-format json
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

test("no line is wider than 80 columns, and none has a tab or ends with a space", async () => {
  const texts = [await printed("--help")];
  for (const { name } of commands) texts.push(await printed("help", name));
  for (const line of texts.join("").split("\n")) {
    expect(line.length, line).toBeLessThanOrEqual(80);
    expect(line).not.toMatch(/\t| $/);
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
  const [, examples = ""] = all.split("Examples:\n");
  for (const example of examples.trim().split("\n")) await expectToWork(example.trim());
});

/** The examples use no quoting, so that any shell takes them apart at the spaces. */
async function expectToWork(example: string): Promise<void> {
  const words = example.split(" ");
  const start = words.indexOf("mqttd");
  const env = Object.fromEntries(words.slice(0, start).map((word) => word.split("=")));
  const nowhere = { MQTTD_RUN_DIR: "/nonexistent", ...env };
  const { code, stderr } = await mqttd(words.slice(start + 1), { env: nowhere });
  // It asks a broker, and none runs here: that it got so far says that it was read.
  if (code === 3 && words[start + 1] === "inspect") {
    return expect(stderr).toStartWith("mqttd: no broker is running here");
  }
  expect({ example, code, stderr }).toEqual({ example, code: 0, stderr: "" });
}

test("defaults that the help names are those of the configuration", async () => {
  const text = (await printed("help", "serve")).replace(/\s+/g, " ");
  const { listeners, log } = configSchema.parse({});
  expect(text).toContain(`(default ${listeners[0]?.port})`);
  expect(text).toContain(`error, warn, info or debug (default ${log.level})`);
  expect(text).toContain(`human on a terminal (default ${log.format})`);
  expect(text).toContain(`(default ${log.color}:`);
});
