import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fates, imported, lineOf, settingsIn } from "./imported.ts";

// Files in the manner in which users of mosquitto post theirs, with what each line has to become.

const posted = (name: string): Record<string, string> => ({
  [name]: readFileSync(path.join(import.meta.dir, "posted", name), "utf8"),
});

test("a file of a Raspberry Pi: persistence and log", async () => {
  const result = await imported(posted("01-pi-plain.conf"));
  expect(`\n${fates(result)}\n`).toMatchInlineSnapshot(`
    "
    2 needless
    4 taken
    5 taken store.path="/var/lib/mosquitto/"
    7 needless
    8 refused
    10 taken
    12 taken listeners.0.port=1883 listeners.0.host="::"
    13 taken auth.allowAnonymous=true
    "
  `);
  expect(lineOf(result, 10).warnings).toEqual([
    "this file is only a part: import it where the folder is",
  ]);
  expect(lineOf(result, 4).warnings).toEqual([
    "retained messages and sessions in mosquitto's own file do not come along: mqttd begins a new one",
  ]);
  expect(result.notes).toContain("anybody on the network may connect without a password");
  expect(settingsIn(result).listeners).toMatchObject([
    { port: 1883, host: "::", allowAnonymous: true },
  ]);
});

test("port and bind_address as in 1.x; 0 and -1 are no limits", async () => {
  const result = await imported(posted("02-old-1x-port.conf"));
  expect(`\n${fates(result)}\n`).toMatchInlineSnapshot(`
    "
    2 needless
    3 taken listeners.0.port=1883
    4 taken listeners.0.host="192.168.40.12"
    5 taken
    6 needless
    7 taken sys.interval="30s"
    8 needless
    9 needless
    10 taken
    11 taken
    12 needless
    13 taken limits.inflight=20
    14 taken limits.queuedMessages=100
    15 taken auth.allowAnonymous=true
    16 needless
    17 needless
    18 taken log.level="info"
    19 taken log.level="info"
    20 taken log.level="info"
    21 taken log.level="info"
    "
  `);
  const { listeners, limits, log } = settingsIn(result);
  expect(listeners).toMatchObject([
    { port: 1883, host: "192.168.40.12", allowAnonymous: true, connections: Infinity },
  ]);
  expect(limits).toMatchObject({ inflight: 20, queuedMessages: 100 });
  expect(limits.payloadSize).toBeGreaterThan(0);
  expect(log.level).toBe("info");
});

test("WebSocket, accounts and access list of a container", async () => {
  const gone = { isThere: false, problems: [], warnings: [] };
  const named = { "/mosquitto/config/passwd": gone };
  const result = await imported(posted("03-docker-ws.conf"), { named });
  expect(`\n${fates(result)}\n`).toMatchInlineSnapshot(`
    "
    2 taken listeners.0.port=1883 listeners.0.host="0.0.0.0"
    3 taken
    5 taken listeners.1.port=9001 listeners.1.host="::"
    6 taken listeners.1.transport="ws"
    7 refused
    8 needless
    10 taken auth.allowAnonymous=false
    11 taken auth.passwordFile="/mosquitto/config/passwd"
    12 taken auth.aclFile="/mosquitto/config/acl"
    13 taken
    14 taken store.path="/mosquitto/data/"
    15 needless
    16 needless
    17 needless
    18 taken log.level="debug"
    19 needless
    "
  `);
  expect(lineOf(result, 11).warnings).toContain("/mosquitto/config/passwd is not on this machine");
  expect(lineOf(result, 12).warnings.join()).toContain("makes mqttd refuse the CONNECT");
  const { listeners } = settingsIn(result);
  expect(listeners.map(({ transport, host }) => [transport, host])).toEqual([
    ["tcp", "0.0.0.0"],
    ["ws", "::"],
  ]);
  for (const { allowAnonymous, passwordFile, aclFile } of listeners) {
    expect({ allowAnonymous, passwordFile, aclFile }).toEqual({
      allowAnonymous: false,
      passwordFile: "/mosquitto/config/passwd",
      aclFile: "/mosquitto/config/acl",
    });
  }
});

test("certificates of clients, with settings of each listener", async () => {
  const result = await imported(posted("04-tls-mutual.conf"));
  expect(`\n${fates(result)}\n`).toMatchInlineSnapshot(`
    "
    1 taken
    4 taken listeners.0.port=1883 listeners.0.host="127.0.0.1"
    5 taken listeners.0.allowAnonymous=true
    8 taken listeners.1.port=8883 listeners.1.host="::"
    9 taken listeners.1.tls.ca="/etc/mosquitto/certs/plant-ca.pem"
    10 taken listeners.1.tls.cert="/etc/mosquitto/certs/broker.pem"
    11 taken listeners.1.tls.key="/etc/mosquitto/certs/broker.key"
    12 taken listeners.1.tls.crl="/etc/mosquitto/certs/revoked.pem"
    13 taken listeners.1.tls.requestCert=true
    14 taken listeners.1.tls.identityAsUsername=true
    15 taken listeners.1.tls.minVersion="TLSv1.2"
    16 refused
    17 taken listeners.1.allowAnonymous=false
    18 taken listeners.1.aclFile="/etc/mosquitto/acl-plant"
    19 taken listeners.1.connections=500
    20 taken listeners.1.mountPoint="plant7/"
    "
  `);
  expect(lineOf(result, 20).why).toContain("wills");
  const [inside, outside] = settingsIn(result).listeners;
  expect(inside).toMatchObject({
    host: "127.0.0.1",
    allowAnonymous: true,
    aclFile: null,
    tls: null,
  });
  expect(outside).toMatchObject({
    transport: "tls",
    port: 8883,
    allowAnonymous: false,
    aclFile: "/etc/mosquitto/acl-plant",
    mountPoint: "plant7/",
    connections: 500,
    tls: { requestCert: true, identityAsUsername: true, minVersion: "TLSv1.2" },
  });
});

test("a bridge: each line is named as part of it, its password never", async () => {
  const result = await imported(posted("05-bridge-cloud.conf"));
  expect(`\n${fates(result)}\n`).toMatchInlineSnapshot(`
    "
    1 taken listeners.0.port=1883 listeners.0.host="::"
    2 taken auth.allowAnonymous=true
    3 taken
    4 taken store.path="/var/lib/mosquitto/"
    6 refused
    7 refused
    8 refused
    9 refused
    10 refused
    11 refused
    12 refused
    13 refused
    14 refused
    15 refused
    16 refused
    17 refused
    18 refused
    19 refused
    20 refused
    21 refused
    22 refused
    23 refused
    "
  `);
  expect(lineOf(result, 6).why).toContain("nothing goes to or comes from mqtt.example.net:8883");
  for (const number of [7, 12, 22, 23]) {
    expect(lineOf(result, number).why).toBe("part of the bridge greenhouse-to-cloud (line 6)");
  }
  for (const number of [15, 16]) {
    expect(lineOf(result, number).why).toContain("its state on greenhouse/bridge/state (1, and 0");
  }
  expect(JSON.stringify(result)).not.toContain("not-a-real-one");
});

test("limits: 0 is none, and m is a month", async () => {
  const result = await imported(posted("06-limits.conf"));
  expect(`\n${fates(result)}\n`).toMatchInlineSnapshot(`
    "
    2 taken listeners.0.port=1883 listeners.0.host="::"
    3 taken listeners.0.allowAnonymous=true
    4 taken limits.keepAliveMax="5m"
    5 taken limits.packetSize="64KiB"
    6 taken limits.inflight=65535
    7 needless
    8 taken limits.queuedMessages=10000000
    9 taken limits.queuedBytes="10MiB"
    10 taken limits.queueQos0=true
    11 needless
    12 taken limits.sessionExpiryMax="60d"
    13 taken limits.qos=1
    14 taken limits.retain=true
    15 taken limits.topicAliases=20
    16 taken limits.memory="256MiB"
    17 needless
    18 taken sys.interval="off"
    "
  `);
  const { limits, sys, listeners } = settingsIn(result);
  expect(listeners).toMatchObject([{ host: "::", allowAnonymous: true }]);
  expect(limits).toMatchObject({
    keepAliveMaxSeconds: 300,
    packetSize: 65_536,
    inflight: 65_535,
    queuedMessages: 10_000_000,
    queuedBytes: 10_485_760,
    queueQos0: true,
    sessionExpiryMaxSeconds: 60 * 86_400,
    qos: 1,
    retain: true,
    topicAliases: 20,
    memory: 268_435_456,
  });
  expect(sys.intervalMs).toBe(0);
});

test("comments and quotes that belong to a name, and a file that is included", async () => {
  const result = await imported(posted("07-include-and-comments.conf"));
  expect(`\n${fates(result)}\n`).toMatchInlineSnapshot(`
    "
    2 taken
    3 taken listeners.0.port=1883 listeners.0.host="::"
    4 taken auth.allowAnonymous=false
    5 mistake
    6 mistake
    7 needless
    8 taken listeners.1.port=8883 listeners.1.host="::"
    9 mistake
    10 mistake
    11 taken log.level="error"
    "
  `);
  expect(lineOf(result, 5).why).toEndWith("write /etc/mosquitto/passwd");
  expect(lineOf(result, 9).why).toEndWith("write /etc/mosquitto/certs/house.pem");
  expect(lineOf(result, 11).warnings.join()).toContain("the first word of log_type only");
  const included = await imported({
    ...posted("07-include-and-comments.conf"),
    "/etc/mosquitto/conf.d/local.conf": "# ours\npassword_file /etc/mosquitto/local\n",
    "/etc/mosquitto/conf.d/readme.txt": "no configuration\n",
  });
  expect(included.accounts.map(({ file }) => path.basename(file))).not.toContain("readme.txt");
  const second = included.accounts.find(({ file, line }) => line === 5 && !file.includes("/"));
  expect(second?.why).toBe("given twice, the first time in /etc/mosquitto/conf.d/local.conf:2");
});

test("plugins that check passwords: nothing is written that lets clients in", async () => {
  const result = await imported(posted("08-plugin-dynsec.conf"));
  expect(`\n${fates(result)}\n`).toMatchInlineSnapshot(`
    "
    1 taken listeners.0.port=1883 listeners.0.host="0.0.0.0"
    2 taken
    3 taken auth.allowAnonymous=false
    4 refused (closes)
    5 refused
    6 refused (closes)
    7 refused
    8 refused
    9 refused
    10 needless
    11 taken
    12 taken store.path="/var/lib/mosquitto"
    13 needless
    14 needless
    "
  `);
  expect(result.text).toBeNull();
  expect(result.problems.join()).toStartWith("lines 4, 6: ");
  expect(lineOf(result, 9).why).toBe("a setting of the plugin in line 6");
  const rest = settingsIn(await imported(posted("08-plugin-dynsec.conf"), { rest: true }));
  expect(rest.listeners).toMatchObject([{ host: null, allowAnonymous: false }]);
});

test("each mistake is named, with the nearest right word; nothing is written, not even the rest", async () => {
  const result = await imported(posted("09-mistakes.conf"), { rest: true });
  expect(result.text).toBeNull();
  const mistakes = result.accounts.filter(({ fate }) => fate === "mistake");
  expect(`\n${mistakes.map(({ line, why }) => `${line} ${why}`).join("\n")}\n`)
    .toMatchInlineSnapshot(`
    "
    2 "Listener" is no option of mosquitto, did you mean listener?
    3 "allow_anonymus" is no option of mosquitto, did you mean allow_anonymous?
    4 found "yes", allowed: true or false (1 and 0 work too)
    5 "listener=1884" is no option: a space stands between listener and its value
    6 found 99999, allowed: a port from 1 to 65535, or 0 and the path of a socket
    8 found "websocket", allowed: mqtt, mqttsn, websockets, http_api, did you mean websockets?
    9 "persistance" is no option of mosquitto, did you mean persistence?
    11 found 30, allowed: a number with h, d, w, m (month) or y, the unit is missing
    12 the value of password_file is missing
    13 "max_queued_messages:" is no option: a space stands between max_queued_messages and its value
    15 given twice, the first time in line 14
    "
  `);
  expect(lineOf(result, 10).why).toContain("from 2.0.20 on");
});

test("a file with CR LF: a unix socket, IPv6, and lines that close what mqttd can't", async () => {
  const result = await imported(posted("10-crlf-unix-2.1.conf"));
  expect(`\n${fates(result)}\n`).toMatchInlineSnapshot(`
    "
    2 taken listeners.0.transport="unix" listeners.0.path="/run/mosquitto/mqtt.sock"
    3 needless
    4 taken listeners.1.port=1883 listeners.1.host="::1"
    5 needless
    6 needless
    7 taken auth.allowAnonymous=true
    8 taken
    9 refused
    10 needless
    11 refused (closes)
    12 taken store.path="mqttd-data"
    13 refused (closes)
    14 refused (closes)
    15 refused (closes)
    16 taken limits.sessions=200
    17 taken limits.connections=250
    18 needless
    19 refused
    20 needless
    "
  `);
  expect(result.text).toBeNull();
  const { listeners } = settingsIn(await imported(posted("10-crlf-unix-2.1.conf"), { rest: true }));
  expect(listeners).toMatchObject([
    { transport: "unix", path: "/run/mosquitto/mqtt.sock", allowAnonymous: false },
    { transport: "tcp", host: null, allowAnonymous: false },
  ]);
});
