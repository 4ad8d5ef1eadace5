import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beginningBytes, fileMax, readConfigFile } from "../../src/config/file.ts";
import { loaded, problems } from "./sources.ts";

const folder = mkdtempSync(join(tmpdir(), "mqttd-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

const one = '{"limits":{"qos":1}}';

test("the locations of a file, in order", () => {
  const xdg = { XDG_CONFIG_HOME: "/xdg/", HOME: "/home/a" };
  const files = { "a.json": one, "b.json": one, "mqttd.jsonc": one, "/xdg/mqttd/config.json": one };
  const env = { MQTTD_CONFIG: "b.json", ...xdg };
  expect(loaded({ configFile: "a.json", env, files }).file).toBe("a.json");
  expect(loaded({ env, files }).file).toBe("b.json");
  expect(loaded({ env: { ...env, MQTTD_CONFIG: "" }, files }).file).toBe("mqttd.jsonc");
  const { "mqttd.jsonc": _, ...others } = files;
  expect(loaded({ env: xdg, files: others }).file).toBe("/xdg/mqttd/config.json");
  expect(loaded({ files: others }).file).toBeNull();
});

test("the user's file: XDG's default, and a relative path is ignored", () => {
  const files = { "/home/a/.config/mqttd/config.json": one, "rel/mqttd/config.json": "broken" };
  expect(loaded({ files, env: { HOME: "/home/a" } }).file).toBe(
    "/home/a/.config/mqttd/config.json",
  );
  const relative = { HOME: "/home/a", XDG_CONFIG_HOME: "rel" };
  expect(loaded({ files, env: relative }).file).toBe("/home/a/.config/mqttd/config.json");
});

test("both usual names in one folder are an error", () => {
  expect(problems({ files: { "mqttd.json": one, "mqttd.jsonc": one } })).toBe(
    "mqttd.json, mqttd.jsonc: both exist here; keep one, or name one with --config",
  );
});

test("comments, trailing commas and Windows line ends are allowed, and line numbers are right", () => {
  const text = '{\r\n  // why\r\n  "limits": { /* x */ "qos": 1, },\r\n}\r\n';
  expect(loaded({ files: { "mqttd.json": text } }).origins.get("limits.qos")?.name).toBe(
    "mqttd.json:3:30",
  );
});

const bytes = (...values: number[]) => Uint8Array.from([...values, 123, 125]);
const unusable = {
  empty: "",
  "white space": " \n\n",
  "only a comment": "// {}\n",
  "a list": "[]",
  "a string": '"x"',
  null: "null",
  "another format": "listener 1883\nallow_anonymous true\n",
  "a missing comma": '{\n  "limits": {}\n  "log": {}\n}',
  "several faults": '{\n  "limits": { "qos": 1,, },\n  "log": { level: "info" },\n  "sys": {',
  "an unended string": '{ "log": { "level": "info } }',
  "an unended comment": '{ "log": {} /* }',
  "two objects": "{} {}",
  "single quotes": "{ 'log': {} }",
  "a byte order mark": bytes(0xef, 0xbb, 0xbf),
  "UTF-16": bytes(0xff, 0xfe),
  "other text": bytes(0xe4),
  "too deep": `{"limits":${"[".repeat(400_000)}`,
  "too large": "x".repeat(fileMax + 1),
  missing: { type: "missing" },
  "a folder": { type: "folder" },
  unreadable: { type: "unreadable", why: "permission denied" },
} as const;

test("an unusable file: clear lines, and no stack", () => {
  const lines = Object.entries(unusable).map(([what, content]) => {
    const told = problems({ configFile: "my.json", files: { "my.json": content } });
    return `${what}:\n${told.replace(/^/gm, "  ")}\n`;
  });
  expect(`\n${lines.join("")}`).toMatchInlineSnapshot(`
    "
    empty:
      my.json: is empty; the smallest configuration is {}
    white space:
      my.json: is empty; the smallest configuration is {}
    only a comment:
      my.json: is empty; the smallest configuration is {}
    a list:
      my.json:1:1: found a list, allowed: an object, { ... }
    a string:
      my.json:1:1: found "x", allowed: an object, { ... }
    null:
      my.json:1:1: found null, allowed: an object, { ... }
    another format:
      my.json:1:1: is not JSON: a configuration starts with {
    a missing comma:
      my.json:3:3: not JSON: a comma is missing before this
    several faults:
      my.json:2:24: not JSON: a key in double quotes is missing here
      my.json:3:12: not JSON: this is neither a string in double quotes, a number, true, false nor null
      my.json:4:11: not JSON: a closing } is missing here
    an unended string:
      my.json:1:21: not JSON: this string does not end
    an unended comment:
      my.json:1:13: not JSON: this comment does not end
    two objects:
      my.json:1:4: not JSON: nothing may follow the closing }
    single quotes:
      my.json:1:3: not JSON: this is neither a string in double quotes, a number, true, false nor null
    a byte order mark:
      my.json: starts with a byte order mark (BOM), allowed: UTF-8 without it
    UTF-16:
      my.json: is UTF-16, allowed: UTF-8
    other text:
      my.json: is not UTF-8 text
    too deep:
      my.json:1:42: more than 32 levels deep
    too large:
      my.json: is larger than 1 MiB, too large for a configuration
    missing:
      my.json: no such file (named by --config)
    a folder:
      my.json: is a folder, allowed: a file
    unreadable:
      my.json: can't be read: permission denied
    "
  `);
});

test("an empty name is an error", () => {
  expect(problems({ configFile: "" })).toBe('--config: found "", allowed: the name of a file');
});

test("reading the disk: the result for each kind of path", () => {
  const path = (name: string) => join(folder, name);
  writeFileSync(path("full.json"), one);
  writeFileSync(path("large.json"), new Uint8Array(fileMax + 1));
  writeFileSync(path("just.json"), new Uint8Array(fileMax));
  mkdirSync(path("folder"));
  chmodSync(path("full.json"), 0o640);
  expect(readConfigFile(path("full.json"))).toEqual({
    type: "read",
    bytes: new TextEncoder().encode(one),
    ...(process.platform !== "win32" && { mode: 0o100640 }),
  });
  expect(readConfigFile(path("large.json"))).toMatchObject({ type: "too large" });
  expect(readConfigFile(path("just.json")).type).toBe("read");
  expect(readConfigFile(path("folder"))).toEqual({ type: "folder" });
  expect(readConfigFile(path("none.json"))).toEqual({ type: "missing" });
  expect(readConfigFile(path("full.json/none"))).toEqual({ type: "missing" });
  expect(readConfigFile(path("x".repeat(5000)))).toEqual({
    type: "unreadable",
    why: "its name is too long",
  });
  expect(readConfigFile("a\u0000b").type).toBe("unreadable");
});

test("an endless file is read up to the limit", () => {
  if (process.platform === "win32") return;
  expect(readConfigFile("/dev/zero")).toEqual({
    type: "too large",
    beginning: new Uint8Array(beginningBytes),
  });
});
