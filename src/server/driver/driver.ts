import { assert } from "../../core/assert.ts";
import type { Broker } from "../../core/broker.ts";
import type { Budget } from "../../core/budget.ts";
import type { Commit } from "../../core/durable.ts";
import type { ConnectionId, Input, ListenerPolicy, Millis } from "../../core/io.ts";
import type { Limits } from "../../core/limits.ts";
import type { Level, LogEvent } from "../../log/events.ts";
import type { Link, LinkEvents } from "../../transport/transport.ts";
import type { SocketPoll } from "../../transport/socket-poll.ts";
import { stoodStill } from "../../wire/too-large.ts";
import type { Full } from "../../wire/unfinished.ts";
import { Arrivals } from "./arrivals.ts";
import type { Authenticate } from "../auth.ts";
import type { Clock } from "./clock.ts";
import type { DeadlineTimer } from "./deadline-timer.ts";
import { Output } from "./output.ts";
import { PeerCloses } from "./peer-closes.ts";
import { processLoop, type Loop } from "./loop.ts";
import { Commits } from "./commits.ts";
import { PacketTrace } from "./packet-trace.ts";
import type { Channel } from "./channel.ts";
import { Channels, stillMs } from "./channels.ts";
import type { Core } from "./core.ts";
import { Deadlines } from "./deadlines.ts";
import { Ends } from "./ends.ts";
import { Handling } from "./handling.ts";
import { LinkReports } from "./link-reports.ts";
import { Newcomers } from "./newcomers.ts";
import { Progress } from "./progress.ts";
import { ReadAhead } from "./read-ahead.ts";
import { Reading } from "./reading.ts";
import { Standstill } from "./standstill.ts";
import { Turns, unitsOfTurn } from "./turns.ts";
import { copiesOfBatch } from "./uncommitted.ts";

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
  /** Copies of messages in a batch for the store before publishers wait; a simulation draws it. */
  readonly copiesOfBatch?: number | undefined;
  /** Polls sockets for unread data; null or absent: the platform has no poll. */
  readonly poll?: SocketPoll | null;
  /**
   * Milliseconds between calls of `heartbeat`: a late one shows that the process was blocked.
   * Absent: not checked.
   */
  readonly heartbeatMs?: number;
  /** Called with the bytes of each chunk of a link. */
  readonly onRead?: (bytes: number) => void;
  /** Called with a fault of our own: print the state and exit. The current work stops. */
  readonly onFault: (fault: unknown) => void;
}

/** Of the work of a turn, what one part of a batch for the store takes: one in so many. */
const partOfBatch = 2;

/**
 * Connects the core to the world: hands in one input at a time, executes its effects in order,
 * flushes at the end of the callback, and gives the loop back when a turn's budget is used up.
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
  readonly #budget: Budget;
  readonly #turns: Turns<Channel>;
  readonly #deadlines: Deadlines;
  readonly #packets: PacketTrace;
  readonly #handling: Handling;
  readonly #loop: Loop;
  readonly #ends: Ends;
  readonly #arrivals: Arrivals;
  readonly #standstill: Standstill;
  /** Time of the last heartbeat, at which the clock was right. */
  #awakeAt: Millis;
  readonly #peerCloses: PeerCloses;
  readonly #reading: Reading;
  readonly #newcomers: Newcomers;
  readonly #readAhead: ReadAhead;
  readonly #links: LinkReports;
  readonly #progress = new Progress();

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#loop = options.loop ?? processLoop;
    const core: Core = {
      now: () => this.#handling.now,
      handle: (input) => this.#handling.handle(input),
      enqueue: (input) => this.#handling.enqueue(input),
      handleQueued: () => this.#handling.handleQueued(),
      beginCall: () => this.#beginCall(),
      endCall: () => this.#endCall(),
      guard: (work) => this.#guard(work),
      call: (work) => this.#call(work),
    };
    this.#peerCloses = new PeerCloses(this.#loop, (channels) =>
      this.#call(() => this.#peersClosed(channels)),
    );
    this.#broker = options.broker;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#packets = new PacketTrace(options.log);
    const now = options.clock.now();
    this.#awakeAt = now;
    this.#standstill = new Standstill(options.heartbeatMs ?? null);
    const { memory, rules, limits } = options.broker;
    this.#channels = new Channels(memory, rules, limits, (full) => this.#giveWay(full));
    this.#arrivals = new Arrivals(options.poll ?? null, this.#channels);
    this.#budget = options.broker.budget;
    this.#turns = new Turns(
      (work) => this.#loop.soon(() => this.#guard(work)),
      options.clock,
      this.#budget,
      {
        begin: () => this.#beginCall(),
        due: () => this.#deadlines.handle(),
        isLate: () => this.#deadlines.isLate,
        flush: () => {
          this.#output.beginTurn();
          return this.#flush();
        },
        run: (channel) => this.#reading.continue(channel),
        end: () => this.#endCall(),
      },
      options.unitsOfTurn,
    );
    this.#readAhead = new ReadAhead(
      options.poll ?? null,
      this.#channels,
      this.#turns,
      this.#budget,
    );
    this.#output = new Output(options.outputBytes, this.#budget, this.#progress, {
      isOver: () => this.#turns.isOver,
      isShort: () => this.#broker.memory.takes("dropQos0"),
      enqueue: (input) => this.#handling.enqueue(input),
      written: (channel) => this.#written(channel),
      full: (channel) => this.#reading.update(channel),
    });
    const parts = {
      broker: options.broker,
      core,
      loop: this.#loop,
      channels: this.#channels,
      output: this.#output,
      turns: this.#turns,
      arrivals: this.#arrivals,
      readAhead: this.#readAhead,
    };
    this.#commits = createCommits(options, {
      ...parts,
      budget: this.#budget,
      copies: options.copiesOfBatch ?? copiesOfBatch,
      readOn: (channel) => this.#reading.readOn(channel),
      units: (options.unitsOfTurn ?? unitsOfTurn) / partOfBatch,
    });
    this.#deadlines = new Deadlines({
      ...parts,
      timer: options.timer,
      checkProgress: () => this.#checkProgress(),
    });
    this.#reading = new Reading({
      ...parts,
      packets: this.#packets,
      uncommitted: this.#commits?.uncommitted ?? null,
      authenticate: options.authenticate,
      last: (channel) => this.#ends.last(channel),
    });
    this.#newcomers = new Newcomers({ ...parts, reading: this.#reading });
    this.#ends = new Ends({
      ...parts,
      links: options.links ?? Infinity,
      reading: this.#reading,
      newcomers: this.#newcomers,
      overdue: () => this.#overdue(),
      peerCloses: this.#peerCloses,
      progress: this.#progress,
    });
    this.#links = new LinkReports({
      ...parts,
      reading: this.#reading,
      newcomers: this.#newcomers,
      ends: this.#ends,
      onRead: options.onRead,
      onFault: options.onFault,
    });
    this.#handling = new Handling(now, {
      ...parts,
      commits: this.#commits,
      peerCloses: this.#peerCloses,
      reading: this.#reading,
      ends: this.#ends,
      packets: this.#packets,
      log: options.log,
    });
    this.#deadlines.arm();
  }

  /** The store has all that outlives the process. */
  get isKept(): boolean {
    return this.#commits === null || this.#commits.isIdle;
  }

  /** A batch has failed, and the store has not yet all that changed until it was kept. */
  get isBehind(): boolean {
    return this.#commits?.isBehind ?? false;
  }

  /** Has the store keep what is remembered for people, which waits for no batch of its own. */
  keepRecords(): void {
    const records = this.#broker.journal?.remembered ?? null;
    if (records === null || records.isEmpty) return;
    records.flush();
    this.#commits?.due();
  }

  /** Adds descriptors of listening sockets, on which connections may wait to be accepted. */
  addListeners(descriptors: readonly number[]): void {
    this.#arrivals.addListeners(descriptors);
  }

  /** Event handlers for the connections of one listener. */
  eventsFor(listener: ListenerPolicy): LinkEvents {
    return this.#links.eventsFor(listener);
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
        | "loadedAll"
        | "listening"
        | "stopping";
    },
  ): void {
    this.#call(() => {
      if (input.type === "stopping") this.#ends.stop();
      else if (input.type === "kicked") this.#ends.kick(input.clientId);
      else this.#handling.handle(input);
    });
  }

  /**
   * Breaks an open connection, as the network would. `silent`: from now on the driver neither reads
   * nor writes the link, and does not notice its peer's end.
   */
  drop(connection: ConnectionId, how: "rst" | "silent"): void {
    this.#guard(() => {
      const channel = this.#channels.get(connection);
      this.#beginCall();
      this.#handling.handle({ type: "dropped", connection, how });
      if (how === "silent") {
        this.#readAhead.forget(channel);
        this.#channels.silence(channel);
        this.#output.write(channel);
        return this.#endCall();
      }
      channel.link.reset();
      this.#ends.closed(channel, "reset");
    });
  }

  /** Call about every `heartbeatMs`: detects a suspend, and hands in the byte counts. */
  heartbeat(): void {
    this.#guard(() => {
      const asleepMs = this.#clock.catchUp();
      if (asleepMs > 0) {
        // The timer stopped during the sleep, so it would fire too late by `asleepMs`.
        this.#deadlines.stop();
        this.#standstill.slept(asleepMs);
      }
      this.#beginCall();
      const { bytesReceived } = this.#links;
      const { bytesSent } = this.#output;
      this.#checkProgress();
      this.#channels.recountOutput();
      this.#handling.handle({ type: "measured", bytesReceived, bytesSent });
      if (asleepMs > 0) this.#handling.handle({ type: "woke", asleepMs, since: this.#awakeAt });
      this.#awakeAt = this.#handling.now;
      this.#standstill.expectHeartbeat(this.#handling.now);
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
    return this.#ends.closing;
  }

  stopTimer(): void {
    this.#deadlines.stop();
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

  #call(work: () => void): void {
    this.#guard(() => {
      this.#beginCall();
      work();
      this.#endCall();
    });
  }

  #beginCall(): void {
    this.#output.source = null;
    const since = this.#handling.now;
    this.#handling.now = this.#clock.now();
    this.#turns.begin(this.#handling.now);
    if (this.#standstill.isBetween(since, this.#handling.now)) this.#stoodStill(since);
  }

  /** The loop was blocked since its last turn, past the time of the heartbeat. */
  #stoodStill(since: Millis): void {
    this.#standstill.expectHeartbeat(this.#handling.now);
    this.#handling.handle({ type: "stoodStill", since });
    this.#log.note(
      { event: "loopBlocked", blockedMs: this.#handling.now - since },
      this.#handling.now,
    );
  }

  /** Flushes output and arms the timer; what the turn's budget leaves waits for the next turn. */
  #endCall(): void {
    this.#ends.stopIfRead();
    if (this.#turns.isOverdue()) this.#overdue();
    if (this.#flush() || this.#output.hasLater) this.#turns.schedule();
    this.#turns.end();
    this.#deadlines.arm();
  }

  /** The turn does not come for now: does what must not wait for it. */
  #overdue(): void {
    this.#deadlines.handleUnreported();
    this.#turns.runNewcomers();
    this.#readAhead.read();
  }

  /** Writes output and handles the inputs that arise. Returns whether output is left. */
  #flush(): boolean {
    for (;;) {
      const isLeft = this.#output.flush();
      this.#handling.handleQueued();
      if (isLeft) return true;
      if (this.#output.isFlushed) return false;
    }
  }

  #checkProgress(): void {
    if (this.#commits !== null) {
      this.#output.reportHeld();
      this.#handling.handleQueued();
    }
    this.#progress.check(this.#handling.now, ({ id }) =>
      this.#handling.handle({ type: "progressed", connection: id }),
    );
  }

  /** Frees the memory of an incomplete packet that stands still. False: none does. */
  #giveWay(full: Full): boolean {
    const channel = this.#channels.standingStill(this.#handling.now);
    if (channel === null) return false;
    const { version } = channel.reader;
    const error = stoodStill(version, stillMs / 1000, full);
    channel.reader.discard();
    this.#handling.enqueue({
      type: "malformed",
      connection: channel.id,
      error,
      version,
      clientId: null,
    });
    return true;
  }

  /** All waiting output of a channel was written. */
  #written(channel: Channel): void {
    if (!channel.open) return this.#ends.finish(channel);
    this.#reading.update(channel);
    this.#reading.moreLater(channel);
  }

  #peersClosed(channels: readonly Channel[]): void {
    for (const { open, id } of channels)
      if (open) this.#handling.handle({ type: "ending", connection: id });
  }
}

/** Null: nothing outlives the process. */
function createCommits(
  { broker: { journal }, commit = null }: DriverOptions,
  parts: ConstructorParameters<typeof Commits>[2],
): Commits | null {
  assert((journal === null) === (commit === null), "a journal has a store that takes it");
  if (journal === null || commit === null) return null;
  return new Commits(journal, commit, parts);
}
