import {
  generate,
  type IPublishPacket,
  type ISubackPacket,
  type ISubscription,
  type IUnsubackPacket,
  type Packet,
} from "mqtt-packet";
import { audit } from "./audit.ts";
import { Disagreement, holds, same } from "./disagreement.ts";
import { codeOf, describe, Frames, hex, type Frame } from "./frame.ts";
import type { Line, LineEvents, Port } from "./port.ts";

type Command = Packet["cmd"];
type Of<Name extends Command> = Extract<Packet, { cmd: Name }>;

export type PublishOptions = Partial<Omit<IPublishPacket, "cmd" | "topic" | "payload">>;
type Subscribing = Partial<Omit<ISubscription, "topic">>;

/**
 * A client that does only what a check asks. mqtt-packet or a test writes its bytes; the client
 * cuts the broker's bytes into packets, passes them to the audit and keeps them until a check takes
 * them.
 */
export class Peer implements LineEvents {
  readonly version: 4 | 5;
  clientId = "";
  /** Every packet so far, including those that a check has taken. */
  readonly history: Frame[] = [];
  /** Errors that the audit found in the broker's packets, whichever check received them. */
  disagreement: Disagreement | null = null;
  isClosed = false;
  readonly #port: Port;
  readonly #frames = new Frames();
  readonly #inbox: Frame[] = [];
  readonly #onSend: (packet: Packet) => void;
  #line: Line | null = null;
  #nextId = 1;

  /** `onSend` gets each packet of this client, so that the scene can clean up later. */
  constructor(port: Port, version: 4 | 5, onSend: (packet: Packet) => void) {
    this.#port = port;
    this.version = version;
    this.#onSend = onSend;
  }

  async open(): Promise<void> {
    this.#line = await this.#port.open(this);
  }

  // Set by the line.

  data(bytes: Uint8Array): void {
    try {
      for (const frame of this.#frames.feed(bytes, this.version)) {
        this.history.push(frame);
        this.#inbox.push(frame);
        audit(frame, this.version);
      }
    } catch (error) {
      if (!(error instanceof Disagreement)) throw error;
      this.disagreement ??= error;
    }
  }

  closed(): void {
    this.isClosed = true;
  }

  // What the client does.

  send(packet: Packet): void {
    this.#onSend(packet);
    this.bytes(generate(packet, { protocolVersion: this.version }));
  }

  /** Any bytes, in one write. */
  bytes(...packets: readonly Uint8Array[]): void {
    this.#line?.send(Uint8Array.from(packets.flatMap((packet) => [...packet])));
  }

  takeId(): number {
    return this.#nextId++;
  }

  /** Sends SUBSCRIBE and returns what its SUBACK grants. */
  async subscribe(filter: string, options: Subscribing = {}, identifier = 0): Promise<number[]> {
    return this.subscribeMany([[filter, options]], identifier);
  }

  async subscribeMany(
    filters: readonly (readonly [string, Subscribing])[],
    identifier = 0,
  ): Promise<number[]> {
    const messageId = this.takeId();
    const subscriptions = filters.map(([topic, options]) => ({
      topic,
      qos: 0 as const,
      nl: false,
      rap: false,
      rh: 0,
      ...options,
    }));
    const properties = identifier === 0 ? {} : { subscriptionIdentifier: identifier };
    this.send({ cmd: "subscribe", messageId, subscriptions, properties });
    const suback = await this.next("suback");
    same("SUBACK with packet id", suback.messageId, messageId);
    return grantedBy(suback);
  }

  async unsubscribe(...filters: string[]): Promise<IUnsubackPacket> {
    const messageId = this.takeId();
    this.send({ cmd: "unsubscribe", messageId, unsubscriptions: filters });
    const unsuback = await this.next("unsuback");
    same("UNSUBACK with packet id", unsuback.messageId, messageId);
    return unsuback;
  }

  /** Sends PUBLISH and nothing else. Returns its packet id. */
  publishOnly(topic: string, payload: string | Buffer, options: PublishOptions = {}): number {
    const messageId = options.messageId ?? this.takeId();
    const fixed = { dup: false, qos: 0 as const, retain: false };
    this.send({ cmd: "publish", topic, payload, ...fixed, ...options, messageId });
    return messageId;
  }

  /** PUBLISH, to the end of its exchange. Returns the reason code of PUBACK or PUBREC. */
  async publish(
    topic: string,
    payload: string | Buffer,
    options: PublishOptions = {},
  ): Promise<number> {
    const messageId = this.publishOnly(topic, payload, options);
    if (options.qos === 1) return codeOf(await this.next("puback"));
    if (options.qos !== 2) return 0;
    const code = codeOf(await this.next("pubrec"));
    if (code >= 0x80) return code;
    this.send({ cmd: "pubrel", messageId });
    await this.next("pubcomp");
    return code;
  }

  /** Acknowledges a delivery to the end of its exchange. */
  async acknowledge({ qos, messageId = 0 }: IPublishPacket): Promise<void> {
    if (qos === 1) this.send({ cmd: "puback", messageId });
    if (qos !== 2) return;
    this.send({ cmd: "pubrec", messageId });
    same("PUBREL with packet id", (await this.next("pubrel")).messageId, messageId);
    this.send({ cmd: "pubcomp", messageId });
  }

  /** DISCONNECT, then FIN. */
  leave(reasonCode = 0, properties: { sessionExpiryInterval?: number } = {}): void {
    this.send({ cmd: "disconnect", reasonCode, properties });
    this.drop();
  }

  /** FIN without DISCONNECT, which publishes the will. */
  drop(): void {
    this.#line?.end();
  }

  // What the client expects.

  /** The next packet of a kind; others stay in place. */
  async next<Name extends Command>(name: Name): Promise<Of<Name>> {
    return (await this.nextFrame(name)).packet as Of<Name>;
  }

  async nextFrame(name: Command): Promise<Frame> {
    const find = (): number => this.#inbox.findIndex(({ packet }) => packet.cmd === name);
    await this.#port.until(() => find() >= 0 || this.isClosed, this.#port.patienceMs);
    if (this.disagreement !== null) throw this.disagreement;
    const [found] = find() < 0 ? [] : this.#inbox.splice(find(), 1);
    if (found === undefined) throw new Disagreement(name.toUpperCase(), this.#came());
    return found;
  }

  /** The next deliveries, as `topic=payload`, acknowledged to the end of their exchanges. */
  async receives(...expected: readonly string[]): Promise<IPublishPacket[]> {
    const packets: IPublishPacket[] = [];
    for (const [index, each] of expected.entries()) {
      const packet = await this.next("publish");
      packets.push(packet);
      same(`message ${index + 1} is`, messageOf(packet), each);
      await this.acknowledge(packet);
    }
    return packets;
  }

  /** Every PUBLISH so far, including those that a check has taken. */
  deliveries(): IPublishPacket[] {
    return this.history.flatMap(({ packet }) => (packet.cmd === "publish" ? [packet] : []));
  }

  /**
   * Throws if a packet of a kind, or any packet, arrives within a while; the connection stays open.
   */
  async silent(name: Command | null = null): Promise<void> {
    await this.#port.pass(this.#port.quietMs);
    if (this.disagreement !== null) throw this.disagreement;
    const came = this.#inbox.find(({ packet }) => name === null || packet.cmd === name);
    if (came !== undefined) throw new Disagreement("nothing", describe(came));
    holds(!this.isClosed, "a connection that stays open", "the broker closed it");
  }

  /** The connection is alive: the broker answers PINGREQ. */
  async lives(): Promise<void> {
    this.send({ cmd: "pingreq" });
    await this.next("pingresp");
  }

  /**
   * The broker closes the connection. In 5.0 a DISCONNECT before that is the broker's choice, but
   * its reason code must be an error [v5-4.13.2-1], and one of `codes` if there are any.
   */
  async closes(...codes: readonly number[]): Promise<Of<"disconnect"> | null> {
    await this.#closed("");
    return this.#saidBefore(codes);
  }

  /** The same, caused by these bytes. */
  async closesAt(
    packet: Uint8Array,
    ...codes: readonly number[]
  ): Promise<Of<"disconnect"> | null> {
    await this.#closed(` at ${bytesText(packet)}`);
    return this.#saidBefore(codes);
  }

  #saidBefore(codes: readonly number[]): Of<"disconnect"> | null {
    const last = this.#inbox.find(({ packet }) => packet.cmd === "disconnect");
    if (last === undefined || last.packet.cmd !== "disconnect") return null;
    same("last packet is", this.history.at(-1)?.packet.cmd, "disconnect");
    const code = codeOf(last.packet);
    const wanted = codes.length === 0 ? "a reason code from 0x80" : codes.map(hex).join(" or ");
    const isWanted = codes.length === 0 ? code >= 0x80 : codes.includes(code);
    holds(isWanted, `DISCONNECT with ${wanted}`, describe(last));
    return last.packet;
  }

  /**
   * The broker refuses CONNECT: with no CONNACK or an error code; then it closes the connection.
   */
  async refused(packet: Uint8Array | null = null): Promise<Frame | null> {
    await this.#closed(packet === null ? "" : ` at ${bytesText(packet)}`);
    const [first, ...others] = this.history;
    if (first === undefined) return null;
    const isRefusal = first.packet.cmd === "connack" && codeOf(first.packet) !== 0;
    holds(isRefusal, "a CONNACK that refuses, or none", describe(first));
    same("number of packets after it is", others.length, 0);
    return first;
  }

  async #closed(why: string): Promise<void> {
    await this.#port.until(() => this.isClosed, this.#port.patienceMs);
    if (this.disagreement !== null) throw this.disagreement;
    holds(this.isClosed, `the broker to close the connection${why}`, this.#came());
  }

  #came(): string {
    const packets = this.#inbox.map((frame) => describe(frame));
    if (this.isClosed) packets.push("the broker closed the connection");
    if (packets.length === 0) return "nothing";
    const more = packets.length - 5;
    return more > 0 ? `${packets.slice(0, 5).join(", ")} and ${more} more` : packets.join(", ");
  }
}

export function messageOf({ topic, payload }: IPublishPacket): string {
  return `${topic}=${payload.toString()}`;
}

/** The first bytes of a packet in hexadecimal. */
function bytesText(packet: Uint8Array): string {
  const first = Buffer.from(packet.subarray(0, 24)).toString("hex");
  return packet.length > 24 ? `${first}...` : first;
}

function grantedBy(suback: ISubackPacket): number[] {
  return suback.granted.map(Number);
}
