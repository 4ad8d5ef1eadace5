import { describe, expect, test } from "bun:test";
import { width } from "../../src/log/columns.ts";
import { ledger } from "../../src/standard/statements.ts";
import { mqttd } from "./surroundings.ts";

async function printed(args: readonly string[], columns?: number): Promise<string> {
  const given = columns === undefined ? {} : { columns };
  const { code, stdout, stderr } = await mqttd(["rule", ...args, "--color", "never"], given);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

/** The ids of what is printed, in its order. */
async function idsOf(...args: string[]): Promise<string[]> {
  const text = await printed([...args, "--json"]);
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { id: string }).id);
}

async function refusalOf(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await mqttd(["rule", ...args]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  return stderr;
}

test("a statement, at 80 columns", async () => {
  expect(await printed(["v4-3.1.2-24"], 80)).toMatchInlineSnapshot(`
    "v4-3.1.2-24: MQTT 3.1.1, section 3.1.2 (CONNECT: flags, Keep Alive)
      If no packet comes from a client for 1.5 times its Keep Alive (unless that is
      0), the server disconnects it as if the network had failed.
      Binds the server.
      Obeyed in:
        src/core/patience.ts keepAliveDue
        src/transport/tcp-detectors.ts tcpDetectors
      Tests in tests/conformance/checks/:
        session.ts: the connection is closed at 1.5 times the Keep Alive
        session.ts: every packet restarts the silence
        session.ts: what the broker sends does not keep a silent client alive
        session.ts: Keep Alive 0 ends nothing
        will.ts: a will is published when the Keep Alive is over
      What a broker makes of it:
        mqttd simulate-drop half-open listening drip mid-packet silent-persistent \\
            odd-keepalive not-reading ping-alive publish-alive late-ping ghost \\
            crowd-silent ws-silent ws-ping tls-silent freeze link-down \\
            broker-freeze

    The wording is ours. The standards are free to read:
    docs.oasis-open.org/mqtt/mqtt/v3.1.1 and docs.oasis-open.org/mqtt/mqtt/v5.0
    "
  `);
});

test("a statement that binds the client, and one without a test, at 40 columns", async () => {
  expect(await printed(["v4-3.1.2-23", "v5-4.12.1-2"], 40)).toMatchInlineSnapshot(`
    "v4-3.1.2-23: MQTT 3.1.1, section 3.1.2
      (CONNECT: flags, Keep Alive)
      Between two packets of a client no
      more time passes than its Keep Alive;
      with nothing else to send, it sends
      PINGREQ.
      Binds the client. No server has to
      react to a breach, so no test names
      it.

    v5-4.12.1-2: MQTT 5.0, section 4.12.1
      (authenticating again)
      If authenticating again fails, the
      side that found it closes the
      connection; it should send DISCONNECT
      with a reason code before.
      Binds client and server.
      Does not apply to mqttd: mqttd offers
      no enhanced authentication, so it
      never sends AUTH.

    The wording is ours. The standards are
    free to read:
    docs.oasis-open.org/mqtt/mqtt/v3.1.1 and
    docs.oasis-open.org/mqtt/mqtt/v5.0
    "
  `);
});

test("a section, at 80 columns", async () => {
  expect(await printed(["v5-3.14"], 80)).toMatchInlineSnapshot(`
    "MQTT 5.0, section 3.14 (DISCONNECT)
      v5-3.14.0-1  the server sends no DISCONNECT before it has sent a CONNACK with
                   a reason code below 0x80

    MQTT 5.0, section 3.14.1 (DISCONNECT: flags)
      v5-3.14.1-1  a receiver of a DISCONNECT whose reserved bits are set sends
                   DISCONNECT 0x81

    MQTT 5.0, section 3.14.2 (DISCONNECT: codes and properties)
      v5-3.14.2-1  DISCONNECT has a reason code of its table
      v5-3.14.2-2  a DISCONNECT from the server has no Session Expiry Interval
      v5-3.14.2-3  DISCONNECT has no Reason String that would make it larger than
                   the receiver's Maximum Packet Size
      v5-3.14.2-4  DISCONNECT has no User Property that would make it larger than
                   the receiver's Maximum Packet Size

    MQTT 5.0, section 3.14.4 (DISCONNECT: actions)
      v5-3.14.4-1  after it sent DISCONNECT, the sender sends no more packets on
                   that connection
      v5-3.14.4-2  after it sent DISCONNECT, the sender closes the connection
      v5-3.14.4-3  on DISCONNECT 0x00 the server discards the connection's will
                   without publishing it

    mqttd rule ID shows where mqttd obeys a statement, and what tests it.
    The wording is ours. The standards are free to read:
    docs.oasis-open.org/mqtt/mqtt/v3.1.1 and docs.oasis-open.org/mqtt/mqtt/v5.0
    "
  `);
});

test("a section, at 40 columns", async () => {
  expect(await printed(["v4-3.14"], 40)).toMatchInlineSnapshot(`
    "MQTT 3.1.1, section 3.14.1 (DISCONNECT:
      flags)
      v4-3.14.1-1  the server checks that
                   DISCONNECT's reserved
                   bits are 0, and
                   disconnects the client if
                   they are not

    MQTT 3.1.1, section 3.14.4 (DISCONNECT:
      actions)
      v4-3.14.4-1  after it sent DISCONNECT,
                   the client closes the
                   connection
      v4-3.14.4-2  after it sent DISCONNECT,
                   the client sends no more
                   packets on that
                   connection
      v4-3.14.4-3  on DISCONNECT the server
                   discards the connection's
                   will without publishing
                   it

    mqttd rule ID shows where mqttd obeys a
    statement, and what tests it.
    The wording is ours. The standards are
    free to read:
    docs.oasis-open.org/mqtt/mqtt/v3.1.1 and
    docs.oasis-open.org/mqtt/mqtt/v5.0
    "
  `);
});

test("in a pipe lines are whole", async () => {
  const lines = (await printed(["v4"])).split("\n");
  for (const [id, { says }] of Object.entries(ledger)) {
    if (!id.startsWith("v4-")) continue;
    const [line, ...more] = lines.filter((each) => each.trim().startsWith(`${id} `));
    expect({ line: line?.includes(says), more }).toEqual({ line: true, more: [] });
  }
});

test("no line is wider than the terminal, but for a word", async () => {
  for (const columns of [40, 80]) {
    const texts = [await printed([], columns), await printed(Object.keys(ledger), columns)];
    const wide = texts
      .flatMap((text) => text.split("\n"))
      .filter((line) => width(line) > columns)
      .filter((line) => /\S\s+\S/.test(line.trim()));
    expect(wide).toEqual([]);
  }
});

test("colour is on a terminal, and where it was asked for; the words are the same", async () => {
  const plain = await mqttd(["rule", "v4-3.1.2-24"]);
  const colored = await mqttd(["rule", "v4-3.1.2-24", "--color", "always"]);
  const unwanted = await mqttd(["rule", "v4-3.1.2-24"], { columns: 200, env: { NO_COLOR: "1" } });
  expect(plain.stdout).not.toContain("\x1b");
  expect(colored.stdout).toContain("\x1b[1mv4-3.1.2-24\x1b[22m");
  expect(Bun.stripANSI(colored.stdout)).toBe(plain.stdout);
  expect(unwanted.stdout).not.toContain("\x1b");
});

test("--json: one object a statement", async () => {
  const [line = "", ...more] = (await printed(["v4-3.14.4-3", "--json"])).split("\n");
  expect(more).toEqual([""]);
  expect(JSON.parse(line)).toMatchInlineSnapshot(`
    {
      "binds": "server",
      "id": "v4-3.14.4-3",
      "obeyed": [
        {
          "file": "src/core/will-fate.ts",
          "noun": "endWill",
        },
      ],
      "says": "on DISCONNECT the server discards the connection's will without publishing it",
      "scenarios": [
        "disconnect",
        "reconnect",
      ],
      "section": "3.14.4",
      "status": "tested",
      "subject": "DISCONNECT: actions",
      "tests": [
        {
          "file": "tests/conformance/checks/will.ts",
          "title": "DISCONNECT discards the will",
        },
      ],
      "version": "3.1.1",
      "why": null,
    }
  `);
});

test("--json: every statement has every key", async () => {
  const lines = (await printed(["--json"])).trimEnd().split("\n");
  const shapes = new Set(lines.map((line) => Object.keys(JSON.parse(line) as object).join(" ")));
  expect([...shapes]).toHaveLength(1);
  expect(lines).toHaveLength(Object.keys(ledger).length);
});

describe("an id as people paste it", () => {
  const each = ["v4-3.1.2-24", "v5-3.1.2-24"];
  for (const [typed, ids] of [
    ["v5-3.1.2-22", ["v5-3.1.2-22"]],
    ["V5-3.1.2-22", ["v5-3.1.2-22"]],
    ["[v5-3.1.2-22]", ["v5-3.1.2-22"]],
    ["[v5-3.1.2-22].", ["v5-3.1.2-22"]],
    ["MQTT-3.1.2-24", each],
    ["[MQTT-3.1.2-24]", each],
    ["(MQTT-3.1.2-24),", each],
    ["mqtt-3.1.2-24", each],
    ["3.1.2-24", each],
    ["v3.1.1-3.1.2-24", ["v4-3.1.2-24"]],
    ["v5.0-3.1.2-24", ["v5-3.1.2-24"]],
    ["MQTT5-3.1.2-24", ["v5-3.1.2-24"]],
    ["5-3.1.2-24", ["v5-3.1.2-24"]],
    ["MQTT-3.1.2-30", ["v5-3.1.2-30"]],
    ["v5-4.2-1", ["v5-4.2-1"]],
  ] as const) {
    test(typed, async () => expect(await idsOf(typed)).toEqual([...ids]));
  }
});

describe("a section", () => {
  for (const [typed, count] of [
    ["v5-3.1.2", 30],
    ["3.1.2", 54],
    ["section 3.1.2", 54],
    ["v4-3.1.0", 2],
    ["v4-3.1", 42],
    ["v5-4.13", 2],
    ["v4-4.8", 2],
    ["v4", 143],
    ["v5", 251],
    ["MQTT5", 251],
    ["MQTT 5.0", 251],
    ["3.1.1", 143],
  ] as const) {
    test(typed, async () => {
      expect(await idsOf(typed)).toHaveLength(count);
    });
  }
});

test("ids, sections and words at once: each statement once, in the order asked for", async () => {
  expect(await idsOf("v5-3.12.4-1", "v4-3.12.4", "3.12.4-1")).toEqual([
    "v5-3.12.4-1",
    "v4-3.12.4-1",
  ]);
});

test("lists are by section, whatever was named first", async () => {
  const heads = (await printed(["v5-3.12", "retained", "will"]))
    .split("\n")
    .filter((line) => line.startsWith("MQTT "));
  expect(heads.length).toBeGreaterThan(5);
  expect(new Set(heads).size).toBe(heads.length);
  expect(await printed(["will", "retained", "v5-3.12"])).toBe(
    await printed(["v5-3.12", "retained", "will"]),
  );
});

test("a word: the statements that hold it, however it is written", async () => {
  const ids = await idsOf("keep-alive");
  expect(ids).toContain("v4-3.1.2-24");
  expect(ids).toContain("v5-3.1.2-22");
  expect(await idsOf("Keep Alive")).toEqual(ids);
});

describe("what is wrong gets one line with the nearest right one", () => {
  for (const [args, line] of [
    [
      ["v4-3.1.2-25"],
      "rule: there is no statement v4-3.1.2-25 (did you mean v4-3.1.2-24? mqttd rule lists all)",
    ],
    [
      ["v5-2.2.1-1"],
      "rule: there is no statement v5-2.2.1-1 (did you mean v5-2.2.1-2? mqttd rule lists all)",
    ],
    [
      ["v5-3.1.9-8"],
      "rule: there is no statement v5-3.1.9-8 (did you mean v5-3.1.2-8? mqttd rule lists all)",
    ],
    [
      ["[MQTT-3.1.2-31]"],
      "rule: there is no statement 3.1.2-31 (did you mean v5-3.1.2-30? mqttd rule lists all)",
    ],
    [
      ["v5-3.1.3.2.2"],
      "rule: section 3.1.3.2.2 of MQTT 5.0 has no numbered statement (see mqttd rule v5-3.1.3)",
    ],
    [
      ["2.1.4"],
      "rule: section 2.1.4 of MQTT 3.1.1 and 5.0 has no numbered statement (see mqttd rule 2.1)",
    ],
    [["9"], 'rule: there is no section "9" with statements (mqttd rule lists all)'],
    [
      ["v4-3.1.2-24", "frobnicate"],
      'rule: no statement is or holds "frobnicate" (mqttd rule lists all)',
    ],
    [[""], 'rule: no statement is or holds "" (mqttd rule lists all)'],
    [
      ["v6-3.1.2-24"],
      'rule: no statement is or holds "v6-3.1.2-24" (did you mean v4-3.1.2-24? mqttd rule lists all)',
    ],
    [["--jsn"], "rule: unknown flag --jsn (did you mean --json?)"],
    [["--color", "red"], '--color: found "red", allowed: "auto", "always" or "never"'],
  ] as const) {
    test(args.join(" "), async () => expect(await refusalOf(...args)).toBe(`mqttd: ${line}\n`));
  }
});
