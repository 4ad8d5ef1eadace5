import { expect, test } from "bun:test";
import { Folder, run, RunningBroker } from "../support/executable.ts";
import { SocketClient } from "../support/socket-client.ts";

/** A line of mosquitto_passwd 2.0.11. */
const alice =
  "alice:$7$101$9fYtpJbrsui6OuqC$XSnsxK6XcSZPqLeiYl71875oMukynOdoo+fGBfMZv1CdfV+W52CT4aGxdtjco6uhfobxH/uicIHvZj2Z9dSU9Q==";

const files = {
  "mosquitto.conf": [
    "# a house",
    "pid_file /run/mosquitto.pid",
    "include_dir conf.d",
    "listener 1883 127.0.0.1",
    "listener 9001 127.0.0.1",
    "protocol websockets",
    "allow_anonymous false",
    "acl_file house.acl",
    "persistence true",
    "",
  ].join("\r\n"),
  "conf.d/accounts.conf": "password_file passwd\n",
  passwd: `${alice}\n`,
  "house.acl": "user alice\ntopic readwrite home/#\n",
};

test("what an import writes passes config check, and serve starts with it and lets in its accounts", async () => {
  using folder = new Folder(files);
  const imported = await run(folder, [
    "config",
    "import",
    "mosquitto.conf",
    "--out",
    "mqttd.jsonc",
  ]);
  expect(imported).toMatchObject({ code: 0, stdout: "" });
  expect(imported.stderr).toContain("conf.d/accounts.conf:1");
  expect(imported.stderr).toContain("9 lines: 8 taken, 1 not needed, 0 not taken, 0 mistakes");
  const checked = await run(folder, ["config", "check"]);
  expect(checked).toMatchObject({ code: 0, stdout: "ok: mqttd.jsonc\n" });

  const config = folder.text("mqttd.jsonc");
  const args = ["--set", "listeners.1.port=0", "--set", "admin.port=0"];
  await using broker = await RunningBroker.start({
    files: { ...files, "mqttd.jsonc": config },
    args,
  });
  expect(broker.urls.map((url) => new URL(url).protocol)).toEqual(["mqtt:", "ws:"]);
  for (const [credentials, reasonCode] of [
    [{ username: "alice", password: Buffer.from("secret") }, 0],
    [{ username: "alice", password: Buffer.from("wrong") }, 0x86],
    [{}, 0x87],
  ] as const) {
    using client = await SocketClient.dial(broker.port);
    const connack = await client.connect({
      clientId: "dev-42",
      protocolVersion: 5,
      ...credentials,
    });
    expect(connack.reasonCode).toBe(reasonCode);
  }
});

test("an import that can't take what keeps somebody out writes nothing", async () => {
  using folder = new Folder({
    "mosquitto.conf": "listener 1883\nallow_anonymous true\nplugin /usr/lib/auth.so\n",
  });
  const refused = await run(folder, ["config", "import", "mosquitto.conf", "--out", "mqttd.jsonc"]);
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toContain("mqttd: config import: line 3: ");
  expect(folder.names()).toEqual(["mosquitto.conf"]);
  const rest = await run(folder, ["config", "import", "mosquitto.conf", "--rest", "--json"]);
  expect(rest).toMatchObject({ code: 0, stderr: "" });
  const { ok, counts, config } = JSON.parse(rest.stdout);
  expect({ ok, counts }).toEqual({
    ok: true,
    counts: { lines: 3, taken: 2, needless: 0, refused: 1, mistakes: 0 },
  });
  expect(config).toContain('"allowAnonymous": false');
  expect(config).toContain('"host": null');
});
