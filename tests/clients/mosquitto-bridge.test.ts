import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Packet } from "mqtt-packet";
import { RunningBroker } from "../support/executable.ts";
import { Mosquitto, mosquittoAbsent } from "../support/mosquitto.ts";
import { SocketClient } from "../support/socket-client.ts";

const isAbsent = mosquittoAbsent !== null;
const why = isAbsent ? ` (skipped: ${mosquittoAbsent})` : "";

let broker: RunningBroker;
beforeAll(async () => {
  // This level logs a client's subscriptions.
  if (!isAbsent) broker = await RunningBroker.start({ args: ["--log-level", "debug"] });
});
afterAll(async () => {
  if (isAbsent) return;
  try {
    await broker.stop();
  } finally {
    await broker[Symbol.asyncDispose]();
  }
});

let links = 0;

type Direction = "in" | "out" | "both";

/** mosquitto as a bridge to the broker, otherwise with its defaults, and a client at each end. */
class Bridge implements AsyncDisposable {
  /** The connection's name, and the level above all its topics. */
  readonly name: string;
  /** mosquitto composes it from its host and that name. */
  readonly id: string;
  readonly near: SocketClient;
  readonly far: SocketClient;
  readonly #mosquitto: Mosquitto;

  static async start(version: string, direction: Direction): Promise<Bridge> {
    const name = `link-${++links}`;
    const mosquitto = await Mosquitto.start([
      `connection ${name}`,
      `address 127.0.0.1:${broker.port}`,
      ...(version === "default" ? [] : [`bridge_protocol_version ${version}`]),
      `topic ${name}/# ${direction} 2`,
    ]);
    try {
      const isIts = (client: unknown): boolean => String(client).endsWith(`.${name}`);
      const { client } = await broker.line(
        `${name} connects`,
        (line) => line.event === "connected" && isIts(line.client),
      );
      if (direction !== "out") {
        await broker.line(
          `${name} subscribes`,
          (line) => line.event === "subscribed" && isIts(line.client),
        );
      }
      // Its first CONNECT was accepted: mosquitto would retry only seconds later.
      const ends = broker.log.items.filter((line) => line.event === "ended" && isIts(line.client));
      expect(ends).toEqual([]);
      const near = await SocketClient.connect(broker.port, { clientId: `near-${name}` });
      const far = await SocketClient.connect(mosquitto.port, { clientId: `far-${name}` });
      for (const end of [near, far]) await end.subscribe(`${name}/#`, 2);
      return new Bridge(name, String(client), mosquitto, near, far);
    } catch (error) {
      await mosquitto[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(
    name: string,
    id: string,
    mosquitto: Mosquitto,
    near: SocketClient,
    far: SocketClient,
  ) {
    this.name = name;
    this.id = id;
    this.near = near;
    this.far = far;
    this.#mosquitto = mosquitto;
  }

  /** A new client of mosquitto. */
  async later(): Promise<SocketClient> {
    return SocketClient.connect(this.#mosquitto.port, { clientId: "later" });
  }

  /** mosquitto dies. */
  async kill(): Promise<void> {
    await this.#mosquitto[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of [this.near, this.far]) end[Symbol.dispose]();
    await this.kill();
  }
}

/** The second half of a PUBLISH with QoS 2. */
async function release(client: SocketClient, messageId: number): Promise<void> {
  await client.packet(
    "PUBREC",
    (packet): packet is Packet => packet.cmd === "pubrec" && packet.messageId === messageId,
  );
  client.send({ cmd: "pubrel", messageId });
}

describe.skipIf(isAbsent).each(["default", "mqttv31", "mqttv311", "mqttv50"])(
  `mosquitto as a bridge, bridge_protocol_version %s${why}`,
  (version) => {
    test("in: messages from here arrive there, and not the other way", async () => {
      await using bridge = await Bridge.start(version, "in");
      const { far, name, near } = bridge;
      far.publish(`${name}/there`, "stays");
      await far.ping();
      near.publish(`${name}/here`, "goes");
      await far.message(`${name}/here`);
      await near.ping();
      expect(near.messages()).toEqual([`${name}/here=goes`]);
      expect(far.messages()).toEqual([`${name}/there=stays`, `${name}/here=goes`]);
    });

    test("out: messages from there arrive here, and not the other way", async () => {
      await using bridge = await Bridge.start(version, "out");
      const { far, name, near } = bridge;
      near.publish(`${name}/here`, "stays");
      await near.ping();
      far.publish(`${name}/there`, "goes");
      await near.message(`${name}/there`);
      await far.ping();
      expect(near.messages()).toEqual([`${name}/here=stays`, `${name}/there=goes`]);
      expect(far.messages()).toEqual([`${name}/there=goes`]);
    });

    test.each([0, 1, 2] as const)("both, QoS %d: each end has each message once", async (qos) => {
      await using bridge = await Bridge.start(version, "both");
      const { far, name, near } = bridge;
      const expected: string[] = [];
      for (const messageId of [101, 102]) {
        for (const [from, to, where] of [
          [near, far, "here"],
          [far, near, "there"],
        ] as const) {
          const topic = `${name}/${where}/${messageId}`;
          // An echoed message would precede the next one, since a bridge keeps the order.
          from.publish(topic, "x", { qos, messageId });
          if (qos === 2) await release(from, messageId);
          await to.message(topic);
          expected.push(`${topic}=x`);
        }
      }
      for (const end of [near, far]) await end.ping();
      expect(near.messages()).toEqual(expected);
      expect(far.messages()).toEqual(expected);
    });

    test("both: retained messages are retained at the other end", async () => {
      await using bridge = await Bridge.start(version, "both");
      const { far, name, near } = bridge;
      near.publish(`${name}/here`, "kept", { qos: 1, retain: true });
      await far.message(`${name}/here`);
      using there = await bridge.later();
      await there.subscribe(`${name}/#`);
      expect(await there.message(`${name}/here`)).toMatchObject({ payload: "kept", retain: true });
      far.publish(`${name}/there`, "kept", { qos: 1, retain: true });
      await near.message(`${name}/there`);
      using here = await SocketClient.connect(broker.port, { clientId: `later-${name}` });
      await here.subscribe(`${name}/#`);
      expect(await here.message(`${name}/there`)).toMatchObject({ payload: "kept", retain: true });
    });

    test("its state is retained: 1 while it is connected, 0 by its will when it has died", async () => {
      await using bridge = await Bridge.start(version, "both");
      const state = `$SYS/broker/connection/${bridge.id}/state`;
      const { near } = bridge;
      await near.subscribe(state);
      expect(await near.message(state)).toMatchObject({ payload: "1" });
      await bridge.kill();
      const { will } = await broker.ended(bridge.id);
      expect(will).toMatchObject({ fate: "published", topic: state, retained: "stored" });
      await near.ping();
      expect(near.messages()).toEqual([`${state}=1`, `${state}=0`]);
    });
  },
);
