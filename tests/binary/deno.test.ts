import { expect, test } from "bun:test";
import { Socket } from "node:net";
import path from "node:path";
import { Folder, RunningBroker } from "../support/executable.ts";
import { doors, Listeners, urlOf } from "../support/listeners.ts";
import { MqttJsClient } from "../support/mqttjs-client.ts";

const root = path.resolve(import.meta.dir, "../..");
const deno = path.join(root, "node_modules/.bin/deno");
const command = [deno, "run", "-A", "--no-prompt", path.join(root, "src/main.ts")];
/** Deno compiles all sources first. */
const testLimitMs = 180_000;

test(
  "the sources serve under Deno as well",
  async () => {
    using cache = new Folder();
    using listeners = new Listeners();
    const env = { DENO_DIR: cache.path };
    const { args } = listeners;
    await using broker = await RunningBroker.start({ command, env, args });
    await using watcher = await MqttJsClient.connect(broker.port, { protocolVersion: 5 });
    await watcher.mqtt.subscribeAsync(["topic", "wills/+"], { qos: 2 });
    await using client = await MqttJsClient.connect(broker.port, {
      ...{ protocolVersion: 4, clientId: "client" },
      will: { topic: "wills/client", payload: Buffer.from("gone"), qos: 2, retain: false },
    });
    await client.mqtt.publishAsync("topic", "text", { qos: 2 });
    expect((await watcher.message("topic")).payload.toString()).toBe("text");
    const { stream } = client.mqtt;
    if (!(stream instanceof Socket)) throw new Error("mqtt.js no longer uses node:net");
    stream.resetAndDestroy();
    expect((await watcher.message("wills/client")).payload.toString()).toBe("gone");
    const line = await broker.ended("client");
    expect(line).toMatchObject({ cause: "resetByPeer", will: { fate: "published", delivered: 1 } });
    for (const door of doors) {
      await using guest = await MqttJsClient.connect(urlOf(broker.urls, door), {
        ...{ protocolVersion: 5, clientId: door },
        ...(listeners.ca !== null && { ca: listeners.ca }),
        will: { topic: `wills/${door}`, payload: Buffer.from("gone"), qos: 2, retain: false },
      });
      await guest.mqtt.publishAsync("topic", door, { qos: 2 });
      const isItsOwn = (packet: { payload: unknown }): boolean => String(packet.payload) === door;
      await watcher.messages.first(`the message by ${door}`, isItsOwn);
      await guest.vanish();
      await watcher.message(`wills/${door}`);
    }
    await broker.stop();
  },
  testLimitMs,
);
