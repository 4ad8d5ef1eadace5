import type {
  IConnackPacket,
  IConnectPacket,
  IDisconnectPacket,
  IPublishPacket,
  ISubackPacket,
  ISubscription,
  Packet,
} from "mqtt-packet";
import { size } from "../log/size.ts";
import { InvalidAnswer, NoAnswer, Refused } from "./client-error.ts";
import { dial } from "./dial.ts";
import { foreignAnswer } from "./foreign-answer.ts";
import {
  ClientMachine,
  type ClientEvent,
  type ClientVersion,
  type MachineLimits,
  type ReceivedPublish,
} from "./machine.ts";
import type { Target } from "./target.ts";
import type { WebSocketVerbs, Wire } from "./wire.ts";

/** A received message and when it arrived (monotonic milliseconds). */
export interface Arrival {
  readonly at: number;
  readonly packet: ReceivedPublish;
}

/** How a connection ended, as the client sees it. */
export interface ClientEnd {
  /** `left`: the client ended it. */
  readonly how: "eof" | "reset" | "timeout" | "left" | "malformed";
  readonly at: number;
  /** The broker's DISCONNECT before the end (v5); null: none. */
  readonly disconnect: IDisconnectPacket | null;
}

export interface ClientLimits extends MachineLimits {
  /** Total bytes of kept messages, and of raw bytes kept after `keepBytes`. */
  readonly arrivalBytes: number;
}

/**
 * Large enough for a packet with the largest topic name and the largest will, and as much again for
 * its properties; and for a thousand small messages with their PUBRELs, each repeated once.
 */
export const clientLimits: ClientLimits = {
  packetBytes: 256 * 1024,
  packets: 4096,
  arrivalBytes: 1024 * 1024,
};

/** Memory of a kept message beyond its own bytes; bytes. */
const arrivalOverhead = 1024;

export type ConnectOptions = Omit<IConnectPacket, "cmd" | "protocolId" | "protocolVersion">;

/** How long to wait for the broker's answer. */
const answerTimeoutMs = 5000;

/** One connection of a client that only does what its caller orders, and acknowledges messages. */
export class Client {
  /** Every message since the start, or since `forgetArrivals`. */
  readonly arrivals: Arrival[] = [];
  connack: IConnackPacket | null = null;
  /** When a complete packet was last written to the socket. */
  lastSentAt = 0;
  /** Resolves when the connection is over, on whichever side. */
  readonly ended: Promise<ClientEnd>;
  onArrival: (arrival: Arrival) => void = () => {};
  /** Every event but those of CONNACK and messages, after the client has handled it. */
  onEvent: (event: ClientEvent) => void = () => {};
  /** When the broker's last bytes arrived. */
  lastHeardAt = 0;
  /** Why the client reset the connection: the invalid data that the broker sent; null: none. */
  invalidDetail: string | null = null;
  readonly #limits: ClientLimits;
  /** The keepalive in CONNECT. */
  #requestedSeconds = 0;
  #arrivalBytes = 0;
  /** Raw bytes since `keepBytes`; null: not kept. */
  #bytes: Uint8Array[] | null = null;
  #bytesKept = 0;
  readonly #machine: ClientMachine;
  readonly #waiting = new Set<Waiting>();
  #wire: Wire | null = null;
  #end: (end: ClientEnd) => void = () => {};
  #isOver = false;
  #hasHeard = false;
  #disconnect: IDisconnectPacket | null = null;
  #pings: ReturnType<typeof setInterval> | null = null;

  private constructor(version: ClientVersion, limits: ClientLimits, inbound: Set<number>) {
    this.#limits = limits;
    this.#machine = new ClientMachine(version, inbound, limits);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /**
   * Opens the network connection without CONNECT. `inbound`: QoS 2 messages of its session that wait
   * for PUBREL. Rejects with DialError.
   */
  static async open(
    target: Target,
    version: ClientVersion,
    limits: ClientLimits = clientLimits,
    dialer: typeof dial = dial,
    inbound: Set<number> = new Set(),
  ): Promise<Client> {
    const client = new Client(version, limits, inbound);
    client.#wire = await dialer(target, answerTimeoutMs, () => ({
      data: (chunk) => client.#received(chunk),
      closed: (how, why) => {
        if (how === "malformed") client.#resetInvalid(why ?? "");
        else client.#close(how, why);
      },
    }));
    return client;
  }

  get version(): ClientVersion {
    return this.#machine.version;
  }

  /** Sees each packet, before it is sent or after it was read. */
  set onPacket(see: ClientMachine["onPacket"]) {
    this.#machine.onPacket = see;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The keepalive in force: the broker's, if it sent one (v5-3.1.2-21). */
  get keepAliveSeconds(): number {
    return this.connack?.properties?.serverKeepAlive ?? this.#requestedSeconds;
  }

  /** Sends CONNECT and waits for CONNACK. Rejects with Refused or NoAnswer. */
  async connect(options: ConnectOptions): Promise<IConnackPacket> {
    this.#requestedSeconds = options.keepalive ?? 0;
    return this.connectWith(this.#machine.connect(options));
  }

  /** As `connect`, with CONNECT given as bytes, which may be invalid on purpose. */
  async connectWith(bytes: Uint8Array): Promise<IConnackPacket> {
    this.#write(bytes);
    const answer = await this.#answer("CONNACK", (event) => event.event === "connack");
    if (answer.event !== "connack") throw new NoAnswer("no CONNACK");
    this.connack = answer.packet;
    const code = answer.packet.reasonCode ?? answer.packet.returnCode ?? 0;
    if (code !== 0) throw new Refused(answer.packet);
    return answer.packet;
  }

  /** Sends SUBSCRIBE and waits for SUBACK. Rejects with NoAnswer. */
  async subscribe(
    filter: string,
    options: Partial<Omit<ISubscription, "topic">> = {},
  ): Promise<ISubackPacket> {
    const messageId = this.#machine.takeId();
    const subscription = {
      topic: filter,
      qos: 0 as const,
      nl: false,
      rap: false,
      rh: 0,
      ...options,
    };
    this.send({ cmd: "subscribe", messageId, subscriptions: [subscription] });
    const isAnswer = (event: ClientEvent): boolean =>
      event.event === "suback" && event.packet.messageId === messageId;
    const answer = await this.#answer("SUBACK", isAnswer);
    if (answer.event !== "suback") throw new NoAnswer("no SUBACK");
    return answer.packet;
  }

  /** Resolves to the reason code of the broker's acknowledgement; with QoS 0, to 0 once sent. */
  async publish(
    topic: string,
    payload: string | Buffer,
    options: Partial<Omit<IPublishPacket, "cmd" | "topic" | "payload">> = {},
  ): Promise<number> {
    const messageId = this.#machine.takeId();
    const packet = { qos: 0 as const, retain: false, dup: false, messageId, ...options };
    this.send({ cmd: "publish", topic, payload, ...packet });
    if (packet.qos === 0) return 0;
    const isAnswer = (event: ClientEvent): boolean =>
      event.event === "published" && event.packetId === messageId;
    const answer = await this.#answer("acknowledgement of a PUBLISH", isAnswer);
    return answer.event === "published" ? answer.reason : 0;
  }

  ping(): void {
    this.send({ cmd: "pingreq" });
  }

  /** Sends PINGREQ every `everyMs` from now on. */
  stayAlive(everyMs: number): void {
    this.#pings ??= setInterval(() => this.ping(), everyMs);
  }

  send(packet: Packet): void {
    this.#write(this.#machine.encode(packet));
  }

  encode(packet: Packet): Uint8Array {
    return this.#machine.encode(packet);
  }

  /** Sends any bytes, a packet or not; they do not count as a packet sent. */
  sendBytes(bytes: Uint8Array): void {
    this.#wire?.send(bytes);
  }

  /** Sends DISCONNECT, then FIN. */
  leave(reasonCode = 0): void {
    if (this.#isOver) return;
    this.disconnect(reasonCode);
    this.fin();
  }

  /**
   * Sends DISCONNECT in its shortest form, as most clients do: without a Property Length, and without
   * a reason code if that is 0x00 (v5 section 3.14.2).
   */
  disconnect(reasonCode = 0): void {
    this.#write(Uint8Array.from(reasonCode === 0 ? [0xe0, 0] : [0xe0, 1, reasonCode]));
  }

  /** Resolves when the system has taken all that was sent, or the connection has ended. */
  async flushed(): Promise<void> {
    await this.#wire?.flushed();
  }

  /** Resolves when the socket is closed on both sides. */
  async gone(): Promise<void> {
    await this.#wire?.gone;
  }

  /** Reads nothing, and so acknowledges nothing, until `readAgain`; the socket's buffer fills. */
  stopReading(): void {
    this.#wire?.pause();
  }

  readAgain(): void {
    this.#wire?.resume();
  }

  /** Sends FIN without DISCONNECT, after the goodbye of TLS (close_notify) and WebSocket (Close). */
  fin(): void {
    this.#wire?.end();
    this.#close("left");
  }

  /** Sends FIN, with no goodbye at all. */
  cut(): void {
    this.#wire?.cut();
    this.#close("left");
  }

  /** Sends nothing by itself any more; what the caller orders is sent. */
  silence(): void {
    this.#wire?.silence();
  }

  /** Null: the connection is no WebSocket. */
  get webSocket(): WebSocketVerbs | null {
    const verbs = this.#wire?.webSocket ?? null;
    if (verbs === null) return null;
    return {
      ping: () => verbs.ping(),
      close: (status) => {
        verbs.close(status);
        this.#close("left");
      },
    };
  }

  /** Sends RST. */
  reset(): void {
    this.#wire?.reset();
    this.#close("left");
  }

  #write(bytes: Uint8Array): void {
    this.#machine.expectReply();
    this.#wire?.send(bytes);
    this.lastSentAt = performance.now();
  }

  #received(chunk: Uint8Array): void {
    const at = performance.now();
    this.lastHeardAt = at;
    this.#keep(chunk);
    const foreign = this.#hasHeard ? null : foreignAnswer(chunk);
    this.#hasHeard = true;
    if (foreign !== null) return this.#resetInvalid(foreign);
    const { events, answers } = this.#machine.receive(chunk);
    for (const bytes of answers) this.#wire?.send(bytes);
    if (answers.length > 0) this.lastSentAt = performance.now();
    for (const event of events) {
      if (this.#isOver) return;
      this.#handle(event, at);
    }
  }

  #handle(event: ClientEvent, at: number): void {
    if (event.event === "message") {
      const arrival = { at, packet: event.packet };
      this.#arrivalBytes +=
        arrivalOverhead + event.packet.topic.length + event.packet.payload.length;
      if (this.#arrivalBytes > this.#limits.arrivalBytes) {
        return this.#resetInvalid(
          `${this.arrivals.length + 1} messages, ${size(this.#arrivalBytes)}`,
        );
      }
      this.arrivals.push(arrival);
      this.onArrival(arrival);
    } else if (event.event === "disconnect") {
      this.#disconnect = event.packet;
    } else if (event.event === "malformed") {
      return this.#resetInvalid(event.detail);
    }
    if (event.event !== "message" && event.event !== "connack") this.onEvent(event);
    for (const waiting of [...this.#waiting]) {
      if (waiting.isAnswer(event)) waiting.resolve(event);
    }
  }

  /** Keeps raw bytes from now on, for details that a parsed packet lacks. */
  keepBytes(): void {
    this.#bytes ??= [];
  }

  /** Raw bytes since `keepBytes`. */
  get bytes(): Buffer {
    return Buffer.concat(this.#bytes ?? []);
  }

  #keep(chunk: Uint8Array): void {
    if (this.#bytes === null) return;
    this.#bytesKept += chunk.length;
    if (this.#bytesKept <= this.#limits.arrivalBytes) this.#bytes.push(chunk);
    else this.#resetInvalid(`${size(this.#bytesKept)} of packets`);
  }

  /** Resets the connection and reads no further. */
  #resetInvalid(detail: string): void {
    if (this.#isOver) return;
    this.invalidDetail = detail;
    this.#wire?.reset();
    this.#close("malformed");
  }

  /** Drops the messages kept so far. */
  forgetArrivals(): void {
    this.arrivals.length = 0;
    this.#arrivalBytes = 0;
    this.#machine.resetUnsolicited();
  }

  #close(how: ClientEnd["how"], why?: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#pings !== null) clearInterval(this.#pings);
    this.#end({ how, at: performance.now(), disconnect: this.#disconnect });
    for (const waiting of [...this.#waiting]) {
      const said = why === undefined ? "" : `: ${why}`;
      const message = `the broker closed the connection before its ${waiting.name}${said}`;
      waiting.reject(
        this.invalidDetail === null
          ? new NoAnswer(message, true)
          : new InvalidAnswer(this.invalidDetail),
      );
    }
  }

  async #answer(name: string, isAnswer: (event: ClientEvent) => boolean): Promise<ClientEvent> {
    if (this.invalidDetail !== null) throw new InvalidAnswer(this.invalidDetail);
    if (this.#isOver) throw new NoAnswer(`the connection ended before the ${name}`, true);
    return new Promise<ClientEvent>((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
      };
      const waiting: Waiting = {
        name,
        isAnswer,
        resolve: (event) => {
          done();
          resolve(event);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        waiting.reject(new NoAnswer(`no ${name} within ${answerTimeoutMs / 1000} s`));
      }, answerTimeoutMs);
      this.#waiting.add(waiting);
    });
  }
}

interface Waiting {
  readonly name: string;
  readonly isAnswer: (event: ClientEvent) => boolean;
  resolve(event: ClientEvent): void;
  reject(error: Error): void;
}
