import { expect, test } from "bun:test";
import { encode } from "uqr";
import { lanText, lanUrls } from "../../src/cli/lan.ts";
import { qrLines } from "../../src/cli/qr-code.ts";
import { load } from "../../src/config/load.ts";
import { width } from "../../src/log/columns.ts";
import { lanAddresses } from "../../src/server/exposure.ts";
import { mqttd } from "./surroundings.ts";

test("without a terminal, a password file and --anonymous it refuses", async () => {
  const { code, stdout, stderr, served } = await mqttd(["serve", "--lan"]);
  expect({ code, stdout, served }).toEqual({ code: 2, stdout: "", served: [] });
  expect(stderr).toContain("without a password");
  expect(stderr).toContain("--set auth.passwordFile=FILE");
  expect(stderr).toContain("--anonymous");
});

test("with --anonymous, or a password file, it listens on all addresses", async () => {
  const open = await mqttd(["serve", "--lan", "--anonymous"]);
  const [first] = open.served[0]?.config.listeners ?? [];
  expect(first?.host).toBeOneOf(["::", "0.0.0.0"]);
  expect(first).toMatchObject({ allowAnonymous: true, passwordFile: null });
  const guarded = await mqttd(["serve", "--lan", "--set", "auth.passwordFile=p"]);
  expect(guarded.served[0]?.config.listeners[0]).toMatchObject({
    host: first?.host,
    allowAnonymous: false,
    passwordFile: "p",
  });
});

test("on a terminal it asks for a password file, and goes on with it after a reload too", async () => {
  const { code, stderr, served } = await mqttd(["serve", "--lan"], {
    typed: [{ type: "typed", text: " lab.passwd " }],
  });
  expect(code).toBe(0);
  expect(stderr).toContain("every machine of the network can connect");
  expect(stderr).toEndWith("Password file: ");
  const [settings] = served;
  expect(settings?.config.listeners[0]).toMatchObject({ passwordFile: "lab.passwd" });
  const reloaded = settings?.reload(settings.loaded.config);
  expect(reloaded).toMatchObject({ ok: true, changed: [] });
});

test("an empty answer refuses, Ctrl-C ends", async () => {
  for (const typed of [{ type: "typed", text: "" }, { type: "ended" }] as const) {
    expect(await mqttd(["serve", "--lan"], { typed: [typed] })).toMatchObject({
      code: 2,
      served: [],
    });
  }
  const interrupted = { type: "interrupted", exitCode: 130 } as const;
  expect(await mqttd(["serve", "--lan"], { typed: [interrupted] })).toMatchObject({
    code: 130,
    served: [],
  });
});

test("flags that contradict each other", async () => {
  expect(await mqttd(["serve", "--anonymous"])).toMatchObject({ code: 2, served: [] });
  const both = await mqttd(["serve", "--lan", "--anonymous", "--host", "10.0.0.1"]);
  expect(both).toMatchObject({ code: 2, served: [] });
});

test("the URLs have the machine's addresses, those of containers last", () => {
  const at = (address: string, internal = false) => [
    { address, internal, family: "IPv4", netmask: "", mac: "", cidr: null } as const,
  ];
  const found = lanAddresses({
    lo: at("127.0.0.1", true),
    docker0: at("172.17.0.1"),
    eth0: at("192.168.1.20"),
  });
  expect(found).toEqual(["192.168.1.20", "172.17.0.1"]);
  expect(lanUrls("mqtt://[::]:1883", found)[0]).toBe("mqtt://192.168.1.20:1883");
  expect(lanUrls("wss://0.0.0.0:9001/mqtt", found)[1]).toBe("wss://172.17.0.1:9001/mqtt");
});

function text(columns: number | null, flags: Readonly<Record<string, string>> = {}, env = {}) {
  const loaded = load({
    configFile: null,
    flags: Object.entries(flags).map(([path, value]) => ({ path, value, name: path })),
    env: {},
    readFile: () => ({ type: "missing" }),
  });
  if (!loaded.ok) throw new Error(loaded.problems.join());
  const screen = () => (columns === null ? null : { columns, rows: 24 });
  return lanText(["mqtt://192.168.100.200:1883"], loaded.settings, { screen, env });
}

const code = qrLines("mqtt://192.168.100.200:1883").join("\n");

test("in 40 columns, without colour: the address, the code, and what is exposed", () => {
  const narrow = text(40);
  expect(narrow).toContain("mqtt://192.168.100.200:1883\n");
  expect(narrow).toContain(code);
  expect(narrow).not.toContain("\u001b");
  for (const line of narrow.split("\n")) expect(width(line), line).toBeLessThanOrEqual(40);
  const words = narrow.replace(/\s+/g, " ");
  expect(words).toContain("without a password (--anonymous)");
  expect(words).toContain("Nothing on the way is encrypted.");
  expect(text(80, { "auth.passwordFile": "p" })).toContain("with a user name and password");
});

test("in a pipe each sentence or two is one line", () => {
  const lines = text(null).split("\n");
  expect(lines).toContain(
    "Every machine of the network can connect, without a password (--anonymous), and publish, " +
      "subscribe and read retained messages. Nothing on the way is encrypted.",
  );
});

test("where no code can be drawn, why", () => {
  expect(text(null)).toContain("(no QR code: the output is no terminal)\n");
  expect(text(24)).toContain("(no QR code: it needs 29 columns,");
  expect(text(80, {}, { LC_ALL: "C" })).toContain("the locale C has no block characters");
  expect(text(80, {}, { LANG: "de_DE.UTF-8" })).toContain(code);
});

test("the drawn blocks are the modules of the code, with white around it", () => {
  const url = "mqtt://192.168.100.200:1883";
  const lines = qrLines(url);
  const { data, size } = encode(url, { ecc: "L", border: 2 });
  const halves: Readonly<Record<string, readonly boolean[]>> = {
    "█": [true, true],
    "▀": [true, false],
    "▄": [false, true],
    " ": [false, false],
  };
  for (const [row, modules] of data.entries()) {
    const line = (lines[Math.floor(row / 2)] ?? "").padEnd(size);
    const drawn = Array.from(line, (block) => halves[block]?.[row % 2]);
    expect(drawn).toEqual(modules.map((isDark) => !isDark));
  }
  expect(data.length).toBe(size);
});
