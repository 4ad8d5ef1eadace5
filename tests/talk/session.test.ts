import { expect, test } from "bun:test";
import { publishMessages } from "../../src/cli/pub-run.ts";
import { subscribeTo } from "../../src/cli/sub-run.ts";
import { CliError } from "../../src/config/cli-error.ts";
import { waitingMaxBytes } from "../../src/talk/printer.ts";
import { eventually } from "../support/inbox.ts";
import { pubRequest, Streams, subRequest } from "../support/talk.ts";
import { ScriptedBroker } from "./scripted-broker.ts";

const boundMs = 60_000;

/** The error with which a command ends. */
async function failure(running: Promise<number>): Promise<string> {
  const error: unknown = await running.then(
    (code) => new Error(`it ended with ${code}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof CliError)) throw error;
  return `${error.exitCode} ${error.text.replace(/:\d{4,5}/g, ":PORT").trimEnd()}`;
}

test(
  "what was not acknowledged is sent again, with DUP if the broker has resumed the session",
  async () => {
    await using broker = await ScriptedBroker.start((peer, packet) => {
      if (packet.cmd === "connect") return peer.accept({ sessionPresent: peer.number > 1 });
      if (packet.cmd !== "publish") return;
      const messageId = packet.messageId ?? 0;
      if (peer.number > 1) peer.send({ cmd: "puback", messageId });
      else if (messageId === 1) peer.send({ cmd: "puback", messageId });
      else if (messageId === 3) peer.close();
    });
    const streams = new Streams("a\nb\nc\n");
    expect(await publishMessages(pubRequest(broker.target), streams)).toBe(0);
    expect(broker.words()).toEqual([
      ...["1 connect", "1 publish 1", "1 publish 2", "1 publish 3"],
      ...["2 connect", "2 publish 2 dup", "2 publish 3 dup", "2 disconnect"],
    ]);
    expect(streams.errors.replace(/:\d{4,5}/g, ":PORT")).toBe(
      "mqttd: mqtt://127.0.0.1:PORT closed the connection; connecting again in 1 s\n" +
        "mqttd: connected again to mqtt://127.0.0.1:PORT\n",
    );
  },
  boundMs,
);

test(
  "a QoS 2 message continues with PUBREL in the resumed session, and not in a new one",
  async () => {
    for (const sessionPresent of [true, false]) {
      await using broker = await ScriptedBroker.start((peer, packet) => {
        if (packet.cmd === "connect")
          return peer.accept({ sessionPresent: sessionPresent && peer.number > 1 });
        const messageId = packet.messageId ?? 0;
        if (packet.cmd === "publish") peer.send({ cmd: "pubrec", messageId });
        if (packet.cmd !== "pubrel") return;
        if (peer.number === 1) peer.close();
        else peer.send({ cmd: "pubcomp", messageId });
      });
      const request = pubRequest(broker.target, { qos: 2 });
      expect(await publishMessages(request, new Streams("a\n"))).toBe(0);
      expect(broker.words()).toEqual([
        ...["1 connect", "1 publish 1", "1 pubrel 1", "2 connect"],
        ...[...(sessionPresent ? ["2 pubrel 1"] : []), "2 disconnect"],
      ]);
    }
  },
  boundMs,
);

test("no more messages are on the way than Receive Maximum allows", async () => {
  let unacknowledged = 0;
  let most = 0;
  await using broker = await ScriptedBroker.start((peer, packet) => {
    if (packet.cmd === "connect") peer.accept({ properties: { receiveMaximum: 3 } });
    if (packet.cmd !== "publish") return;
    most = Math.max(most, ++unacknowledged);
    const { messageId = 0 } = packet;
    setImmediate(() => {
      unacknowledged -= 1;
      peer.send({ cmd: "puback", messageId });
    });
  });
  const lines = Array.from({ length: 100 }, (_, at) => `${at}\n`).join("");
  expect(await publishMessages(pubRequest(broker.target), new Streams(lines))).toBe(0);
  expect(broker.words().filter((word) => word.includes("publish"))).toHaveLength(100);
  expect(most).toBe(3);
});

test("a topic alias replaces the topic from the second message on, if the broker takes it", async () => {
  for (const topicAliasMaximum of [2, 1, 0]) {
    await using broker = await ScriptedBroker.start((peer, packet) => {
      if (packet.cmd === "connect") peer.accept({ properties: { topicAliasMaximum } });
    });
    const request = pubRequest(broker.target, { qos: 0, properties: { topicAlias: 2 } });
    const running = publishMessages(request, new Streams("a\nb\n"));
    if (topicAliasMaximum < 2) {
      const range = topicAliasMaximum === 0 ? "no topic alias" : "topic aliases from 1 to 1";
      expect(await failure(running)).toBe(`4 mqttd: the broker takes ${range}`);
      continue;
    }
    expect(await running).toBe(0);
    await broker.heard.first("DISCONNECT", ({ packet }) => packet.cmd === "disconnect");
    const topics = broker.heard.items.flatMap(({ packet }) =>
      packet.cmd === "publish" ? [[packet.topic, packet.properties?.topicAlias]] : [],
    );
    expect(topics).toEqual([
      ["t", 2],
      ["", 2],
    ]);
  }
});

test("what CONNACK rules out is not sent", async () => {
  for (const [properties, more, text] of [
    [{ maximumQoS: 0 }, { qos: 1 }, "the broker takes QoS 0 at most"],
    [{ retainAvailable: false }, { retain: true }, "the broker retains no messages"],
    [
      { maximumPacketSize: 100 },
      { source: { type: "text", payload: Buffer.alloc(200) } },
      "the broker takes packets of 100 bytes at most, and the message has 200",
    ],
  ] as const) {
    await using broker = await ScriptedBroker.start((peer, packet) => {
      if (packet.cmd === "connect") peer.accept({ properties });
    });
    const running = publishMessages(pubRequest(broker.target, more), new Streams("a\n"));
    expect(await failure(running)).toBe(`4 mqttd: ${text}`);
    await broker.heard.first("DISCONNECT", ({ packet }) => packet.cmd === "disconnect");
    expect(broker.words()).toEqual(["1 connect", "1 disconnect"]);
  }
});

test("a refused message ends with exit code 4, after the others", async () => {
  await using broker = await ScriptedBroker.start((peer, packet) => {
    if (packet.cmd === "connect") peer.accept();
    if (packet.cmd !== "publish") return;
    const { messageId = 0 } = packet;
    peer.send({ cmd: "puback", messageId, reasonCode: messageId === 1 ? 0x87 : 0 });
  });
  const streams = new Streams("a\nb\n");
  expect(await publishMessages(pubRequest(broker.target), streams)).toBe(4);
  expect(streams.errors).toBe(
    "mqttd: the broker refused the message on t: not authorized (0x87)\n",
  );
});

test(
  "a broker that closes the connection at each message is given up",
  async () => {
    await using broker = await ScriptedBroker.start((peer, packet) => {
      if (packet.cmd === "connect") peer.accept();
      else peer.close();
    });
    const running = publishMessages(pubRequest(broker.target), new Streams("a\n"));
    expect(await failure(running)).toBe(
      "3 mqttd: mqtt://127.0.0.1:PORT closed the connection, 3 times without an acknowledgement " +
        "(is the topic denied, or the message too large? the broker's log may say)",
    );
  },
  boundMs,
);

test("without reconnecting, and after a takeover, a lost connection is the end", async () => {
  await using closing = await ScriptedBroker.start((peer, packet) => {
    if (packet.cmd === "connect") peer.accept();
    else peer.close();
  });
  const once = subRequest(closing.target, { reconnects: false });
  expect(await failure(subscribeTo(once, new Streams()))).toBe(
    "3 mqttd: mqtt://127.0.0.1:PORT closed the connection",
  );
  await using taking = await ScriptedBroker.start((peer, packet) => {
    if (packet.cmd === "connect") peer.accept();
    else peer.send({ cmd: "disconnect", reasonCode: 0x8e });
    if (packet.cmd !== "connect") peer.close();
  });
  expect(await failure(subscribeTo(subRequest(taking.target), new Streams()))).toBe(
    "4 mqttd: mqtt://127.0.0.1:PORT sent DISCONNECT: session taken over (0x8e): " +
      "another client connected as subscriber",
  );
});

test(
  "sub subscribes again after a lost connection",
  async () => {
    await using broker = await ScriptedBroker.start((peer, packet) => {
      if (packet.cmd === "connect") return peer.accept();
      if (packet.cmd !== "subscribe") return;
      peer.send({ cmd: "suback", messageId: packet.messageId ?? 0, granted: [1] });
      const payload = String(peer.number);
      peer.send({
        ...{ cmd: "publish", topic: "t", payload, qos: 1, messageId: 1, retain: false, dup: false },
      });
      if (peer.number === 1) peer.close();
    });
    const streams = new Streams();
    expect(await subscribeTo(subRequest(broker.target, { count: 2 }), streams)).toBe(0);
    expect(streams.text).toBe("t 1\nt 2\n");
  },
  boundMs,
);

test("a QoS 2 message that is sent again is printed once", async () => {
  await using broker = await ScriptedBroker.start((peer, packet) => {
    const message = (payload: string, messageId: number, dup: boolean): void =>
      peer.send({ cmd: "publish", topic: "t", payload, qos: 2, messageId, retain: false, dup });
    if (packet.cmd === "connect") return peer.accept();
    if (packet.cmd === "subscribe") {
      peer.send({ cmd: "suback", messageId: packet.messageId ?? 0, granted: [2] });
      message("a", 7, false);
      message("a", 7, true);
    } else if (packet.cmd === "pubrec") peer.send({ cmd: "pubrel", messageId: 7 });
    else if (packet.cmd === "pubcomp") message("b", 7, false);
  });
  const streams = new Streams();
  expect(await subscribeTo(subRequest(broker.target, { count: 2 }), streams)).toBe(0);
  expect(streams.text).toBe("t a\nt b\n");
});

test("refused subscriptions are said; if all are, it ends with exit code 4", async () => {
  for (const [granted, code] of [
    [[0x87, 0x8f], 4],
    [[0x87, 0], 0],
  ] as const) {
    await using broker = await ScriptedBroker.start((peer, packet) => {
      if (packet.cmd === "connect") return peer.accept();
      if (packet.cmd !== "subscribe") return;
      peer.send({ cmd: "suback", messageId: packet.messageId ?? 0, granted: [...granted] });
    });
    const streams = new Streams();
    const request = subRequest(broker.target, { filters: ["a", "b/#"], endsSubscribed: true });
    expect(await subscribeTo(request, streams)).toBe(code);
    expect(streams.errors).toStartWith(
      "mqttd: the broker refused the subscription to a: not authorized (0x87)\n",
    );
  }
});

test(
  "a reader that takes no lines pauses the connection, and loses none of them",
  async () => {
    const size = 64 * 1024;
    const messages = 500;
    let sent = 0;
    let isFull = false;
    await using broker = await ScriptedBroker.start((peer, packet) => {
      if (packet.cmd === "connect") return peer.accept();
      if (packet.cmd !== "subscribe") return;
      peer.send({ cmd: "suback", messageId: packet.messageId ?? 0, granted: [0] });
      const more = (): void => {
        const payload = String(sent).padStart(size, ".");
        if (sent < messages) {
          sent += 1;
          peer.send({
            ...{ cmd: "publish", topic: "t", payload, qos: 0 },
            retain: false,
            dup: false,
          });
          setImmediate(more);
        } else isFull = true;
      };
      more();
    });
    const streams = new Streams("", false);
    const running = subscribeTo(
      subRequest(broker.target, { form: { type: "payload" }, count: messages }),
      streams,
    );
    await eventually(
      () => isFull,
      () => `${sent} messages sent`,
      boundMs,
    );
    // What the client has taken: the bound, and what one read brings.
    expect(streams.bytes).toBeLessThan(4 * waitingMaxBytes);
    streams.take();
    expect(await running).toBe(0);
    expect(streams.bytes).toBe(messages * (size + 1));
  },
  boundMs,
);
