import mqtt, { type IClientOptions, type IConnackPacket, type IPublishPacket } from "mqtt";
import { Inbox } from "./inbox.ts";

/** A client of mqtt.js, and everything that it received. */
export class MqttJsClient implements AsyncDisposable {
  readonly mqtt: mqtt.MqttClient;
  readonly messages = new Inbox<IPublishPacket>();
  readonly connacks = new Inbox<IConnackPacket>();
  /** `> publish` for each packet sent, `< puback` for each received. */
  readonly packets = new Inbox<string>();

  /** Clean and without reconnecting, unless the options change that. */
  static async connect(at: number | string, options: IClientOptions): Promise<MqttJsClient> {
    const client = new MqttJsClient(at, options);
    await client.connected(1);
    return client;
  }

  /** `at`: a port of 127.0.0.1, or a URL. */
  constructor(at: number | string, options: IClientOptions) {
    const url = typeof at === "number" ? `mqtt://127.0.0.1:${at}` : at;
    this.mqtt = mqtt.connect(url, { reconnectPeriod: 0, ...options });
    this.mqtt.on("connect", (packet) => this.connacks.add(packet));
    // A PUBLISH that uses a topic alias has an empty topic.
    this.mqtt.on("message", (topic, _, packet) => this.messages.add({ ...packet, topic }));
    this.mqtt.on("packetsend", ({ cmd }) => this.packets.add(`> ${cmd}`));
    this.mqtt.on("packetreceive", ({ cmd }) => this.packets.add(`< ${cmd}`));
    // A test sees a refusal by the missing answer; without a listener the error would end the
    // process.
    this.mqtt.on("error", (error) => this.connacks.end(String(error)));
  }

  /** The CONNACK of its `times`-th connection. */
  async connected(times: number): Promise<IConnackPacket> {
    let seen = 0;
    return this.connacks.first(`CONNACK ${times}`, () => ++seen === times);
  }

  async message(topic: string): Promise<IPublishPacket> {
    return this.messages.first(`a message on ${topic}`, (packet) => packet.topic === topic);
  }

  /** `topic=payload` of all messages so far. */
  texts(): string[] {
    return this.messages.items.map(({ topic, payload }) => `${topic}=${payload.toString()}`);
  }

  /** Subscribes and waits for the SUBACK: what the broker sent before it has arrived. */
  async roundTrip(): Promise<void> {
    await this.mqtt.subscribeAsync("round/trip");
  }

  /** Ends the connection without a DISCONNECT. */
  async vanish(): Promise<void> {
    const closed = Promise.withResolvers<void>();
    this.mqtt.once("close", () => closed.resolve());
    this.mqtt.stream.destroy();
    await closed.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mqtt.endAsync(true);
  }
}
