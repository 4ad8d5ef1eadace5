import { expect, test } from "bun:test";
import type { ServeSettings } from "../../src/server/serve.ts";
import { mqttd } from "./surroundings.ts";

async function serving(
  args: readonly string[],
  given: Parameters<typeof mqttd>[1] = {},
): Promise<ServeSettings> {
  const { code, stdout, stderr, served } = await mqttd(["serve", ...args], given);
  const [settings] = served;
  if (settings === undefined || served.length > 1) throw new Error(stderr);
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "" });
  return settings;
}

test("without flags: the defaults, no ready file, no file", async () => {
  const { config, readyFile, file, color, logFormat, version } = await serving([]);
  expect({ readyFile, file, color, logFormat, version }).toEqual({
    readyFile: null,
    file: null,
    color: false,
    logFormat: "human",
    version: "1.2.3",
  });
  expect(config.listeners).toMatchObject([{ port: 1883, host: null }]);
});

test("every way to write the port", async () => {
  const ways = [["-p", "1884"], ["-p1884"], ["--port", "1884"], ["--port=1884"], ["-vp1884"]];
  for (const way of ways) {
    const { config } = await serving(way);
    expect(config.listeners).toMatchObject([{ port: 1884 }]);
  }
});

test("flags for keys", async () => {
  const { config, readyFile } = await serving([
    ...["--host", "0.0.0.0", "--set", "limits.packetSize=64KiB", "--set", "limits.qos=1"],
    ...["--log-level", "warn", "--ready-file", "ready"],
  ]);
  expect(config.listeners).toMatchObject([{ host: "0.0.0.0" }]);
  expect(config.limits).toMatchObject({ packetSize: 65_536, qos: 1 });
  expect(config.log.level).toBe("warn");
  expect(readyFile).toBe("ready");
});

test("-v logs more, however often; -q logs less", async () => {
  expect((await serving(["-v"])).config.log.level).toBe("debug");
  expect((await serving(["-vv", "--verbose"])).config.log.level).toBe("debug");
  expect((await serving(["-q"])).config.log.level).toBe("error");
});

test("the form of the log", async () => {
  const formats = async (terminal: boolean) => {
    const found: string[] = [];
    for (const format of ["human", "json", "auto"]) {
      found.push((await serving(["--log-format", format], { terminal })).logFormat);
    }
    return found;
  };
  expect(await formats(true)).toEqual(["human", "json", "human"]);
  expect(await formats(false)).toEqual(["human", "json", "json"]);
});

test("colours: the flag, the environment, the terminal of stderr", async () => {
  expect((await serving([], { terminal: true })).color).toBe(true);
  expect((await serving([], { terminal: true, env: { NO_COLOR: "1" } })).color).toBe(false);
  expect((await serving(["--color=always"])).color).toBe(true);
  expect((await serving(["--color", "never"], { terminal: true })).color).toBe(false);
  const files = { "mqttd.json": '{"log":{"color":"always"}}' };
  expect((await serving([], { files })).color).toBe(true);
});

test("a reload reads the same sources again and reports the changes", async () => {
  const files: Record<string, string> = { "a.json": '{"limits":{"qos":1}}' };
  const served = await serving(["-c", "a.json", "-p", "1884"], { files });
  let inForce = served.loaded.config;
  const reload = () => {
    const result = served.reload(inForce);
    if (result.ok) inForce = result.config;
    return result;
  };
  expect(served.file).toBe("a.json");
  expect(reload()).toMatchObject({ ok: true, changed: [] });

  files["a.json"] = '{"limits":{"qos":0},"listeners":[{"port":1}]}';
  const second = reload();
  expect(second).toMatchObject({ ok: true, file: "a.json", changed: ["limits.qos"] });
  expect(second.ok && second.settings.listeners[0]?.port).toBe(1884);
  expect(reload()).toMatchObject({ ok: true, changed: [] });

  files["a.json"] = '{"limits":{"qos":7}}';
  expect(reload()).toMatchObject({
    ok: false,
    file: "a.json",
    problems: ["a.json:1:18 limits.qos: found 7, allowed: 0, 1 or 2"],
  });
  delete files["a.json"];
  expect(reload()).toMatchObject({
    ok: false,
    problems: ["a.json: no such file (named by --config)"],
  });
  files["a.json"] = "{}";
  expect(reload()).toMatchObject({ ok: true, changed: ["limits.qos"] });
});

test("--test-config prints ok, or every problem, and does not serve", async () => {
  const good = { "mqttd.json": "{}" };
  expect(await mqttd(["serve", "-t"], { files: good })).toEqual({
    code: 0,
    stdout: "ok: mqttd.json\n",
    stderr: "",
    served: [],
    dropped: [],
    ...{ measured: [], published: [], subscribed: [], requested: [] },
  });
  const { stdout } = await mqttd(["serve", "--test-config"]);
  expect(stdout).toBe("ok: no configuration file, defaults\n");
  const flags = ["-p", "1884", "--set", "limits.qos=1", "--set", "listeners.0.host=::1"];
  const env = { MQTTD_LIMITS__RETAIN: "false", MQTTD_LIMITS__QOS: "2" };
  expect(await mqttd(["serve", "-t", ...flags], { env })).toMatchObject({
    stdout:
      "ok: no configuration file, defaults, --port, --set listeners.0.host, --set limits.qos " +
      "and MQTTD_LIMITS__RETAIN\n",
  });
  expect(await mqttd(["serve", "-t", "-q"], { files: good })).toMatchObject({
    stdout: "ok: mqttd.json and --quiet\n",
  });
  const bad = { "mqttd.json": '{"a":1,"b":2}' };
  expect(await mqttd(["serve", "-t"], { files: bad })).toEqual({
    code: 2,
    stdout: "",
    stderr: "mqttd: mqttd.json:1:2 a: unknown key\nmqttd: mqttd.json:1:8 b: unknown key\n",
    served: [],
    dropped: [],
    ...{ measured: [], published: [], subscribed: [], requested: [] },
  });
});

test("--test-config warns of a listener that refuses every client", async () => {
  const files = {
    "mqttd.json": '{"listeners":[{},{"port":1884,"allowAnonymous":false},{"port":1885}]}',
  };
  expect(await mqttd(["serve", "-t"], { files })).toMatchObject({
    code: 0,
    stdout: "ok: mqttd.json\n",
    stderr:
      "mqttd: warning: listeners.1 (port 1884) refuses every client: allowAnonymous is false, and " +
      "no password file applies; set auth.passwordFile (mqttd passwd creates one)\n",
  });
  const all = await mqttd(["serve", "-t", "--set", "auth.allowAnonymous=false"], { files });
  expect(all.stderr.trim().split("\n")).toHaveLength(3);
});
