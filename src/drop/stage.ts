import type { IPublishPacket } from "mqtt-packet";
import { InvalidAnswer } from "../client/client-error.ts";
import { dropNames } from "../log/drop-names.ts";
import { Client, type ClientLimits, clientLimits, type ConnectOptions } from "../client/client.ts";
import { reasonText } from "../core/reason.ts";
import type { dial } from "../client/dial.ts";
import type { ClientVersion } from "../client/machine.ts";
import type { Target } from "../client/target.ts";
import { CalledOff, ControlFailed, NotOffered } from "./no-verdict.ts";
import type { Patience } from "./patience.ts";
import type { Observation } from "./scenario.ts";

/** The will that the client dies with, as the user gave it or as we made it up. */
export interface WillPlan {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /** Seconds. */
  readonly delay: number;
}

export interface StageOptions {
  readonly target: Target;
  readonly version: ClientVersion;
  /** Seconds: the keepalive of the client that dies. */
  readonly keepAliveSeconds: number;
  /** Milliseconds past the due time after which a will counts as not coming. */
  readonly waitMs: number;
  /** Milliseconds past the due time after which it counts as late. */
  readonly toleranceMs: number;
  /** Set by the user; null: made up for each scenario. */
  readonly clientId: string | null;
  readonly will: Partial<WillPlan>;
  readonly deniedTopic: string | null;
  readonly restartCommand: string | null;
  /** How long to wait for a will that only a keepalive deadline brings. */
  readonly patience: Patience;
  /** Opens network connections; absent: by the system's sockets. */
  readonly dial?: typeof dial;
  /** The process that is the broker; null: not said. */
  readonly brokerPid: number | null;
  /** Told what is waited for, for the live line. Monotonic moments; `due`: of a will, else null. */
  readonly onWait: (what: string, until: number, due: number | null) => void;
  /** The user wants out: every wait ends with it. */
  readonly signal: AbortSignal;
}

/** How long a second copy is watched for. */
export const secondCopyMs = 2000;

/** Of the user's own message, which may be large, a scenario keeps so many: two for each of a crowd. */
const copiesKept = 512;

/**
 * Where one scenario is played: a topic of its own, a watcher, and clients that die. Whatever was
 * opened or left on the broker is taken back by `clear`.
 */
export class Stage {
  readonly options: StageOptions;
  readonly will: WillPlan;
  readonly clientId: string;
  readonly #clients: Client[] = [];
  readonly #leftovers: (() => Promise<void>)[] = [];
  #watcher: Client | null = null;
  /** Clients that the broker may send invalid data: their scenario looks for it. */
  readonly #excused = new Set<Client>();
  readonly #limits: ClientLimits;
  readonly #label: string;
  readonly #token: string;
  /** Topics whose retained message is put back at the end. */
  readonly #retainedOn = new Set<string>();
  /** When the control was over: what comes after it is a will. */
  #controlledAt = -Infinity;
  /** When the client died, or fell silent; what the results' times count from. */
  droppedAt = performance.now();

  /** `name` becomes part of topics and ids; `token` makes them nobody else's. */
  constructor(options: StageOptions, name: string, token: string) {
    this.options = options;
    this.#token = token;
    this.#label = dropNames.clientId(token, name, options.version);
    this.clientId = options.clientId ?? (options.version === 3 ? token.slice(0, 20) : this.#label);
    this.will = {
      topic: dropNames.willTopic(token, name, options.version),
      payload: Buffer.from(`will of ${this.clientId}`),
      qos: 1,
      retain: false,
      delay: 0,
      ...options.will,
    };
    const message = this.will.topic.length + this.will.payload.length;
    this.#limits = {
      ...clientLimits,
      packetBytes: clientLimits.packetBytes + message,
      arrivalBytes: clientLimits.arrivalBytes + message * copiesKept,
    };
  }

  /** What the broker sent that no scenario brings about; null: nothing. */
  get invalidAnswer(): InvalidAnswer | null {
    for (const client of this.#clients) {
      if (client.invalidDetail !== null && !this.#excused.has(client))
        return new InvalidAnswer(client.invalidDetail);
    }
    return null;
  }

  /** Invalid answers that this client gets are a part of the scenario. */
  excuse(client: Client): void {
    this.#excused.add(client);
  }

  /** Monotonic milliseconds. */
  get now(): number {
    return performance.now();
  }

  get isV5(): boolean {
    return this.options.version === 5;
  }

  /** What `clear` has to take back: open connections, and whatever else was left on the broker. */
  get holds(): { readonly connections: number; readonly leftovers: number } {
    const connections = this.#clients.filter(({ isOver }) => !isOver).length;
    return { connections, leftovers: this.#leftovers.length };
  }

  /** A topic beside the will's, of this scenario alone. */
  topic(name: string): string {
    return `mqttd-drop/${this.#label}/${name}`;
  }

  /** A client id beside that of the client that dies. */
  id(name: string): string {
    // MQTT 3.1 knows 23 characters, and what tells ids apart stands at the end.
    return this.options.version === 3 ? `${this.#token}-${name}` : `${this.#label}-${name}`;
  }

  /** The will's payload with a name behind it, for one will of several: `will of dev (cycle 3)`. */
  willPayload(name: string): Buffer {
    return Buffer.concat([this.will.payload, Buffer.from(` (${name})`)]);
  }

  /** Marks the moment of the drop: now, or the last packet that a silent client had sent. */
  dropped(at = this.now): number {
    this.droppedAt = at;
    return at;
  }

  /**
   * CONNECT's options with the user's credentials; no will, a clean session. The keepalive is longer
   * than any of these clients is silent: some brokers refuse 0.
   */
  connectOptions(options: Partial<ConnectOptions> = {}): ConnectOptions {
    const { username, password } = this.options.target;
    return {
      clientId: this.clientId,
      clean: true,
      keepalive: 300,
      ...(username !== null && { username }),
      ...(password !== null && { password: Buffer.from(password) }),
      ...options,
    };
  }

  /** CONNECT's `will` for a plan, by default the scenario's own. */
  willOptions(
    plan: Partial<WillPlan> = {},
    properties: Record<string, unknown> = {},
  ): NonNullable<ConnectOptions["will"]> {
    const { topic, payload, qos, retain, delay } = { ...this.will, ...plan };
    const all = { ...(delay > 0 && { willDelayInterval: delay }), ...properties };
    return { topic, payload, qos, retain, ...(this.isV5 && { properties: all }) };
  }

  /** Opens the network connection of a client, without CONNECT. */
  async dial(): Promise<Client> {
    const client = await Client.open(
      this.options.target,
      this.options.version,
      this.#limits,
      this.options.dial,
    );
    this.#clients.push(client);
    return client;
  }

  /** A connected client. Rejects with Refused, NoAnswer or DialError. */
  async client(options: Partial<ConnectOptions> = {}): Promise<Client> {
    const { will } = options;
    if (will !== undefined) this.needs({ qos: will.qos, retain: will.retain });
    const client = await this.dial();
    if (will?.retain === true) this.retains(will.topic);
    await client.connect(this.connectOptions(options));
    this.#persists(options);
    return client;
  }

  /** The client that dies: with the will, the keepalive and the id of the scenario. */
  async victim(options: Partial<ConnectOptions> = {}): Promise<Client> {
    const client = await this.client({
      will: this.willOptions(),
      keepalive: this.options.keepAliveSeconds,
      ...options,
    });
    const max = client.connack?.properties?.maximumQoS;
    if (max !== undefined && this.will.qos > max) throw new NotOffered(`Maximum QoS is ${max}`);
    return client;
  }

  /** A second connection that hears the will's topic. One a stage; it stays alive by itself. */
  async watcher(): Promise<Client> {
    if (this.#watcher !== null) return this.#watcher;
    const watcher = await this.client({ clientId: this.id("watch"), keepalive: 30 });
    // The broker may have given it another keepalive than it asked for.
    watcher.stayAlive(Math.min(10_000, (watcher.keepAliveSeconds || 30) * 500));
    await this.subscribe(watcher, this.will.topic, 2);
    this.#watcher = watcher;
    return watcher;
  }

  /** The control is over: its own message is forgotten, and what comes from now on is a will. */
  controlled(isControl: (packet: IPublishPacket) => boolean): void {
    const arrivals = this.#watcher?.arrivals ?? [];
    const kept = arrivals.filter(({ packet }) => !isControl(packet));
    arrivals.splice(0, arrivals.length, ...kept);
    this.#controlledAt = this.now;
  }

  /** Rejects with NotOffered where the broker denies it. Resolves to the QoS that is granted. */
  async subscribe(client: Client, filter: string, qos: 0 | 1 | 2): Promise<number> {
    // mqtt-packet says ISubackPacket.granted is a list of either.
    const [first]: readonly unknown[] = (await client.subscribe(filter, { qos })).granted;
    const code = typeof first === "object" && first !== null && "qos" in first ? first.qos : first;
    if (typeof code !== "number") throw new ControlFailed("the SUBACK has no reason code");
    if (code < 0x80) return code;
    // MQTT 3.1.1 has one code for every reason (v4-3.9.3-2).
    const why = code === 0x80 ? "failure (0x80)" : reasonText(code);
    throw new NotOffered(`the broker denies a SUBSCRIBE to ${filter}: SUBACK ${why}`);
  }

  /** Wills among what the watcher has heard since `since`. */
  wills(since: number, plan: Partial<WillPlan> = {}): { at: number; packet: IPublishPacket }[] {
    const payload = plan.payload ?? this.will.payload;
    return (this.#watcher?.arrivals ?? []).filter(
      ({ at, packet }) =>
        at >= since && packet.topic === (plan.topic ?? this.will.topic) && equal(packet, payload),
    );
  }

  /**
   * Watches for a will that is due at `due`: until it has come and no second one within 2 s, or the
   * wait is over. `since` is the moment of the drop; `plan`: where the will differs from the stage's.
   */
  async expectWill(
    since: number,
    due: number,
    arm = "",
    plan: Partial<WillPlan> = {},
  ): Promise<Observation> {
    const { waitMs } = this.options;
    const left = due - this.now + waitMs;
    // Who can't hear any more has nothing to wait for.
    const heard = (wills: number): boolean =>
      this.#watcher?.isOver === true || this.wills(since, plan).length >= wills;
    await this.until(left, "the will", () => heard(1), due);
    const seen = this.wills(since, plan).length > 0;
    if (seen) {
      await this.until(secondCopyMs, "a second copy", () => heard(2));
      const early = this.wills(since, plan).some(({ at }) => at < due);
      if (early) {
        const rest = due - this.now + secondCopyMs;
        await this.until(rest, "a second copy", () => heard(Infinity));
      }
    }
    return this.observation(since, due, arm, plan);
  }

  /** Watches until `until` that no will comes. */
  async expectNone(
    since: number,
    until: number,
    arm = "",
    plan: Partial<WillPlan> = {},
  ): Promise<Observation> {
    const heard = (): boolean =>
      this.#watcher?.isOver === true || this.wills(since, plan).length > 0;
    await this.until(until - this.now, "no will", heard);
    return this.observation(since, null, arm, plan);
  }

  /** What the watcher has heard since `since`, against what was due. */
  observation(
    since: number,
    due: number | null,
    arm = "",
    plan: Partial<WillPlan> = {},
  ): Observation {
    const wills = this.wills(since, plan);
    const before = this.wills(this.#controlledAt, plan).filter(({ at }) => at < since);
    return {
      arm,
      since,
      due,
      got: wills.map(({ at }) => at),
      before: before.map(({ at }) => at),
      until: this.now,
      altered:
        wills[0] === undefined ? null : alterationOf(wills[0].packet, { ...this.will, ...plan }),
      broken: null,
      inconclusive: this.#watcher?.isOver === true ? "the watcher's connection was closed" : null,
    };
  }

  /** Waits until `isThere` or the time is over; returns which. Rejects with CalledOff. */
  async until(
    milliseconds: number,
    what: string,
    isThere: () => boolean,
    due: number | null = null,
  ): Promise<boolean> {
    const end = this.now + milliseconds;
    this.options.onWait(what, end, due);
    while (!isThere()) {
      if (this.options.signal.aborted) throw new CalledOff();
      const left = end - this.now;
      if (left <= 0) return false;
      await new Promise((resolve) => setTimeout(resolve, Math.min(left, pollMs)));
    }
    return true;
  }

  async pause(milliseconds: number, what: string): Promise<void> {
    await this.until(milliseconds, what, () => false);
  }

  /** Something to undo at the end, whatever happens. */
  later(undo: () => Promise<void>): void {
    this.#leftovers.push(undo);
  }

  /** Leaves nothing behind: retained messages, sessions, processes, connections. Never rejects. */
  async clear(): Promise<string[]> {
    const problems: string[] = [];
    // Goodbyes come first: a session that is ended below would publish the will of who still lives.
    this.#leaveAll();
    for (const undo of this.#leftovers.toReversed()) {
      await undo().catch((error: unknown) => problems.push(String(error)));
    }
    this.#leaveAll();
    return problems;
  }

  /**
   * Something is going to be retained on a topic: at the end that is cleared, or replaced by what the
   * watcher had found there. Throws NotOffered when the broker retains nothing.
   */
  retains(topic: string): void {
    this.needs({ retain: true });
    if (this.#retainedOn.has(topic)) return;
    this.#retainedOn.add(topic);
    const arrivals = this.#watcher?.arrivals ?? [];
    const before = arrivals.find(({ packet }) => packet.retain && packet.topic === topic)?.packet;
    this.later(async () => {
      const client = await this.client({ clientId: this.id("broom") });
      const isPlain = before?.qos === 0 || client.connack?.properties?.maximumQoS === 0;
      await client.publish(topic, before?.payload ?? "", { qos: isPlain ? 0 : 1, retain: true });
      client.leave();
    });
  }

  #leaveAll(): void {
    for (const client of this.#clients) {
      if (!client.isOver) client.leave();
    }
  }

  /** Throws NotOffered for what the watcher's CONNACK had said no to (v5-3.2.2-12, v5-3.2.2-13). */
  needs({ qos, retain }: { qos?: number | undefined; retain?: boolean | undefined }): void {
    const said = this.#watcher?.connack?.properties;
    const max = said?.maximumQoS ?? 2;
    if ((qos ?? 0) > max) throw new NotOffered(`Maximum QoS is ${max}`);
    if (retain === true && said?.retainAvailable === false) {
      throw new NotOffered("Retain Available is 0");
    }
  }

  /** A session that outlives its connection is ended by a clean one with its id. */
  #persists(options: Partial<ConnectOptions>): void {
    const expiry = options.properties?.sessionExpiryInterval ?? 0;
    const persists = this.isV5 ? expiry > 0 : options.clean === false;
    if (!persists) return;
    const clientId = options.clientId ?? this.clientId;
    this.later(async () => {
      const client = await this.dial();
      await client.connect(this.connectOptions({ clientId }));
      client.leave();
    });
  }
}

/** Between two looks; arrivals carry their own times, so that it costs no accuracy. */
const pollMs = 10;

function equal(packet: IPublishPacket, payload: Buffer): boolean {
  return Buffer.from(packet.payload).equals(payload);
}

/** What is not as the will was given; null: nothing. */
function alterationOf(packet: IPublishPacket, will: WillPlan): string | null {
  // The watcher subscribed with QoS 2, so the message keeps its own QoS.
  if (packet.qos < will.qos) return `QoS ${packet.qos} instead of ${will.qos}`;
  return null;
}
