import { assert, unreachable } from "../../core/assert.ts";
import type { Broker } from "../../core/broker.ts";
import type { ConnectionId, Effect, Input, ListenerPolicy, Millis } from "../../core/io.ts";
import type { Limits } from "../../core/limits.ts";
import type {
  ClientPacket,
  ConnectPacket,
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
import { PeerCloses } from "./peer-closes.ts";
import { processLoop, type Loop } from "./loop.ts";
import { BufferPool, largeBuffer } from "./buffer-pool.ts";
import { PacketTrace } from "./packet-trace.ts";
import { ClosingChannels } from "./closing.ts";
import { Channel } from "./channel.ts";
import { Channels } from "./channels.ts";
import { Progress } from "./progress.ts";
import { SilentLink } from "./silent-link.ts";

/** Receives events: a LogSink, or a list in a test. */
export interface EventLog {
  note(event: LogEvent, at: Millis): void;
  logs(level: Level): boolean;
}

export interface DriverOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly authenticate: Authenticate;
  /** Waiting bytes of one connection above which deliveries to it stop. */
  readonly outputBytes: number;
  /** Creates the timer; it calls `onDue` at the time it was armed to. */
  readonly timer: (onDue: () => void) => DeadlineTimer;
  /** Default: the process's own. */
  readonly loop?: Loop;
  /** Polls sockets for unread data; null or absent: the platform has no poll. */
  readonly poll?: SocketPoll | null;
  /**
   * Milliseconds between calls of `heartbeat`: a late one shows that the process was blocked.
   * Absent: not checked.
   */
  readonly heartbeatMs?: number;
  /** Called with a fault of our own: print the state and exit. The current work stops. */
  readonly onFault: (fault: unknown) => void;
}

/** Packets between two clock reads in a turn, and the time that a turn may take. */
const packetsPerClockRead = 64;
const turnMs = 5;
/** A heartbeat this late shows that the process was blocked. */
const standstillMs = 100;
/** Maximum turns of the timers for reading a connection before its takeover. */
const takeoverLooksMax = 1000;
/** This much output is flushed before the turn ends, while it still fits one buffer. */
const earlyFlushBytes = (largeBuffer * 3) / 4;

/**
 * Connects the core to the world: hands in one input at a time, executes its effects in order,
 * flushes at the end of the turn and arms the single timer of the process.
 */
export class Driver {
  readonly #broker: Broker;
  readonly #clock: Clock;
  readonly #log: EventLog;
  readonly #options: DriverOptions;
  readonly #pool = new BufferPool();
  readonly #channels = new Channels();
  /** Channels to flush, and inputs that arose while executing effects. */
  readonly #dirty: Channel[] = [];
  readonly #inputs: Input[] = [];
  /** Channels whose turn was cut short; they continue in the next one. */
  #unfinished: Channel[] = [];
  readonly #timer: DeadlineTimer;
  readonly #writer: DeliveryWriter;
  #readerOptions: PacketReaderOptions;
  readonly #unfinishedBytes: UnfinishedBytes;
  /** A quirk is on by which bytes, not only packets, reset the keepalive. */
  readonly #reportsBytes: boolean;
  readonly #packets: PacketTrace;
  #trace: boolean;
  #outputBytes: number;
  #now: Millis;
  readonly #loop: Loop;
  readonly #closing: ClosingChannels;
  readonly #arrivals: Arrivals;
  /** From this time on, the next heartbeat is too late. */
  #standstillAt = Infinity;
  /** Time of the last heartbeat, at which the clock was right. */
  #awakeAt: Millis;
  readonly #peerCloses: PeerCloses;
  readonly #progress = new Progress();
  bytesReceived = 0;
  bytesSent = 0;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#loop = options.loop ?? processLoop;
    this.#closing = new ClosingChannels(this.#loop);
    this.#peerCloses = new PeerCloses(this.#loop, (channels) =>
      this.#guard(() => this.#peersClosed(channels)),
    );
    this.#outputBytes = options.outputBytes;
    this.#broker = options.broker;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#packets = new PacketTrace(options.log);
    this.#trace = options.log.logs("debug");
    this.#now = options.clock.now();
    this.#awakeAt = this.#now;
    this.#arrivals = new Arrivals(options.poll ?? null, this.#channels);
    this.#writer = new DeliveryWriter();
    const { rules, limits } = options.broker;
    this.#unfinishedBytes = new UnfinishedBytes(limits.unfinishedBytes, options.broker.memory);
    this.#readerOptions = readerOptions(limits, this.#unfinishedBytes, rules);
    this.#reportsBytes =
      rules.keepAliveResetBy === "byte" || rules.keepAliveResetBy === "byteOfLarge";
    this.#timer = options.timer(() => this.#guard(() => this.#timerFired()));
    this.#timer.arm(this.#broker.nextDeadline());
  }

  /** Adds descriptors of listening sockets, on which connections may wait to be accepted. */
  addListeners(descriptors: readonly number[]): void {
    this.#arrivals.addListeners(descriptors);
  }

  /** Event handlers for the connections of one listener. */
  eventsFor(listener: ListenerPolicy): LinkEvents {
    return {
      opened: (link) => this.#guard(() => this.#opened(link, listener)),
      data: (link, chunk) => {
        // No closure here: this is the hot path.
        try {
          this.#data(channelOf(link), chunk);
        } catch (fault) {
          this.#options.onFault(fault);
        }
      },
      drained: (link) => this.#guard(() => this.#drained(channelOf(link))),
      closed: (link, how) => this.#guard(() => this.#closed(channelOf(link), how)),
    };
  }

  /** Sets new limits; packet sizes apply to later connections only. */
  reconfigure(limits: Limits, outputBytes: number): void {
    this.#unfinishedBytes.limit = limits.unfinishedBytes;
    this.#readerOptions = readerOptions(limits, this.#unfinishedBytes, this.#broker.rules);
    this.#outputBytes = outputBytes;
    this.order({ type: "reconfigured", limits });
  }

  /** Executes an order of the operator or of the process. */
  order(input: Input & { type: "kicked" | "reconfigured" | "stopping" }): void {
    this.#guard(() => {
      this.#beginTurn();
      if (input.type !== "reconfigured")
        this.#readHeld(input.type === "kicked" ? input.clientId : null);
      this.#handle(input);
      this.#endTurn();
    });
  }

  /** Reads the buffered packets of held connections before an order ends these connections. */
  #readHeld(clientId: string | null): void {
    const held =
      clientId === null
        ? this.#channels.filter((channel) => channel.holdPublisher)
        : [this.#heldChannelOf(clientId)].filter((channel) => channel !== null);
    for (const channel of held) {
      this.#handle({ type: "ending", connection: channel.id });
      while (channel.open && this.#readOne(channel));
    }
  }

  /**
   * Breaks an open connection, as the network would. `silent`: from now on the driver neither reads
   * nor writes the link, and does not notice its peer's end.
   */
  drop(connection: ConnectionId, how: "rst" | "silent"): void {
    this.#guard(() => {
      const channel = this.#channels.get(connection);
      this.#beginTurn();
      this.#handle({ type: "dropped", connection, how });
      if (how === "silent") return this.#detachSilently(channel);
      channel.link.reset();
      this.#closed(channel, "reset");
    });
  }

  /** Call about every `heartbeatMs`: detects a suspend, and hands in the byte counts. */
  heartbeat(): void {
    this.#guard(() => {
      const asleepMs = this.#clock.catchUp();
      if (asleepMs > 0) {
        // The timer stopped during the sleep, so it would fire too late by `asleepMs`.
        this.#timer.stop();
        this.#standstillAt += asleepMs;
      }
      this.#beginTurn();
      const { bytesReceived, bytesSent } = this;
      this.#checkProgress();
      this.#handle({ type: "measured", bytesReceived, bytesSent });
      if (asleepMs > 0) this.#handle({ type: "woke", asleepMs, since: this.#awakeAt });
      this.#awakeAt = this.#now;
      this.#expectHeartbeat();
      this.#endTurn();
    });
  }

  #expectHeartbeat(): void {
    const { heartbeatMs } = this.#options;
    if (heartbeatMs !== undefined) this.#standstillAt = this.#now + heartbeatMs + standstillMs;
  }

  /** Whether all output has been written to the sockets. */
  get idle(): boolean {
    return this.#channels.every((channel) => channel.outbox.size === 0);
  }

  /**
   * Connections that the core has ended but whose clients have not read all bytes and closed yet.
   */
  get closing(): number {
    return this.#closing.count;
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

  #beginTurn(): void {
    const since = this.#now;
    this.#now = this.#clock.now();
    // Many short turns delay the timers too, but then the loop is not blocked.
    if (this.#now > this.#standstillAt && this.#now - since >= standstillMs)
      this.#stoodStill(since);
  }

  /** The loop was blocked since its last turn, past the time of the heartbeat. */
  #stoodStill(since: Millis): void {
    this.#expectHeartbeat();
    this.#handle({ type: "stoodStill", since });
    this.#log.note({ event: "loopBlocked", blockedMs: this.#now - since }, this.#now);
  }

  /** Flushes output and handles queued inputs until none are left, then arms the timer. */
  #endTurn(): void {
    for (;;) {
      const channel = this.#dirty.pop();
      if (channel !== undefined) {
        channel.dirty = false;
        this.#flush(channel);
      } else if (this.#inputs.length > 0) {
        this.#handleQueued();
      } else {
        break;
      }
    }
    this.#timer.arm(this.#broker.nextDeadline());
  }

  #timerFired(): void {
    this.#beginTurn();
    this.#checkProgress();
    const undecided = this.#broker.undecided(this.#now);
    for (const { id, cause } of undecided.connections) {
      const { messagesSent: messages } = this.#channels.get(id);
      if (cause === "keepAliveExpired" && messages > 0)
        this.#handle({ type: "delivered", connection: id, messages });
    }
    const unread = this.#arrivals.unread(undecided, this.#now);
    this.#handle({ type: "deadline", unread });
    this.#endTurn();
  }

  #checkProgress(): void {
    this.#progress.check(this.#now, ({ id }) =>
      this.#handle({ type: "progressed", connection: id }),
    );
  }

  #opened(link: Link, listener: ListenerPolicy): void {
    this.#beginTurn();
    const channel = this.#channels.open(
      (id) => new Channel(id, link, listener, this.#readerOptions, this.#pool, this.#broker.memory),
    );
    link.owner = channel;
    this.#arrivals.opened(channel);
    if (this.#broker.isFull(listener)) this.#postpone(channel);
    else this.#admit(channel);
    this.#endTurn();
  }

  /** Hands the new connection to the core. */
  #admit(channel: Channel): void {
    channel.admitted = true;
    const { id, listener } = channel;
    const { remote, isLocal } = channel.link;
    const token = this.#loop.token();
    this.#handle({
      type: "opened",
      connection: id,
      remote,
      isLocal,
      listener,
      token,
      holds: channel,
    });
  }

  /** No slot is free, but another connection's end may be unread: lets the loop read first. */
  #postpone(channel: Channel, turns = this.#arrivals.turns): void {
    channel.link.pause();
    this.#loop.after(0, () => {
      if (channel.admitted) return;
      if (turns > 1) return this.#postpone(channel, turns - 1);
      this.#guard(() => {
        this.#beginTurn();
        this.#admit(channel);
        if (channel.open) {
          channel.link.resume();
          this.#read(channel);
        }
        this.#endTurn();
      });
    });
  }

  #data(channel: Channel, chunk: Uint8Array): void {
    // Ignore bytes after the core has closed the connection.
    if (!channel.open) return;
    this.bytesReceived += chunk.length;
    channel.bytesReceived += chunk.length;
    this.#beginTurn();
    channel.reader.feed(chunk);
    if (channel.admitted && !channel.held) this.#read(channel);
    channel.countUnread();
    if (!channel.admitted) return;
    if (this.#reportsBytes && channel.open) {
      this.#handle({
        type: "bytesReceived",
        connection: channel.id,
        awaited: channel.reader.awaited,
      });
    }
    this.#endTurn();
  }

  /** Hands in complete packets until the turn's time is used up. */
  #read(channel: Channel): void {
    const until = this.#now + turnMs;
    for (let packets = 1; channel.open && !channel.held; packets++) {
      if (!this.#readOne(channel)) return this.#reportIncomplete(channel);
      if (packets % packetsPerClockRead === 0 && this.#clock.now() >= until) {
        return this.#continueInNextTurn(channel);
      }
    }
  }

  /** Tells the core what has arrived of a packet that is not complete. */
  #reportIncomplete(channel: Channel): void {
    const packet = channel.reader.incomplete;
    if (packet === null) return;
    this.#handle({ type: "incomplete", connection: channel.id, packet });
  }

  /** Hands in one packet. False: no complete packet. */
  #readOne(channel: Channel): boolean {
    const packet = channel.reader.next();
    if (packet === null) return false;
    const connection = channel.id;
    channel.messagesSent = 0;
    if (packet.type === "violation") {
      const { error, version, clientId } = packet;
      this.#handle({ type: "malformed", connection, error, version, clientId });
      return true;
    }
    const old = packet.type === "connect" ? this.#heldChannelOf(packet.clientId) : null;
    // A second CONNECT on the same connection is a violation, not a takeover.
    if (packet.type === "connect" && old !== null && old !== channel)
      this.#withhold(channel, packet, old);
    else this.#received(channel, packet);
    return true;
  }

  #received(channel: Channel, packet: ClientPacket): void {
    if (this.#trace) this.#packets.packet(channel, "received", packet, this.#now);
    this.#handle({ type: "received", connection: channel.id, packet });
  }

  /** A client id's connection, if it is held: packets, even a DISCONNECT, may be unread. */
  #heldChannelOf(clientId: string): Channel | null {
    const old = this.#broker.sessions.get(clientId)?.connection ?? null;
    const channel = old === null ? null : this.#channels.get(old.id);
    return channel?.holdPublisher === true ? channel : null;
  }

  /** Delays a CONNECT until all data that had arrived on the connection it takes over is read. */
  #withhold(channel: Channel, packet: ConnectPacket, old: Channel): void {
    channel.withheld = packet;
    this.#updateReading(channel);
    this.#handle({ type: "ending", connection: old.id });
    this.#retryWithheld(channel, old, 0);
  }

  #retryWithheld(channel: Channel, old: Channel, looks: number): void {
    // Timers run after a poll of the sockets, and `soon` after that, behind cut-short channels.
    const look = (): void => {
      if (channel.withheld === null || !channel.open) return;
      if (looks < takeoverLooksMax && this.#isUnread(old, looks)) {
        return this.#retryWithheld(channel, old, looks + 1);
      }
      this.#guard(() => {
        this.#beginTurn();
        this.#receiveWithheld(channel);
        this.#readOn(channel);
      });
    };
    this.#loop.after(0, () => this.#loop.soon(look));
  }

  #isUnread(old: Channel, looks: number): boolean {
    if (!old.open || old.holdOutput) return false;
    return looks < this.#arrivals.turns || old.held || this.#arrivals.isReadable(old);
  }

  #receiveWithheld(channel: Channel): void {
    const { withheld } = channel;
    channel.withheld = null;
    if (withheld !== null && channel.open) this.#received(channel, withheld);
  }

  /** Yields to other connections and deadlines, and reads on in the next turn. */
  #continueInNextTurn(channel: Channel): void {
    if (channel.holdTurn) return;
    channel.holdTurn = true;
    this.#updateReading(channel);
    if (this.#unfinished.push(channel) === 1) {
      this.#loop.soon(() => this.#guard(() => this.#continue()));
    }
  }

  #continue(): void {
    const channels = this.#unfinished;
    this.#unfinished = [];
    for (const channel of channels) {
      channel.holdTurn = false;
      if (channel.open) this.#resume(channel);
    }
  }

  #drained(channel: Channel): void {
    this.#beginTurn();
    this.#flush(channel);
    this.#endTurn();
  }

  #closed(channel: Channel, how: "eof" | "reset" | "timeout"): void {
    channel.loseOutput();
    this.#closing.giveUp(channel);
    if (!channel.open) return;
    this.#beginTurn();
    if (!channel.admitted) this.#admit(channel);
    this.#receiveWithheld(channel);
    // Buffered packets arrived before the end, so hand them in before it.
    while (channel.open && !channel.holdAuthentication && this.#readOne(channel))
      this.#receiveWithheld(channel);
    if (channel.open) {
      this.#reportIncomplete(channel);
      this.#release(channel);
      this.#execute(
        this.#broker.handle({ type: "closed", connection: channel.id, how }, this.#now),
      );
    }
    this.#endTurn();
  }

  /** Hands in one input, then the inputs that arise from its effects. */
  #handle(input: Input): void {
    this.#execute(this.#broker.handle(input, this.#now));
    if (this.#inputs.length > 0) this.#handleQueued();
  }

  /** Queues an input that arises while effects are executed. */
  #enqueue(input: Input): void {
    this.#inputs.push(input);
  }

  #handleQueued(): void {
    for (let input = this.#inputs.shift(); input !== undefined; input = this.#inputs.shift()) {
      if ("connection" in input && !this.#channels.has(input.connection)) continue;
      this.#execute(this.#broker.handle(input, this.#now));
    }
  }

  #execute(effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case "deliver":
          this.#deliver(effect);
          break;
        case "send":
          this.#send(this.#channels.get(effect.connection), effect.version, effect.packet);
          break;
        case "note":
          this.#log.note(effect.event, this.#now);
          break;
        case "watch": {
          const channel = this.#channels.get(effect.connection);
          channel.clientId = effect.clientId;
          this.#arrivals.settled(channel);
          channel.link.watch(effect.allowedMs);
          break;
        }
        case "authenticate":
          this.#authenticate(this.#channels.get(effect.connection), effect);
          break;
        case "hold":
          this.#hold(this.#channels.get(effect.connection), true);
          break;
        case "release":
          this.#hold(this.#channels.get(effect.connection), false);
          break;
        case "close":
          this.#close(this.#channels.get(effect.connection), effect.how);
          break;
        default:
          unreachable(effect);
      }
    }
  }

  #deliver(effect: Effect & { readonly type: "deliver" }): void {
    const { message, to, packetIds } = effect;
    this.#writer.begin(message, effect.expirySeconds, effect.frame, to.length);
    for (let place = 0; place < to.length; place++) {
      const delivery = to[place]!;
      const packetId = packetIds === null ? 0 : packetIds[place]!;
      const channel = this.#channels.get(delivery.connection);
      this.#writer.write(channel.outbox, delivery, packetId);
      channel.messagesSent += 1;
      if (this.#trace) this.#packets.delivery(channel, message, delivery, packetId, this.#now);
      this.#markDirty(channel);
    }
  }

  #send(channel: Channel, version: ProtocolVersion, packet: ServerPacket): void {
    if (this.#trace) this.#packets.packet(channel, "sent", packet, this.#now);
    const before = channel.outbox.size;
    writeServerPacket(channel.outbox, version, packet);
    channel.replyBytes += channel.outbox.size - before;
    this.#markDirty(channel);
  }

  #markDirty(channel: Channel): void {
    if (!channel.dirty) {
      channel.dirty = true;
      this.#dirty.push(channel);
    }
    if (!channel.waiting && channel.outbox.buffered >= earlyFlushBytes) this.#flush(channel);
  }

  #flush(channel: Channel): void {
    if (channel.outbox.size === 0 && !channel.waiting) return;
    const written = channel.outbox.flush(channel.link);
    if (written < 0) {
      // The link has ended; its `closed` event follows.
      channel.loseOutput();
      return;
    }
    this.bytesSent += written;
    channel.countOutput();
    this.#reportOutput(channel, written);
  }

  /** Reports a change in the state of the output to the core. */
  #reportOutput(channel: Channel, written: number): void {
    const left = channel.outbox.size;
    const connection = channel.id;
    if (channel.replyBytes > left) channel.replyBytes = left;
    if (left === 0) {
      if (!channel.waiting) return;
      channel.waiting = false;
      if (!channel.open) return this.#closing.finish(channel);
      this.#progress.end(channel);
      channel.holdOutput = false;
      this.#enqueue({ type: "drained", connection });
      this.#updateReading(channel);
      if (!channel.held) this.#continueInNextTurn(channel);
      return;
    }
    if (!channel.open) return;
    const outputBytes = this.#outputBytes;
    if (!channel.waiting) {
      this.#progress.begin(channel);
      this.#enqueue({ type: "waiting", connection });
    } else if (written > 0) this.#enqueue({ type: "progressed", connection });
    channel.waiting = true;
    if (left > outputBytes) this.#enqueue({ type: "blocked", connection });
    if (channel.replyBytes > 2 * outputBytes && !channel.holdOutput) {
      channel.holdOutput = true;
      this.#updateReading(channel);
    }
  }

  /** Pauses or resumes the link, and reports it to the core: the keepalive stops while paused. */
  #updateReading(channel: Channel): void {
    if (channel.paused === channel.held) return;
    channel.paused = channel.held;
    const connection = channel.id;
    if (channel.paused) channel.link.pause();
    else channel.link.resume();
    this.#enqueue({ type: channel.paused ? "paused" : "resumed", connection });
  }

  #hold(channel: Channel, on: boolean): void {
    channel.holdPublisher = on;
    if (on) this.#peerCloses.watch(channel, this.#now);
    else this.#peerCloses.forget(channel);
    this.#updateReading(channel);
    if (!on && !channel.held && channel.reader.buffered > 0) this.#continueInNextTurn(channel);
  }

  #peersClosed(channels: readonly Channel[]): void {
    this.#beginTurn();
    for (const { open, id } of channels) if (open) this.#handle({ type: "ending", connection: id });
    this.#endTurn();
  }

  #detachSilently(channel: Channel): void {
    // Later events of the link go to a channel that the core does not know.
    const detached = new Channel(
      channel.id,
      channel.link,
      channel.listener,
      this.#readerOptions,
      this.#pool,
      this.#broker.memory,
    );
    detached.open = false;
    channel.link.owner = detached;
    channel.link = new SilentLink(channel.link);
    this.#flush(channel);
    this.#endTurn();
  }

  #authenticate(channel: Channel, effect: Effect & { type: "authenticate" }): void {
    let isLater = false;
    channel.holdAuthentication = true;
    this.#options.authenticate(effect, (refused) => {
      channel.holdAuthentication = false;
      if (!channel.open) return;
      this.#enqueue({ type: "authenticated", connection: channel.id, refused });
      if (isLater) this.#guard(() => this.#resume(channel));
    });
    isLater = true;
    if (channel.holdAuthentication) this.#updateReading(channel);
  }

  /** Continues reading after a hold has ended. */
  #resume(channel: Channel): void {
    this.#beginTurn();
    this.#readOn(channel);
  }

  /** Reads as far as nothing holds the channel any more, then ends the turn. */
  #readOn(channel: Channel): void {
    this.#updateReading(channel);
    this.#handleQueued();
    this.#read(channel);
    channel.countUnread();
    this.#endTurn();
  }

  #release(channel: Channel): void {
    this.#arrivals.settled(channel);
    this.#peerCloses.forget(channel);
    this.#progress.end(channel);
    this.#channels.release(channel);
    channel.countUnread();
  }

  /** Closes the link on the core's order; with `end`, the client still gets the last bytes. */
  #close(channel: Channel, how: "end" | "reset"): void {
    if (how === "end") this.#flush(channel);
    this.#release(channel);
    if (how === "reset") {
      channel.loseOutput();
      channel.link.reset();
      return;
    }
    this.#closing.begin(channel);
  }
}

function readerOptions(
  { packetSize, controlPacketSize, connectSize, filters }: Limits,
  unfinished: UnfinishedBytes,
  { invalidWill }: Rules,
): PacketReaderOptions {
  const takesInvalidWill = invalidWill === "accepted";
  const controlMaximum = Math.min(controlPacketSize, packetSize);
  return {
    packetSize,
    controlPacketSize: controlMaximum,
    connectSize: Math.min(connectSize, controlMaximum),
    filters,
    unfinished,
    takesInvalidWill,
  };
}

function channelOf(link: Link): Channel {
  assert(link.owner instanceof Channel, "a link reports events only after `opened`");
  return link.owner;
}
