import {
  generate,
  parser,
  type IConnackPacket,
  type IConnectPacket,
  type IPublishPacket,
  type ISubackPacket,
  type ISubscription,
  type IUnsubackPacket,
  type Packet,
} from "mqtt-packet";
import { type Gate, listening } from "./held-loop.ts";
import type { Loss } from "../../src/core/end-causes.ts";
import type { Link, LinkEvents } from "../../src/transport/transport.ts";

export type ConnectOptions = Partial<Omit<IConnectPacket, "cmd">> & { readonly clientId: string };

/**
 * The client's end of a connection without a network. What it sends reaches the broker at once;
 * mqtt-packet, which shares no code with the broker's codec, decodes what the broker sends.
 */
export class TestClient implements Link {
  readonly remote: string;
  readonly isLocal: boolean;
  readonly descriptor: number;
  owner: unknown = null;
  /** Decoded packets, in order. */
  readonly received: Packet[] = [];
  /** How the broker closed the connection; null: open. */
  closedBy: "end" | "reset" | null = null;
  watched: number | null | undefined;
  /** Bytes that were written and wait in the link. */
  unsent = 0;
  /** The name in its certificate, where that is its user name. */
  identity: string | null | undefined = undefined;
  paused = false;
  /** Bytes that have arrived wait in the link, and how many it holds. */
  isBehind = false;
  held = 0;
  /** Bytes in its socket for which the loop has had no time. */
  arrived: Uint8Array | null = null;
  /** The client's FIN has arrived, behind the unread bytes. */
  leaving = false;
  /** Bytes that the kernel still accepts; tests set it to apply back-pressure. */
  room = Infinity;
  /** Bytes that the broker's kernel holds for the client; null: unknown. */
  unread: number | null = null;
  #version: 3 | 4 | 5 = 4;
  #events: LinkEvents;
  #check: () => void;
  #gate: Gate;
  #parser = parser({ protocolVersion: 4 });
  #gone = false;
  /** Called when the client closes a connection that the broker has ended. */
  #onGone: () => void = () => {};
  #nextId = 1;

  constructor(remote: string, events: LinkEvents, check: () => void, gate: Gate = atOnce) {
    this.remote = remote;
    this.descriptor = Number(remote.slice(remote.lastIndexOf(":") + 1));
    this.#gate = gate;
    this.isLocal = remote.startsWith("127.") || remote.startsWith("[::1]");
    this.#events = events;
    this.#check = check;
    this.#listen();
    this.#gate(listening, () => {
      events.opened(this);
      check();
    });
  }

  // The broker's side.

  write(bytes: Uint8Array, start: number, end: number): number {
    if (this.#gone || this.closedBy !== null) return -1;
    const taken = Math.min(this.room, end - start);
    this.room -= taken;
    if (taken > 0) this.#parser.parse(Buffer.from(bytes.slice(start, start + taken)));
    return taken;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  end(gone: () => void = () => {}): void {
    this.closedBy ??= "end";
    this.#onGone = gone;
    if (this.#gone) gone();
  }

  reset(): void {
    this.closedBy ??= "reset";
  }

  watch(allowedMs: number | null): void {
    this.watched = allowedMs;
  }

  unacknowledged(): number | null {
    return this.unread;
  }

  hasPeerClosed(): boolean {
    return this.leaving;
  }

  readAhead(): void {
    const { arrived } = this;
    this.arrived = null;
    if (arrived !== null) this.#events.data(this, arrived);
  }

  // The client's side.

  /** Sends CONNECT and returns the CONNACK, if the broker sent one. */
  connect(options: ConnectOptions): IConnackPacket | undefined {
    this.#version = options.protocolVersion ?? 4;
    this.#listen();
    this.send({
      cmd: "connect",
      protocolId: this.#version === 3 ? "MQIsdp" : "MQTT",
      protocolVersion: this.#version,
      clean: true,
      keepalive: 0,
      ...options,
    });
    return this.take("connack").at(-1);
  }

  subscribe(...topics: (string | Partial<ISubscription>)[]): ISubackPacket | undefined {
    return this.subscribeWith({}, ...topics);
  }

  subscribeWith(
    properties: { subscriptionIdentifier?: number },
    ...topics: (string | Partial<ISubscription>)[]
  ): ISubackPacket | undefined {
    const subscriptions = topics.map((topic) => ({
      topic: "",
      qos: 0 as const,
      nl: false,
      rap: false,
      rh: 0 as const,
      ...(typeof topic === "string" ? { topic } : topic),
    }));
    this.send({ cmd: "subscribe", messageId: this.nextId(), subscriptions, properties });
    return this.take("suback").at(-1);
  }

  unsubscribe(...topics: string[]): IUnsubackPacket | undefined {
    this.send({ cmd: "unsubscribe", messageId: this.nextId(), unsubscriptions: topics });
    return this.take("unsuback").at(-1);
  }

  publish(
    topic: string,
    payload: string | Buffer,
    options: Partial<Omit<IPublishPacket, "cmd" | "topic" | "payload">> = {},
  ): number {
    const messageId = options.messageId ?? this.nextId();
    this.send({
      cmd: "publish",
      topic,
      payload,
      dup: false,
      qos: 0,
      retain: false,
      messageId,
      ...options,
    });
    return messageId;
  }

  ping(): void {
    this.send({ cmd: "pingreq" });
  }

  send(packet: Packet): void {
    this.sendBytes(generate(packet, { protocolVersion: this.#version }));
  }

  sendBytes(bytes: Uint8Array): void {
    const chunk = Uint8Array.from(bytes);
    this.#deliver(() => this.#events.data(this, chunk));
  }

  /** The bytes arrive, and the loop has not gone on since. */
  sendQuietly(bytes: Uint8Array): void {
    this.#events.data(this, bytes);
  }

  /** Ends the network connection without a DISCONNECT. */
  drop(how: Loss = "reset", detail?: string): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#deliver(() => this.dropQuietly(how, detail));
  }

  /** The same, and the loop has not gone on since. */
  dropQuietly(how: Loss, detail?: string): void {
    this.#gone = true;
    // `closed` does not follow when the broker has ended the connection.
    if (this.closedBy === null) this.#events.closed(this, how, detail);
    else this.#onGone();
  }

  /** The kernel accepts bytes again. */
  drain(bytes = Infinity): void {
    this.room = bytes;
    this.#deliver(() => this.#events.drained(this));
  }

  /** Removes and returns the packets of one kind that have arrived so far. */
  take<Command extends Packet["cmd"]>(command: Command): (Packet & { cmd: Command })[] {
    const taken: (Packet & { cmd: Command })[] = [];
    const rest: Packet[] = [];
    for (const packet of this.received) {
      if (isOf(packet, command)) taken.push(packet);
      else rest.push(packet);
    }
    this.received.splice(0, this.received.length, ...rest);
    return taken;
  }

  /** `topic=payload` of the PUBLISHes that have arrived so far. */
  messages(): string[] {
    return this.take("publish").map(({ topic, payload }) => `${topic}=${payload.toString()}`);
  }

  nextId(): number {
    return this.#nextId++;
  }

  #deliver(fact: () => void): void {
    this.#gate(this.descriptor, () => {
      fact();
      this.#check();
    });
  }

  #listen(): void {
    this.#parser = parser({ protocolVersion: this.#version });
    this.#parser.on("packet", (packet) => this.received.push(packet));
    this.#parser.on("error", (error) => {
      throw error;
    });
  }
}

const atOnce: Gate = (_, deliver) => deliver();

function isOf<Command extends Packet["cmd"]>(
  packet: Packet,
  command: Command,
): packet is Packet & { cmd: Command } {
  return packet.cmd === command;
}
