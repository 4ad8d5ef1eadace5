import {
  generate,
  type IConnackPacket,
  type IPublishPacket,
  type ISubackPacket,
  type Packet,
  parser,
} from "mqtt-packet";
import { FrameReader } from "../../src/websocket/frame-reader.ts";
import { clientFrame } from "../../src/websocket/frames.ts";
import { upgradeRequest } from "../../src/websocket/handshake.ts";
import { HeadReader } from "../../src/websocket/http-head.ts";
import type { ConnectOptions } from "./client.ts";
import { Inbox, now } from "./inbox.ts";

export interface Arrival {
  readonly packet: Packet;
  /** When its last byte arrived, in milliseconds of `now()`. */
  readonly at: number;
}

/** Where a broker listens: a URL, and the PEM of the CA to trust; a number is a port of 127.0.0.1. */
export type Address = number | { readonly url: string; readonly ca: string | null };

type PublishOptions = Partial<Omit<IPublishPacket, "cmd" | "topic" | "payload">>;

/** A client on a real socket that does exactly what a test asks: it answers nothing by itself. */
export class SocketClient implements Disposable {
  readonly received = new Inbox<Arrival>();
  /** Resolves when either side has ended the connection. */
  readonly ended: Promise<void>;
  readonly #socket: Bun.Socket<SocketClient | null>;
  #version: 3 | 4 | 5 = 5;
  #parser = parser({ protocolVersion: 5 });
  /** Bytes that the kernel has not accepted yet. */
  #unsent: Uint8Array[] = [];
  #onSent: (() => void)[] = [];
  #nextId = 1;
  #pongs = 0;
  /** Set while a WebSocket is being opened. */
  #opening: Opening | null = null;
  /** Of a WebSocket. */
  #frames: FrameReader | null = null;

  static async dial(address: Address, host = "127.0.0.1"): Promise<SocketClient> {
    if (typeof address === "number") return SocketClient.#dial({ hostname: host, port: address });
    const url = new URL(address.url);
    if (url.protocol === "mqtt+unix:") return SocketClient.#dial({ unix: url.pathname });
    const isTls = url.protocol === "mqtts:" || url.protocol === "wss:";
    const client = await SocketClient.#dial({
      hostname: url.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: Number(url.port),
      ...(isTls && address.ca !== null && { tls: { ca: address.ca } }),
    });
    if (url.protocol.startsWith("ws")) await client.#upgrade(url);
    return client;
  }

  static async #dial(where: Where): Promise<SocketClient> {
    const ended = Promise.withResolvers<void>();
    const socket = await Bun.connect<SocketClient | null>({
      // One of both; the types know each alone.
      ...(where as { unix: string }),
      data: null,
      socket: {
        // The broker never sends first, so the client is assigned before the first bytes.
        data({ data: client }, chunk) {
          if (client !== null) client.#take(chunk);
        },
        drain({ data: client }) {
          if (client !== null) client.#flush();
        },
        close({ data: client }) {
          client?.received.end("the connection has ended");
          ended.resolve();
        },
        // `close` reports a reset as well.
        error() {},
      },
    });
    const client = new SocketClient(socket, ended.promise);
    socket.data = client;
    return client;
  }

  /** Opens a connection and waits until the broker accepts its CONNECT. */
  static async connect(
    address: Address,
    options: ConnectOptions,
    boundMs?: number,
  ): Promise<SocketClient> {
    const client = await SocketClient.dial(address);
    const connack = await client.connect(options, boundMs);
    const code = connack.reasonCode ?? connack.returnCode;
    if (code !== 0) throw new Error(`${options.clientId} was refused: ${code}`);
    return client;
  }

  constructor(socket: Bun.Socket<SocketClient | null>, ended: Promise<void>) {
    this.#socket = socket;
    this.ended = ended;
    this.#listen();
  }

  /** MQTT 5.0, Clean Start and no keepalive, unless the options change that. */
  async connect(options: ConnectOptions, boundMs?: number): Promise<IConnackPacket> {
    this.#version = options.protocolVersion ?? 5;
    this.#listen();
    this.send({
      cmd: "connect",
      protocolId: this.#version === 3 ? "MQIsdp" : "MQTT",
      protocolVersion: this.#version,
      clean: true,
      keepalive: 0,
      ...options,
    });
    return this.packet("CONNACK", (packet) => packet.cmd === "connack", boundMs);
  }

  async subscribe(topic: string, qos: 0 | 1 | 2 = 0): Promise<ISubackPacket> {
    const messageId = this.#nextId++;
    const subscriptions = [{ topic, qos, nl: false, rap: true, rh: 0 as const }];
    this.send({ cmd: "subscribe", messageId, subscriptions });
    return this.packet(
      "SUBACK",
      (packet): packet is ISubackPacket =>
        packet.cmd === "suback" && packet.messageId === messageId,
    );
  }

  publish(topic: string, payload: string | Buffer, options: PublishOptions = {}): void {
    const messageId = this.#nextId++;
    const qos = 0 as const;
    this.send({
      ...{ cmd: "publish", topic, payload, qos, messageId },
      ...{ dup: false, retain: false, ...options },
    });
  }

  /** A PINGREQ and its PINGRESP: the broker has handled everything sent before. */
  async ping(): Promise<void> {
    const expected = this.#pongs + 1;
    this.send({ cmd: "pingreq" });
    await this.received.first("PINGRESP", () => this.#pongs >= expected);
  }

  async packet<Found extends Packet>(
    what: string,
    fits: (packet: Packet) => packet is Found,
    boundMs?: number,
  ): Promise<Found> {
    const isIt = (arrival: Arrival): arrival is Arrival & { packet: Found } => fits(arrival.packet);
    return (await this.received.first(what, isIt, boundMs)).packet;
  }

  /** The first message on a topic, and its arrival time. */
  async message(topic: string, boundMs?: number): Promise<Message> {
    const { packet, at } = await this.received.first(
      `a message on ${topic}`,
      (arrival): arrival is Arrival & { packet: IPublishPacket } =>
        arrival.packet.cmd === "publish" && arrival.packet.topic === topic,
      boundMs,
    );
    const { qos, retain } = packet;
    return { topic, payload: packet.payload.toString(), qos, retain, at };
  }

  /** `topic=payload` of all messages so far. */
  messages(): string[] {
    return this.received.items.flatMap(({ packet }) =>
      packet.cmd === "publish" ? [`${packet.topic}=${packet.payload.toString()}`] : [],
    );
  }

  send(packet: Packet): void {
    this.sendBytes(generate(packet, { protocolVersion: this.#version }));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#unsent.push(this.#frames === null ? bytes : clientFrame(bytes));
    this.#flush();
  }

  /** Makes the connection a WebSocket. */
  async #upgrade({ host, pathname }: URL): Promise<void> {
    const request = upgradeRequest(host, pathname, "mqtt");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#opening = { head: new HeadReader(), request, resolve, reject };
    this.sendBytes(Buffer.from(request.head));
    await promise;
  }

  /** Resolves when the kernel has accepted everything written. */
  async sent(): Promise<void> {
    if (this.#unsent.length === 0) return;
    await new Promise<void>((resolve) => this.#onSent.push(resolve));
  }

  /** The socket's port. */
  get descriptor(): number {
    if ("fd" in this.#socket && typeof this.#socket.fd === "number") return this.#socket.fd;
    throw new Error("the socket has no descriptor");
  }

  /** Sends DISCONNECT, then FIN. */
  goodbye(): void {
    this.send({ cmd: "disconnect" });
    this.#socket.end();
  }

  /** Stops reading. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Ends its half of the stream with FIN. */
  end(): void {
    this.#socket.shutdown();
  }

  /** Ends with RST. */
  reset(): void {
    this.#socket.terminate();
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }

  #flush(): void {
    for (;;) {
      const next = this.#unsent[0];
      if (next === undefined) break;
      const taken = this.#socket.write(next);
      if (taken < next.length) {
        if (taken > 0) this.#unsent[0] = next.subarray(taken);
        return;
      }
      this.#unsent.shift();
    }
    for (const resolve of this.#onSent.splice(0)) resolve();
  }

  #take(chunk: Buffer): void {
    if (this.#opening !== null) return this.#takeHead(chunk, this.#opening);
    const frames = this.#frames;
    if (frames === null) return void this.#parser.parse(chunk);
    frames.begin(chunk);
    frames.read(0, chunk.length);
    this.#parser.parse(Buffer.from(frames.take()));
  }

  #takeHead(chunk: Buffer, { head, request, resolve, reject }: Opening): void {
    const found = head.feed(chunk);
    if (found === null) return;
    this.#opening = null;
    const refused = request.refused(found.head);
    if (refused !== null) return reject(new Error(refused));
    this.#frames = new FrameReader(false, Infinity);
    resolve();
    this.#take(Buffer.from(found.rest));
  }

  #listen(): void {
    this.#parser = parser({ protocolVersion: this.#version });
    this.#parser.on("packet", (packet) => {
      if (packet.cmd === "pingresp") this.#pongs++;
      this.received.add({ packet, at: now() });
    });
    this.#parser.on("error", (error) => this.received.end(`not MQTT: ${error.message}`));
  }
}

type Where =
  | { readonly hostname: string; readonly port: number; readonly tls?: { readonly ca: string } }
  | { readonly unix: string };

interface Opening {
  readonly head: HeadReader;
  readonly request: ReturnType<typeof upgradeRequest>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export interface Message {
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly at: number;
}
