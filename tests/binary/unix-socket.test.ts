import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, statSync } from "node:fs";
import { spawn } from "../support/child.ts";
import { connectBytes } from "../support/connect-bytes.ts";
import { Folder, type LogLine, run, RunningBroker } from "../support/executable.ts";
import { eventually } from "../support/inbox.ts";
import { SocketClient } from "../support/socket-client.ts";
import { Peer } from "../transport/transports.ts";

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
      "--set listeners.0.path: the socket none/x.sock can't be created: there is no such folder",
    );
    expect(existsSync(file)).toBe(true);
  });
});

/** What strangers send, and what ends each. */
const strangers: readonly (readonly [what: string, bytes: Uint8Array, cause: string])[] = [
  ["garbage", Uint8Array.from({ length: 300 }, (_, at) => (at * 89 + 7) & 0xff), "protocolError"],
  ["HTTP", Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "protocolError"],
  // A CONNECT of 256 KiB, without its end.
  ["half a CONNECT", Uint8Array.of(0x10, 0x80, 0x80, 0x10, 0, 4), "connectTimeout"],
  ["nothing", new Uint8Array(0), "connectTimeout"],
];

/** A client with its CONNACK; again if this process was too slow for the broker's patience. */
async function connected(unix: string): Promise<Peer> {
  for (let left = 20; left > 0; left--) {
    const peer = await Peer.dial({ unix });
    peer.send(connectBytes({ version: 4, clientId: "honest" }));
    const isIn = peer.until(() => peer.bytes.length === 4).then(() => true);
    if (await Promise.race([isIn, peer.ended.then(() => false)])) return peer;
    isIn.catch(() => {});
  }
  throw new Error("it was never let in");
}

test.if(process.platform === "linux").each(strangers)(
  "500 strangers on a unix socket, %s: each ends and is told, descriptors are freed, others are served",
  async (_what, bytes, cause) => {
    const limits = ["--set", "limits.connections=200", "--set", "limits.connectTimeout=500ms"];
    await using broker = await RunningBroker.start({ args: [...args, ...limits] });
    const unix = broker.folder.file("mqttd.sock");
    const descriptors = (): number => readdirSync(`/proc/${broker.pid}/fd`).length;
    const idle = descriptors();
    const peers: Peer[] = [];
    for (let count = 0; count < 500; count += 50) {
      const some = await Promise.all(Array.from({ length: 50 }, async () => Peer.dial({ unix })));
      for (const peer of some) peer.socket.write(bytes);
      peers.push(...some);
    }
    const honest = await connected(unix);
    await Promise.all(peers.map(async (peer) => peer.ended));
    // Those that gave way to others are counted in one line a second.
    const told = (): number =>
      broker.log.items.reduce((sum, line) => {
        if (line.event === "crowded") return sum + Number(line["reset"]);
        return line.event === "ended" && line["cause"] === cause ? sum + 1 : sum;
      }, 0);
    await eventually(
      () => told() === peers.length,
      () => `${told()} ends of ${peers.length}`,
    );
    for (const peer of peers) peer.rst();
    await eventually(
      () => descriptors() <= idle + 3,
      () => `${descriptors()} descriptors, ${idle} before`,
    );
    honest.send(Uint8Array.of(0xc0, 0));
    await honest.until(() => honest.bytes.length === 6);
    honest.rst();
  },
  180_000,
);

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
