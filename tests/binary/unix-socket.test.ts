import { describe, expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { spawn } from "../support/child.ts";
import { Folder, type LogLine, run, RunningBroker } from "../support/executable.ts";
import { SocketClient } from "../support/socket-client.ts";

const args = ["--set", "listeners.0.transport=unix", "--set", "listeners.0.path=mqttd.sock"];
const mosquitto = Bun.which("mosquitto_pub");

describe.if(process.platform !== "win32")("a listener on a unix socket", () => {
  test("its file: mode 0660, gone after the stop", async () => {
    await using broker = await RunningBroker.start({ args });
    const file = broker.folder.file("mqttd.sock");
    expect(broker.urls).toEqual([`mqtt+unix://${file}`]);
    expect(statSync(file).isSocket()).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o660);
    await broker.stop();
    expect(existsSync(file)).toBe(false);
  });

  test.if(mosquitto !== null)("mosquitto_pub --unix, and how it is named", async () => {
    await using broker = await RunningBroker.start({ args });
    const words = ["--unix", broker.folder.file("mqttd.sock"), "-i", "dev", "-t", "a", "-m", "x"];
    await using client = spawn([mosquitto ?? "", ...words]);
    expect(await client.exited).toBe(0);
    const isStart = (line: LogLine): boolean => line.event === "connected";
    expect((await broker.line("its start", isStart))["remote"]).toBe("unix:mqttd.sock");
  });

  test("a file that a killed broker left is replaced", async () => {
    await using first = await RunningBroker.start({ args });
    const file = first.folder.file("mqttd.sock");
    first.signal("SIGKILL");
    await first.exit();
    expect(existsSync(file)).toBe(true);
    await using second = await RunningBroker.start({
      args: ["--set", "listeners.0.transport=unix", "--set", `listeners.0.path=${file}`],
    });
    expect(second.urls).toEqual([`mqtt+unix://${file}`]);
    await second.stop();
    first.folder.remove("ready");
  });

  test("a socket in use, and a file that is none: one line, exit code 2", async () => {
    await using broker = await RunningBroker.start({ args });
    const file = broker.folder.file("mqttd.sock");
    using folder = new Folder({ text: "precious" });
    const at = (path: string) => [
      ...["serve", "--set", "admin.port=off", "--set", "listeners.0.transport=unix"],
      ...["--set", `listeners.0.path=${path}`],
    ];
    const used = await run(folder, at(file));
    expect(used.code).toBe(2);
    expect(used.stderr).toContain(`the socket ${file} is in use by another process`);
    const taken = await run(folder, at("text"));
    expect(taken.code).toBe(2);
    expect(taken.stderr).toContain("the socket text is not a socket, and is left as it is");
    expect(folder.text("text")).toBe("precious");
    const nowhere = await run(folder, at("none/x.sock"));
    expect(nowhere.stderr).toContain(
      "the socket none/x.sock can't be created: there is no such folder",
    );
    expect(existsSync(file)).toBe(true);
  });
});

test("behind a proxy, the log and inspect show the client's address", async () => {
  const from = { listeners: [{ port: 0, proxyProtocol: { from: ["127.0.0.1"] } }] };
  const files = { "mqttd.json": JSON.stringify(from) };
  await using broker = await RunningBroker.start({ files });
  using client = await SocketClient.dial(broker.port);
  client.sendBytes(Buffer.from("PROXY TCP4 192.0.2.7 198.51.100.1 51000 1883\r\n"));
  await client.connect({ clientId: "dev" });
  const connected = await broker.line("its start", ({ event }) => event === "connected");
  expect(connected["remote"]).toBe("192.0.2.7:51000");
  const { stdout } = await run(broker.folder, ["inspect", "client", "dev", "--json"]);
  expect(stdout).toContain('"192.0.2.7:51000"');
  using stranger = await SocketClient.dial(broker.port);
  stranger.sendBytes(Buffer.from("\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00", "latin1"));
  await stranger.ended;
  const failed = ({ event, cause }: LogLine): boolean =>
    event === "ended" && cause === "proxyFailed";
  const { detail } = await broker.line("the stranger's end", failed);
  expect(detail).toBe("it does not begin with a PROXY header");
});
