import { expect, test } from "bun:test";
import type { BenchRequest } from "../../src/cli/bench-request.ts";
import { targetText } from "../../src/client/target.ts";
import { mqttd } from "./surroundings.ts";
import { withoutTransportFlags } from "./transport-flags-help.ts";

async function asked(...args: string[]): Promise<BenchRequest> {
  const { code, stderr, measured } = await mqttd(["bench", ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [request] = measured;
  if (request === undefined) throw new Error("nothing was asked for");
  return request;
}

const rowsOf = ({ rows }: BenchRequest): string[] => rows.map(({ name }) => name);
const brokersOf = ({ brokers }: BenchRequest) =>
  brokers.map((broker) =>
    broker.kind === "running"
      ? `${broker.name} ${targetText(broker.target)} ${broker.target.username ?? ""}`
      : broker.kind === "command"
        ? `${broker.name}: ${broker.line}`
        : `${broker.name}, embedded`,
  );

test("without flags, the broker on localhost", async () => {
  const request = await asked("--rows", "busy-20");
  expect(brokersOf(request)).toEqual(["localhost:1883 mqtt://localhost:1883 "]);
  expect(request).toMatchObject({
    runs: 1,
    seconds: 2,
    version: 4,
    hasBystander: true,
    json: false,
  });
});

test("brokers by URL and command, in the order by kind, with names", async () => {
  const request = await asked(
    "--rows=trie",
    "--embedded",
    ...["--command", "/usr/sbin/mosquitto -p {port}"],
    ...["--command", "fmq=flashmq -p {port}"],
    ...["--url", "mqtt://ann:secret@localhost:1884"],
    ...["--url", "mine=mqtt://[::1]:1885"],
  );
  expect(brokersOf(request)).toEqual([
    "localhost:1884 mqtt://localhost:1884 ann",
    "mine mqtt://[::1]:1885 ",
    "mosquitto: /usr/sbin/mosquitto -p {port}",
    "fmq: flashmq -p {port}",
    "mqttd, embedded",
  ]);
});

test("two brokers with one name get numbers", async () => {
  const request = await asked("--rows=trie", "--command", "m -p {port}", "--command", "m {port}");
  expect(brokersOf(request)).toEqual(["m: m -p {port}", "m-2: m {port}"]);
});

test("host and port, and the credentials of a running broker", async () => {
  const request = await asked("--rows=trie", "-h", "127.0.0.1", "-p", "1884", "-u", "ann");
  expect(brokersOf(request)).toEqual(["127.0.0.1:1884 mqtt://127.0.0.1:1884 ann"]);
});

test("brokers over TLS, WebSocket and unix sockets", async () => {
  const urls = ["mqtts://localhost", "s=wss://localhost:9443/x", "ws://127.0.0.1"];
  const secured = await asked(...urls.flatMap((url) => ["--url", url]), "--insecure");
  expect(brokersOf(secured)).toEqual([
    "localhost:8883 mqtts://localhost:8883 ",
    "s wss://localhost:9443/x ",
    "127.0.0.1:9001 ws://127.0.0.1:9001/mqtt ",
  ]);
  const isLax = secured.brokers.map((one) => one.kind === "running" && one.target.tls?.insecure);
  expect(isLax).toEqual([true, true, undefined]);
  expect(brokersOf(await asked("-p", "8884", "--insecure"))).toEqual([
    "localhost:8884 mqtts://localhost:8884 ",
  ]);
  expect(brokersOf(await asked("--unix", "/x/m.sock"))).toEqual([
    "/x/m.sock mqtt+unix:///x/m.sock ",
  ]);
});

test("rows by name, by group and with commas; each once, in the order of the bench", async () => {
  const request = await asked("--rows", "busy-500,trie", "-r", "busy-20", "--rows", "trie");
  expect(rowsOf(request)).toEqual(["trie", "busy-20", "busy-500"]);
  const holdups = rowsOf(await asked("--rows", "holdups", "--except", "trie,busy-20"));
  expect(holdups).toContain("busy-500");
  expect(holdups).not.toContain("trie");
});

test("another machine has to be confirmed", async () => {
  const url = "mqtt://broker.example";
  const refused = await mqttd(["bench", "--rows", "trie", "--url", url]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toBe(
    "mqttd: mqtt://broker.example:1883 is another machine: a load may stop what others use " +
      "(if the broker is yours: --remote)\n",
  );
  expect(brokersOf(await asked("--rows", "trie", "--url", url, "--remote"))).toEqual([
    "broker.example:1883 mqtt://broker.example:1883 ",
  ]);
});

test.each([
  [["--rows", "tri"], 'there is no row "tri" (did you mean trie?)'],
  [["--rows", "holdup"], 'there is no row "holdup" (did you mean holdups?)'],
  [["--rows", "trie", "--except", "all"], "--except leaves no row to play"],
  [["--rows", "trie", "--command", "mosquitto"], "allowed: a command with {port} for the port"],
  [["--rows", "trie", "--runs", "0"], "allowed: a number of runs from 1 to 100"],
  [["--rows", "trie", "--seconds", "x"], "allowed: seconds from 1 to 3600"],
  [["--rows", "trie", "-V", "3.1"], "the loads speak 3.1.1 or 5"],
  [["--rows", "trie", "--embedded", "--broker-pid", "1"], "the process of one running broker"],
  [["--rows", "trie", "--url", "localhost", "-p", "1884"], "all name the broker"],
  [["--rows", "trie", "--url", "localhost", "--unix", "m.sock"], "all name the broker"],
  [["--rows", "trie", "--embedded", "--insecure"], "--insecure needs an address with TLS"],
  [
    ["--rows", "trie", "--url", "ws://localhost", "--cafile", "x"],
    "--cafile needs an address with",
  ],
  [["--rows", "doors", "--command", "m {port}"], "no broker here is reached over tls, ws, wss"],
  [["--rows", "tls-idle", "--url", "ws://localhost"], "no broker here is reached over tls"],
  [["trie"], "for a row: --rows trie"],
  [["mqtt://localhost"], "for a broker: --url mqtt://localhost"],
  [["--row", "trie"], "did you mean --rows?"],
])("mqttd bench %p is wrong usage", async (args, words) => {
  const { code, stdout, stderr, measured } = await mqttd(["bench", ...args]);
  expect({ code, stdout, measured }).toEqual({ code: 2, stdout: "", measured: [] });
  expect(stderr).toContain(words);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
});

test("--list names every row, with --json as NDJSON", async () => {
  const { stdout } = await mqttd(["bench", "--list"], { columns: 60 });
  const lines = stdout.split("\n");
  expect(lines.find((line) => line.includes("busy-500"))).toContain("500 publishers");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
  const json = (await mqttd(["bench", "--list", "--json"])).stdout.trimEnd().split("\n");
  expect(json.map((line) => JSON.parse(line) as object)).toContainEqual({
    name: "trie-one",
    group: "holdups",
    title: "8,192 filters of {a,+} at 13 levels, one session; new topics",
    short: false,
  });
});

test("mqttd bench --help", async () => {
  const { code, stdout } = await mqttd(["bench", "--help"]);
  expect(code).toBe(0);
  expect(withoutTransportFlags(stdout)).toMatchInlineSnapshot(`
    "Usage: mqttd bench [FLAGS]

    Measures brokers beside each other, in one run that alternates: messages and
    connections a second, how late wills are, memory. Beside each load honest
    clients measure their ping, the lateness of wills, and whether any of them is
    ended (the bystander). Without a broker it measures localhost:1883; the first
    broker named is the one to which the others are compared. Without --rows the
    short set plays, in less than a minute for one broker.

    Flags:
      -L, --url URL               a broker that runs:
                                  mqtt[s]://user:password@host:port, ws[s]://, or
                                  NAME=URL
      -h, --host HOST             the broker's host (default localhost)
      -p, --port PORT             its port (default 1883)
      -u, --username NAME         log in as this user
      -P, --pw PASSWORD           with this password (others can read it: see
                                  Passwords)
          --pw-file FILE          with the password in this file; - for standard
                                  input
          (TLS and unix sockets)
          --command COMMAND       a broker to start, or NAME=COMMAND; {port} is its
                                  port (see Commands)
          --embedded              start mqttd itself, with defaults
      -r, --rows NAME             rows or groups to play (repeatable, or with
                                  commas)
          --except NAME           rows or groups to leave out (repeatable, or with
                                  commas)
          --list                  list the rows
          --runs N                runs of each row; medians are reported (default 1)
          --seconds N             how long a load without an end of its own runs
                                  (default 2)
      -V, --protocol VERSION      5 or 3.1.1 (default 3.1.1)
          --no-bystander          play the load alone
          --broker-pid PID        the process of a broker given by --url, for CPU
                                  and memory
          --remote                allow a broker on another machine; make sure that
                                  it is yours
          --data FILE             keep the figures in this file, and go on where it
                                  ends
          --within DURATION       begin no run after this time, for example 30m
          --json                  NDJSON on stdout, the report on stderr
          --help                  show this help; -h without a host does too

    Groups of rows:
      speed    messages and connections a second, memory of a connection
      doors    the same over TLS and WebSocket: throughput, handshakes, memory
      store    QoS 1 to sessions that have to be kept, for brokers with a store
      wills    how late wills are when thousands of clients end together
      holdups  what holds up a broker's loop: watch the bystander
      growth   what makes a broker's memory grow: watch the peak
      sizes    what a message costs beside many subscribers, filters and levels
      short    the default
      all      every row

      mqttd bench --list shows the rows of each group.

    Commands:
      sh starts COMMAND anew for each run, with {port} replaced by a free port and
      {folder} by a folder for its files. Rows over TLS and WebSocket need a COMMAND
      with {transport}, which is replaced by tcp, tls, ws or wss; {folder} then has
      ca.crt, server.crt and server.key, for localhost.

    Passwords:
      While a command runs, every user of the machine can read its arguments (ps),
      those of --pw and --url included, and the shell keeps them in its history.
      --pw-file and the variable MQTTD_PASSWORD avoid both. --pw and --pw-file win
      over the address, and the address over MQTTD_PASSWORD.

    Exit codes:
      0         measured
      1         a run was invalid: a message was lost, a client was ended, a broker
                did not start
      2         error in usage or configuration
      3         could not connect
      4         refused by the broker
      5         the broker does not answer, or --within ended before all runs were
                played
      70        internal fault of mqttd
      130, 143  ended by SIGINT, SIGTERM; what was measured is reported

    Examples:
      mqttd bench --embedded
      mqttd bench --url mqtt://localhost:1883 --rows holdups --seconds 5
      mqttd bench --command 'mosquitto -p {port}' --embedded --rows pairs-qos1 \\
          --runs 3 --json
    "
  `);
});

test("figures in a file, and a bound in time", async () => {
  expect(await asked("--data", "f.ndjson", "--within", "30m")).toMatchObject({
    data: "f.ndjson",
    withinMs: 1_800_000,
  });
  expect(await asked()).toMatchObject({ data: null, withinMs: Infinity });
});
