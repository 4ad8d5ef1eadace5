import mqtt, { type IClientOptions, type IConnackPacket, type IPublishPacket } from "mqtt";
import { Inbox } from "./inbox.ts";

/** A client of mqtt.js, and all that came to it. */
export class MqttJsClient implements AsyncDisposable {
  readonly mqtt: mqtt.MqttClient;
  readonly messages = new Inbox<IPublishPacket>();
  readonly connacks = new Inbox<IConnackPacket>();
  /** `> publish` for each packet that it sent, `< puback` for each that it received. */
  readonly packets = new Inbox<string>();

  /** Clean and without reconnecting, unless the options say otherwise. */
  static async connect(port: number, options: IClientOptions): Promise<MqttJsClient> {
    const client = new MqttJsClient(port, options);
    await client.connected(1);
    return client;
  }

  constructor(port: number, options: IClientOptions) {
    this.mqtt = mqtt.connect(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0, ...options });
    this.mqtt.on("connect", (packet) => this.connacks.add(packet));
    // The packet's own topic is empty where an alias stands for it.
    this.mqtt.on("message", (topic, _, packet) => this.messages.add({ ...packet, topic }));
    this.mqtt.on("packetsend", ({ cmd }) => this.packets.add(`> ${cmd}`));
    this.mqtt.on("packetreceive", ({ cmd }) => this.packets.add(`< ${cmd}`));
    // What is refused shows in what does not come; without a listener it would end the process.
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

  /** A subscription and its answer: what the broker had sent before has come. */
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
