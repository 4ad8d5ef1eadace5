import { expect, test } from "bun:test";
import { generate } from "mqtt-packet";
import { RunningBroker } from "../support/executable.ts";
import { expectInTime } from "../support/held-up.ts";
import { eventually, now } from "../support/inbox.ts";
import { NarrowSocket } from "../support/narrow-socket.ts";
import { SocketClient } from "../support/socket-client.ts";

// A subscriber reads 2 KB at a time of megabytes in the broker's kernel: slow, not stalled.

const stallMs = 1000;
/**
 * How long it reads a little: the kernel would report room only after more than ten times as much.
 */
const tricklingMs = 4 * stallMs;

test.if(process.platform === "linux")(
  "a reader that reads a little stays connected, and its PINGREQs count; once it reads nothing, it is ended",
  async () => {
    await using broker = await RunningBroker.start({
      args: [
        ...["--set", "limits.outputBytes=64KiB", "--set", `limits.stallTimeout=${stallMs}ms`],
        // This level logs every packet.
        ...["--log-level", "debug"],
      ],
    });
    using reader = new NarrowSocket(broker.port, 4096);
    const connect = { clientId: "trickling", protocolId: "MQTT", protocolVersion: 4 } as const;
    reader.send(generate({ cmd: "connect", clean: true, keepalive: 10, ...connect }));
    // Messages that the broker does not write yet wait in the session's queue.
    const subscriptions = [{ topic: "t", qos: 1 }] as const;
    reader.send(generate({ cmd: "subscribe", messageId: 1, subscriptions: [...subscriptions] }));
    using publisher = await SocketClient.connect(broker.port, { clientId: "publisher" });
    await publisher.ping();
    for (let messages = 0; messages < 60; messages++) {
      publisher.publish("t", Buffer.alloc(200_000), { qos: 1 });
    }
    await publisher.ping();
    const ping = generate({ cmd: "pingreq" });
    const pings = (): number =>
      broker.log.items.filter(({ type, client }) => type === "PINGREQ" && client === "trickling")
        .length;
    let sent = 0;
    const end = now() + tricklingMs;
    let lastReadAt = now();
    let longestMs = 0;
    for (let round = 0; now() < end; round++) {
      reader.read(2048);
      longestMs = Math.max(longestMs, now() - lastReadAt);
      lastReadAt = now();
      if (round % 6 === 0) {
        reader.send(ping);
        sent += 1;
      }
      // The client's own rhythm, not a wait for an event.
      await Bun.sleep(80);
    }
    expectInTime("a pause between two reads", longestMs, stallMs / 2);
    // It reads on as long as this takes: a broker that is slow to log would end it rightly.
    await eventually(
      () => {
        reader.read(2048);
        return pings() === sent;
      },
      () => `${sent} PINGREQs are read, not ${pings()}`,
    );
    expect(broker.log.items.filter(({ event }) => event === "ended")).toEqual([]);
    // From now on it reads nothing.
    expect(await broker.ended("trickling")).toMatchObject({ cause: "stalled" });
    await broker.stop();
  },
  180_000,
);
