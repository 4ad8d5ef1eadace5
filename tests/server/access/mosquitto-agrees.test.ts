import { describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { accessListOf } from "../../support/access-text.ts";
import { EmbeddedBroker } from "../../support/embedded.ts";
import { Mosquitto, mosquittoMissing } from "../../support/mosquitto.ts";
import { SocketClient } from "../../support/socket-client.ts";

/**
 * One access list, given to mosquitto and to our broker: each client publishes on each topic, and
 * subscribes to each, and both brokers have to treat it alike. SUBSCRIBE itself is left out, which
 * mosquitto grants always.
 */

const lines = [
  "# For clients without a user name:",
  "topic read news/#",
  "topic open",
  "topic deny news/secret",
  "topic deny news/deep/+/x",
  "",
  "user ann",
  "topic home/ann/#",
  "topic deny home/ann/safe/#",
  "topic read home/+/temperature",
  "topic write log/ann",
  "topic readwrite with a blank",
  "  topic   deny   home/bob/temperature  ",
  "",
  "user bob the second",
  "topic #",
  "topic deny $x/#",
  "topic deny +/ann/#",
  "",
  "user ann",
  "topic write late/+",
  "",
  "user root",
  "topic #",
  "topic $x/#",
  "",
  "user nobody",
  "",
  "pattern to/%c/#",
  "pattern read of/%u/in",
  "pattern write of/%u/out-%c",
  "pattern %u-%c",
  "pattern read $SYS/broker/version",
  "pattern deny to/+/hidden",
  "pattern read $x/seen",
];

const clients = [
  { clientId: "dev-1" },
  { clientId: "ann-1", username: "ann" },
  { clientId: "bob-1", username: "bob the second" },
  { clientId: "nobody-1", username: "nobody" },
  { clientId: "stranger", username: "not in the file" },
  { clientId: "dev+1", username: "ann" },
  { clientId: "#" },
  { clientId: "plain", username: "a+b" },
  { clientId: "%u", username: "%c" },
] as const;

const topics = [
  ...["news", "news/today", "news/secret", "news/deep/1/x", "news/deep/1/y", "open", "closed"],
  ...["home/ann", "home/ann/lamp", "home/ann/safe", "home/ann/safe/key", "home/ann/temperature"],
  ...["home/bob/temperature", "home/eve/temperature", "log/ann", "late/1", "with a blank"],
  ...["to/dev-1/a", "to/dev-1/hidden", "to/ann-1", "to/dev+1/a", "to/%c/a", "to/#"],
  ...["of/ann/in", "of/ann/out-ann-1", "of/%u/in", "of/not in the file/in", "of/nobody/in"],
  ...["ann-ann-1", "%u-%c", "%c-%u", "$x/seen", "$x/hidden", "$SYS/broker/version"],
].filter((topic) => !/[+#]/.test(topic));

type Told = Record<string, unknown>;

async function played(port: number): Promise<Told> {
  const told: Told = {};
  using root = await SocketClient.connect(port, { clientId: "root", username: "root" });
  const publishAll = async (payload: string, retain: boolean): Promise<void> => {
    for (const topic of topics) {
      if (!topic.startsWith("$SYS")) root.publish(topic, payload, { retain });
    }
    await root.ping();
  };
  await publishAll("kept", true);
  for (const options of clients) {
    const who = JSON.stringify(options);
    told[`${who} writes`] = await written(port, options);
    for (const filters of [topics, ["#", "$x/#", "$SYS/broker/+"]]) {
      using reader = await SocketClient.connect(port, options);
      for (const filter of filters) await reader.subscribe(filter);
      await publishAll("live", false);
      await reader.ping();
      const ours = reader.messages().filter((message) => /=(kept|live)$/.test(message));
      const system = reader
        .messages()
        .some((message) => message.startsWith("$SYS/broker/version="));
      told[`${who} reads ${filters.length}`] = [...ours.toSorted(), `$SYS: ${system}`];
    }
  }
  return told;
}

/** The topics on which a client may publish, by the codes of PUBACK. */
async function written(port: number, options: (typeof clients)[number]): Promise<string[]> {
  using writer = await SocketClient.connect(port, options);
  const allowed: string[] = [];
  for (const [index, topic] of topics.entries()) {
    const messageId = 1000 + index;
    writer.publish(topic, "w", { qos: 1, messageId });
    const { reasonCode = 0 } = await writer.packet(
      "PUBACK",
      (packet): packet is typeof packet & { cmd: "puback"; reasonCode?: number } =>
        packet.cmd === "puback" && packet.messageId === messageId,
    );
    if (reasonCode !== 0x87) allowed.push(topic);
  }
  return allowed;
}

async function onMosquitto(
  text: readonly string[],
  config: readonly string[],
  play: (port: number) => Promise<Told>,
): Promise<Told> {
  const folder = mkdtempSync(path.join(tmpdir(), "mqttd-acl-"));
  try {
    // It may run as a user of its own.
    chmodSync(folder, 0o755);
    const file = path.join(folder, "acl");
    writeFileSync(file, `${text.join("\n")}\n`);
    await using mosquitto = await Mosquitto.start([...config, `acl_file ${file}`]);
    return await play(mosquitto.port);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe.skipIf(mosquittoMissing !== null)("mosquitto and our broker decide alike", () => {
  test(`${clients.length} clients and ${topics.length} topics`, async () => {
    using ours = await EmbeddedBroker.start({ access: accessListOf(lines), sysIntervalMs: 1000 });
    const told = await played(ours.port);
    expect(told).toEqual(await onMosquitto(lines, [], played));
    // Some is allowed, some is not.
    const all = clients.length * topics.length;
    const writes = Object.entries(told).filter(([what]) => what.endsWith(" writes"));
    const allowed = writes.flatMap(([, which]) => which).length;
    expect(allowed).toBeGreaterThan(all / 10);
    expect(allowed).toBeLessThan(all / 2);
  });

  test("a file without lines denies everything", async () => {
    const nothing = ["# nothing"];
    using ours = await EmbeddedBroker.start({ access: accessListOf(nothing) });
    const play = async (port: number): Promise<Told> => ({
      written: await written(port, clients[1]),
    });
    const told = await play(ours.port);
    expect(told).toEqual(await onMosquitto(nothing, [], play));
    expect(told).toEqual({ written: [] });
  });

  test("the topics of a listener with a mount point are judged with it", async () => {
    const mounted = ["topic lab/a", "topic b", "topic read lab/c"];
    const play = async (port: number): Promise<Told> => {
      const allowed: string[] = [];
      using client = await SocketClient.connect(port, { clientId: "dev" });
      for (const [index, topic] of ["a", "b", "c", "lab/a"].entries()) {
        const messageId = 100 + index;
        client.publish(topic, "x", { qos: 1, messageId });
        const { reasonCode = 0 } = await client.packet(
          "PUBACK",
          (packet): packet is typeof packet & { cmd: "puback"; reasonCode?: number } =>
            packet.cmd === "puback" && packet.messageId === messageId,
        );
        if (reasonCode !== 0x87) allowed.push(topic);
      }
      return { allowed };
    };
    using ours = await EmbeddedBroker.start({ access: accessListOf(mounted), mountPoint: "lab/" });
    const told = await play(ours.port);
    expect(told).toEqual(await onMosquitto(mounted, ["mount_point lab/"], play));
    expect(told).toEqual({ allowed: ["a"] });
  });

  test("the differences: no pattern applies to a client id with a slash, and a denied will is refused", async () => {
    const text = ["topic own", "pattern at/%c"];
    const play = async (port: number): Promise<Told> => {
      using client = await SocketClient.connect(port, { clientId: "a/b" });
      client.publish("at/a/b", "x", { qos: 1, messageId: 9 });
      const { reasonCode = 0 } = await client.packet(
        "PUBACK",
        (packet): packet is typeof packet & { cmd: "puback"; reasonCode?: number } =>
          packet.cmd === "puback",
      );
      using mortal = await SocketClient.dial(port);
      const will = { topic: "other", payload: Buffer.from("x"), qos: 0 as const, retain: false };
      const connack = await mortal.connect({ clientId: "mortal", will });
      return { slash: reasonCode === 0x87, will: connack.reasonCode };
    };
    using ours = await EmbeddedBroker.start({ access: accessListOf(text) });
    expect(await play(ours.port)).toEqual({ slash: true, will: 0x87 });
    expect(await onMosquitto(text, [], play)).toEqual({ slash: false, will: 0 });
  });
});
