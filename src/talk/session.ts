import type { IConnackPacket, ISubackPacket, ISubscription } from "mqtt-packet";
import { Client, type ClientEnd, type ClientLimits } from "../client/client.ts";
import { InvalidAnswer } from "../client/client-error.ts";
import { connectError } from "../client/connect-error.ts";
import type { ClientEvent, ReceivedPublish } from "../client/machine.ts";
import { dial } from "../client/dial.ts";
import { Outgoing, type OutgoingMessage } from "../client/outgoing.ts";
import { targetText } from "../client/target.ts";
import { CliError } from "../config/cli-error.ts";
import { reasonText } from "../core/reason.ts";
import { clause, name } from "../log/foreign.ts";
import { aliasOf, refusedByLimits } from "./broker-limits.ts";
import { Keepalive } from "./keepalive.ts";
import { isWorthAnotherTry, lossText, sayRepeats } from "./loss.ts";
import type { TalkRequest } from "./request.ts";
import { packetText } from "./trace.ts";

/** The largest packet of MQTT, whatever the broker sends; messages are not kept. */
const limits: ClientLimits = {
  packetBytes: 268_435_460,
  packets: Infinity,
  arrivalBytes: Infinity,
};

/** Back-off between two attempts to connect again. */
const firstDelayMs = 1000;
const delayMaxMs = 30_000;
/** A connection that held so long begins the back-off anew. */
const steadyMs = 10_000;
/** Connections in a row that end before the broker has acknowledged anything. */
const fruitlessMax = 3;
/** How long to look for what has arrived already: a turn of the loop with its poll. */
const pendingMs = 10;
/** How long the end of a connection may take. */
const leavingMs = 2000;

/** What a command hears of its session; all of it synchronously. */
export interface SessionEvents {
  /** After each CONNACK that accepts it. */
  connected?(connack: IConnackPacket): void;
  message?(packet: ReceivedPublish): void;
  subscribed?(packet: ISubackPacket): void;
  unsubscribed?(): void;
  /** The broker has finished a QoS 1 or 2 message, or refused it. */
  published?(message: OutgoingMessage, reason: number): void;
}

/** Where a session's words go. */
export interface Words {
  /** Remarks for the user. */
  readonly say: (text: string) => void;
  /** One line for each packet. */
  readonly trace: (text: string) => void;
}

/** A client's session over one connection after the other. */
export class Session {
  /** Rejects with CliError when the session can't go on; never resolves. */
  readonly failed: Promise<never>;
  readonly #request: TalkRequest;
  readonly #events: SessionEvents;
  readonly #say: (text: string) => void;
  readonly #trace: (text: string) => void;
  readonly #outgoing = new Outgoing();
  readonly #inbound = new Set<number>();
  readonly #failure = Promise.withResolvers<never>();
  readonly #inflightMax: number;
  /** Null while no connection is open. */
  #client: Client | null = null;
  #connack: IConnackPacket | null = null;
  #keepalive: Keepalive | null = null;
  #aliases = new Map<number, string>();
  #waiting: (() => void)[] = [];
  #isPaused = false;
  #isLeaving = false;
  #delayMs = firstDelayMs;
  #fruitless = 0;
  #retry: ReturnType<typeof setTimeout> | null = null;

  constructor(
    request: TalkRequest,
    events: SessionEvents,
    { say, trace }: Words,
    inflightMax = 20,
  ) {
    this.#request = request;
    this.#events = events;
    this.#say = say;
    this.#trace = trace;
    this.#inflightMax = inflightMax;
    this.failed = this.#failure.promise;
    // It may be awaited late; until then it is no unhandled rejection.
    this.failed.catch(() => {});
  }

  /** Connects for the first time. Throws CliError. */
  async open(): Promise<void> {
    try {
      await this.#connect();
    } catch (error) {
      throw this.#asCliError(error);
    }
  }

  /** Resolves when a connection is open and takes one more message. */
  async room(): Promise<void> {
    while (!this.#hasRoom()) await this.#change();
    await this.#client?.flushed();
    if (!this.#hasRoom()) await this.room();
  }

  /** Sends a message, after `room`. Throws CliError if the broker has said that it does not take it. */
  publish(message: OutgoingMessage): void {
    const connack = this.#connack;
    if (connack === null || this.#client === null) return;
    const refused = refusedByLimits(message, connack, this.#request.version);
    if (refused !== null) throw new CliError(refused, { exitCode: 4 });
    const messageId = message.qos === 0 ? 0 : this.#outgoing.add(message);
    this.#sendPublish(message, messageId, false);
  }

  /** Resolves when the broker has finished all QoS 1 and 2 messages, and the system has the others. */
  async settled(): Promise<void> {
    while (this.#outgoing.size > 0) await this.#change();
    await this.#client?.flushed();
  }

  subscribe(
    filters: readonly string[],
    options: Omit<ISubscription, "topic">,
    properties: object | undefined,
  ): void {
    const messageId = this.#outgoing.reserve();
    const subscriptions = filters.map((topic) => ({ topic, ...options }));
    this.#client?.send({
      cmd: "subscribe",
      messageId,
      subscriptions,
      ...(properties !== undefined && { properties }),
    });
  }

  unsubscribe(filters: readonly string[], properties: object | undefined): void {
    this.#client?.send({
      cmd: "unsubscribe",
      messageId: this.#outgoing.reserve(),
      unsubscriptions: [...filters],
      ...(properties !== undefined && { properties }),
    });
  }

  /** Reads nothing more until `resume`: the broker has to wait. */
  pause(): void {
    this.#isPaused = true;
    this.#client?.stopReading();
    this.#keepalive?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#client?.readAgain();
    this.#keepalive?.resume();
  }

  /**
   * Ends the connection as the request says. Resolves to false if there was none to end, once the
   * broker has closed it too, or after a bound.
   */
  async leave(): Promise<boolean> {
    this.#isLeaving = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#keepalive?.stop();
    const client = this.#client;
    this.#client = null;
    if (client === null) return false;
    // An end that has arrived is read first, as after a SIGCONT: nothing is sent then.
    await after(pendingMs);
    if (client.isOver) {
      this.#say(lossText(this.#request, await client.ended));
      return false;
    }
    const { disconnects, reasonCode, properties } = this.#request.goodbye;
    if (disconnects) {
      client.send({
        cmd: "disconnect",
        reasonCode,
        ...(properties !== undefined && { properties }),
      });
    }
    const end = async (): Promise<void> => {
      await client.flushed();
      if (disconnects) client.fin();
      else client.cut();
      await client.gone();
    };
    await Promise.race([end(), after(leavingMs)]);
    return true;
  }

  #hasRoom(): boolean {
    const most = Math.min(
      this.#inflightMax,
      this.#connack?.properties?.receiveMaximum ?? this.#inflightMax,
    );
    return this.#client !== null && this.#outgoing.size < most;
  }

  async #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #changed(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  async #connect(): Promise<void> {
    const { target, version, connect, debug } = this.#request;
    const client = await Client.open(target, version, limits, dial, this.#inbound);
    if (debug) {
      client.onPacket = (direction, packet) => {
        const verb = direction === "sent" ? "sending" : "received";
        this.#trace(`Client ${name(connect.clientId)} ${verb} ${packetText(packet)}`);
      };
    }
    if (this.#isLeaving) return client.reset();
    this.#client = client;
    try {
      client.onArrival = ({ packet }) => {
        client.forgetArrivals();
        this.#events.message?.(packet);
      };
      client.onEvent = (event) => this.#handle(event);
      const connack = await client.connect(connect);
      if (this.#isLeaving) return;
      this.#connected(client, connack);
    } catch (error) {
      this.#client = null;
      client.reset();
      throw error;
    }
    void client.ended.then((end) => this.#ended(client, end));
  }

  #connected(client: Client, connack: IConnackPacket): void {
    this.#connack = connack;
    this.#aliases = new Map();
    if (!connack.sessionPresent) this.#inbound.clear();
    const connectedAt = performance.now();
    this.#keepalive = new Keepalive(client, (silentMs) => {
      this.#say(`no PINGRESP within ${Math.round(silentMs / 1000)} s`);
      client.reset();
    });
    void client.ended.then(() => {
      if (performance.now() - connectedAt >= steadyMs) this.#delayMs = firstDelayMs;
    });
    for (const again of this.#outgoing.resend(connack.sessionPresent)) {
      if (again.step === "pubrel") client.send({ cmd: "pubrel", messageId: again.packetId });
      else this.#sendPublish(again.message, again.packetId, again.dup);
    }
    this.#events.connected?.(connack);
    if (this.#isPaused) this.pause();
    this.#changed();
  }

  #sendPublish(message: OutgoingMessage, messageId: number, dup: boolean): void {
    const alias = aliasOf(message, this.#connack);
    const isKnown = alias !== null && this.#aliases.get(alias) === message.topic;
    if (alias !== null) this.#aliases.set(alias, message.topic);
    const { payload, qos, retain } = message;
    const topic = isKnown ? "" : message.topic;
    const properties = withoutAlias(message, alias);
    this.#client?.send({
      ...{ cmd: "publish", topic, payload, qos, retain, dup, messageId },
      ...(properties !== undefined && { properties }),
    });
  }

  #handle(event: ClientEvent): void {
    switch (event.event) {
      case "pubrec":
        this.#fruitless = 0;
        return this.#outgoing.received(event.packetId);
      case "published": {
        this.#fruitless = 0;
        const message = this.#outgoing.finish(event.packetId);
        if (message !== null) this.#events.published?.(message, event.reason);
        return this.#changed();
      }
      case "suback":
        this.#fruitless = 0;
        this.#outgoing.release(event.packet.messageId ?? 0);
        return this.#events.subscribed?.(event.packet);
      case "unsuback":
        this.#outgoing.release(event.packetId);
        return this.#events.unsubscribed?.();
      case "connack":
      case "message":
      case "pingresp":
      case "disconnect":
      case "malformed":
        return;
    }
  }

  #ended(client: Client, end: ClientEnd): void {
    this.#keepalive?.stop();
    if (this.#client !== client || this.#isLeaving) return;
    this.#client = null;
    const text = lossText(this.#request, end);
    if (end.how === "malformed") {
      return this.#fail(this.#asCliError(new InvalidAnswer(client.invalidDetail ?? "")));
    }
    const code = end.disconnect?.reasonCode ?? null;
    if (code !== null && sayRepeats(code)) return this.#fail(new CliError(text, { exitCode: 4 }));
    if (!this.#request.reconnects) return this.#fail(new CliError(text, { exitCode: 3 }));
    this.#fruitless += 1;
    if (this.#outgoing.size > 0 && this.#fruitless >= fruitlessMax) {
      const hint = "is the topic denied, or the message too large? the broker's log may say";
      const message = `${text}, ${fruitlessMax} times without an acknowledgement`;
      return this.#fail(new CliError(message, { exitCode: 3, hint }));
    }
    this.#tryLater(text);
  }

  #tryLater(why: string): void {
    const ms = this.#delayMs;
    this.#delayMs = Math.min(delayMaxMs, 2 * ms);
    this.#say(`${why}; connecting again in ${ms / 1000} s`);
    this.#retry = setTimeout(() => void this.#again(), ms);
  }

  async #again(): Promise<void> {
    this.#retry = null;
    try {
      await this.#connect();
      if (!this.#isLeaving) this.#say(`connected again to ${targetText(this.#request.target)}`);
    } catch (error) {
      if (this.#isLeaving) return;
      const known = this.#asCliError(error);
      if (!(known instanceof CliError)) return this.#failure.reject(known);
      if (isWorthAnotherTry(error)) return this.#tryLater(known.message);
      this.#fail(known);
    }
  }

  #fail(error: unknown): void {
    this.#isLeaving = true;
    this.#failure.reject(error);
  }

  #asCliError(error: unknown): unknown {
    const hint = "is a broker running there? mqttd serve starts one";
    const { target, connect } = this.#request;
    return connectError(error, target, hint, connect.will !== undefined) ?? error;
  }
}

/** The properties, without an alias that the broker does not take. */
function withoutAlias(
  { properties }: OutgoingMessage,
  alias: number | null,
): OutgoingMessage["properties"] {
  if (properties?.topicAlias === undefined || alias !== null) return properties;
  const { topicAlias: _, ...others } = properties;
  return others;
}

/** Of SUBACK: the filters that the broker has refused, as text. */
export function refusedFilters(
  filters: readonly string[],
  { granted }: ISubackPacket,
): readonly string[] {
  return granted.flatMap((code, place) => {
    if (typeof code !== "number" || code < 0x80) return [];
    const why = code === 0x80 ? "" : `: ${reasonText(code)}`;
    return [`the broker refused the subscription to ${clause(filters[place] ?? "")}${why}`];
  });
}

async function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
