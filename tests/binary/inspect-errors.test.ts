import { expect, test } from "bun:test";
import { connectBytes } from "../support/connect-bytes.ts";
import { type Ended, Folder, run, RunningBroker } from "../support/executable.ts";

/** Its output and exit code, with the parts that differ from run to run replaced. */
function told({ code, stdout, stderr }: Ended, ...unsteady: readonly (string | number)[]): string {
  let text = `${stdout}${stderr}(exit code ${code})\n`;
  // A number only as a whole: a short process id is a part of many a port.
  const whole = (one: string | number): RegExp =>
    new RegExp(`(?<![\\w.])${RegExp.escape(String(one))}(?![\\w.])`, "g");
  for (const [index, one] of unsteady.entries()) text = text.replaceAll(whole(one), `<${index}>`);
  return `\n${text}`;
}

/** The port of a broker's administration. */
async function adminPort(broker: RunningBroker): Promise<number> {
  return Number(new URL(await broker.administration()).port);
}

/** A connected client, until the test's broker ends. */
async function connected(broker: RunningBroker, clientId: string): Promise<void> {
  const { port } = broker;
  const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
  socket.write(connectBytes({ version: 4, clientId }));
  await broker.line(`${clientId} connected`, ({ client }) => client === clientId);
}

const admin = ["--set", "admin.port=0"];

test("no broker runs here", async () => {
  using folder = new Folder();
  expect(told(await run(folder, ["inspect", "clients"]))).toMatchInlineSnapshot(`
    "
    mqttd: found no running broker (start one with mqttd serve, or name one elsewhere with --admin)
    (exit code 3)
    "
  `);
});

test("a killed broker leaves nothing that misleads", async () => {
  await using broker = await RunningBroker.start({ args: admin });
  const port = await adminPort(broker);
  broker.signal("SIGKILL");
  await broker.exit();
  expect(told(await run(broker.folder, ["inspect"]))).toMatchInlineSnapshot(`
    "
    mqttd: found no running broker (start one with mqttd serve, or name one elsewhere with --admin)
    (exit code 3)
    "
  `);
  const named = await run(broker.folder, ["inspect", "--admin", String(port)]);
  expect(told(named, port)).toMatchInlineSnapshot(`
    "
    mqttd: no administration interface answers at http://127.0.0.1:<0> (start a broker with mqttd serve; the default port of its administration is 1888)
    (exit code 3)
    "
  `);
});

test("several brokers run here: a list to choose from", async () => {
  await using first = await RunningBroker.start({ args: admin });
  const env = { MQTTD_RUN_DIR: `${first.folder.path}-run` };
  await using second = await RunningBroker.start({ args: admin, env });
  const ports = [await adminPort(first), await adminPort(second)];
  const ended = await run(first.folder, ["inspect"]);
  const version = /version (\S+),/.exec(ended.stderr)?.[1] ?? "";
  expect(told(ended, ...ports, first.pid, second.pid, first.port, second.port, version))
    .toMatchInlineSnapshot(`
    "
    mqttd: 2 brokers are running on this machine; choose one with
    mqttd:   --admin <0>  pid <2>, version <6>, mqtt://127.0.0.1:<4>, mqtt://[::1]:<4>
    mqttd:   --admin <1>  pid <3>, version <6>, mqtt://127.0.0.1:<5>, mqtt://[::1]:<5>
    (exit code 2)
    "
  `);
  for (const [index, broker] of [first, second].entries()) {
    const { code, stdout } = await run(first.folder, ["inspect", "--admin", String(ports[index])]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringContaining(`pid ${broker.pid}`),
    });
  }
});

test("a wrong or missing token", async () => {
  const files = { token: "right\n", wrong: "wrong\n" };
  await using broker = await RunningBroker.start({
    args: admin,
    files,
    through: 'chmod 600 token wrong && exec "$0" "$@" --set admin.tokenFile=token',
  });
  const port = await adminPort(broker);
  expect((await run(broker.folder, ["inspect"])).code).toBe(0);
  const wrong = await run(broker.folder, ["inspect", "--token-file", "wrong"]);
  expect(told(wrong, port)).toMatchInlineSnapshot(`
    "
    mqttd: the broker at http://127.0.0.1:<0> does not accept the token in wrong (its log names the file with the token; --token-file FILE)
    (exit code 4)
    "
  `);
  using elsewhere = new Folder();
  const missing = await run(elsewhere, ["inspect", "--admin", String(port)]);
  expect(told(missing, port)).toMatchInlineSnapshot(`
    "
    mqttd: the broker at http://127.0.0.1:<0> requires a token (its log names the file with the token; --token-file FILE)
    (exit code 4)
    "
  `);
  const none = await run(broker.folder, ["inspect", "--token-file", "none"]);
  expect(told(none, port)).toMatchInlineSnapshot(`
    "
    mqttd: can't read the token in "none": no such file
    (exit code 2)
    "
  `);
});

test("a broker of another version, and a server that is no broker", async () => {
  using folder = new Folder();
  using other = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => Response.json({}, { headers: { "mqttd-api": "99" } }),
  });
  using site = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("hello") });
  using garbled = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () =>
      new Response("{", { headers: { "mqttd-api": "1", "content-type": "application/json" } }),
  });
  const ask = async ({ port = 0 }: { readonly port?: number | undefined }): Promise<string> =>
    told(await run(folder, ["inspect", "clients", "--admin", String(port)]), port);
  expect(await ask(other)).toMatchInlineSnapshot(`
    "
    mqttd: the broker at http://127.0.0.1:<0> speaks version 99 of the interface, this program version 1 (use the same mqttd as the broker)
    (exit code 2)
    "
  `);
  expect(await ask(site)).toMatchInlineSnapshot(`
    "
    mqttd: the server at http://127.0.0.1:<0> is not mqttd (the default port of mqttd's administration is 1888)
    (exit code 4)
    "
  `);
  expect(await ask(garbled)).toMatchInlineSnapshot(`
    "
    mqttd: the answer of http://127.0.0.1:<0> is not the JSON of a broker (no broker of this version of mqttd sends that)
    (exit code 4)
    "
  `);
});

test("the port of MQTT is not that of the administration", async () => {
  await using broker = await RunningBroker.start({ args: admin });
  const ended = await run(broker.folder, ["inspect", "--admin", String(broker.port)]);
  expect(told(ended, broker.port)).toMatchInlineSnapshot(`
    "
    mqttd: no administration interface answers at http://127.0.0.1:<0> (start a broker with mqttd serve; the default port of its administration is 1888)
    (exit code 3)
    "
  `);
});

test("a stopped broker does not answer in time", async () => {
  await using broker = await RunningBroker.start({ args: admin });
  const port = await adminPort(broker);
  broker.signal("SIGSTOP");
  const ended = await run(broker.folder, ["inspect", "--timeout", "200ms"]);
  broker.signal("SIGCONT");
  expect(told(ended, port)).toMatchInlineSnapshot(`
    "
    mqttd: http://127.0.0.1:<0> did not answer in time (--timeout allows more time)
    (exit code 5)
    "
  `);
});

test("an unknown client: the nearest ids", async () => {
  await using broker = await RunningBroker.start({ args: admin });
  for (const clientId of ["dev-42", "dev-43", "dev\u001b[2J"]) await connected(broker, clientId);
  for (const verb of ["client", "kick", "drop"]) {
    expect(told(await run(broker.folder, ["inspect", verb, "dev-4"]))).toBe(
      "\nmqttd: no such client (did you mean dev-42 or dev-43?)\n(exit code 2)\n",
    );
  }
  const { code, stdout, stderr } = await run(broker.folder, ["inspect", "explain", "dev-4"]);
  expect(stdout).toStartWith("dev-4 has not connected since the broker started");
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: "mqttd: no such client (did you mean dev-42 or dev-43?)\n",
  });
  expect(told(await run(broker.folder, ["inspect", "client", "dev_[2J"]))).toMatchInlineSnapshot(`
    "
    mqttd: no such client (did you mean 'dev\\u001b[2J' or dev-42?)
    (exit code 2)
    "
  `);
  expect(told(await run(broker.folder, ["inspect", "client", "nobody"]))).toMatchInlineSnapshot(`
    "
    mqttd: no such client (not seen, or forgotten; mqttd inspect clients lists those with a session)
    (exit code 2)
    "
  `);
});

test("an invalid reload changes nothing; nothing to kick is exit code 1", async () => {
  await using broker = await RunningBroker.start({ args: admin, files: { "mqttd.json": "{}" } });
  await connected(broker, "dev-42");
  broker.folder.write("mqttd.json", '{"limits": {"qos": 7}}');
  expect(told(await run(broker.folder, ["inspect", "reload"]))).toMatchInlineSnapshot(`
    "
    mqttd: mqttd.json:1:20 limits.qos: found 7, allowed: 0, 1 or 2 (the old configuration stays in force)
    (exit code 2)
    "
  `);
  broker.folder.write("mqttd.json", '{"log": {"level": "debug"}, "listeners": [{"port": 1}]}');
  expect(told(await run(broker.folder, ["inspect", "reload"]))).toMatchInlineSnapshot(`
    "
    reloaded: log.level
    (exit code 0)
    "
  `);
  expect(told(await run(broker.folder, ["inspect", "log", "warn"]))).toMatchInlineSnapshot(`
    "
    log level warn
    (exit code 0)
    "
  `);
  expect(told(await run(broker.folder, ["inspect", "kick", "dev-42"]))).toMatchInlineSnapshot(`
    "
    dev-42: closed
    (exit code 0)
    "
  `);
  expect(told(await run(broker.folder, ["inspect", "kick", "dev-42"]))).toMatchInlineSnapshot(`
    "
    dev-42 was not connected
    (exit code 1)
    "
  `);
  expect(told(await run(broker.folder, ["inspect", "drop", "dev-42"]))).toMatchInlineSnapshot(`
    "
    dev-42 was not connected
    (exit code 1)
    "
  `);
});

test("a pipe that closes does no harm", async () => {
  await using broker = await RunningBroker.start({ args: admin });
  for (const verb of ["config", "packet " + "c0 00 ".repeat(500)]) {
    const ended = await run(broker.folder, ["inspect", ...verb.trim().split(" ")], {
      through: '{ "$0" "$@"; echo "exit code $?" >&2; } | head -n 1',
    });
    expect(ended.stderr).toBe("exit code 0\n");
    expect(ended.stdout.split("\n").length).toBe(2);
  }
});

test("a proxy for the web is not used for the broker", async () => {
  await using broker = await RunningBroker.start({ args: admin });
  const ended = await run(broker.folder, ["inspect", "log", "info"], {
    through: 'http_proxy=http://127.0.0.1:1 HTTP_PROXY=http://127.0.0.1:1 exec "$0" "$@"',
  });
  expect(ended).toEqual({ code: 0, stdout: "log level info\n", stderr: "" });
});
