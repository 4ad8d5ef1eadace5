import { expect, test } from "bun:test";
import { configKeys, dotted, valuePaths } from "../../src/config/keys.ts";
import { load } from "../../src/config/load.ts";
import { loaded, sources } from "./sources.ts";

const file = { "mqttd.json": '{\n  "limits": {\n    "inflight": 1, "qos": 1\n  }\n}' };
const env = { MQTTD_LIMITS__INFLIGHT: "2", MQTTD_LIMITS__RETAIN: "false" };

test("flag, environment, file, default: the first with a value wins", () => {
  const inflight = (given: Parameters<typeof loaded>[0]) => loaded(given).config.limits.inflight;
  expect(inflight({})).toBe(100);
  expect(inflight({ files: file })).toBe(1);
  expect(inflight({ files: file, env })).toBe(2);
  expect(inflight({ files: file, env, set: ["limits.inflight=3"] })).toBe(3);
});

test("origins name the source that won, for every value", () => {
  const { origins } = loaded({ files: file, env, set: ["listeners.0.port=1884"] });
  expect(origins.get("limits.inflight")).toEqual({
    source: "environment",
    name: "MQTTD_LIMITS__INFLIGHT",
  });
  expect(origins.get("limits.qos")).toEqual({ source: "file", name: "mqttd.json:3:27" });
  expect(origins.get("limits.packetSize")).toEqual({ source: "default", name: "" });
  expect(origins.get("listeners.0.port")).toEqual({
    source: "flag",
    name: "--set listeners.0.port",
  });
  const optional = [
    "listeners.0.allowAnonymous",
    "listeners.0.passwordFile",
    "listeners.0.aclFile",
    "listeners.0.origins.0",
    "listeners.0.connections",
    "auth.allowAnonymous",
  ];
  const every = valuePaths(configKeys(), 0).map(dotted);
  const isOptional = (path: string) =>
    optional.includes(path) || /^(?:admin|listeners\.0)\.(?:tls|proxyProtocol)\./.test(path);
  expect([...origins.keys()]).toEqual(every.filter((path) => !isOptional(path)));
});

test("a later source changes one key of a listener and keeps its others", () => {
  const { settings } = loaded({
    files: { "mqttd.json": '{"listeners":[{"port":1,"mountPoint":"a/"},{"port":2}]}' },
    env: { MQTTD_LISTENERS__1__PORT: "3" },
    set: ["listeners[0].host=0.0.0.0"],
  });
  expect(settings.listeners.map(({ port, host, mountPoint }) => [port, host, mountPoint])).toEqual([
    [1, "0.0.0.0", "a/"],
    [3, null, ""],
  ]);
});

test("the environment may add listeners, consecutively, ten and more", () => {
  const added = Array.from({ length: 12 }, (_, i): [string, string] => [
    `MQTTD_LISTENERS__${i}__PORT`,
    `${i + 1}`,
  ]);
  const { settings } = loaded({ env: Object.fromEntries(added.toReversed()) });
  expect(settings.listeners.map(({ port }) => port)).toEqual([
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
  ]);
});

test("a reload reports which values have changed", () => {
  const before = loaded({ files: file });
  const result = load(
    sources({ set: ["limits.qos=0", "listeners.0.connections=5"] }),
    before.config,
  );
  expect(result).toMatchObject({
    ok: true,
    changed: ["listeners.0.connections", "limits.inflight", "limits.qos"],
  });
  expect(load(sources({ files: file }), before.config)).toMatchObject({ changed: [] });
});

test("localhost means both loopback addresses, brackets are no part of an address", () => {
  const hostOf = (host: string) =>
    loaded({ set: [`listeners.0.host=${host}`] }).settings.listeners[0]?.host;
  expect(hostOf("localhost")).toBeNull();
  expect(hostOf("null")).toBeNull();
  expect(hostOf("[::1]")).toBe("::1");
  expect(hostOf("::")).toBe("::");
  expect(hostOf("10.0.0.1")).toBe("10.0.0.1");
});

test("where a password file applies, clients need a user name unless allowAnonymous says otherwise", () => {
  const rules = (text: string) =>
    loaded({ files: { "mqttd.json": text } }).settings.listeners.map((listener) => [
      listener.passwordFile,
      listener.allowAnonymous,
    ]);
  const three = '"listeners":[{},{"port":1,"passwordFile":null},{"port":2,"passwordFile":"b"}]';
  expect(rules(`{${three}}`)).toEqual([
    [null, true],
    [null, true],
    ["b", false],
  ]);
  expect(rules(`{"auth":{"passwordFile":"a"},${three}}`)).toEqual([
    ["a", false],
    [null, true],
    ["b", false],
  ]);
  const open = '"auth":{"passwordFile":"a","allowAnonymous":true}';
  expect(rules(`{${open}}`)).toEqual([["a", true]]);
});

test("a listener's own allowAnonymous wins over that of auth", () => {
  const { settings } = loaded({
    files: {
      "mqttd.json":
        '{"auth":{"allowAnonymous":false},"listeners":[{},{"port":1,"allowAnonymous":true}]}',
    },
  });
  expect(settings.listeners.map(({ allowAnonymous }) => allowAnonymous)).toEqual([false, true]);
});

test("a control packet is never larger than any packet, where only that was set", () => {
  const { settings } = loaded({ set: ["limits.packetSize=64KiB"] });
  expect(settings.limits).toMatchObject({ packetSize: 65_536, controlPacketSize: 65_536 });
});

test("units become plain numbers", () => {
  const { settings } = loaded({
    set: [
      "limits.packetSize=64KiB",
      "limits.payloadSize=1000",
      "limits.keepAliveMax=2h",
      "limits.sessionExpiryMax=0s",
      "limits.connectTimeout=500ms",
      "limits.stallTimeout=1m",
      "limits.outputBytes=2MiB",
      "tcp.keepAlive=off",
      "tcp.userTimeout=90s",
      "sys.interval=off",
    ],
  });
  expect(settings.limits).toMatchObject({
    packetSize: 65_536,
    payloadSize: 1000,
    keepAliveMaxSeconds: 7200,
    sessionExpiryMaxSeconds: 0,
    connectTimeoutMs: 500,
    stallTimeoutMs: 60_000,
  });
  expect(settings.outputBytes).toBe(2 * 1024 * 1024);
  expect(settings.tcp).toEqual({ keepAliveMs: 0, userTimeoutMs: 90_000 });
  expect(settings.sys).toEqual({ intervalMs: 0 });
  expect(loaded({ set: ["limits.keepAliveMax=never"] }).settings.limits.keepAliveMaxSeconds).toBe(
    Infinity,
  );
});
