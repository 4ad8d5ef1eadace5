import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "bun:test";
import type { DropRequest } from "../../src/cli/drop-request.ts";
import { catalogue, quickSet } from "../../src/drop/scenarios/catalogue.ts";
import { mqttd, refusals } from "./surroundings.ts";
import { withoutTransportFlags } from "./transport-flags-help.ts";

async function asked(...args: string[]): Promise<DropRequest> {
  const { code, stderr, dropped } = await mqttd(["simulate-drop", ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [request] = dropped;
  if (request === undefined) throw new Error("nothing was asked for");
  return request;
}

const ids = ({ scenarios }: DropRequest): string[] => scenarios.map(({ id }) => id);

test("mqttd simulate-drop --help", async () => {
  const { code, stdout } = await mqttd(["simulate-drop", "--help"]);
  expect(code).toBe(0);
  expect(withoutTransportFlags(stdout)).toMatchInlineSnapshot(`
    "Usage: mqttd simulate-drop [ID...] [FLAGS]

    Connects a client with a will to any broker (by TCP, TLS, WebSocket or a unix
    socket), makes it die in each known way, and judges the broker: does the will
    come, when, once, and unchanged? Without an ID the quick set plays: within 15 s,
    or within 65 s where the broker does not end a silent client. Topics and client
    ids are random. What is left on the broker is removed, after Ctrl-C too (a
    second one does not wait).

    Flags:
          --all                      play every scenario, not the quick set
          --except ID                leave a scenario out (repeatable, or with
                                     commas)
          --list                     list the scenarios
          --show ID                  describe one: the rule, how brokers get it
                                     wrong, commands by hand
          --embedded                 start a broker of mqttd's own on a free port
                                     for the run
      -h, --host HOST                the broker's host (default localhost)
      -p, --port PORT                its port (default 1883)
      -L, --url URL                  host and port in one:
                                     mqtt://user:password@host:port
      -u, --username NAME            log in as this user
      -P, --pw PASSWORD              with this password (others can read it: see
                                     Passwords)
          --pw-file FILE             with the password in this file; - for standard
                                     input
      -V, --protocol VERSION         5, 3.1.1 or 3.1; also mqttv5, mqttv311, mqttv31
          (TLS and unix sockets)
      -i, --id ID                    client id of the client that dies (default:
                                     random; plays serially)
      -k, --keepalive SECONDS        its keepalive (default 2)
          --via URL                  play all of it at a second address too, such as
                                     a proxy's
          --will-topic TOPIC         topic of the will
          --will-payload TEXT        its payload
          --will-qos QOS             its QoS: 0, 1 or 2
          --will-retain              retain it
          --will-delay DURATION      its delay in seconds, for example 30 or 30s
                                     (MQTT 5)
          --wait DURATION            give up on a will this long after it was due
                                     (default 8s)
          --no-wait                  do not wait up to 60 s to tell a late keepalive
                                     deadline from none
          --tolerance DURATION       later than this is late (default 1s)
          --denied-topic TOPIC       a topic that the broker denies this client (for
                                     acl)
          --restart-command COMMAND  kills and restarts the broker (for
                                     broker-crash)
          --broker-pid PID           the broker's process on this machine (for
                                     broker-freeze)
          --serial                   one scenario after the other
          --strict                   findings and late wills are failures too
          --json                     NDJSON on stdout, the report on stderr
          --compare BEFORE AFTER     play nothing: compare two files that --json
                                     wrote
          --junit FILE               write the results as JUnit XML too
          --html FILE                write the report as one HTML page too, with
                                     time lines
          --color WHEN               auto, always or never (default auto: on a
                                     terminal, unless NO_COLOR is set)
          --help                     show this help; -h without a host does too

    Verdicts:
      pass          as the standard requires
      FAIL          violates a statement of the standard (grade must)
      finding       wrong, by a grade below must (should, ours)
      late          right, but later than the tolerance
      inconclusive  undecided after two more tries, alone, and why: a message was
                    lost without a reason, this machine was held up, ...
      skipped       does not apply, or the broker denies it by a reason code; and
                    why

      The report is on stdout, progress on stderr; with --json stdout has NDJSON,
      one object for each result and a summary, and the report is on stderr.

    Passwords:
      While a command runs, every user of the machine can read its arguments (ps),
      those of --pw and --url included, and the shell keeps them in its history.
      --pw-file and the variable MQTTD_PASSWORD avoid both. --pw and --pw-file win
      over the address, and the address over MQTTD_PASSWORD.

    Exit codes:
      0         no FAIL, and no scenario of grade must is undecided
      1         a FAIL; with --strict also a finding or a late will; or every
                scenario was skipped; with --compare: something got worse
      2         error in usage or configuration
      3         could not connect, or the broker was gone before the end
      4         refused by the broker, or what answers speaks no MQTT
      5         a scenario of grade must is undecided, or the broker does not answer
      70        internal fault of mqttd
      130, 143  ended by SIGINT, SIGTERM

    Statements:
      [v4-3.1.2-24] is statement MQTT-3.1.2-24 of the OASIS standard MQTT Version
      3.1.1, section 3.1.2; v5 means MQTT Version 5.0. Both are free to read at
      docs.oasis-open.org/mqtt. mqttd rule v4-3.1.2-24 shows it in our own words.

    Examples:
      mqttd simulate-drop --embedded
      mqttd simulate-drop rst half-open -h localhost -p 1884 --keepalive 5
      mqttd simulate-drop --all -u ann --pw-file - --junit drops.xml
      mqttd simulate-drop --url wss://localhost:9001/mqtt --insecure
      mqttd simulate-drop --all --html drops.html
      mqttd simulate-drop --show half-open
      mqttd simulate-drop --compare before.json after.json
    "
  `);
  expect((await mqttd(["help", "simulate-drop"])).stdout).toBe(stdout);
});

test("--except removes scenarios from any selection", async () => {
  const quick = quickSet().map(({ id }) => id);
  const without = (...left: string[]) => quick.filter((id) => !left.includes(id));
  expect(ids(await asked("--except", "half-open"))).toEqual(without("half-open"));
  expect(ids(await asked("--except", "rst, FIN", "--except=retain"))).toEqual(
    without("rst", "fin", "retain"),
  );
  expect(ids(await asked("--all", "--except", "crowd"))).not.toContain("crowd");
  expect(ids(await asked("rst", "fin", "--except", "fin"))).toEqual(["rst"]);
  expect((await asked("--no-wait")).goesOn).toBe(false);
});

test("--except requires known names, and must leave a scenario", async () => {
  const errors = [
    await mqttd(["simulate-drop", "--except", "half-opn"]),
    await mqttd(["simulate-drop", "rst", "--except", "rst"]),
  ];
  expect(errors.map(({ code }) => code)).toEqual([2, 2]);
  expect(errors.map(({ stderr }) => stderr)).toEqual([
    'mqttd: --except: there is no scenario "half-opn" (did you mean half-open?)\n',
    "mqttd: --except leaves no scenario to play\n",
  ]);
});

test("without flags: the quick set, in 3.1.1 and 5, at localhost:1883", async () => {
  const request = await asked();
  expect(ids(request)).toEqual(quickSet().map(({ id }) => id));
  expect({ ...request, scenarios: [] }).toMatchInlineSnapshot(`
    {
      "brokerPid": null,
      "clientId": null,
      "color": "auto",
      "command": [
        "simulate-drop",
      ],
      "deniedTopic": null,
      "embedded": false,
      "goesOn": true,
      "html": null,
      "json": false,
      "junit": null,
      "keepAliveSeconds": 2,
      "named":   Set {},
      "restartCommand": null,
      "scenarios": [],
      "serial": false,
      "strict": false,
      "target": {
        "host": "localhost",
        "password": null,
        "path": "",
        "port": 1883,
        "tls": null,
        "transport": "tcp",
        "username": null,
      },
      "toleranceMs": 1000,
      "triesAlone": 2,
      "versionWaitMs": 500,
      "versions": [
        4,
        5,
      ],
      "via": null,
      "waitMs": 8000,
      "will": {},
    }
  `);
});

test("the defaults in the help are those in use", async () => {
  const help = (await mqttd(["simulate-drop", "--help"])).stdout.replace(/\s+/g, " ");
  const { keepAliveSeconds, waitMs, toleranceMs } = await asked();
  expect(help).toContain(`its keepalive (default ${keepAliveSeconds})`);
  expect(help).toContain(`after it was due (default ${waitMs / 1000}s)`);
  expect(help).toContain(`is late (default ${toleranceMs / 1000}s)`);
});

test("named scenarios play once, in the catalogue's order; --all plays every one", async () => {
  const request = await asked("half-open", "RST", "half-open");
  expect(ids(request)).toEqual(["rst", "half-open"]);
  expect([...request.named]).toEqual(["half-open", "rst"]);
  const all = await asked("--all");
  expect(ids(all)).toEqual(catalogue.map(({ id }) => id));
  expect(all.named.size).toBe(0);
});

test("flags are read as mosquitto's clients read them", async () => {
  const request = await asked(
    ...["-h", "broker.example", "-p", "1884", "-u", "ann", "-P", "0123", "-i", "007", "-k", "60"],
    ...["-V", "mqttv311", "--will-topic", "a/b", "--will-payload", "-5", "--will-qos", "2"],
    ...["--will-retain", "--will-delay", "30", "--wait", "60", "--tolerance", "500ms"],
    ...["--denied-topic", "secret", "--restart-command", "systemctl restart it", "--serial"],
    ...[
      "--strict",
      "--json",
      "--junit",
      "x.xml",
      "--html",
      "x.html",
      "--color",
      "never",
      "--via",
      "[::1]:1885",
    ],
  );
  const { via, target } = request;
  expect(target).toMatchObject({
    host: "broker.example",
    port: 1884,
    username: "ann",
    password: "0123",
  });
  expect(via).toMatchObject({ host: "::1", port: 1885, username: "ann", password: "0123" });
  expect(request).toMatchObject({
    versions: [4],
    keepAliveSeconds: 60,
    waitMs: 60_000,
    toleranceMs: 500,
    clientId: "007",
    will: { topic: "a/b", payload: Buffer.from("-5"), qos: 2, retain: true, delay: 30 },
    deniedTopic: "secret",
    restartCommand: "systemctl restart it",
    serial: true,
    strict: true,
    json: true,
    junit: "x.xml",
    html: "x.html",
    color: "never",
  });
});

test("the command as reports show it can be given again, and has no password", async () => {
  const { command } = await asked(
    ...["RST", "-u", "ann", "-P", "s3cret", "--will-payload", "-5", "fin", "-V", "5", "--strict"],
    ...["--except", "fin", "--except", "kill", "-L", "mqtt://ann:s3c@ret:x@[::1]:1884"],
    ...["--via", "wss://ann:s3cret@broker.example/mqtt?a=b@c"],
  );
  expect(command).toEqual([
    ...["simulate-drop", "RST", "fin", "--username", "ann", "--pw", "...", "--will-payload=-5"],
    ...["--protocol", "5", "--strict", "--except", "fin", "--except", "kill"],
    ...["--url", "mqtt://ann:...@[::1]:1884", "--via", "wss://ann:...@broker.example/mqtt?a=b@c"],
  ]);
  expect((await asked("-L", "ann:s3cret@localhost")).command.at(-1)).toBe("ann:...@localhost");
  expect((await asked("-L", "ws://localhost:9001/a@b")).command.at(-1)).toBe(
    "ws://localhost:9001/a@b",
  );
});

test("an address that can't be read is shown without its password, whatever is in it", async () => {
  const urls = ["mqtt://ann:s3cret@h:99999", "mqtt://ann:s3/cret@h", "ann:s3@cret@h:x"];
  for (const url of urls) {
    const { code, stderr } = await mqttd(["simulate-drop", "--url", url]);
    expect(code).toBe(2);
    expect(stderr).toContain("ann:...@h");
    expect(stderr).not.toMatch(/s3|cret/);
  }
});

test("an address combines all parts, and the flags win over it", async () => {
  const { target } = await asked("-L", "mqtt://ann:pass%40word@[::1]:1884/topic", "-u", "bob");
  expect(target).toMatchObject({
    transport: "tcp",
    host: "::1",
    port: 1884,
    username: "bob",
    password: "pass@word",
  });
  expect((await asked("-h", "::1")).target.host).toBe("::1");
});

test("every way to write a version", async () => {
  const of = async (...written: string[]) =>
    new Set(await Promise.all(written.map(async (v) => (await asked("-V", v)).versions.join())));
  expect(await of("5", "mqttv5", "5.0", "MQTTv5")).toEqual(new Set(["5"]));
  expect(await of("3.1.1", "311", "4", "mqttv311")).toEqual(new Set(["4"]));
  expect(await of("3.1", "31", "3", "mqttv31")).toEqual(new Set(["3"]));
});

const wrong: readonly (readonly string[])[] = [
  ["half-opn"],
  ["takeover_delay"],
  ["banana"],
  ["mqtt://localhost"],
  ["1884"],
  ["broker.example.org"],
  ["\u001b[2J"],
  ["--show", "half-opn"],
  ["--show"],
  ["--embeded"],
  ["rst", "--all"],
  ["--embedded", "-p", "1884"],
  ["--embedded", "--via", "mqtt://x"],
  ["-h", "localhost", "-L", "mqtt://x"],
  ["-h", "mqtt://ann:secret@x"],
  ["-h", "a b"],
  ["-p", "0"],
  ["-p", "70000"],
  ["-L", "http://x"],
  ["-L", "http://ann:secret@x"],
  ["-L", "gopher://ann:secret@x"],
  ["-L", "mqtt://ann:100%secret@x"],
  ["-L", ""],
  ["--via", "ftp://x"],
  ["-P", "secret"],
  ["-V", "6"],
  ["-k", "0"],
  ["-k", "65536"],
  ["-k", "1.5"],
  ["-k", "5s"],
  ["-i", ""],
  ["--wait", "soon"],
  ["--wait", "-1"],
  ["--wait", "never"],
  ["--tolerance", "2h"],
  ["--will-topic", "a/#"],
  ["--will-topic", ""],
  ["--will-payload", ""],
  ["--will-qos", "3"],
  ["--denied-topic", "+"],
  ["--restart-command", ""],
  ["--junit", ""],
  ["--html", ""],
  ["--html", "a/x", "--junit", "./a/x"],
  ["--color", "sometimes"],
  ["--strict=yes"],
];

test("each error is one line, with exit code 2, and nothing is played", async () => {
  const said = await refusals(wrong, { command: ["simulate-drop"] });
  expect(said).not.toMatch(/^ .*secret@/m);
  expect(said).toMatchInlineSnapshot(`
    "
    "half-opn"
      mqttd: simulate-drop: there is no scenario "half-opn" (did you mean half-open?)
    "takeover_delay"
      mqttd: simulate-drop: there is no scenario "takeover_delay" (did you mean takeover-delay?)
    "banana"
      mqttd: simulate-drop: there is no scenario "banana" (see mqttd simulate-drop --list)
    "mqtt://localhost"
      mqttd: simulate-drop: there is no scenario "mqtt://localhost" (for an address: --url)
    "1884"
      mqttd: simulate-drop: there is no scenario "1884" (for a port: --port 1884)
    "broker.example.org"
      mqttd: simulate-drop: there is no scenario "broker.example.org" (for a host: -h broker.example.org)
    "\\u001b[2J"
      mqttd: simulate-drop: there is no scenario "\\u001b[2J" (see mqttd simulate-drop --list)
    "--show half-opn"
      mqttd: simulate-drop: there is no scenario "half-opn" (did you mean half-open?)
    "--show"
      mqttd: simulate-drop: --show lacks its value (--show ID)
    "--embeded"
      mqttd: simulate-drop: unknown flag --embeded (did you mean --embedded?)
    "rst --all"
      mqttd: --all plays every scenario (give some IDs, or --all)
    "--embedded -p 1884"
      mqttd: --embedded starts a broker of its own, over TCP (leave out --host, --port, --url, --unix, --via and the flags of TLS)
    "--embedded --via mqtt://x"
      mqttd: --embedded starts a broker of its own, over TCP (leave out --host, --port, --url, --unix, --via and the flags of TLS)
    "-h localhost -L mqtt://x"
      mqttd: --url and --host or --port both name the broker (give one of them)
    "-h mqtt://ann:secret@x"
      mqttd: --host: found "mqtt://ann:...@x", allowed: a host name or an address (for a whole address: --url)
    "-h a b"
      mqttd: --host: found "a b", allowed: a host name or an address
    "-p 0"
      mqttd: --port: found "0", allowed: a port from 1 to 65535
    "-p 70000"
      mqttd: --port: found "70000", allowed: a port from 1 to 65535
    "-L http://x"
      mqttd: --url: found "http://x", allowed: mqtt://, mqtts://, ws://, wss:// or mqtt+unix:///path; did you mean ws://?
    "-L http://ann:secret@x"
      mqttd: --url: found "http://ann:...@x", allowed: mqtt://, mqtts://, ws://, wss:// or mqtt+unix:///path; did you mean ws://?
    "-L gopher://ann:secret@x"
      mqttd: --url: found "gopher://ann:...@x", allowed: mqtt://, mqtts://, ws://, wss:// or mqtt+unix:///path
    "-L mqtt://ann:100%secret@x"
      mqttd: --url: found "mqtt://ann:...@x", allowed: an address in which a literal % is written %25
    "-L "
      mqttd: --url: found "", allowed: an address such as mqtt://localhost:1883
    "--via ftp://x"
      mqttd: --via: found "ftp://x", allowed: mqtt://, mqtts://, ws://, wss:// or mqtt+unix:///path
    "-P secret"
      mqttd: a password needs --username: MQTT 3.1.1 has no password alone (give both, or -V 5)
    "-V 6"
      mqttd: --protocol: found "6", allowed: 5, 3.1.1 or 3.1
    "-k 0"
      mqttd: --keepalive: found "0", allowed: seconds from 1 to 65535 (for keepalive 0: mqttd simulate-drop keepalive-0)
    "-k 65536"
      mqttd: --keepalive: found "65536", allowed: seconds from 1 to 65535
    "-k 1.5"
      mqttd: --keepalive: found "1.5", allowed: seconds from 1 to 65535
    "-k 5s"
      mqttd: --keepalive: found "5s", allowed: seconds from 1 to 65535
    "-i "
      mqttd: --id: found "", allowed: a client id, or no --id at all
    "--wait soon"
      mqttd: --wait: found "soon", allowed: seconds, or a duration like "500ms", "90s" or "2m", up to 86400s
    "--wait -1"
      mqttd: --wait: found "-1", allowed: seconds, or a duration like "500ms", "90s" or "2m", up to 86400s
    "--wait never"
      mqttd: --wait: found "never", allowed: seconds, or a duration like "500ms", "90s" or "2m", up to 86400s
    "--tolerance 2h"
      mqttd: --tolerance: found "2h", allowed: seconds, or a duration like "500ms", "90s" or "2m", up to 3600s
    "--will-topic a/#"
      mqttd: --will-topic: found "a/#", allowed: a topic without wildcards
    "--will-topic "
      mqttd: --will-topic: found "", allowed: a topic without wildcards
    "--will-payload "
      mqttd: --will-payload: found "", allowed: a text that identifies this will (for an empty retained will: mqttd simulate-drop retain-clear)
    "--will-qos 3"
      mqttd: --will-qos: found "3", allowed: a QoS from 0 to 2
    "--denied-topic +"
      mqttd: --denied-topic: found "+", allowed: a topic without wildcards
    "--restart-command "
      mqttd: --restart-command: found "", allowed: a command
    "--junit "
      mqttd: --junit: found "", allowed: the name of a file
    "--html "
      mqttd: --html: found "", allowed: the name of a file
    "--html a/x --junit ./a/x"
      mqttd: --junit and --html name the same file
    "--color sometimes"
      mqttd: --color: found "sometimes", allowed: "auto", "always" or "never"
    "--strict=yes"
      mqttd: simulate-drop: --strict takes no value (write only --strict)
    "
  `);
});

test("--list and --show cover every scenario, in text and in NDJSON", async () => {
  const list = await mqttd(["simulate-drop", "--list"]);
  const json = await mqttd(["simulate-drop", "--list", "--json"]);
  const objects = json.stdout
    .trimEnd()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
  expect(objects).toHaveLength(catalogue.length);
  for (const { id, title } of catalogue) {
    expect(list.stdout).toContain(` ${id} `);
    const { code, stdout } = await mqttd(["simulate-drop", "--show", id]);
    expect(code).toBe(0);
    expect(stdout).toStartWith(`${id}: ${title}\n`);
    expect(objects).toContainEqual(expect.objectContaining({ type: "scenario", id, title }));
  }
  const [first] = catalogue;
  const one = await mqttd(["simulate-drop", "--show", first?.id ?? "", "--json"]);
  expect(JSON.parse(one.stdout)).toMatchObject({ id: first?.id, does: first?.does });
  for (const line of list.stdout.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
});

test("README says how many scenarios there are", () => {
  const readme = readFileSync(path.resolve(import.meta.dir, "../../README.md"), "utf8");
  expect(readme).toContain(` ${catalogue.length} scenarios)`);
});
