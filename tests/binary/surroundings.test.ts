import { expect, test } from "bun:test";
import { Folder, run, RunningBroker } from "../support/executable.ts";
import { SocketClient } from "../support/socket-client.ts";

/** Leaves a file behind whenever it runs. */
const trap = `require("node:fs").writeFileSync("trapped", "");`;

const hostile = {
  "bunfig.toml": 'preload = ["./trap.cjs"]\n[run]\npreload = ["./trap.cjs"]\n',
  "trap.cjs": trap,
  ".env": "MQTTD_LOG__LEVEL=loud\nMQTTD_LISTENERS__0__PORT=no\nNODE_OPTIONS=--require=./trap.cjs\n",
  ".env.local": "MQTTD_LIMITS__QOS=9\n",
  ".env.production": "MQTTD_LIMITS__QOS=9\n",
  ".env.development": "MQTTD_LIMITS__QOS=9\n",
  "tsconfig.json":
    '{ "compilerOptions": { "paths": { "*": ["./trap.cjs"] }, "target": "nonsense" } }',
  "package.json": '{ "name": "hostile", "type": "commonjs", "main": "./trap.cjs", "imports": {} }',
  "node_modules/zod/index.js": trap,
  "node_modules/picocolors/index.js": trap,
  "node_modules/mqtt-packet/index.js": trap,
  "src/main.ts": trap,
  "index.ts": trap,
};

test("files in the folder in which it starts change nothing", async () => {
  // `stop` checks that the folder is unchanged.
  await using broker = await RunningBroker.start({ files: hostile });
  using client = await SocketClient.connect(broker.port, { clientId: "client" });
  await client.subscribe("topic", 2);
  client.publish("topic", "text");
  await client.message("topic");
  await broker.stop();
});

test("nor do they change the output of commands", async () => {
  using folder = new Folder(hostile);
  using plain = new Folder();
  const before = folder.names();
  for (const args of [["--version"], ["--help"], ["serve", "--test-config"]]) {
    expect(await run(folder, args)).toEqual(await run(plain, args));
  }
  expect(folder.names()).toEqual(before);
});

test.each(["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])(
  "it serves and stops in order when its standard streams are closed: %s",
  async (closed) => {
    await using broker = await RunningBroker.start({ through: `exec "$0" "$@" ${closed}` });
    using client = await SocketClient.connect(broker.port, { clientId: "client" });
    await client.subscribe("topic");
    client.publish("topic", "text");
    await client.message("topic");
    await broker.stop();
  },
);

test("it keeps serving when nothing reads its log any more", async () => {
  await using broker = await RunningBroker.start({
    through: [
      "mkfifo log",
      "head -1 <log >first &",
      "exec 9>log",
      "rm log",
      'exec "$0" "$@" 2>&9 9>&-',
    ].join("\n"),
  });
  using watcher = await SocketClient.connect(broker.port, { clientId: "watcher" });
  await watcher.subscribe("wills/+");
  // Each connection writes two lines to the closed reader.
  for (const clientId of ["a", "b", "c", "d"]) {
    const will = { topic: `wills/${clientId}`, payload: Buffer.from("gone"), qos: 0 as const };
    using client = await SocketClient.connect(broker.port, {
      ...{ clientId, will: { ...will, retain: false } },
    });
    await client.ping();
    client.reset();
    await watcher.message(`wills/${clientId}`);
  }
  broker.folder.remove("first");
  await broker.stop();
});

test("a reader that closes its help early is no error", async () => {
  using folder = new Folder();
  const outcome = await run(folder, ["--help"], {
    through: '{ "$0" "$@"; echo $? >code; } | :',
  });
  expect(outcome).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(folder.text("code")).toBe("0\n");
});

test.if(process.platform === "linux")("output that can't be written is an error", async () => {
  using folder = new Folder();
  const outcome = await run(folder, ["--help"], { through: 'exec "$0" "$@" >/dev/full' });
  expect(outcome).toEqual({
    code: 2,
    stdout: "",
    stderr: expect.stringMatching(/^mqttd: can't write the output: .*\n$/),
  });
});

test("--version and --help write to stdout", async () => {
  using folder = new Folder();
  const version = await run(folder, ["--version"]);
  expect(version).toMatchObject({ code: 0, stderr: "" });
  expect(version.stdout).toMatch(/^mqttd \d+\.\d+\.\d+\S*( \(commit \S+\))?\n$/);
  for (const args of [["--help"], ["serve", "--help"]]) {
    const help = await run(folder, args);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toMatch(/^Usage: mqttd /);
  }
  expect(folder.names()).toEqual([]);
});
