import { expect, test } from "bun:test";
import { nearest } from "../../src/config/nearest.ts";
import { load } from "../../src/config/load.ts";
import { problems, sources } from "./sources.ts";

test("each error names file, line, column, path, the value and the allowed values", () => {
  const text = `{
  // Comments and a trailing comma are allowed.
  "$schema": "https://example.org/mqttd.json",
  "listeners": [
    { "port": 70000, "host": 5, "transport": "udp", "mountPoint": "a/#", "connections": 0 },
    { "port": "1883", "host": "a b", "allowAnonymous": "yes", "mountpoint": "" }
  ],
  "auth": { "allowAnonymous": 1 },
  "limits": {
    "connections": 1.5, "packetSize": "1 mb", "payloadSize": "1GiB", "keepAliveMax": 90,
    "sessionExpiryMax": "1500ms", "connectTimeout": "10", "stallTimeout": "never",
    "qos": 3, "retain": null, "queuedBytes": -1, "inflight": [], "receiveMaximum": {}, "packetsize": 1,
  },
  "tcp": { "keepAlive": "0s", "userTimeout": "never" },
  "log": { "level": "verbose", "colour": "auto" },
  "sys": "10s",
  "packetSize": 1, "nonsense": true
}`;
  expect(`\n${problems({ files: { "mqttd.jsonc": text } })}\n`).toMatchInlineSnapshot(`
    "
    mqttd.jsonc:5:15 listeners.0.port: found 70000, allowed: a port from 0 to 65535 (0 takes a free one)
    mqttd.jsonc:5:30 listeners.0.host: found 5, allowed: an address or a host name, or null for "127.0.0.1" and "::1"
    mqttd.jsonc:5:46 listeners.0.transport: found "udp", allowed: "tcp", "tls", "ws", "wss" or "unix"
    mqttd.jsonc:5:67 listeners.0.mountPoint: found "a/#", allowed: a topic prefix that ends with /, of up to 256 characters, without wildcards
    mqttd.jsonc:5:89 listeners.0.connections: found 0, allowed: a whole number from 1 to 10000000
    mqttd.jsonc:6:15 listeners.1.port: found "1883", allowed: a port from 0 to 65535 (0 takes a free one)
    mqttd.jsonc:6:31 listeners.1.host: found "a b", allowed: an address or a host name, or null for "127.0.0.1" and "::1"
    mqttd.jsonc:6:56 listeners.1.allowAnonymous: found "yes", allowed: true or false
    mqttd.jsonc:6:63 listeners.1.mountpoint: unknown key, did you mean listeners.1.mountPoint?
    mqttd.jsonc:8:31 auth.allowAnonymous: found 1, allowed: true or false
    mqttd.jsonc:10:20 limits.connections: found 1.5, allowed: a whole number from 1 to 10000000
    mqttd.jsonc:10:39 limits.packetSize: found "1 mb", allowed: bytes or a size like "64KiB" or "1MiB" (units: B, KiB, MiB, GiB)
    mqttd.jsonc:10:62 limits.payloadSize: found "1GiB", allowed: from 0B to 256MiB
    mqttd.jsonc:10:86 limits.keepAliveMax: found 90, allowed: a duration with its unit, like "500ms", "90s" or "2h" (units: ms, s, m, h, d) or "never"
    mqttd.jsonc:11:25 limits.sessionExpiryMax: found "1500ms", allowed: whole seconds from 0s to 4294967294s or "never"
    mqttd.jsonc:11:53 limits.connectTimeout: found "10", allowed: a duration with its unit, like "500ms", "90s" or "2h" (units: ms, s, m, h, d)
    mqttd.jsonc:11:75 limits.stallTimeout: found "never", allowed: a duration with its unit, like "500ms", "90s" or "2h" (units: ms, s, m, h, d)
    mqttd.jsonc:12:12 limits.qos: found 3, allowed: 0, 1 or 2
    mqttd.jsonc:12:25 limits.retain: found null, allowed: true or false
    mqttd.jsonc:12:46 limits.queuedBytes: found -1, allowed: bytes or a size like "64KiB" or "1MiB" (units: B, KiB, MiB, GiB)
    mqttd.jsonc:12:62 limits.inflight: found a list, allowed: a whole number from 1 to 65535
    mqttd.jsonc:12:84 limits.receiveMaximum: found an object, allowed: a whole number from 1 to 65535
    mqttd.jsonc:12:88 limits.packetsize: unknown key, did you mean limits.packetSize?
    mqttd.jsonc:14:25 tcp.keepAlive: found "0s", allowed: from 1s to 9h or "off"
    mqttd.jsonc:14:46 tcp.userTimeout: found "never", allowed: a duration with its unit, like "500ms", "90s" or "2h" (units: ms, s, m, h, d) or "off"
    mqttd.jsonc:15:21 log.level: found "verbose", allowed: "error", "warn", "info" or "debug"
    mqttd.jsonc:15:32 log.colour: unknown key, did you mean log.color?
    mqttd.jsonc:16:10 sys: found "10s", allowed: an object, { ... }
    mqttd.jsonc:17:3 packetSize: unknown key, did you mean limits.packetSize?
    mqttd.jsonc:17:20 nonsense: unknown key
    "
  `);
});

test("problems of the file, the environment and the flags are reported together", () => {
  expect(
    `\n${problems({
      files: { "mqttd.json": '{"limits":{"qos":9}}' },
      env: { MQTTD_LIMITS__PACKET_SIZE: "1 mb", MQTTD_LOG__LEVEL: "" },
      set: [
        "limits.qos=x",
        "limits.packetsize=1",
        "limits=1",
        "log.level=debug",
        "log.level=info",
        "=1",
      ],
    })}\n`,
  ).toMatchInlineSnapshot(`
    "
    mqttd.json:1:18 limits.qos: found 9, allowed: 0, 1 or 2
    MQTTD_LIMITS__PACKET_SIZE: found "1 mb", allowed: bytes or a size like "64KiB" or "1MiB" (units: B, KiB, MiB, GiB)
    MQTTD_LOG__LEVEL: found "", allowed: "error", "warn", "info" or "debug"
    --set limits.qos: found "x", allowed: 0, 1 or 2
    --set limits.packetsize: unknown key, did you mean limits.packetSize?
    --set limits: limits contains other keys, for example limits.connections, limits.sessions, limits.subscriptions
    --set log.level: given twice
    --set : unknown key
    "
  `);
});

test("an error in an overridden source is reported too", () => {
  const text = problems({ files: { "mqttd.json": '{"limits":{"qos":9}}' }, set: ["limits.qos=1"] });
  expect(text).toStartWith("mqttd.json:1:18 limits.qos: ");
});

test("keys given twice, and keys that objects have of their own, are errors", () => {
  const text = `{
  "limits": { "qos": 1, "retain": true, "qos": 2 },
  "__proto__": { "polluted": true }, "constructor": 1, "toString": 2,
  "limits": {}
}`;
  expect(`\n${problems({ files: { "mqttd.json": text } })}\n`).toMatchInlineSnapshot(`
    "
    mqttd.json:2:41 limits.qos: given twice, the first time in line 2
    mqttd.json:3:3 __proto__: unknown key
    mqttd.json:3:38 constructor: unknown key
    mqttd.json:3:56 toString: unknown key
    mqttd.json:4:3 limits: given twice, the first time in line 2
    "
  `);
  expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
});

test("flags and variables can't reach the machinery of objects", () => {
  for (const path of ["__proto__.polluted", "constructor.prototype.x", "limits.__proto__.x"]) {
    expect(problems({ set: [`${path}=1`] })).toBe(`--set ${path}: unknown key`);
  }
});

test("a list grows by one place at a time, whatever number is asked for", () => {
  expect(problems({ set: ["listeners.999999999.port=1"] })).toBe(
    "--set listeners.999999999.port: found listeners.999999999.port, " +
      "allowed: listeners.0 to listeners.1",
  );
  expect(problems({ env: { MQTTD_LISTENERS__2__PORT: "1" } })).toBe(
    "MQTTD_LISTENERS__2__PORT: found listeners.2.port, allowed: listeners.0 to listeners.1",
  );
  const many = JSON.stringify({
    listeners: Array.from({ length: 64 }, (_, i) => ({ port: i + 1 })),
  });
  expect(problems({ files: { "mqttd.json": many }, set: ["listeners.64.port=1"] })).toBe(
    "--set listeners.64.port: found listeners.64.port, allowed: listeners.0 to listeners.63",
  );
  expect(problems({ files: { "mqttd.json": '{"listeners":[]}' } })).toBe(
    "mqttd.json:1:14 listeners: found none, allowed: 1 to 64 listeners",
  );
});

test("two listeners of one address are an error; free ports are not", () => {
  const same = (text: string) => problems({ files: { "mqttd.json": `{"listeners":${text}}` } });
  expect(same("[{},{}]")).toBe(
    "listeners.1: host and port are those of listeners.0 (localhost:1883)",
  );
  expect(same('[{},{"host":"localhost"}]')).toContain("listeners.1");
  // localhost is both loopback addresses.
  expect(same('[{},{"host":"127.0.0.1"}]')).toBe(
    "listeners.1: host and port are those of listeners.0 (127.0.0.1:1883)",
  );
  expect(same('[{"host":"::1"},{}]')).toBe(
    "listeners.1: host and port are those of listeners.0 (::1:1883)",
  );
  expect(same('[{"port":0},{"port":0}]')).toBe("");
  expect(same('[{},{"host":"10.0.0.1"}]')).toBe("");
});

test("sizes that contradict each other are an error that names both", () => {
  expect(problems({ files: { "mqttd.json": '{"limits":{"controlPacketSize":"30MiB"}}' } })).toBe(
    'mqttd.json:1:32 limits.controlPacketSize: found "30MiB", allowed: at most limits.packetSize ("25MiB")',
  );
  expect(
    problems({
      env: { MQTTD_LIMITS__CONTROL_PACKET_SIZE: "2KiB" },
      set: ["limits.packetSize=1KiB"],
    }),
  ).toBe(
    'MQTTD_LIMITS__CONTROL_PACKET_SIZE: found "2KiB", allowed: at most limits.packetSize ("1KiB")',
  );
  expect(problems({ set: ["limits.unfinishedBytes=1MiB"] })).toBe(
    '--set limits.unfinishedBytes: found "1MiB", allowed: at least limits.packetSize ("25MiB")',
  );
});

test("a value that shows nothing is seen all the same", () => {
  const found = (value: string): string =>
    problems({ set: [`log.level=${value}`] }).replace(/^.*: found (.*), allowed.*$/, "$1");
  expect(["\u3164", "\u2800", "\u00a0", "\u200b", "e\u0301", "灯"].map(found)).toEqual([
    ...['"\\u3164"', '"\\u2800"', '"\\u00a0"', '"\\u200b"', '"e\u0301"', '"灯"'],
  ]);
});

test("no foreign text can begin a line, move the cursor or fill the screen", () => {
  const value = JSON.stringify(`\n\u001b[2J\u202e${"x".repeat(500)}`);
  const lines = problems({ files: { "mqttd.json": `{"log":{"level":${value},"\\n\\u009b":1}}` } });
  expect(`\n${lines}\n`).toMatchInlineSnapshot(`
    "
    mqttd.json:1:17 log.level: found "\\n\\u001b[2J\\u202exxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...", allowed: "error", "warn", "info" or "debug"
    mqttd.json:1:532 log.\\n\\u009b: unknown key
    "
  `);
});

test("many problems are counted, not all listed", () => {
  const keys = Array.from({ length: 60 }, (_, i) => `"zzzzzzz${i}":1`).join();
  const result = load(sources({ files: { "mqttd.json": `{${keys}}` } }));
  const told = result.ok ? [] : result.problems;
  expect(told).toHaveLength(51);
  expect(told.at(-1)).toBe("and 10 more");
});

test("the nearest word: swapped, missing, additional and wrong letters, other separators", () => {
  const words = ["packetSize", "payloadSize", "qos", "retain", "topicAliases"];
  const cases = {
    packetszie: "packetSize",
    packet_size: "packetSize",
    "payload-size": "payloadSize",
    retian: "retain",
    qso: "qos",
    topicAlias: "topicAliases",
    banana: null,
    "": null,
    ["x".repeat(100_000)]: null,
  };
  for (const [typed, meant] of Object.entries(cases)) expect(nearest(typed, words)).toBe(meant);
});

test.each([
  ["listeners.0.tls.caFile", "listeners.0.tls.ca"],
  ["listeners.0.tls.crlfile", "listeners.0.tls.crl"],
  ["listeners.0.tls.passphrase", "listeners.0.tls.passphraseFile"],
  ["listeners.0.certFile", "listeners.0.tls.cert"],
  ["listeners.0.acl_file", "listeners.0.aclFile"],
  ["auth.password_file", "auth.passwordFile"],
  ["admin.token", "admin.tokenFile"],
])("%s is %s", (typed, meant) => {
  expect(problems({ set: [`${typed}=a`] })).toBe(
    `--set ${typed}: unknown key, did you mean ${meant}?`,
  );
});

test("a socket's path that not every system takes whole is an error", () => {
  const set = (path: string) =>
    ["transport=unix", `path=${path}`].map((one) => `listeners.0.${one}`);
  expect(problems({ set: set("s".repeat(100)) })).toBe("");
  // Bytes, not letters.
  expect(problems({ set: set(`${"s".repeat(99)}ü`) })).toBe(
    `--set listeners.0.path: found "${"s".repeat(60)}...", allowed: the path of a socket, up to 100 bytes`,
  );
});
