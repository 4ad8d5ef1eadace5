import { expect, test } from "bun:test";
import path from "node:path";
import { eventNames } from "../../src/log/events.ts";
import { mqttd, refusals } from "./surroundings.ts";

const root = path.resolve(import.meta.dir, "../..");

const wrong: readonly (readonly string[])[] = [
  ["clinets"],
  ["explian", "dev-42"],
  ["wlils", "--help"],
  ["bogus", "--help"],
  ["help", "wlils"],
  ["banana"],
  ["will\u001b[2J"],
  ["client"],
  ["client", ""],
  ["drop"],
  ["log"],
  ["packet"],
  ["client", "a", "b"],
  ["clients", "dev-42"],
  ["reload", "now"],
  ["retained", "a/#", "b"],
  ["clients", "--how", "rst"],
  ["--how", "rst"],
  ["--wait", "5s"],
  ["kick", "a", "--how", "rst"],
  ["explain", "a", "--client", "b"],
  ["tail", "--wait", "5s"],
  ["tail", "--limit", "5"],
  ["packet", "c000", "--admin", "1888"],
  ["wills", "--from", "client"],
  ["wills", "--pendng"],
  ["wills", "--which", "fired"],
  ["wills", "--pending", "--fired"],
  ["wills", "--expect", "fired"],
  ["wills", "--fired", "--wait", "5s"],
  ["wills", "--wait", "soon"],
  ["wills", "--wait", "11m"],
  ["wills", "--limit", "0"],
  ["wills", "--limit", "many"],
  ["clients", "--timeout", "never"],
  ["subscriptions", "home/#"],
  ["subscriptions", "home/x", "--limit", "3"],
  ["tail", "--event", "conected"],
  ["--watch", "abc"],
  ["wills", "--watch", "abc"],
  ["wills", "--watch=abc"],
  ["--watch", "wlils"],
  ["wills", "--data", "nowhere"],
  ["wills", "--data", `${root}/package.json`],
  ["wills", "--data", `${root}/src`],
  ["drop", "a", "--how", "fin"],
  ["log", "trace"],
  ["log", "inof"],
  ["packet", "c0 0"],
  ["packet", "c0", "zz"],
  ["packet", "nofile.bin"],
  ["packet", "c000", "-V", "6"],
  ["packet", "c000", "--from", "broker"],
  ["--color", "sometimes"],
  ["--admin", "localhost"],
  ["--admin", "http://h/v1"],
  ["--admin", "http://user:pw@h"],
  ["--admin", "70000"],
  ["--admin", "mqtt://localhost:1883"],
  ["--admin", "http://\u001b[2J"],
  ["--token-file", "none", "--admin", "1"],
];

test("each error is one line, with the nearest right word, and exit code 2", async () => {
  const env = { MQTTD_RUN_DIR: "/nonexistent" };
  const said = await refusals(wrong, { command: ["inspect"], env });
  expect(said.replaceAll(`${root}/`, "")).toMatchInlineSnapshot(`
    "
    "clinets"
      mqttd: inspect: unknown verb "clinets" (did you mean clients?)
    "explian dev-42"
      mqttd: inspect: unknown verb "explian" (did you mean explain?)
    "wlils --help"
      mqttd: inspect: unknown verb "wlils" (did you mean wills?)
    "bogus --help"
      mqttd: inspect: unknown verb "bogus" (see mqttd inspect --help)
    "help wlils"
      mqttd: inspect: unknown verb "wlils" (did you mean wills?)
    "banana"
      mqttd: inspect: unknown verb "banana" (see mqttd inspect --help)
    "will\\u001b[2J"
      mqttd: inspect: unknown verb "will\\u001b[2J" (see mqttd inspect --help)
    "client"
      mqttd: inspect client: ID is missing (mqttd inspect client ID)
    "client "
      mqttd: inspect client: ID is missing (mqttd inspect client ID)
    "drop"
      mqttd: inspect drop: ID is missing (mqttd inspect drop ID)
    "log"
      mqttd: inspect log: LEVEL is missing (mqttd inspect log LEVEL)
    "packet"
      mqttd: inspect packet: HEX|FILE|- is missing (mqttd inspect packet HEX|FILE|-)
    "client a b"
      mqttd: inspect client: unexpected argument "b" (mqttd inspect client ID)
    "clients dev-42"
      mqttd: inspect clients: unexpected argument "dev-42" (mqttd inspect clients)
    "reload now"
      mqttd: inspect reload: unexpected argument "now" (mqttd inspect reload)
    "retained a/# b"
      mqttd: inspect retained: unexpected argument "b" (mqttd inspect retained [FILTER])
    "clients --how rst"
      mqttd: inspect clients has no flag --how (it belongs to drop)
    "--how rst"
      mqttd: inspect has no flag --how (it belongs to drop)
    "--wait 5s"
      mqttd: inspect has no flag --wait (it belongs to wills, messages)
    "kick a --how rst"
      mqttd: inspect kick has no flag --how (it belongs to drop)
    "explain a --client b"
      mqttd: inspect explain has no flag --client (it belongs to wills, acl, lint, tail)
    "tail --wait 5s"
      mqttd: inspect tail has no flag --wait (it belongs to wills, messages)
    "tail --limit 5"
      mqttd: inspect tail has no flag --limit (it belongs to clients, wills, sessions, subscriptions, retained, messages, lint)
    "packet c000 --admin 1888"
      mqttd: inspect packet has no flag --admin (it needs no broker)
    "wills --from client"
      mqttd: inspect wills has no flag --from (it belongs to packet)
    "wills --pendng"
      mqttd: inspect: unknown flag --pendng (did you mean --pending?)
    "wills --which fired"
      mqttd: inspect: unknown flag --which (see mqttd inspect --help)
    "wills --pending --fired"
      mqttd: --pending and --fired exclude each other (give one of them)
    "wills --expect fired"
      mqttd: --expect: found "fired", allowed: published, discarded or cancelled
    "wills --fired --wait 5s"
      mqttd: --wait waits for any fate (use --expect for the one it should be)
    "wills --wait soon"
      mqttd: --wait: found "soon", allowed: seconds, or a duration like "500ms", "90s" or "2m", up to 600s
    "wills --wait 11m"
      mqttd: --wait: found "11m", allowed: seconds, or a duration like "500ms", "90s" or "2m", up to 600s
    "wills --limit 0"
      mqttd: --limit: found "0", allowed: a number from 1 to 1000000
    "wills --limit many"
      mqttd: --limit: found "many", allowed: a number from 1 to 1000000
    "clients --timeout never"
      mqttd: --timeout: found "never", allowed: seconds, or a duration like "500ms", "90s" or "2m", up to 600s
    "subscriptions home/#"
      mqttd: subscriptions: found "home/#", allowed: a topic, which has no wildcards
    "subscriptions home/x --limit 3"
      mqttd: subscriptions TOPIC has no flag --limit
    "tail --event conected"
      mqttd: --event: found "conected", allowed: the name of an event (did you mean connected?)
    "--watch abc"
      mqttd: --watch: found "abc", allowed: seconds, a duration like "500ms" or "2m", or no value (mqttd inspect [VERB] --watch 5s)
    "wills --watch abc"
      mqttd: --watch: found "abc", allowed: seconds, a duration like "500ms" or "2m", or no value (mqttd inspect [VERB] --watch 5s)
    "wills --watch=abc"
      mqttd: --watch: found "abc", allowed: seconds, or a duration like "500ms", "90s" or "2m", up to 3600s
    "--watch wlils"
      mqttd: inspect: unknown verb "wlils" (did you mean wills?)
    "wills --data nowhere"
      mqttd: --data nowhere: there is no such folder (name another folder)
    "wills --data package.json"
      mqttd: --data package.json: it is a file, not a folder (name another folder)
    "wills --data src"
      mqttd: --data src: there is no mqttd.db in this folder (name another folder)
    "drop a --how fin"
      mqttd: --how: found "fin", allowed: rst or silent
    "log trace"
      mqttd: log: found "trace", allowed: error, warn, info, debug
    "log inof"
      mqttd: log: found "inof", allowed: error, warn, info, debug (did you mean info?)
    "packet c0 0"
      mqttd: packet: the argument is 3 hexadecimal digits, an odd number, and there is no file of that name
    "packet c0 zz"
      mqttd: packet: there is no file "c0 zz", and it is not hexadecimal such as "c0 00"
    "packet nofile.bin"
      mqttd: packet: there is no file "nofile.bin", and it is not hexadecimal such as "c0 00"
    "packet c000 -V 6"
      mqttd: --protocol: found "6", allowed: 5, 3.1.1 or 3.1
    "packet c000 --from broker"
      mqttd: --from: found "broker", allowed: client or server
    "--color sometimes"
      mqttd: --color: found "sometimes", allowed: "auto", "always" or "never"
    "--admin localhost"
      mqttd: --admin: found "localhost", allowed: a port, or http[s]://HOST:PORT
    "--admin http://h/v1"
      mqttd: --admin: found "http://h/v1", allowed: a port, or http[s]://HOST:PORT
    "--admin http://user:pw@h"
      mqttd: --admin: found "http://user:pw@h", allowed: a port, or http[s]://HOST:PORT
    "--admin 70000"
      mqttd: --admin: found "70000", allowed: a port, or http[s]://HOST:PORT
    "--admin mqtt://localhost:1883"
      mqttd: --admin: found "mqtt://localhost:1883", allowed: a port, or http[s]://HOST:PORT
    "--admin http://\\u001b[2J"
      mqttd: --admin: found "http://\\u001b[2J", allowed: a port, or http[s]://HOST:PORT
    "--token-file none --admin 1"
      mqttd: can't read the token in "none": no such file
    "
  `);
});

test("an event unlike any other: the error lists all events", async () => {
  const { code, stderr } = await mqttd(["inspect", "tail", "--event", "birthday"]);
  const names = eventNames.join(", ");
  const error = '--event: found "birthday", allowed: the name of an event';
  expect({ code, stderr }).toEqual({ code: 2, stderr: `mqttd: ${error} (there are ${names})\n` });
});

test("packet: bytes from the command line, a file, standard input", async () => {
  const file = "c000";
  const told = async (word: string[], given: Parameters<typeof mqttd>[1] = {}): Promise<string> => {
    const { code, stdout, stderr } = await mqttd(["inspect", "packet", ...word], given);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return stdout;
  };
  const typed = await told(["c0", "00", "-V", "3.1.1"]);
  expect(typed).toMatchInlineSnapshot(`
    "PINGREQ from a client, 2 bytes at offset 0, MQTT 3.1.1 (by -V)
      0                      Fixed header
      0  c0                    Type and flags
         1100 ....               Packet type: 12 (PINGREQ)
         .... 0000               Flags: 0
      1  00                    Remaining Length: 0

    No violation.
    "
  `);
  expect(await told(["c000", "--protocol", "mqttv311"])).toBe(typed);
  const files = { "ping.hex": file, c000: "d000", "./c000": "d000" };
  expect(await told(["ping.hex", "-V", "4"], { files })).toBe(
    `ping.hex: hexadecimal, 2 bytes\n\n${typed}`,
  );
  expect(await told(["-", "-V", "4"], { input: file })).toBe(
    `standard input: hexadecimal, 2 bytes\n\n${typed}`,
  );
  // Digits are hexadecimal digits, even if a file has that name.
  expect(await told(["c000", "-V", "4"], { files })).toBe(typed);
  expect(await told(["./c000"], { files })).toContain("PINGRESP from a server");
  expect(await told(["c000", "--from", "server", "-V", "4"])).toContain("1 violation");
  const { packets, ...source } = JSON.parse(await told(["ping.hex", "--json"], { files }));
  expect(source).toEqual({
    ...{ file: "ping.hex", form: "hexadecimal", dumps: 1, bytes: 2, headerBytes: 0 },
    streams: [{ connection: 0, name: null, from: null, bytes: 2, missing: 0, webSocketFrames: 0 }],
  });
  expect(packets).toMatchObject([{ type: "PINGREQ", offset: 0, stream: 0, violations: [] }]);
  // Bytes as programs print them, typed in one argument.
  for (const word of ["<Buffer c0 00>", "{192, 0}", "\\xc0\\x00", "b'\\xc0\\0'"]) {
    expect(await told([word, "-V", "3.1.1"]), word).toBe(typed);
  }
});

test("packet: a password is shown only with --secrets", async () => {
  const connect = "101600044d51545404c2003c000161000162000473336372";
  const hidden = await mqttd(["inspect", "packet", connect]);
  expect(hidden.stdout).toContain("00 04 ..");
  expect(hidden.stdout.replaceAll(" ", "")).not.toContain("73336372");
  const json = await mqttd(["inspect", "packet", connect, "--json"]);
  expect(json.stdout).not.toContain("73336372");
  for (const more of [[], ["--json"]]) {
    const shown = await mqttd(["inspect", "packet", connect, "--secrets", ...more]);
    expect(shown.stdout.replaceAll(" ", "")).toContain("73336372");
  }
});

test("packet: several connections, at 40 columns too", async () => {
  const dump = (port: string, data: string): string =>
    [
      "IP 10.0.0.1.43808 > 10.0.0.2.1883: Flags [P.]",
      `\t0x0000:  4500 002a 1c46 4000 4006 0000 0a00 0001`,
      `\t0x0010:  0a00 0002 ${port} 075b 0000 0001 0000 0001`,
      `\t0x0020:  5018 0200 0000 0000 ${data}`,
      "",
    ].join("\n");
  const input = dump("ab20", "c000") + dump("ab21", "e000");
  const given = { input, columns: 40, env: { NO_COLOR: "1" } };
  const { stdout } = await mqttd(["inspect", "packet", "-"], given);
  expect(stdout).toMatchInlineSnapshot(`
    "standard input: 2 hex dumps of tcpdump,
    4 bytes, 2 connections with MQTT;
    80 bytes of headers skipped

    10.0.0.1:43808 > 10.0.0.2:1883,
    2 bytes

    PINGREQ from a client, 2 bytes at
    offset 0, the same in MQTT 3.1, 3.1.1
    and 5.0
      0  Fixed header
      0    Type and flags
             Packet type: 12 (PINGREQ)
             Flags: 0
      1    Remaining Length: 0

    10.0.0.1:43809 > 10.0.0.2:1883,
    2 bytes

    DISCONNECT from a client, 2 bytes at
    offset 0, the same in MQTT 3.1, 3.1.1
    and 5.0
      0  Fixed header
      0    Type and flags
             Packet type: 14 (DISCONNECT)
             Flags: 0
      1    Remaining Length: 0

    No violation.
    "
  `);
  const both = await mqttd(["inspect", "packet", "-", "--json"], { input });
  expect(JSON.parse(both.stdout).streams).toHaveLength(2);
});

test("packet: what can't be read, or is no packet", async () => {
  const files = {
    ...{ "notes.txt": "nothing of the sort\n", empty: "", many: "c0 00 ".repeat(10_001) },
    "dump.pcap": "\n\r\r\n".padEnd(40, "x"),
    "a b.bz2": "BZh91AY",
    "half.txt": "00000000: c000 c000\n00000010: c000\n",
    "upgrade.txt": "GET /mqtt HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
    "big.pcap": "\n\r\r\n".padEnd(1_100_000, "x"),
    "big.txt": "c0 00 ".repeat(200_000),
  };
  const lines: string[] = [];
  for (const name of Object.keys(files)) {
    const { code, stdout, stderr } = await mqttd(["inspect", "packet", name], { files });
    expect({ name, code, stdout }).toEqual({ name, code: 2, stdout: "" });
    lines.push(stderr);
  }
  expect(`\n${lines.join("")}`).toMatchInlineSnapshot(`
    "
    mqttd: packet: notes.txt contains text that is not hexadecimal (allowed: raw bytes, hexadecimal, an array or a string of source code, dumps of xxd, hexdump, od, Wireshark or tcpdump -x)
    mqttd: packet: empty is empty
    mqttd: packet: found more than 10000 packets (pass a part of them)
    mqttd: packet: dump.pcap is a pcapng capture (tshark -r dump.pcap -q -z follow,tcp,hex,0 | mqttd inspect packet -, or tcpdump -r dump.pcap -x tcp port 1883 | mqttd inspect packet -)
    mqttd: packet: a b.bz2 is a bzip2 file (bzip2 -dc 'a b.bz2' | mqttd inspect packet -)
    mqttd: packet: half.txt contains a hex dump of xxd with a gap: line 2: found offset 0x10, expected 0x4 (allowed: raw bytes, hexadecimal, an array or a string of source code, dumps of xxd, hexdump, od, Wireshark or tcpdump -x)
    mqttd: packet: upgrade.txt is HTTP without WebSocket frames (pass the WebSocket frames that follow it, or capture the MQTT port)
    mqttd: packet: big.pcap is a pcapng capture (tshark -r big.pcap -q -z follow,tcp,hex,0 | mqttd inspect packet -, or tcpdump -r big.pcap -x tcp port 1883 | mqttd inspect packet -)
    mqttd: packet: big.txt is larger than 1 MiB (pass a part of it)
    "
  `);
});

test("mqttd inspect --help", async () => {
  const { stdout } = await mqttd(["inspect", "--help"]);
  expect(`\n${stdout}`).toMatchInlineSnapshot(`
    "
    Usage: mqttd inspect [VERB] [FLAGS]

    Queries the broker on this machine, or the one that --admin names. Without a
    VERB: one screen about it.

    Flags:
          --watch [TIME]     show it again every TIME, until Ctrl-C (default 2s)
          --admin WHERE      port or URL of the broker's administration
          --token-file FILE  file with its token, if it requires one
          --cafile FILE      PEM file with the CA of its certificate, if it speaks
                             HTTPS (default: the run file knows it)
          --timeout TIME     how long an answer may take (default 5s)
          --json             print JSON, on one line
          --color WHEN       auto, always or never (default auto)
      -h, --help             show this help

    Verbs:
      clients                connected clients and stored sessions
      client ID              one client: the live deadline, pings, queue, will,
                             events
      wills                  each will with its fate
      sessions               the session of each client id
      subscriptions [TOPIC]  all subscriptions; with a topic: who would get a
                             message, and why
      retained [FILTER]      retained messages (default #)
      messages [FILTER]      the last messages (default #)
      acl                    may this client read or write that topic, by which line
      config                 each setting, and where it comes from
      store                  the store of serve --data: size, commits, failures
      explain ID             why its will did (not) fire, and what to change
      lint                   habits of clients that make wills go wrong
      tail                   events as they happen, until Ctrl-C
      packet HEX|FILE|-      MQTT packets as a tree, each violation with its
                             statement
      kick ID                close a client's connection
      drop ID                break a client's connection as the network would
      reload                 reload the configuration
      log LEVEL              change the log level: error, warn, info, debug

      mqttd inspect VERB --help shows the flags of a verb, and examples.

    Which broker:
      --admin, else MQTTD_ADMIN, else the one with a run file in MQTTD_RUN_DIR
      (default: a folder of this user). Its token: --token-file, else
      MQTTD_TOKEN_FILE, else the file that the run file names.

    Exit codes:
      0         done, or the expectation was met
      1         another fate; no connection to kick or drop; lint: a habit is proved
      2         usage, no such client, or several brokers on this machine
      3         no broker, or it stopped before the end
      4         refused, or the answer of another program
      5         timed out
      70        internal fault of mqttd
      130, 143  ended by SIGINT, SIGTERM

    Statements:
      [v4-3.1.2-24] is statement MQTT-3.1.2-24 of the OASIS standard MQTT Version
      3.1.1, section 3.1.2; v5 means MQTT Version 5.0. Both are free to read at
      docs.oasis-open.org/mqtt. mqttd rule v4-3.1.2-24 shows it in our own words.

    Examples:
      mqttd inspect
      mqttd inspect explain dev-42
      mqttd inspect packet c0 00
      mqttd inspect wills --client dev-42 --wait 5s --expect published
    "
  `);
});
