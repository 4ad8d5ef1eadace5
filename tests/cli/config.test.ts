import { afterAll, expect, test } from "bun:test";
import fc from "fast-check";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { configSchema } from "../../src/config/schema.ts";
import { templateText } from "../../src/config/template.ts";
import { loaded } from "../config/sources.ts";
import { mqttd } from "./surroundings.ts";

const folder = mkdtempSync(path.join(tmpdir(), "mqttd-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

const place = (): string => mkdtempSync(path.join(folder, "c-"));

async function config(args: readonly string[], given: Parameters<typeof mqttd>[1] = {}) {
  const { code, stdout, stderr } = await mqttd(["config", ...args], given);
  return { code, stdout, stderr };
}

test("init writes a file that changes nothing, and a schema beside it", async () => {
  const file = path.join(place(), "mqttd.jsonc");
  expect(await config(["init", file])).toEqual({
    code: 0,
    stdout:
      `wrote ${file}, and ${path.join(path.dirname(file), "mqttd.schema.json")} for editors\n` +
      `next: mqttd config check ${file}\n`,
    stderr: "",
  });
  const text = readFileSync(file, "utf8");
  expect(await config(["init", "-"])).toEqual({ code: 0, stdout: text, stderr: "" });
  const { $schema, ...values } = loaded({ files: { "mqttd.json": text } }).config;
  expect($schema).toBe("./mqttd.schema.json");
  expect(values).toEqual(configSchema.parse({}));
  const schema = readFileSync(path.join(path.dirname(file), "mqttd.schema.json"), "utf8");
  expect(await config(["schema"])).toEqual({ code: 0, stdout: schema, stderr: "" });
});

test("init keeps a file that is there, and its second file too", async () => {
  const [at, other] = [place(), place()];
  const file = path.join(at, "mine.jsonc");
  writeFileSync(file, "{}");
  expect(await config(["init", file])).toEqual({
    code: 2,
    stdout: "",
    stderr: `mqttd: config init: ${file} exists (--force overwrites it)\n`,
  });
  expect(readdirSync(at)).toEqual(["mine.jsonc"]);
  expect(readFileSync(file, "utf8")).toBe("{}");

  writeFileSync(path.join(other, "mqttd.schema.json"), "mine");
  const refused = await config(["init", path.join(other, "a.jsonc")]);
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toContain("mqttd.schema.json exists");
  expect(readdirSync(other)).toEqual(["mqttd.schema.json"]);

  expect(await config(["init", file, "--force"])).toMatchObject({ code: 0 });
  expect(readdirSync(at).sort()).toEqual(["mine.jsonc", "mqttd.schema.json"]);
  // A second file in a folder finds the schema that the first one wrote.
  expect(await config(["init", path.join(at, "second.jsonc")])).toMatchObject({ code: 0 });
});

test("init refuses a second file of the usual names", async () => {
  expect(await config(["init"], { files: { "mqttd.json": "{}" } })).toEqual({
    code: 2,
    stdout: "",
    stderr:
      "mqttd: config init: mqttd.json exists, and mqttd serve takes one of both " +
      "(mqttd config check mqttd.json)\n",
  });
});

test("init names a folder that is not there", async () => {
  const file = path.join(folder, "nowhere", "mqttd.jsonc");
  const { code, stdout, stderr } = await config(["init", file]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toStartWith(`mqttd: can't write ${file}: `);
});

/** The commented keys of the template, by line. */
const template = templateText("./mqttd.schema.json").split("\n");
const commentedKeys = template.flatMap((line, at) => (/^ *\/\/ "/.test(line) ? [at] : []));

test("each commented key of the template is valid, alone and with others: its default, or an example that changes something", () => {
  const before = loaded({}).settings;
  expect(commentedKeys.length).toBeGreaterThan(15);
  expect(template.filter((line) => line.endsWith("// an example"))).toHaveLength(6);
  fc.assert(
    fc.property(fc.subarray(commentedKeys), (lines) => {
      const text = template
        .map((line, at) => (lines.includes(at) ? line.replace("// ", "") : line))
        .join("\n");
      const after = loaded({ files: { "mqttd.json": text } }).settings;
      const hasExample = lines.some((at) => template[at]?.endsWith("// an example") === true);
      if (hasExample) expect(after).not.toEqual(before);
      else expect(after).toEqual(before);
    }),
  );
});

test("check prints ok and warnings as serve --test-config does", async () => {
  const files = { "mqttd.jsonc": '{"auth":{"allowAnonymous":false}}' };
  const outcome = await config(["check"], { files });
  expect(outcome.stdout).toBe("ok: mqttd.jsonc\n");
  expect(outcome.stderr).toContain("warning: listeners.0 (port 1883) refuses every client");
  const { code, stdout, stderr } = await mqttd(["serve", "-t"], { files });
  expect(outcome).toEqual({ code, stdout, stderr });
  expect(await config(["check", "mqttd.jsonc", "--set", "log.level=debug"], { files })).toEqual({
    code: 0,
    stdout: "ok: mqttd.jsonc and --set log.level\n",
    stderr: outcome.stderr,
  });
});

test("check names every error of every source at once, and exits with 2", async () => {
  const files = { "a.json": '{\n  "limits": { "qos": 7, "packetsize": 1 }\n}' };
  const env = { MQTTD_LOG__LEVEL: "loud" };
  const outcome = await config(["check", "a.json", "--set", "sys.interval=5"], { files, env });
  expect(`\n${outcome.stderr}`).toMatchInlineSnapshot(`
    "
    mqttd: a.json:2:22 limits.qos: found 7, allowed: 0, 1 or 2
    mqttd: a.json:2:25 limits.packetsize: unknown key, did you mean limits.packetSize?
    mqttd: MQTTD_LOG__LEVEL: found "loud", allowed: "error", "warn", "info" or "debug"
    mqttd: --set sys.interval: found "5", allowed: a duration with its unit, like "500ms", "90s" or "2h" (units: ms, s, m, h, d) or "off"
    "
  `);
  expect(outcome).toMatchObject({ code: 2, stdout: "" });
});

test("check names the problems of all files that the configuration names, and where it does", async () => {
  const missing = (file: string): string => `nowhere/${file}`;
  const tls = { cert: missing("a.crt"), key: missing("a.key") };
  const text = JSON.stringify({
    listeners: [
      { transport: "tls", tls, aclFile: missing("b.acl") },
      { transport: "unix", path: missing("a.sock") },
    ],
    auth: { passwordFile: missing("a.passwd"), aclFile: missing("a.acl") },
    admin: { tokenFile: missing("a.token") },
    store: { path: "/dev/null/store" },
  });
  const outcome = await config(["check", "a.json"], { files: { "a.json": text } });
  expect(outcome).toMatchObject({ code: 2, stdout: "" });
  const keys = {
    [tls.cert]: "listeners.0.tls.cert",
    [tls.key]: "listeners.0.tls.key",
    [missing("b.acl")]: "listeners.0.aclFile",
    [missing("a.sock")]: "listeners.1.path",
    [missing("a.passwd")]: "auth.passwordFile",
    [missing("a.acl")]: "auth.aclFile",
    [missing("a.token")]: "admin.tokenFile",
    "/dev/null/store": "store.path",
  };
  const lines = outcome.stderr.trimEnd().split("\n");
  const places = lines.map((line) => line.slice(0, line.indexOf(": ", "mqttd: ".length)));
  expect(places.toSorted()).toEqual(
    Object.entries(keys)
      .map(([file, key]) => `mqttd: a.json:1:${text.indexOf(JSON.stringify(file)) + 1} ${key}`)
      .toSorted(),
  );
  const json = await config(["check", "a.json", "--json"], { files: { "a.json": text } });
  const { ok, problems } = JSON.parse(json.stdout);
  expect({ code: json.code, ok, stderr: json.stderr }).toEqual({ code: 2, ok: false, stderr: "" });
  expect(problems.map((line: string) => `mqttd: ${line}\n`).join("")).toBe(outcome.stderr);
});

test("print --origin names the flag, the variable, the line or the default that won", async () => {
  const files = {
    "mqttd.json":
      '{\n"limits": { "qos": 1, "packetSize": 65536 },\n"auth": {"aclFile": "a.acl"}\n}',
  };
  const env = { MQTTD_LIMITS__QOS: "2", MQTTD_LIMITS__RETAIN: "false" };
  const { code, stdout, stderr } = await config(
    ["print", "--origin", "--set", "limits.retain=true"],
    { files, env },
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const line = (key: string) => stdout.split("\n").find((text) => text.startsWith(`${key} `));
  const words = (key: string) => line(key)?.split(/ {2,}/).slice(1);
  expect(words("limits.qos")).toEqual(["2", "MQTTD_LIMITS__QOS"]);
  expect(words("limits.retain")).toEqual(["true", "--set limits.retain"]);
  expect(words("limits.packetSize")).toEqual(["64KiB", "mqttd.json:2:37"]);
  expect(words("limits.keepAliveMax")).toEqual(["never", "default"]);
  expect(words("listeners.0.port")).toEqual(["1883", "default"]);
  // What an absent key means, and which key decides it.
  expect(words("listeners.0.aclFile")).toEqual(["a.acl", "auth.aclFile (mqttd.json:3:21)"]);
  expect(words("listeners.0.allowAnonymous")).toEqual(["true", "auth.passwordFile (default)"]);
  const plain = await config(["print"], { files, env });
  expect(plain.stdout).not.toContain("mqttd.json:");
  expect(plain.stdout.split("\n")).toHaveLength(stdout.split("\n").length);
});

test("print --json has the value as written, its source and its origin", async () => {
  const { stdout } = await config(["print", "--json", "--set", "limits.packetSize=64KiB"]);
  const { file, values } = JSON.parse(stdout);
  expect(file).toBeNull();
  expect(values).toContainEqual({
    path: "limits.packetSize",
    value: "64KiB",
    source: "flag",
    origin: "--set limits.packetSize",
  });
  expect(values).toContainEqual({
    path: "sys.interval",
    value: "10s",
    source: "default",
    origin: "default",
  });
});

test("check, and serve --test-config, look at the files of a configuration that is not valid", async () => {
  const text = `{
  "listeners": [{ "passwordFile": "none.pw" }, { "port": 1884 }, { "port": 1884 }],
  "auth": { "aclFile": "none.acl" },
  "limits": { "packetSize": "much" }
}`;
  const files = { "a.json": text };
  for (const args of [
    ["config", "check", "a.json"],
    ["serve", "--config", "a.json", "--test-config"],
  ]) {
    const { code, stderr } = await mqttd(args, { files });
    expect({ code, lines: stderr.split("\n").map((line) => line.slice(0, 58)) }).toEqual({
      code: 2,
      lines: [
        'mqttd: a.json:4:29 limits.packetSize: found "much", allowed',
        "mqttd: a.json:2:35 listeners.0.passwordFile: none.pw: can't read",
        "mqttd: a.json:3:24 auth.aclFile: none.acl: can't read the ",
        "",
      ].map((line) => line.slice(0, 58)),
    });
  }
  // Once its values are valid, what contradicts is told with the files too.
  const mended = { "a.json": text.replace('"much"', '"1MiB"') };
  const { stderr } = await config(["check", "a.json"], { files: mended });
  expect(stderr.split("\n")).toHaveLength(4);
  expect(stderr).toStartWith("mqttd: listeners.2: host and port are those of listeners.1");
  // A listener without its certificate has files that nobody can look at yet.
  const cut = {
    "a.json": '{ "listeners": [{ "transport": "tls" }], "auth": { "aclFile": "no" } }',
  };
  expect((await config(["check", "a.json"], { files: cut })).stderr.split("\n")).toHaveLength(3);
});

test("print shows errors as check does", async () => {
  const { code, stderr } = await config(["print", "--set", "limits.qos=3"]);
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: 'mqttd: --set limits.qos: found "3", allowed: 0, 1 or 2\n',
  });
});

test.each([
  [["chek"], 'config: unknown verb "chek" (did you mean check?)'],
  [["print", "--force"], "config print has no flag --force (it belongs to init, import)"],
  [["check", "a", "b"], 'config check: unexpected argument "b" (mqttd config check [FILE])'],
  [["check", "a", "-c", "b"], "config check: both a and --config name a file (name one)"],
  [["schema", "x"], 'config schema: unexpected argument "x" (mqttd config schema)'],
  [["import"], "config import: CONF is missing (mqttd config import CONF)"],
  [["import", "a.conf", "--out", ""], '--out: found "", allowed: the name of a file'],
  [["import", "a.conf"], "config import: a.conf: no such file"],
  [["check", ""], 'config check: found "", allowed: the name of a file'],
  [
    ["check", "--set", "x"],
    '--set: found "x", allowed: PATH=VALUE (for example --set limits.packetSize=64KiB)',
  ],
] as const)("wrong arguments: %p", async (args, text) => {
  expect(await config(args)).toEqual({ code: 2, stdout: "", stderr: `mqttd: ${text}\n` });
});

const mosquittoConf = "# house\nuser mosquitto\nlistener 1884 127.0.0.1\nallow_anonymous true\n";

test("import prints the configuration, and the account of each line on stderr", async () => {
  const { code, stdout, stderr } = await config(["import", "mosquitto.conf"], {
    files: { "mosquitto.conf": mosquittoConf },
  });
  expect(code).toBe(0);
  expect(`\n${stdout}${stderr}`).toMatchInlineSnapshot(`
    "
    // Written by mqttd config import; behind each value the line of mosquitto's configuration.
    {
      "listeners": [
        {
          "port": 1884, // mosquitto.conf:3
          "host": "127.0.0.1", // mosquitto.conf:3
        },
      ],
      "auth": {
        "allowAnonymous": true, // mosquitto.conf:4
      },
    }
    mosquitto.conf: read as mosquitto 2.x reads it; limits that no line sets are mqttd's own (mqttd config print)

    LINE  OPTION                   RESULT      WHAT BECOMES OF IT
    2     user mosquitto           not needed  mqttd does not change its user: start it as the one you want
    3     listener 1884 127.0.0.1  taken       listeners.0.port 1884, listeners.0.host 127.0.0.1
    4     allow_anonymous true     taken       auth.allowAnonymous true

    3 lines: 2 taken, 1 not needed, 0 not taken, 0 mistakes
    "
  `);
});

test("on a narrow terminal the account is a list that fits", async () => {
  const { stderr } = await config(["import", "mosquitto.conf"], {
    files: { "mosquitto.conf": mosquittoConf },
    columns: 40,
  });
  for (const line of stderr.split("\n")) expect(line.length).toBeLessThanOrEqual(40);
  expect(stderr.replace(/\s+/g, " ")).toContain("listeners.0.port 1884");
});

test("import keeps a file that is there", async () => {
  const file = path.join(place(), "mqttd.jsonc");
  writeFileSync(file, "{}");
  const given = { files: { "mosquitto.conf": mosquittoConf } };
  const refused = await config(["import", "mosquitto.conf", "--out", file], given);
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toEndWith(
    `mqttd: config import: ${file} exists (--force overwrites it)\n`,
  );
  expect(readFileSync(file, "utf8")).toBe("{}");
  const forced = await config(["import", "mosquitto.conf", "--out", file, "--force"], given);
  expect(forced).toMatchObject({ code: 0, stdout: "" });
  expect(forced.stderr).toEndWith(`wrote ${file}; next: mqttd config check ${file}\n`);
  expect(readFileSync(file, "utf8")).toContain('"port": 1884, // mosquitto.conf:3');
});
