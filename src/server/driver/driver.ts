import { assert, unreachable } from "../../core/assert.ts";
import type { Broker } from "../../core/broker.ts";
import type { Budget } from "../../core/budget.ts";
import type { Commit } from "../../core/durable.ts";
import type { Loss } from "../../core/end-causes.ts";
import type { ConnectionId, Effect, Input, ListenerPolicy, Millis } from "../../core/io.ts";
import type { Limits } from "../../core/limits.ts";
import type { ProtocolVersion, ServerPacket } from "../../core/packet.ts";
import type { Level, LogEvent } from "../../log/events.ts";
import { type Link, type LinkEvents, openLosses } from "../../transport/transport.ts";
import type { SocketPoll } from "../../transport/socket-poll.ts";
import { stoodStill } from "../../wire/too-large.ts";
import type { Full } from "../../wire/unfinished.ts";
import { Arrivals } from "./arrivals.ts";
import { byCertificate, type Authenticate } from "../auth.ts";
import type { Clock } from "./clock.ts";
import type { DeadlineTimer } from "./deadline-timer.ts";
import { Output } from "./output.ts";
import { PeerCloses } from "./peer-closes.ts";
import { processLoop, type Loop } from "./loop.ts";
import { Commits } from "./commits.ts";
import { PacketTrace } from "./packet-trace.ts";
import { ClosingChannels } from "./closing.ts";
import { Channel, type Last } from "./channel.ts";
import { Channels, stillMs } from "./channels.ts";
import { Newcomers } from "./newcomers.ts";
import { Progress } from "./progress.ts";
import { Reading } from "./reading.ts";
import { Standstill } from "./standstill.ts";
import { Turns } from "./turns.ts";

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
  /** Keeps what outlives the process; null or absent: nothing does. */
  readonly commit?: Commit | null;
  /** Waiting bytes of one connection above which deliveries to it stop. */
  readonly outputBytes: number;
  /** Links that may be open, those included that linger after their end; absent: any number. */
  readonly links?: number;
  /** Creates the timer; it calls `onDue` at the time it was armed to. */
  readonly timer: (onDue: () => void) => DeadlineTimer;
  /** Default: the process's own. */
  readonly loop?: Loop;
  /** The budget of one turn, in units of `Budget`; a simulation draws it. */
  readonly unitsOfTurn?: number | undefined;
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

/** Links that may linger after their end, or as many as connections may be open. */
const lingeringLinks = 1000;
/** Connections that one turn judges at most, since it first asks for what is unread of them. */
const judgedAtOnce = 250;

/**
 * Connects the core to the world: hands in one input at a time, executes its effects in order,
 * flushes at the end of the callback, gives the loop back when a turn's budget is used up, and arms
 * the single timer of the process.
 */
export class Driver {
  readonly #broker: Broker;
  readonly #clock: Clock;
  readonly #log: EventLog;
  readonly #options: DriverOptions;
  readonly #channels: Channels;
  readonly #output: Output;
  /** Null: nothing outlives the process. */
  readonly #commits: Commits | null;
  /** Inputs that arose while executing effects. */
  readonly #inputs: Input[] = [];
  readonly #budget: Budget;
  readonly #turns: Turns<Channel>;
  /** Channels to read before the broker stops; null: it does not stop, or has begun to. */
  #unreadAtStop: Set<Channel> | null = null;
  readonly #timer: DeadlineTimer;
  /** A quirk is on by which bytes, not only packets, reset the keepalive. */
  readonly #reportsBytes: boolean;
  readonly #packets: PacketTrace;
  #now: Millis;
  readonly #loop: Loop;
  readonly #closing: ClosingChannels;
  readonly #arrivals: Arrivals;
  readonly #standstill: Standstill;
  /** Time of the last heartbeat, at which the clock was right. */
  #awakeAt: Millis;
  readonly #peerCloses: PeerCloses;
  readonly #reading: Reading;
  readonly #newcomers: Newcomers;
  readonly #progress = new Progress();
  bytesReceived = 0;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#loop = options.loop ?? processLoop;
    this.#closing = new ClosingChannels(this.#loop);
    this.#peerCloses = new PeerCloses(this.#loop, (channels) =>
      this.#guard(() => this.#peersClosed(channels)),
    );
    this.#broker = options.broker;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#packets = new PacketTrace(options.log);
    this.#now = options.clock.now();
    this.#awakeAt = this.#now;
    this.#standstill = new Standstill(options.heartbeatMs ?? null);
    const { memory, rules, limits } = options.broker;
    this.#channels = new Channels(memory, rules, limits, (full) => this.#giveWay(full));
    this.#arrivals = new Arrivals(options.poll ?? null, this.#channels);
    this.#newcomers = new Newcomers(this.#loop, this.#arrivals, (channel) =>
      this.#guard(() => {
        this.#beginCall();
        this.#admit(channel);
        if (channel.open) {
          channel.link.resume();
          this.#reading.more(channel);
        }
        this.#endCall();
      }),
    );
    this.#reportsBytes =
      rules.keepAliveResetBy === "byte" || rules.keepAliveResetBy === "byteOfLarge";
    this.#budget = options.broker.budget;
    this.#turns = new Turns(
      (work) => this.#loop.soon(() => this.#guard(work)),
      options.clock,
      this.#budget,
      {
        begin: () => this.#beginCall(),
        due: () => this.#handleDue(),
        flush: () => {
          this.#output.takeShared();
          return this.#flush();
        },
        run: (channel) => this.#reading.continue(channel),
        end: () => this.#endCall(),
      },
      options.unitsOfTurn,
    );
    this.#output = new Output(options.outputBytes, this.#budget, this.#progress, {
      isOver: () => this.#turns.isOver,
      isShort: () => this.#broker.memory.takes("dropQos0"),
      enqueue: (input) => this.#enqueue(input),
      written: (channel) => this.#written(channel),
      full: (channel) => this.#reading.update(channel),
    });
    this.#commits = this.#createCommits();
    this.#reading = new Reading({
      broker: options.broker,
      channels: this.#channels,
      output: this.#output,
      turns: this.#turns,
      packets: this.#packets,
      arrivals: this.#arrivals,
      loop: this.#loop,
      guard: (work) => this.#guard(work),
      core: {
        now: () => this.#now,
        handle: (input) => this.#handle(input),
        enqueue: (input) => this.#enqueue(input),
        handleQueued: () => this.#handleQueued(),
        last: (channel) => this.#handleLast(channel),
        beginCall: () => this.#beginCall(),
        endCall: () => this.#endCall(),
      },
    });
    this.#timer = options.timer(() => this.#guard(() => this.#timerFired()));
    this.#timer.arm(this.#broker.nextDeadline());
  }

  #createCommits(): Commits | null {
    const { broker, commit = null } = this.#options;
    const { journal } = broker;
    assert((journal === null) === (commit === null), "a journal has a store that takes it");
    if (journal === null || commit === null) return null;
    const call = (work: () => void): void =>
      this.#guard(() => {
        this.#beginCall();
        work();
        this.#endCall();
      });
    const loop = {
      soon: (work: () => void) => this.#loop.soon(() => this.#guard(work)),
      after: (ms: number, work: () => void) => this.#loop.after(ms, () => this.#guard(work)),
    };
    return new Commits(journal, commit, loop, {
      begun: () => this.#output.beginCommit(),
      done: (recovered) =>
        call(() => {
          this.#output.keepPromises();
          if (recovered) this.#handle({ type: "persistRecovered" });
        }),
      failed: (failure) =>
        call(() => {
          const connections = this.#output.breakPromises();
          this.#handle({ type: "persistFailed", failure, connections });
        }),
    });
  }

  /** The store has all that outlives the process. */
  get isKept(): boolean {
    return this.#commits === null || this.#commits.isIdle;
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
      closed: (link, how, detail) => this.#guard(() => this.#closed(channelOf(link), how, detail)),
      addressed: (link) => this.#guard(() => this.#addressed(channelOf(link))),
    };
  }

  /** The clients that are connected by a listener, with their links. */
  clientsOf(
    listener: ListenerPolicy,
  ): readonly { readonly clientId: string; readonly link: Link }[] {
    return this.#channels
      .filter((channel) => channel.listener === listener)
      .flatMap(({ clientId, link }) => (clientId === null ? [] : [{ clientId, link }]));
  }

  /** Sets new limits; packet sizes apply to later connections only. */
  reconfigure(limits: Limits, outputBytes: number): void {
    this.#channels.reconfigure(limits);
    this.#output.limit = outputBytes;
    this.order({ type: "reconfigured", limits });
  }

  /**
   * Executes an order of the operator or of the process: at once, or when the packets already taken
   * from the sockets of the connections that it ends are read.
   */
  order(
    input: Input & {
      type:
        | "kicked"
        | "ordered"
        | "reconfigured"
        | "accessChanged"
        | "loaded"
        | "listening"
        | "stopping";
    },
  ): void {
    this.#guard(() => {
      this.#beginCall();
      if (input.type === "stopping") this.#stop();
      else if (input.type === "kicked") this.#kick(input.clientId);
      else this.#handle(input);
      this.#endCall();
    });
  }

  #kick(clientId: string): void {
    const channel = this.#reading.unreadChannelOf(clientId);
    if (channel === null) this.#handle({ type: "kicked", clientId });
    else this.#readTo(channel, { type: "kicked", clientId });
  }

  /** Stops the broker when the packets taken from all sockets so far are read. */
  #stop(): void {
    this.#unreadAtStop = new Set(this.#channels.filter((channel) => channel.isUnread));
    for (const { id } of this.#unreadAtStop) this.#handle({ type: "ending", connection: id });
  }

  #stopIfRead(unread: Set<Channel>): void {
    for (const channel of unread) {
      if (!channel.open || !channel.isUnread) unread.delete(channel);
    }
    if (unread.size > 0) return;
    this.#unreadAtStop = null;
    this.#enqueue({ type: "stopping" });
  }

  /** Hands in the buffered packets of a connection that ends, then `last`. */
  #readTo(channel: Channel, last: Last): void {
    channel.last = last;
    this.#handle({ type: "ending", connection: channel.id });
    if (!channel.holdTurn) this.#reading.more(channel);
  }

  /**
   * Breaks an open connection, as the network would. `silent`: from now on the driver neither reads
   * nor writes the link, and does not notice its peer's end.
   */
  drop(connection: ConnectionId, how: "rst" | "silent"): void {
    this.#guard(() => {
      const channel = this.#channels.get(connection);
      this.#beginCall();
      this.#handle({ type: "dropped", connection, how });
      if (how === "silent") {
        this.#channels.silence(channel);
        this.#output.write(channel);
        return this.#endCall();
      }
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
        this.#standstill.slept(asleepMs);
      }
      this.#beginCall();
      const { bytesReceived } = this;
      const { bytesSent } = this.#output;
      this.#checkProgress();
      this.#channels.recountOutput();
      this.#handle({ type: "measured", bytesReceived, bytesSent });
      if (asleepMs > 0) this.#handle({ type: "woke", asleepMs, since: this.#awakeAt });
      this.#awakeAt = this.#now;
      this.#standstill.expectHeartbeat(this.#now);
      this.#endCall();
    });
  }

  /** Whether all output has been written to the sockets. */
  get idle(): boolean {
    return this.#channels.every((channel) => channel.outputSize === 0);
  }

  /** Connections that the core has not ended. */
  get connections(): number {
    return this.#channels.count;
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
    this.#packets.isOn = on;
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (fault) {
      this.#options.onFault(fault);
    }
  }

  #beginCall(): void {
    this.#output.source = null;
    const since = this.#now;
    this.#now = this.#clock.now();
    this.#turns.begin(this.#now);
    if (this.#standstill.isBetween(since, this.#now)) this.#stoodStill(since);
  }

  /** The loop was blocked since its last turn, past the time of the heartbeat. */
  #stoodStill(since: Millis): void {
    this.#standstill.expectHeartbeat(this.#now);
    this.#handle({ type: "stoodStill", since });
    this.#log.note({ event: "loopBlocked", blockedMs: this.#now - since }, this.#now);
  }

  /** Flushes output and arms the timer; what the turn's budget leaves waits for the next turn. */
  #endCall(): void {
    if (this.#unreadAtStop !== null) this.#stopIfRead(this.#unreadAtStop);
    if (this.#turns.isOverdue()) this.#handleUnreported();
    if (this.#flush() || this.#output.hasShared) this.#turns.schedule();
    this.#turns.end();
    if (!this.#turns.isDue) this.#timer.arm(this.#broker.nextDeadline());
  }

  /** Writes output and handles the inputs that arise. Returns whether output is left. */
  #flush(): boolean {
    for (;;) {
      const isLeft = this.#output.flush();
      if (this.#inputs.length > 0) this.#handleQueued();
      if (isLeft) return true;
      if (this.#output.isFlushed) return false;
    }
  }

  #timerFired(): void {
    this.#beginCall();
    this.#checkProgress();
    this.#handleDueAtOnce(true);
    this.#endCall();
  }

  /** Handles what is due although no timer fires, if it can be seen who has sent and was not read. */
  #handleUnreported(): void {
    const due = this.#broker.nextDeadline();
    if (this.#arrivals.sees && due !== null && due <= this.#now) this.#handleDueAtOnce(false);
  }

  #handleDueAtOnce(isAll: boolean): void {
    this.#turns.atOnce(() => {
      if (this.#handleDue()) this.#turns.addDue();
    }, isAll);
  }

  /** Returns whether more is due. */
  #handleDue(): boolean {
    const most = judgedAtOnce + this.#arrivals.postponed;
    const undecided = this.#broker.undecided(this.#now, most);
    for (const { id, cause } of undecided.connections) {
      const { messagesSent: messages, link } = this.#channels.get(id);
      if (cause === "keepAliveExpired" && messages > 0)
        this.#handle({ type: "delivered", connection: id, messages });
      const what = link.preparing ?? null;
      if (cause === "connectTimeout" && what !== null)
        this.#handle({ type: "preparing", connection: id, what });
    }
    const unread = this.#arrivals.unread(undecided, this.#now);
    this.#handle({ type: "deadline", unread });
    return this.#broker.isBehind;
  }

  #checkProgress(): void {
    if (this.#commits !== null) {
      this.#output.reportHeld();
      this.#handleQueued();
    }
    this.#progress.check(this.#now, ({ id }) =>
      this.#handle({ type: "progressed", connection: id }),
    );
  }

  #opened(link: Link, listener: ListenerPolicy): void {
    this.#beginCall();
    const channel = this.#channels.open(link, listener);
    this.#keepDescriptors();
    this.#arrivals.opened(channel);
    // Whoever waits to be admitted came first.
    const waits = !this.#newcomers.isEmpty || this.#broker.isFull(listener);
    if (waits) this.#newcomers.wait(channel);
    else this.#admit(channel);
    this.#endCall();
  }

  /** A link that lingers after its end needs a descriptor too, and gives it up first. */
  #keepDescriptors(): void {
    const { links = Infinity } = this.#options;
    const most = Math.max(lingeringLinks, this.#broker.limits.connections);
    this.#closing.keep(Math.max(0, Math.min(most, links - this.connections)));
  }

  /** Hands the new connection to the core. */
  #admit(channel: Channel): void {
    channel.admitted = true;
    this.#newcomers.admitted(channel);
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

  #data(channel: Channel, chunk: Uint8Array): void {
    // Ignore bytes after the core has closed the connection.
    if (!channel.open) return;
    this.bytesReceived += chunk.length;
    channel.bytesReceived += chunk.length;
    this.#beginCall();
    this.#reading.feed(channel, chunk);
    if (!channel.admitted) return;
    if (this.#reportsBytes && channel.open) {
      this.#handle({
        type: "bytesReceived",
        connection: channel.id,
        awaited: channel.reader.awaited,
      });
    }
    this.#endCall();
  }

  /** Hands in what follows the packets that were read. */
  #handleLast(channel: Channel): void {
    const { last } = channel;
    if (last === null || !channel.open || channel.link.isBehind === true) return;
    channel.last = null;
    if (last.type === "kicked") return this.#handle(last);
    this.#release(channel);
    // A link that is gone takes no answers to its last packets.
    const isOpen = openLosses.has(last.how);
    if (!isOpen) channel.loseOutput();
    this.#handle(last);
    if (isOpen) this.#beginClosing(channel);
  }

  /** Frees the memory of an incomplete packet that stands still. False: none does. */
  #giveWay(full: Full): boolean {
    const channel = this.#channels.standingStill(this.#now);
    if (channel === null) return false;
    const { version } = channel.reader;
    const error = stoodStill(version, stillMs / 1000, full);
    channel.reader.discard();
    this.#enqueue({ type: "malformed", connection: channel.id, error, version, clientId: null });
    return true;
  }

  #drained(channel: Channel): void {
    this.#beginCall();
    channel.countOutput();
    this.#output.add(channel);
    this.#endCall();
  }

  /** A proxy's header has named the client. */
  #addressed(channel: Channel): void {
    if (!channel.open || !channel.admitted) return;
    const { remote, isLocal } = channel.link;
    this.#beginCall();
    this.#handle({ type: "addressed", connection: channel.id, remote, isLocal });
    this.#endCall();
  }

  #closed(channel: Channel, how: Loss, detail?: string): void {
    channel.loseOutput();
    this.#closing.giveUp(channel);
    if (!channel.open) return;
    this.#beginCall();
    if (!channel.admitted) this.#admit(channel);
    // Buffered packets arrived before the end, so hand them in before it.
    const { id: connection } = channel;
    const end = { type: "closed", connection, how } as const;
    channel.last = detail === undefined ? end : { ...end, detail };
    // One poll may report thousands of ends: do as little as possible for those that have to wait.
    if (this.#turns.hasEnds) {
      this.#endLater(channel);
      if (!this.#turns.isOverdue()) return;
      this.#handleUnreported();
    } else if (this.#turns.isOver) this.#endLater(channel);
    else if (!channel.holdTurn) this.#reading.more(channel);
    this.#endCall();
  }

  /** Hands in the end of a connection, whose link is closed, in a later turn. */
  #endLater(channel: Channel): void {
    if (channel.holdTurn || !channel.open) return;
    channel.holdTurn = true;
    this.#turns.addEnd(channel);
    if (channel.paused) return;
    // Its silence is over.
    channel.paused = true;
    this.#handle({ type: "paused", connection: channel.id });
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
        case "persist":
          assert(this.#commits !== null, "a journal has a store that takes it");
          this.#output.isPromise = true;
          this.#commits.due();
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
        case "cut":
          this.#channels.get(effect.connection).isCut = true;
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
    this.#output.isPromise = false;
  }

  #deliver(effect: Effect & { readonly type: "deliver" }): void {
    const { message, to, packetIds } = effect;
    this.#output.begin(effect);
    for (let place = 0; place < to.length; place++) {
      const delivery = to[place]!;
      const packetId = packetIds === null ? 0 : packetIds[place]!;
      const channel = this.#channels.get(delivery.connection);
      if (this.#packets.isOn)
        this.#packets.delivery(channel, message, delivery, packetId, this.#now);
      this.#output.deliver(channel, delivery, packetId);
    }
  }

  #send(channel: Channel, version: ProtocolVersion, packet: ServerPacket): void {
    if (this.#packets.isOn) this.#packets.packet(channel, "sent", packet, this.#now);
    this.#output.send(channel, version, packet);
  }

  /** All waiting output of a channel was written. */
  #written(channel: Channel): void {
    if (!channel.open) return this.#closing.finish(channel);
    this.#reading.update(channel);
    this.#reading.moreLater(channel);
  }

  #hold(channel: Channel, on: boolean): void {
    channel.holdPublisher = on;
    if (on) this.#peerCloses.watch(channel, this.#now);
    else this.#peerCloses.forget(channel);
    this.#reading.update(channel);
    if (!on) this.#reading.moreLater(channel);
  }

  #peersClosed(channels: readonly Channel[]): void {
    this.#beginCall();
    for (const { open, id } of channels) if (open) this.#handle({ type: "ending", connection: id });
    this.#endCall();
  }

  #authenticate(channel: Channel, effect: Effect & { type: "authenticate" }): void {
    let isLater = false;
    channel.holdAuthentication = true;
    const authenticate = byCertificate(channel.link) ?? this.#options.authenticate;
    const isWaiting = (): boolean => channel.open && channel.holdAuthentication;
    authenticate({ ...effect, isWaiting }, (refused) => {
      channel.holdAuthentication = false;
      if (!channel.open) return;
      const answer = { type: "authenticated", connection: channel.id, refused } as const;
      if (!isLater) this.#enqueue(answer);
      else this.#guard(() => this.#reading.answered(channel, effect.clientId, answer));
    });
    isLater = true;
    if (channel.holdAuthentication) this.#reading.update(channel);
  }

  #release(channel: Channel): void {
    this.#arrivals.settled(channel);
    this.#peerCloses.forget(channel);
    this.#progress.end(channel);
    this.#channels.release(channel);
    channel.countUnread();
    channel.countOutput();
  }

  /** Closes the link on the core's order; with `end`, the client still gets the last bytes. */
  #close(channel: Channel, how: "end" | "reset"): void {
    const { last } = channel;
    const isGone = last?.type === "closed" && !openLosses.has(last.how);
    if (isGone) channel.loseOutput();
    else if (how === "end") this.#output.write(channel);
    this.#release(channel);
    if (how === "reset") {
      channel.loseOutput();
      channel.link.reset();
      return;
    }
    this.#beginClosing(channel);
  }

  #beginClosing(channel: Channel): void {
    this.#closing.begin(channel);
    this.#keepDescriptors();
  }
}

function channelOf(link: Link): Channel {
  assert(link.owner instanceof Channel, "a link reports events only after `opened`");
  return link.owner;
}
