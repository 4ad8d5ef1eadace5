import { assert, unreachable } from "../../core/assert.ts";
import type { Broker } from "../../core/broker.ts";
import type {
  ConnectionId,
  Delivery,
  Effect,
  Input,
  ListenerPolicy,
  Millis,
} from "../../core/io.ts";
import type { Limits } from "../../core/limits.ts";
import type {
  ClientPacket,
  ConnectPacket,
  Message,
  ProtocolVersion,
  ServerPacket,
} from "../../core/packet.ts";
import type { Rules } from "../../core/quirks/rules.ts";
import type { Level, LogEvent } from "../../log/events.ts";
import type { Link, LinkEvents } from "../../transport/transport.ts";
import type { PacketReaderOptions } from "../../wire/reader.ts";
import type { SocketPoll } from "../../transport/socket-poll.ts";
import { Arrivals } from "./arrivals.ts";
import { UnfinishedBytes } from "../../wire/unfinished.ts";
import type { Authenticate } from "../auth.ts";
import type { Clock } from "./clock.ts";
import type { DeadlineTimer } from "./deadline-timer.ts";
import { DeliveryWriter } from "./copies.ts";
import { writeServerPacket } from "./server-packets.ts";
import { Leavings } from "./leavings.ts";
import { processLoop, type Loop } from "./loop.ts";
import { BufferPool } from "./outbox.ts";
import { PacketTrace } from "./packet-trace.ts";
import { Partings } from "./partings.ts";
import { Port } from "./port.ts";
import { Ports } from "./ports.ts";
import { Progress } from "./progress.ts";
import { SilentLink } from "./silent-link.ts";

/** Where events go: a LogSink, or a test's list. */
export interface EventLog {
  note(event: LogEvent, at: Millis): void;
  wants(level: Level): boolean;
}

export interface DriverOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly authenticate: Authenticate;
  /** Bytes that may wait for one connection before deliveries to it stop. */
  readonly outputBytes: number;
  /** Calls `onDue` when the time it was armed to has come. */
  readonly timer: (onDue: () => void) => DeadlineTimer;
  /** Default: the process's own. */
  readonly loop?: Loop;
  /** Asks what waits in sockets; null or absent: the platform can't be asked. */
  readonly poll?: SocketPoll | null;
  /**
   * Milliseconds from one `heartbeat` to the next: one that is late tells that the process stood still.
   * Absent: that is not looked for.
   */
  readonly heartbeatMs?: number;
  /** A fault of our own: print and end. Does not return to the caller's work. */
  readonly onFault: (fault: unknown) => void;
}

/** Packets after which a turn looks at the clock, and how long a turn may take. */
const packetsBetweenLooks = 64;
const turnMs = 5;
/** A heartbeat that is so much late tells that the process stood still. */
const standstillMs = 100;
/** Turns of the timers in which what had arrived on a connection that is taken over is read. */
const looksAtOld = 1000;
/** A buffer of this size is written before the turn ends. */
const earlyFlushBytes = 64 * 1024;

/**
 * Stands between the core and the world: hands in one input at a time, carries out its effects in
 * order, flushes at the end of the turn and keeps the one timer of the process.
 */
export class Driver {
  readonly #broker: Broker;
  readonly #clock: Clock;
  readonly #log: EventLog;
  readonly #options: DriverOptions;
  readonly #pool = new BufferPool();
  readonly #ports = new Ports();
  /** Ports with something to flush, and inputs that came up while effects were carried out. */
  readonly #dirty: Port[] = [];
  readonly #inputs: Input[] = [];
  /** Ports whose turn was cut short; they go on in the next one. */
  #unfinished: Port[] = [];
  readonly #timer: DeadlineTimer;
  readonly #writer: DeliveryWriter;
  #readerOptions: PacketReaderOptions;
  readonly #unfinishedBytes: UnfinishedBytes;
  /** The core's rules count bytes, not packets. */
  readonly #tellsBytes: boolean;
  readonly #packets: PacketTrace;
  #trace: boolean;
  #outputBytes: number;
  #now: Millis;
  readonly #loop: Loop;
  readonly #partings: Partings;
  readonly #arrivals: Arrivals;
  /** When the heartbeat that is awaited is too late. */
  #standstillAt = Infinity;
  /** When the clock was last found to be right. */
  #awakeAt: Millis;
  readonly #leavings: Leavings;
  readonly #progress = new Progress();
  bytesReceived = 0;
  bytesSent = 0;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#loop = options.loop ?? processLoop;
    this.#partings = new Partings(this.#loop);
    this.#leavings = new Leavings(this.#loop, (ports) => this.#guard(() => this.#left(ports)));
    this.#outputBytes = options.outputBytes;
    this.#broker = options.broker;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#packets = new PacketTrace(options.log);
    this.#trace = options.log.wants("debug");
    this.#now = options.clock.now();
    this.#awakeAt = this.#now;
    this.#arrivals = new Arrivals(options.poll ?? null, this.#ports);
    this.#writer = new DeliveryWriter();
    const { rules, limits } = options.broker;
    this.#unfinishedBytes = new UnfinishedBytes(limits.unfinishedBytes);
    this.#readerOptions = readerOptions(limits, this.#unfinishedBytes, rules);
    this.#tellsBytes =
      rules.keepAliveResetBy === "byte" || rules.keepAliveResetBy === "byteOfLarge";
    this.#timer = options.timer(() => this.#guard(() => this.#look()));
    this.#timer.arm(this.#broker.nextDeadline());
  }

  /** Where connections may wait to be accepted: the system's numbers of the listening sockets. */
  listensOn(descriptors: readonly number[]): void {
    this.#arrivals.listensOn(descriptors);
  }

  /** What a transport tells, for connections of one listener. */
  eventsFor(listener: ListenerPolicy): LinkEvents {
    return {
      opened: (link) => this.#guard(() => this.#opened(link, listener)),
      data: (link, chunk) => {
        // No closure here: this is the way of every packet.
        try {
          this.#data(portOf(link), chunk);
        } catch (fault) {
          this.#options.onFault(fault);
        }
      },
      drained: (link) => this.#guard(() => this.#drained(portOf(link))),
      closed: (link, how) => this.#guard(() => this.#closed(portOf(link), how)),
    };
  }

  /** Other limits hold from now on; the packet size for connections that are still to come. */
  reconfigure(limits: Limits, outputBytes: number): void {
    this.#unfinishedBytes.limit = limits.unfinishedBytes;
    this.#readerOptions = readerOptions(limits, this.#unfinishedBytes, this.#broker.rules);
    this.#outputBytes = outputBytes;
    this.order({ type: "reconfigured", limits });
  }

  /** An order of the operator, or of the process. */
  order(input: Input & { type: "kicked" | "reconfigured" | "stopping" }): void {
    this.#guard(() => {
      this.#turn();
      if (input.type !== "reconfigured")
        this.#readHeld(input.type === "kicked" ? input.clientId : null);
      this.#hand(input);
      this.#endTurn();
    });
  }

  /** What the driver has of connections that are held comes before the order that ends them. */
  #readHeld(clientId: string | null): void {
    const held =
      clientId === null
        ? this.#ports.filter((port) => port.holdPublisher)
        : [this.#heldUnder(clientId)].filter((port) => port !== null);
    for (const port of held) {
      this.#hand({ type: "leaving", connection: port.id });
      while (port.open && this.#readOne(port));
    }
  }

  /**
   * Breaks a connection that the core knows, as the network would. `silent`: from now on nothing is
   * read of it and nothing written to it, and its peer's own end is not noticed either.
   */
  drop(connection: ConnectionId, how: "rst" | "silent"): void {
    this.#guard(() => {
      const port = this.#ports.get(connection);
      this.#turn();
      this.#hand({ type: "dropped", connection, how });
      if (how === "silent") return this.#silence(port);
      port.link.reset();
      this.#closed(port, "reset");
    });
  }

  /** To be called about each `heartbeatMs`: notices a suspend, and hands in what was measured. */
  heartbeat(): void {
    this.#guard(() => {
      const asleepMs = this.#clock.catchUp();
      if (asleepMs > 0) {
        // The timer stood still meanwhile, so that what it was set to comes too late by that time.
        this.#timer.stop();
        this.#standstillAt += asleepMs;
      }
      this.#turn();
      const { bytesReceived, bytesSent } = this;
      this.#lookForProgress();
      this.#hand({ type: "measured", bytesReceived, bytesSent });
      if (asleepMs > 0) this.#hand({ type: "woke", asleepMs, since: this.#awakeAt });
      this.#awakeAt = this.#now;
      this.#awaitHeartbeat();
      this.#endTurn();
    });
  }

  #awaitHeartbeat(): void {
    const { heartbeatMs } = this.#options;
    if (heartbeatMs !== undefined) this.#standstillAt = this.#now + heartbeatMs + standstillMs;
  }

  /** Whether everything that was sent has left the process. */
  get idle(): boolean {
    return this.#ports.every((port) => port.outbox.size === 0);
  }

  /** Clients that were sent away and have yet to take their last bytes, or to close. */
  get parting(): number {
    return this.#partings.count;
  }

  stopTimer(): void {
    this.#timer.stop();
  }

  setTrace(on: boolean): void {
    this.#trace = on;
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (fault) {
      this.#options.onFault(fault);
    }
  }

  #turn(): void {
    const since = this.#now;
    this.#now = this.#clock.now();
    // A loop whose turns are many is late with its timers, and does not stand still.
    if (this.#now > this.#standstillAt && this.#now - since >= standstillMs)
      this.#stoodStill(since);
  }

  /** Since the last turn, the loop had none in which the heartbeat would have come. */
  #stoodStill(since: Millis): void {
    this.#awaitHeartbeat();
    this.#hand({ type: "stoodStill", since });
    this.#log.note({ event: "loopBlocked", blockedMs: this.#now - since }, this.#now);
  }

  /** Flushes what the turn caused, until flushing causes nothing more, and sets the timer. */
  #endTurn(): void {
    for (;;) {
      const port = this.#dirty.pop();
      if (port !== undefined) {
        port.dirty = false;
        this.#flush(port);
      } else if (this.#inputs.length > 0) {
        this.#settle();
      } else {
        break;
      }
    }
    this.#timer.arm(this.#broker.nextDeadline());
  }

  #look(): void {
    this.#turn();
    this.#lookForProgress();
    const unread = this.#arrivals.unread(this.#broker.undecided(this.#now), this.#now);
    this.#hand({ type: "deadline", unread });
    this.#endTurn();
  }

  #lookForProgress(): void {
    this.#progress.look(this.#now, ({ id }) => this.#hand({ type: "progressed", connection: id }));
  }

  #opened(link: Link, listener: ListenerPolicy): void {
    this.#turn();
    const port = this.#ports.open(
      (id) => new Port(id, link, listener, this.#readerOptions, this.#pool),
    );
    link.owner = port;
    this.#arrivals.opened(port);
    if (this.#broker.isFull(listener)) this.#postpone(port);
    else this.#admit(port);
    this.#endTurn();
  }

  /** Tells the core of it. */
  #admit(port: Port): void {
    port.admitted = true;
    const { id, listener } = port;
    const { remote, isLocal } = port.link;
    const token = this.#loop.token();
    this.#hand({ type: "opened", connection: id, remote, isLocal, listener, token });
  }

  /** It would be refused, unless the end of another one waits in its socket: that is read first. */
  #postpone(port: Port, turns = this.#arrivals.turns): void {
    port.link.pause();
    this.#loop.after(0, () => {
      if (port.admitted) return;
      if (turns > 1) return this.#postpone(port, turns - 1);
      this.#guard(() => {
        this.#turn();
        this.#admit(port);
        if (port.open) {
          port.link.resume();
          this.#read(port);
        }
        this.#endTurn();
      });
    });
  }

  #data(port: Port, chunk: Uint8Array): void {
    // What a client says after it was sent away is not listened to.
    if (!port.open) return;
    this.bytesReceived += chunk.length;
    port.bytesReceived += chunk.length;
    this.#turn();
    port.reader.feed(chunk);
    if (!port.admitted) return;
    if (!port.held) this.#read(port);
    if (this.#tellsBytes && port.open) {
      this.#hand({ type: "heard", connection: port.id, awaited: port.reader.awaited });
    }
    this.#endTurn();
  }

  /** Hands in the packets that are complete, for as long as a turn may take. */
  #read(port: Port): void {
    const until = this.#now + turnMs;
    for (let packets = 1; port.open && !port.held; packets++) {
      if (!this.#readOne(port)) return;
      if (packets % packetsBetweenLooks === 0 && this.#clock.now() >= until) {
        return this.#continueLater(port);
      }
    }
  }

  /** False: there is no complete packet. */
  #readOne(port: Port): boolean {
    const packet = port.reader.next();
    if (packet === null) return false;
    const connection = port.id;
    if (packet.type === "fault") {
      const { error, version, clientId } = packet;
      this.#hand({ type: "malformed", connection, error, version, clientId });
      return true;
    }
    const old = packet.type === "connect" ? this.#heldUnder(packet.clientId) : null;
    // A second CONNECT on the same connection takes over nothing.
    if (packet.type === "connect" && old !== null && old !== port)
      this.#withhold(port, packet, old);
    else this.#received(port, packet);
    return true;
  }

  #received(port: Port, packet: ClientPacket): void {
    if (this.#trace) this.#packets.packet(port, "received", packet, this.#now);
    this.#hand({ type: "received", connection: port.id, packet });
  }

  /** The connection of a client id, if it is held: what it sent last may wait unread, a DISCONNECT too. */
  #heldUnder(clientId: string): Port | null {
    const old = this.#broker.sessions.get(clientId)?.connection ?? null;
    const port = old === null ? null : this.#ports.get(old.id);
    return port?.holdPublisher === true ? port : null;
  }

  /** A CONNECT that takes over a held connection comes after all that had arrived on that one. */
  #withhold(port: Port, packet: ConnectPacket, old: Port): void {
    port.withheld = packet;
    this.#reading(port);
    this.#hand({ type: "leaving", connection: old.id });
    this.#awaitReading(port, old, 0);
  }

  #awaitReading(port: Port, old: Port, looks: number): void {
    // A turn of the timers comes after a poll, and one of what was cut short after that.
    const look = (): void => {
      if (port.withheld === null || !port.open) return;
      if (looks < looksAtOld && this.#isUnread(old, looks)) {
        return this.#awaitReading(port, old, looks + 1);
      }
      this.#guard(() => {
        this.#turn();
        this.#handWithheld(port);
        this.#reading(port);
        this.#settle();
        this.#read(port);
        this.#endTurn();
      });
    };
    this.#loop.after(0, () => this.#loop.soon(look));
  }

  #isUnread(old: Port, looks: number): boolean {
    if (!old.open || old.holdOutput) return false;
    return looks < this.#arrivals.turns || old.held || this.#arrivals.isReadable(old);
  }

  #handWithheld(port: Port): void {
    const { withheld } = port;
    port.withheld = null;
    if (withheld !== null && port.open) this.#received(port, withheld);
  }

  /** Lets the others have their turn: no callback blocks the loop, and no deadline waits for one. */
  #continueLater(port: Port): void {
    if (port.holdTurn) return;
    port.holdTurn = true;
    this.#reading(port);
    if (this.#unfinished.push(port) === 1) {
      this.#loop.soon(() => this.#guard(() => this.#continue()));
    }
  }

  #continue(): void {
    const ports = this.#unfinished;
    this.#unfinished = [];
    for (const port of ports) {
      port.holdTurn = false;
      if (port.open) this.#resume(port);
    }
  }

  #drained(port: Port): void {
    this.#turn();
    this.#flush(port);
    this.#endTurn();
  }

  #closed(port: Port, how: "eof" | "reset" | "timeout"): void {
    port.loseOutput();
    this.#partings.giveUp(port);
    if (!port.open) return;
    this.#turn();
    if (!port.admitted) this.#admit(port);
    this.#handWithheld(port);
    // Packets whose turn is still to come came before the end, so they count before it.
    while (port.open && !port.holdAuthentication && this.#readOne(port)) this.#handWithheld(port);
    if (port.open) {
      this.#release(port);
      this.#carryOut(this.#broker.handle({ type: "closed", connection: port.id, how }, this.#now));
    }
    this.#endTurn();
  }

  /** One input, and whatever inputs its effects give rise to. */
  #hand(input: Input): void {
    this.#carryOut(this.#broker.handle(input, this.#now));
    if (this.#inputs.length > 0) this.#settle();
  }

  /** An input that comes up in the middle of something is handed in right after it. */
  #later(input: Input): void {
    this.#inputs.push(input);
  }

  #settle(): void {
    for (let input = this.#inputs.shift(); input !== undefined; input = this.#inputs.shift()) {
      if ("connection" in input && !this.#ports.has(input.connection)) continue;
      this.#carryOut(this.#broker.handle(input, this.#now));
    }
  }

  #carryOut(effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case "deliver":
          this.#deliver(effect.message, effect.expirySeconds, effect.to);
          break;
        case "send":
          this.#send(this.#ports.get(effect.connection), effect.version, effect.packet);
          break;
        case "note":
          this.#log.note(effect.event, this.#now);
          break;
        case "watch": {
          const port = this.#ports.get(effect.connection);
          port.clientId = effect.clientId;
          this.#arrivals.settled(port);
          port.link.watch(effect.allowedMs);
          break;
        }
        case "authenticate":
          this.#authenticate(this.#ports.get(effect.connection), effect);
          break;
        case "hold":
          this.#hold(this.#ports.get(effect.connection), true);
          break;
        case "release":
          this.#hold(this.#ports.get(effect.connection), false);
          break;
        case "close":
          this.#close(this.#ports.get(effect.connection), effect.how);
          break;
        default:
          unreachable(effect);
      }
    }
  }

  #deliver(message: Message, expirySeconds: number | null, to: readonly Delivery[]): void {
    this.#writer.begin(message, expirySeconds);
    for (const delivery of to) {
      const port = this.#ports.get(delivery.connection);
      this.#writer.write(port.outbox, delivery);
      if (this.#trace) this.#packets.delivery(port, message, delivery, this.#now);
      this.#touch(port);
    }
  }

  #send(port: Port, version: ProtocolVersion, packet: ServerPacket): void {
    if (this.#trace) this.#packets.packet(port, "sent", packet, this.#now);
    const before = port.outbox.size;
    writeServerPacket(port.outbox, version, packet);
    port.answers += port.outbox.size - before;
    this.#touch(port);
  }

  #touch(port: Port): void {
    if (!port.dirty) {
      port.dirty = true;
      this.#dirty.push(port);
    }
    if (!port.waiting && port.outbox.buffered >= earlyFlushBytes) this.#flush(port);
  }

  #flush(port: Port): void {
    if (port.outbox.size === 0 && !port.waiting) return;
    const took = port.outbox.flush(port.link);
    if (took < 0) {
      // The link has ended; that it is closed follows.
      port.loseOutput();
      return;
    }
    this.bytesSent += took;
    this.#tellOutput(port, took);
  }

  /** Tells the core what became of the output, where that has changed. */
  #tellOutput(port: Port, took: number): void {
    const left = port.outbox.size;
    const connection = port.id;
    if (port.answers > left) port.answers = left;
    if (left === 0) {
      if (!port.waiting) return;
      port.waiting = false;
      if (!port.open) return this.#partings.finish(port);
      this.#progress.end(port);
      port.holdOutput = false;
      this.#later({ type: "drained", connection });
      this.#reading(port);
      if (!port.held) this.#continueLater(port);
      return;
    }
    if (!port.open) return;
    const outputBytes = this.#outputBytes;
    if (!port.waiting) {
      this.#progress.begin(port);
      this.#later({ type: "waiting", connection });
    } else if (took > 0) this.#later({ type: "progressed", connection });
    port.waiting = true;
    if (left > outputBytes) this.#later({ type: "blocked", connection });
    if (port.answers > 2 * outputBytes && !port.holdOutput) {
      port.holdOutput = true;
      this.#reading(port);
    }
  }

  /** Lets the link read or not, and tells the core: the keepalive does not run while it does not. */
  #reading(port: Port): void {
    if (port.paused === port.held) return;
    port.paused = port.held;
    const connection = port.id;
    if (port.paused) port.link.pause();
    else port.link.resume();
    this.#later({ type: port.paused ? "paused" : "resumed", connection });
  }

  #hold(port: Port, on: boolean): void {
    port.holdPublisher = on;
    if (on) this.#leavings.watch(port, this.#now);
    else this.#leavings.forget(port);
    this.#reading(port);
    if (!on && !port.held && port.reader.buffered > 0) this.#continueLater(port);
  }

  #left(ports: readonly Port[]): void {
    this.#turn();
    for (const { open, id } of ports) if (open) this.#hand({ type: "leaving", connection: id });
    this.#endTurn();
  }

  #silence(port: Port): void {
    this.#turn();
    // What the link still tells goes to a port that the core has never heard of.
    const nobody = new Port(port.id, port.link, port.listener, this.#readerOptions, this.#pool);
    nobody.open = false;
    port.link.owner = nobody;
    port.link = new SilentLink(port.link);
    this.#flush(port);
    this.#endTurn();
  }

  #authenticate(port: Port, effect: Effect & { type: "authenticate" }): void {
    let isLater = false;
    port.holdAuthentication = true;
    this.#options.authenticate(effect, (refused) => {
      port.holdAuthentication = false;
      if (!port.open) return;
      this.#later({ type: "authenticated", connection: port.id, refused });
      if (isLater) this.#guard(() => this.#resume(port));
    });
    isLater = true;
    if (port.holdAuthentication) this.#reading(port);
  }

  /** What held it back is over. */
  #resume(port: Port): void {
    this.#turn();
    this.#reading(port);
    this.#settle();
    this.#read(port);
    this.#endTurn();
  }

  #release(port: Port): void {
    this.#arrivals.settled(port);
    this.#leavings.forget(port);
    this.#progress.end(port);
    this.#ports.release(port);
  }

  /** The core is done with it; its last bytes are still to be taken. */
  #close(port: Port, how: "end" | "reset"): void {
    if (how === "end") this.#flush(port);
    this.#release(port);
    if (how === "reset") {
      port.loseOutput();
      port.link.reset();
      return;
    }
    this.#partings.begin(port);
  }
}

function readerOptions(
  { packetSize, controlPacketSize }: Limits,
  unfinished: UnfinishedBytes,
  { invalidWill }: Rules,
): PacketReaderOptions {
  const takesInvalidWill = invalidWill === "taken";
  return {
    packetSize,
    controlPacketSize: Math.min(controlPacketSize, packetSize),
    unfinished,
    takesInvalidWill,
  };
}

function portOf(link: Link): Port {
  assert(link.owner instanceof Port, "a link tells of itself after it was opened");
  return link.owner;
}
