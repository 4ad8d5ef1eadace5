import type {
  IConnackPacket,
  IConnectPacket,
  IDisconnectPacket,
  IPublishPacket,
  ISubackPacket,
  ISubscription,
  Packet,
} from "mqtt-packet";
import { dial, type Wire } from "./dial.ts";
import { ClientMachine, type ClientEvent, type ClientVersion } from "./machine.ts";
import type { Target } from "./target.ts";

/** A message as it came, with its moment by the monotonic clock (milliseconds). */
export interface Arrival {
  readonly at: number;
  readonly packet: IPublishPacket;
}

/** How a connection ended, seen from the client. */
export interface ClientEnd {
  /** `left`: the client itself ended it. */
  readonly how: "eof" | "reset" | "timeout" | "left" | "malformed";
  readonly at: number;
  /** What the broker said before (v5). */
  readonly disconnect: IDisconnectPacket | null;
}

/** CONNACK said no: exit code 4. */
export class Refused extends Error {
  override name = "Refused";
  /** The reason code (v5) or the return code. */
  readonly code: number;
  readonly connack: IConnackPacket;

  constructor(connack: IConnackPacket) {
    const code = connack.reasonCode ?? connack.returnCode ?? 0;
    super(`CONNACK 0x${code.toString(16).padStart(2, "0")}`);
    this.code = code;
    this.connack = connack;
  }
}

/** The broker did not answer in time (exit code 5), or ended the connection instead (3). */
export class NoAnswer extends Error {
  override name = "NoAnswer";
  readonly isClosed: boolean;

  constructor(message: string, isClosed = false) {
    super(message);
    this.isClosed = isClosed;
  }
}

export type ConnectOptions = Omit<IConnectPacket, "cmd" | "protocolId" | "protocolVersion">;

/** How long to wait for an answer of the broker. */
const answerMs = 5000;

/** One connection of a client that does what it is told, and nothing by itself but acknowledge. */
export class Client {
  /** Every message so far. */
  readonly arrivals: Arrival[] = [];
  connack: IConnackPacket | null = null;
  /** When a complete packet was handed to the network last. */
  lastSentAt = 0;
  /** Resolves when the connection is over, whoever ended it. */
  readonly ended: Promise<ClientEnd>;
  onArrival: (arrival: Arrival) => void = () => {};
  /** Told the bytes as they come, for what a parsed packet does not keep. */
  onBytes: (chunk: Uint8Array) => void = () => {};
  readonly #machine: ClientMachine;
  readonly #waiting = new Set<Waiting>();
  #wire: Wire | null = null;
  #end: (end: ClientEnd) => void = () => {};
  #isOver = false;
  #disconnect: IDisconnectPacket | null = null;
  #pings: ReturnType<typeof setInterval> | null = null;

  private constructor(version: ClientVersion) {
    this.#machine = new ClientMachine(version);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Opens the network connection only. Rejects with DialError. */
  static async open(target: Target, version: ClientVersion, timeoutMs = answerMs): Promise<Client> {
    const client = new Client(version);
    client.#wire = await dial(target, timeoutMs, () => ({
      data: (chunk) => client.#received(chunk),
      closed: (how) => client.#over(how),
    }));
    return client;
  }

  get version(): ClientVersion {
    return this.#machine.version;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The keepalive in force in seconds: the broker's, if it said one (v5-3.1.2-21). */
  get keepAlive(): number {
    return this.connack?.properties?.serverKeepAlive ?? this.#asked;
  }
  #asked = 0;

  /** Sends CONNECT and waits for the CONNACK. Rejects with Refused or NoAnswer. */
  async connect(options: ConnectOptions): Promise<IConnackPacket> {
    this.#asked = options.keepalive ?? 0;
    return this.connectWith(this.#machine.connect(options));
  }

  /** The same with a CONNECT that is given as bytes, also such as no client should send. */
  async connectWith(bytes: Uint8Array): Promise<IConnackPacket> {
    this.#write(bytes);
    const answer = await this.#answer("CONNACK", (event) => event.event === "connack");
    if (answer.event !== "connack") throw new NoAnswer("no CONNACK");
    this.connack = answer.packet;
    const code = answer.packet.reasonCode ?? answer.packet.returnCode ?? 0;
    if (code !== 0) throw new Refused(answer.packet);
    return answer.packet;
  }

  /** Waits for the SUBACK. */
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

  /** Resolves to the reason code once the broker has taken it; with QoS 0, when it was sent. */
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

  /** Pings by itself from now on, so that it is never taken for dead. */
  stayAlive(everyMs: number): void {
    this.#pings ??= setInterval(() => this.ping(), everyMs);
  }

  send(packet: Packet): void {
    this.#write(this.#machine.encode(packet));
  }

  encode(packet: Packet): Uint8Array {
    return this.#machine.encode(packet);
  }

  /** Any bytes, also such as are no packet; they do not count as one. */
  sendBytes(bytes: Uint8Array): void {
    this.#wire?.send(bytes);
  }

  /** DISCONNECT, then FIN. */
  leave(reasonCode = 0, properties: IDisconnectPacket["properties"] = {}): void {
    if (this.#isOver) return;
    this.send({ cmd: "disconnect", reasonCode, properties });
    this.fin();
  }

  /** FIN without DISCONNECT. */
  fin(): void {
    this.#wire?.end();
    this.#over("left");
  }

  /** RST. */
  reset(): void {
    this.#wire?.reset();
    this.#over("left");
  }

  #write(bytes: Uint8Array): void {
    this.#wire?.send(bytes);
    this.lastSentAt = performance.now();
  }

  #received(chunk: Uint8Array): void {
    const at = performance.now();
    this.onBytes(chunk);
    const { events, answers } = this.#machine.receive(chunk);
    for (const bytes of answers) this.#write(bytes);
    for (const event of events) this.#happened(event, at);
  }

  #happened(event: ClientEvent, at: number): void {
    if (event.event === "message") {
      const arrival = { at, packet: event.packet };
      this.arrivals.push(arrival);
      this.onArrival(arrival);
    } else if (event.event === "disconnect") {
      this.#disconnect = event.packet;
    } else if (event.event === "malformed") {
      this.#wire?.reset();
      this.#over("malformed");
    }
    for (const waiting of [...this.#waiting]) {
      if (waiting.isAnswer(event)) waiting.resolve(event);
    }
  }

  #over(how: ClientEnd["how"]): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#pings !== null) clearInterval(this.#pings);
    this.#end({ how, at: performance.now(), disconnect: this.#disconnect });
    for (const waiting of [...this.#waiting]) {
      const message = `the broker closed the connection before its ${waiting.name}`;
      waiting.reject(new NoAnswer(message, true));
    }
  }

  async #answer(name: string, isAnswer: (event: ClientEvent) => boolean): Promise<ClientEvent> {
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
        reject: (fault) => {
          done();
          reject(fault);
        },
      };
      const timer = setTimeout(() => {
        waiting.reject(new NoAnswer(`no ${name} within ${answerMs / 1000} s`));
      }, answerMs);
      this.#waiting.add(waiting);
    });
  }
}

interface Waiting {
  readonly name: string;
  readonly isAnswer: (event: ClientEvent) => boolean;
  resolve(event: ClientEvent): void;
  reject(fault: Error): void;
}
