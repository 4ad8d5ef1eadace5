import { expect, test } from "bun:test";
import path from "node:path";
import { accepts, executable, Folder, run, RunningBroker } from "../support/executable.ts";
import { reservedPort } from "../support/reserved-port.ts";

// One clear line for each error that the operator must fix, exit code 2, and nothing left behind.

const isLinux = process.platform === "linux";

/**
 * Runs `serve` in a folder with these files, checks that the folder is unchanged, and returns the
 * output.
 */
async function refusal(
  args: readonly string[],
  files: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  using folder = new Folder(files);
  const before = folder.names();
  const { code, stdout, stderr } = await run(folder, ["serve", ...args]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr.endsWith("\n")).toBe(true);
  expect(folder.names()).toEqual(before);
  return stderr.trimEnd().split("\n");
}

test("a configuration with several errors: all of them at once, a line each", async () => {
  const port = reservedPort();
  const config = JSON.stringify({
    listeners: [{ port: 99_999 }],
    limits: { packetsize: "1KiB", qos: 7 },
    log: { level: "loud" },
  });
  const lines = await refusal(
    ["--config", "bad.json", "--ready-file", "ready", "--set", `listeners.1.port=${port}`],
    { "bad.json": config },
  );
  expect(lines).toEqual([
    expect.stringMatching(/^mqttd: bad\.json:1:\d+ listeners\.0\.port: found 99999, allowed: /),
    expect.stringMatching(/^mqttd: bad\.json:1:\d+ limits\.packetsize: .* limits\.packetSize\?$/),
    expect.stringMatching(/^mqttd: bad\.json:1:\d+ limits\.qos: found 7, allowed: 0, 1 or 2$/),
    expect.stringMatching(/^mqttd: bad\.json:1:\d+ log\.level: found "loud", allowed: /),
  ]);
  expect(await accepts(`mqtt://127.0.0.1:${port}`)).toBe(false);
});

test("a configuration that is not JSON", async () => {
  const lines = await refusal(["--config", "bad.json"], { "bad.json": '{ "limits": { "qos": ' });
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) expect(line).toStartWith("mqttd: bad.json:1:");
});

test("a missing configuration file", async () => {
  const lines = await refusal(["--config", "missing.json", "--ready-file", "ready"]);
  expect(lines).toEqual(["mqttd: missing.json: no such file (named by --config)"]);
});

test("a port in use: the line names the port and its owner", async () => {
  await using holder = await RunningBroker.start();
  const { port, pid } = holder;
  const name = path.basename(executable()).slice(0, 15);
  const by = isLinux ? ` by ${name} (pid ${pid})` : "";
  const lines = await refusal(["--port", String(port), "--ready-file", "ready"]);
  expect(lines).toEqual([
    `mqttd: port ${port} on 127.0.0.1 is in use${by} (stop it, or use another port: --port ${port + 1})`,
  ]);
  await holder.stop();
});

test("a port in use: the ready file of the broker on it stays", async () => {
  await using holder = await RunningBroker.start();
  const before = holder.folder.text("ready");
  const { code } = await run(holder.folder, [
    ...["serve", "--port", String(holder.port), "--ready-file", "ready"],
  ]);
  expect(code).toBe(2);
  expect(holder.folder.names()).toEqual(["ready"]);
  expect(holder.folder.text("ready")).toBe(before);
  await holder.stop();
});

test("one of two listeners in use: the other one is not served either", async () => {
  await using holder = await RunningBroker.start();
  const free = reservedPort();
  const lines = await refusal([
    ...["--port", String(free), "--ready-file", "ready"],
    ...["--set", `listeners.1.port=${holder.port}`],
  ]);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(`port ${holder.port} on 127.0.0.1 is in use`);
  expect(await accepts(`mqtt://127.0.0.1:${free}`)).toBe(false);
  await holder.stop();
});

test.each(["serve", "dev"])(
  "a port in use, with npm run %s: the hint works there",
  async (script) => {
    await using holder = await RunningBroker.start({ args: ["--set", "admin.port=0"] });
    const through = `npm_package_name=mqttd npm_lifecycle_event=${script} exec "$0" "$@"`;
    using folder = new Folder();
    const port = String(holder.port);
    const { code, stderr } = await run(folder, ["serve", "--port", port], { through });
    expect(code).toBe(2);
    const other = `npm run ${script} -- --port ${holder.port + 1}`;
    expect(stderr).toEndWith(`(stop it, or use another port: ${other})\n`);
    const ofAdmin = ["serve", "--port", "0", "--set", `admin.port=${port}`];
    const admin = await run(folder, ofAdmin, { through });
    expect(admin.code).toBe(2);
    expect(admin.stderr).toContain(`(npm run ${script} -- --set admin.port=0 uses a free one, `);
    await holder.stop();
  },
);

test.each([
  ["in a folder that does not exist", "missing/ready", "no such file or directory"],
  ["that is a folder", "taken", "it exists and is not a plain file"],
  ["below a file", "taken/file/ready", "not a directory"],
])("a ready file %s", async (_, name, why) => {
  const port = reservedPort();
  const lines = await refusal(["--port", String(port), "--ready-file", name], {
    "taken/file": "",
  });
  const hint = "name a file in a folder that exists and is writable";
  expect(lines).toEqual([`mqttd: can't write the ready file ${name}: ${why} (${hint})`]);
  expect(await accepts(`mqtt://127.0.0.1:${port}`)).toBe(false);
});

test.each([
  ["an unknown flag", ["--prot", "1884"], /--prot.*--port/],
  ["an unknown key", ["--set", "limits.keepaliveMax=1s"], /unknown key, did you mean/],
  ["a value without a key", ["--set", "limits"], /allowed: PATH=VALUE/],
  ["an argument too many", ["1884"], /--port 1884/],
  ["an address of another machine", ["--host", "192.0.2.1"], /192\.0\.2\.1/],
])("%s", async (_, args, said) => {
  const lines = await refusal(args);
  expect(lines).toEqual([expect.stringMatching(said)]);
});
