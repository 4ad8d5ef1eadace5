import { Broker } from "../../src/core/broker.ts";
import type { Limits } from "../../src/core/limits.ts";
import type { ListenerPolicy, Millis } from "../../src/core/io.ts";
import type { Rules } from "../../src/core/quirks/rules.ts";
import type { LogEvent } from "../../src/log/events.ts";
import type { Authenticate } from "../../src/server/auth.ts";
import { Clock } from "../../src/server/driver/clock.ts";
import { Driver } from "../../src/server/driver/driver.ts";
import type { SocketPoll } from "../../src/transport/socket-poll.ts";
import { heartbeatMs } from "./ends.ts";
import { Reason } from "../../src/core/reason.ts";
import { Agenda, turnOf } from "./agenda.ts";
import { Connection } from "./connection.ts";
import { WorldDice } from "./world-dice.ts";
import { Journal, Violation } from "./journal.ts";
import { intruder } from "./let-in.ts";
import { SimLink } from "./link.ts";
import { drawLimits, drawOptions, type SimOptions } from "./options.ts";
import type { PlantedFault } from "./planted-faults.ts";
import { Referee } from "./referee.ts";
import { isDenied } from "./incoming.ts";
import { isReadable } from "./topics.ts";
import { expectLikeness } from "./likeness.ts";
import { expectRecounted } from "./recount.ts";
import { SimStore, type Legacy } from "./sim-store.ts";
import { MachineTime, MachineTimer } from "./time.ts";
import { accessBy } from "../support/access.ts";

/** The actor at the other end of a link. */
export interface Peer {
  received(connection: Connection, chunk: Uint8Array): void;
  finished(connection: Connection): void;
}

/** A store is seen to keep by the brokers after. */
function restarting(drawn: SimOptions, dice: WorldDice, seed: number): SimOptions {
  const options = { ...drawn, ...waitsOf(seed) };
  const { restartEvery } = options;
  return restartEvery > 0 ? options : { ...options, restartEvery: dice.between(1000, 20_000) };
}

/** None, less than most brokers are down for, and more. */
function waitsOf(seed: number): Pick<SimOptions, "restartSettleMs" | "restartGraceMs"> {
  // Own dice, so that the worlds with neither stay as they were.
  const dice = new WorldDice(Math.imul(seed + 1, 0x9e37_79b1) >>> 0);
  return {
    restartSettleMs: dice.pick([0, 0, 300, 5000, 45_000]),
    restartGraceMs: dice.pick([0, 0, 0, 300, 10_000, 45_000]),
  };
}

/**
 * Notes, in its place among the events, that a session is over but for its will. No log tells of it,
 * and from then on the session gets no message.
 */
function watchOver(broker: Broker): void {
  const { postponed } = broker;
  const addLast = postponed.addLast.bind(postponed);
  postponed.addLast = (will) => {
    addLast(will);
    const { clientId } = will.session;
    const event = { event: "sessionEnded", clientId, why: "connection ended" } as const;
    broker.effects.push({ type: "note", event });
  };
}

/** Less than this is no suspend, see src/server/driver/clock.ts. */
const shortestSleepMs = 2000;
/** The descriptor of the socket on which connections wait to be accepted. */
const listening = 1;
const firstDescriptor = 2;
const sweepEvery = 16;
/** Milliseconds after the store's last sign of life in which the broker died at the latest. */
const signOfLifeMs = 1000;
/** Milliseconds for which an orderly stop waits for the store. */
const lastCommitMs = 5000;
const likenessEvery = 64;

/**
 * A broker with its driver and wire, its network, and time, all drawn from one seed. Nothing here
 * waits, and every notification has its turn.
 */
export class World {
  readonly dice: WorldDice;
  readonly options: SimOptions;
  readonly agenda = new Agenda();
  readonly journal: Journal;
  readonly referee: Referee;
  readonly time = new MachineTime();
  steps = 0;
  restarts = 0;
  /** The trouble is over: from now on nothing fails. */
  healed = false;
  broker!: Broker;
  driver!: Driver;
  readonly listeners: (ListenerPolicy & { connections: number })[];
  readonly #rules: Partial<Rules>;
  readonly #planted: PlantedFault | null;
  readonly #links = new Set<Connection>();
  /** Opened, and not known to the core yet. */
  readonly #unadmitted = new Map<string, Connection>();
  /** When the broker resumes; in the past: it runs. */
  #heldUntil = -1;
  /** Connections that wait to be accepted. */
  #unaccepted = 0;
  /** Events read since its timers fired. */
  #polled = 0;
  /** The time of its last heartbeat, by its clock. */
  #awakeAt = 0;
  #clock!: Clock;
  #fault: Error | null = null;
  /** The driver that was ordered to stop. */
  #stopped: Driver | null = null;
  #timer!: MachineTimer;
  #numbers = 0;
  #tokens = 0;
  /** Null: the broker has no store. */
  readonly #storeDice: WorldDice | null;

  constructor(
    seed: number,
    rules: Partial<Rules>,
    planted: PlantedFault | null,
    print: ((line: string) => void) | null,
    hasStore: boolean,
  ) {
    this.#storeDice = hasStore ? new WorldDice(~seed >>> 0) : null;
    this.dice = new WorldDice(seed);
    const drawn = drawOptions(this.dice);
    this.options = this.#storeDice === null ? drawn : restarting(drawn, this.#storeDice, seed);
    this.#rules = rules;
    this.#planted = planted;
    this.journal = new Journal(print);
    const { mountPoint, limits, listenerConnections } = this.options;
    const plain = { mountPoint: "", connections: Infinity, allowAnonymous: true };
    this.listeners = [
      { ...plain, name: "tcp plain" },
      { ...plain, name: "tcp mounted", mountPoint, connections: listenerConnections },
    ];
    this.referee = new Referee(limits, () => this.#clock.now());
    const isCut = this.options.unitsOfTurn < 4000;
    this.referee.books.isCut = isCut;
    // Not drawn, so that the worlds without one stay as they were.
    this.referee.books.hasAccessList = seed % 3 === 0;
    this.referee.books.slackMs = isCut && this.options.cutsTurns ? 2000 : 0;
    this.#start(null);
    this.#heartbeat();
  }

  /** Milliseconds since the world's start. */
  get now(): number {
    return this.time.now;
  }

  // Time.

  /** Runs one event. False: no event is left. */
  step(): boolean {
    const { agenda } = this;
    const timerAt = Math.max(this.#timer.at, this.#heldUntil);
    const next = Math.min(agenda.next, timerAt);
    if (next === Infinity) return false;
    // Of the events of one moment, the broker's own timer runs before its other ones.
    if (next > this.time.now) this.#polled = this.options.eventsInPoll;
    this.time.now = next;
    this.steps += 1;
    const isTimer = timerAt === next && (agenda.next > next || agenda.nextTurn >= turnOf.timer);
    if (isTimer && !this.#readsFirst) this.#fire();
    else this.#take();
    if (this.steps % sweepEvery === 0) this.#sweep();
    return true;
  }

  /**
   * A timer fires once a turn, and a poll, which reads at most so many waiting events, separates
   * two turns of the timers.
   */
  get #readsFirst(): boolean {
    const { agenda } = this;
    return agenda.next === this.now && this.#polled < this.options.eventsInPoll;
  }

  #take(): void {
    if (this.agenda.nextTurn === turnOf.late) this.#polled += 1;
    this.agenda.take()();
  }

  get isHeld(): boolean {
    return this.now < this.#heldUntil;
  }

  /** The broker stands still, or has not read its backlog yet. */
  get isBehind(): boolean {
    return this.now <= this.#heldUntil;
  }

  /** The broker's process does nothing for a time, while all others continue. */
  standStill(milliseconds: number): void {
    if (this.isHeld || this.time.unnoticed > 0 || milliseconds < 1) return;
    this.journal.note(this.now, "stands still", -1, milliseconds);
    this.#heldUntil = this.now + milliseconds;
    // Timers run first after a poll that read its maximum.
    this.#polled = this.options.eventsInPoll;
    const from = this.#clock.now();
    this.referee.books.holds.push({ from, to: from + milliseconds });
  }

  /** Runs in a turn of the broker's loop; during a standstill, when the broker resumes. */
  #inTurn(work: () => void): void {
    if (!this.isHeld) return work();
    this.agenda.at(this.#heldUntil, () => this.#inTurn(work), turnOf.timer);
  }

  readonly #poll: SocketPoll = {
    ask: (questions) => {
      const byDescriptor = new Map([...this.#links].map(({ link }) => [link.descriptor, link]));
      return questions.map(({ descriptor, reads, writes }) => {
        if (descriptor === listening) return this.#unaccepted > 0;
        const link = byDescriptor.get(descriptor);
        return link !== undefined && ((reads && link.readable) || (writes && link.writable));
      });
    },
  };

  #sweep(): void {
    // The backlog is read first, and nothing is overdue before.
    if (this.isBehind) return;
    this.referee.sweep();
    if (this.steps % likenessEvery === 0) {
      expectLikeness(this.broker, this.referee.books);
      // A batch may be made in parts.
      if (this.driver.isKept) this.referee.books.store?.expectSame();
      expectRecounted(this.broker, this.driver.closing > 0 || this.#unadmitted.size > 0);
    }
    let closing = 0;
    for (const { link, isOpen, isClosing } of this.#links) {
      if (!isOpen && !link.over && (link.endedByBroker || isClosing)) closing += 1;
    }
    const more = this.driver.closing - closing;
    // The last output of one whose peer has gone meanwhile waits for the store, too. At rest none is
    // left.
    const isStored = this.#storeDice !== null;
    if (more < 0 || (more > 0 && !isStored)) {
      const { closing: counted } = this.driver;
      throw new Violation("the broker counts the clients that it has sent away", {
        closing,
        counted,
      });
    }
  }

  /** The machine sleeps: its monotonic clock and its timers stand still. */
  sleep(milliseconds: number): void {
    if (this.isBehind) return;
    this.journal.note(this.now, "sleeps", -1, milliseconds);
    this.time.sleep(milliseconds);
  }

  stepWallClock(milliseconds: number): void {
    this.journal.note(this.now, "wall clock steps", -1, milliseconds);
    this.time.stepWallClock(milliseconds);
  }

  // The operator.

  kick(clientId: string): void {
    if (this.isHeld) return;
    this.journal.note(this.now, "kicks", -1, clientId);
    const { connection } = this.referee.books.sessions.get(clientId) ?? { connection: null };
    if (connection !== null) {
      connection.kickedAt ??= this.#clock.now();
      connection.endOrdered();
    }
    this.#call(() => this.driver.order({ type: "kicked", clientId }));
  }

  dropByOperator(connection: Connection, how: "rst" | "silent"): void {
    const { session } = connection;
    if (this.isHeld) return;
    const id = this.broker.sessions.get(session?.clientId ?? "")?.connection?.id;
    // The referee cannot follow how long the broker keeps pausing for a link that reports nothing
    // any more.
    const isHeld =
      connection.pausedAt !== null || (connection.link.clogged && this.options.cutsTurns);
    if (id === undefined || (how === "silent" && isHeld)) return;
    this.journal.note(this.now, `drops ${how}`, connection.number, null);
    if (how === "silent") {
      connection.isSilenced = true;
      connection.stallSince = null;
    } else {
      connection.lost = { cause: "resetByPeer", at: this.#clock.now() };
    }
    this.#call(() => this.driver.drop(id, how));
    if (how === "rst") connection.pausedAt ??= this.#clock.now();
  }

  reconfigure(): void {
    if (this.isHeld) return;
    this.#setLimits(drawLimits(this.dice, this.options.clients));
  }

  #setLimits(limits: Limits): void {
    this.journal.note(this.now, "reconfigures", -1, limits);
    this.referee.books.limits = limits;
    this.referee.books.limitsChangedAt = this.#clock.now();
    this.#call(() => this.driver.reconfigure(limits, this.options.outputBytes));
  }

  /**
   * An orderly stop; the next broker starts when every client has closed, or after the time that
   * `serve` allows.
   */
  stop(): void {
    const { driver } = this;
    if (this.#stopped === driver || this.isHeld) return;
    this.#stopped = driver;
    this.journal.note(this.now, "stops", -1, null);
    for (const connection of this.referee.books.open) connection.endOrdered();
    this.#call(() => driver.order({ type: "stopping" }));
    const until = this.now + 2000;
    const wait = (): void => {
      if (this.driver !== driver) return;
      const isAwaited = driver.connections + driver.closing > 0;
      const isKept = this.referee.books.store === null || driver.isKept;
      const goesOn = isAwaited ? this.now < until : !isKept && this.now < until + lastCommitMs;
      if (goesOn) return this.agenda.at(this.now + 5, wait);
      const { open } = this.referee.books;
      if (open.size > 0) throw new Violation("a stop ends every connection", open.size);
      this.restart();
    };
    wait();
  }

  /** Killed, or ended after its stop: a new one starts, with what the store has. */
  restart(): void {
    // An operator acts on a running broker.
    if (this.isHeld) return this.#inTurn(() => this.restart());
    this.journal.note(this.now, "restarts", -1, null);
    this.restarts += 1;
    for (const connection of this.#links) connection.link.lose(this.dice.happens(0.7));
    this.#links.clear();
    this.#unadmitted.clear();
    this.#unaccepted = 0;
    const { store } = this.referee.books;
    if (store === null || this.#storeDice === null) {
      this.referee.brokerLost();
      return this.#start(null);
    }
    const diedAt = this.#clock.now();
    const legacy = store.tear(diedAt, this.driver.isBehind);
    const downMs = this.#storeDice.pick([0, 0, 10, 1500, 30_000]);
    // No step back: what it had would live as much longer.
    this.time.stepWallClock(diedAt + downMs - this.time.wall());
    this.#start(legacy);
  }

  heal(): void {
    this.healed = true;
    this.referee.books.store?.heal();
    for (const { link } of this.#links) link.heal();
    // Every program is to return.
    for (const policy of this.listeners) policy.connections = Infinity;
    this.#setLimits({
      ...this.referee.books.limits,
      connections: 1000,
      sessions: 1000,
      memory: Infinity,
    });
  }

  /** Nothing is in transit, nor waits in the broker for a later turn. */
  get isQuiet(): boolean {
    const isRead = [...this.#links].every(({ link, pausedAt }) => link.isIdle && pausedAt === null);
    return isRead && this.driver.idle && this.driver.isKept;
  }

  /** Connections whose links are still open. */
  get links(): ReadonlySet<Connection> {
    return this.#links;
  }

  // The network.

  open(peer: Peer, listener: number, isPerfect: boolean): Connection {
    const policy = this.listeners[listener] ?? this.listeners[0];
    if (policy === undefined) throw new Error("a world has a listener");
    const number = this.#numbers++;
    const isLocal = this.dice.below(10) < this.options.localInTen;
    const connection = new Connection(
      number,
      `10.0.${number >> 8}.${number & 255}:${50_000 + (number % 10_000)}`,
      policy,
      isLocal,
      this.#clock.now(),
      this.referee.books.limits,
    );
    const events = this.driver.eventsFor(policy);
    const { referee } = this;
    connection.link = new SimLink(
      number + firstDescriptor,
      connection.remote,
      isLocal,
      this.agenda,
      this.dice,
      () => this.now,
      this.options,
      isPerfect || this.healed,
      {
        arrived: (chunk) => {
          this.journal.note(this.now, "arrives", number, chunk.length);
          connection.arrivedBytes += chunk.length;
          if (connection.isAdmitted) referee.touch(connection);
          this.#call(() => events.data(connection.link, chunk));
        },
        closed: (how) => {
          this.journal.note(this.now, "closes", number, how);
          this.#over(connection);
          const causes = {
            eof: "closedByPeer",
            reset: "resetByPeer",
            timeout: "tcpTimeout",
          } as const;
          const at = this.#clock.now();
          if (!connection.isSilenced) connection.lost = { cause: causes[how], at };
          this.#call(() => events.closed(connection.link, how));
          // What came before waits in the driver, for another turn.
          referee.paused(connection);
        },
        drained: () => {
          this.journal.note(this.now, "drains", number, null);
          this.#call(() => events.drained(connection.link));
        },
        parted: (gone) => {
          this.#call(gone);
          this.#over(connection);
        },
        held: () => {
          if (connection.isAccepted) return this.#held;
          return { until: Math.max(this.now, this.#heldUntil), turn: turnOf.late };
        },
        paused: () => {
          this.journal.note(this.now, "pauses", number, null);
        },
        resumed: () => {
          this.journal.note(this.now, "resumes", number, null);
        },
        wrote: (bytes, start, end, took) => {
          this.journal.bytes(bytes.subarray(start, start + took));
          referee.wrote(connection, bytes, start, end, took);
        },
        passed: () => referee.passed(connection),
        ended: (how) => {
          this.journal.note(this.now, "ends", number, how);
          if (how === "reset") this.#over(connection);
        },
        received: (chunk) => peer.received(connection, chunk),
        finished: () => peer.finished(connection),
      },
    );
    this.#links.add(connection);
    this.journal.note(this.now, "opens", number, policy.name);
    this.#accept(connection, () => events.opened(connection.link));
    return connection;
  }

  /** During a standstill, the time and turn of a notification; null: the broker runs. */
  get #held(): { readonly until: number; readonly turn: number } | null {
    if (!this.isHeld) return null;
    const isLate = this.options.goesOnWith === "timers";
    return { until: this.#heldUntil, turn: isLate ? turnOf.late : turnOf.network };
  }

  #accept(connection: Connection, work: () => void): void {
    const { broker } = this;
    const accept = (): void => {
      connection.isAccepted = true;
      if (this.broker !== broker) return;
      this.#unadmitted.set(connection.remote, connection);
      this.#call(work);
    };
    const held = this.#held;
    if (held === null) return accept();
    this.#unaccepted += 1;
    this.agenda.at(
      held.until,
      () => {
        if (this.broker === broker) this.#unaccepted -= 1;
        accept();
      },
      held.turn,
    );
  }

  /** The core is notified of the connections that it knows by now. */
  #admitKnown(): void {
    if (this.#unadmitted.size === 0) return;
    for (const { remote, pausedAt } of this.broker.connections.values()) {
      const connection = this.#unadmitted.get(remote);
      this.#admit(remote);
      // A pause in the same call was not noted.
      if (connection !== undefined && pausedAt !== null) this.referee.paused(connection);
    }
  }

  #admit(remote: string): void {
    const connection = this.#unadmitted.get(remote);
    if (connection === undefined) return;
    this.#unadmitted.delete(remote);
    this.referee.admitted(connection);
  }

  #over(connection: Connection): void {
    this.#links.delete(connection);
    if (connection.isClosing) connection.isClosing = false;
  }

  // The process.

  /** `legacy`: what the broker before left in its store. */
  #start(legacy: Legacy | null): void {
    this.time.unnoticed = 0;
    const clock = new Clock(this.time);
    this.#clock = clock;
    const { limits, hasAccessList } = this.referee.books;
    this.referee.books.jumps.length = 0;
    const store = this.#createStore(legacy, () => this.broker === broker);
    const broker: Broker = new Broker(
      {
        limits,
        durable: store !== null,
        restartSettleMs: this.options.restartSettleMs,
        restartGraceMs: this.options.restartGraceMs,
        sysIntervalMs: this.options.sysIntervalMs,
        rules: this.#rules,
        access: accessBy({
          mayPublish: (_, topic) => !isDenied(topic),
          maySubscribe: (_, filter) => !isDenied(filter),
          mayRead: ({ clientId }, topic) => isReadable(hasAccessList ? clientId : null, topic),
        }),
      },
      clock.now(),
    );
    this.broker = broker;
    this.#watchInputs(broker);
    watchOver(broker);
    this.#planted?.(broker);
    store?.watch(broker);
    if (this.healed) store?.heal();
    this.referee.books.store = store;
    const driver: Driver = new Driver({
      broker,
      clock,
      log: {
        note: (event, at) => this.#noted(event, at),
        logs: () => true,
      },
      authenticate: (credentials, answer) =>
        this.#authenticate(credentials, (refused) => {
          if (this.broker === broker) answer(refused);
        }),
      commit: store?.commit ?? null,
      outputBytes: this.options.outputBytes,
      timer: (onDue) => {
        this.#timer = new MachineTimer(this.time, () => clock.now(), onDue);
        return this.#timer;
      },
      poll: this.options.polls ? this.#poll : null,
      heartbeatMs,
      unitsOfTurn: this.options.unitsOfTurn,
      copiesOfBatch: this.options.copiesOfBatch,
      loop: {
        soon: (work) => {
          const most = this.options.cutsTurns && !this.healed ? this.dice.pick([1, 4, 30]) : 1;
          const wait = this.dice.below(most);
          const run = (): void => this.#inTurn(() => this.#work(broker, work));
          // After a poll, which reads what waits in sockets.
          this.agenda.at(this.now + wait, run, turnOf.late);
        },
        after: (milliseconds, work) => {
          let isOff = false;
          const run = (): void => {
            // It may be cancelled while it waits for its turn.
            this.#inTurn(() => {
              if (!isOff) this.#work(broker, work);
            });
          };
          // As in a real loop, where repeated timers of 0 ms do not stop the time.
          this.agenda.at(this.now + Math.max(1, milliseconds), run, turnOf.timer);
          return () => void (isOff = true);
        },
        token: () => `auto-${this.#tokens++}`,
      },
      onFault: (fault) => {
        this.#fault ??= fault instanceof Error ? fault : new Error(String(fault));
      },
    });
    this.driver = driver;
    this.referee.books.shortage.broker = this.broker;
    if (legacy !== null) this.#restore(legacy);
    driver.addListeners([listening]);
    driver.heartbeat();
    store?.beat(clock.now());
    this.#awakeAt = clock.now();
  }

  #restore({ kept, snapshot, heartbeatAt, isBehind }: Legacy): void {
    const { driver, referee } = this;
    const now = this.#clock.now();
    const diedAt = Math.min(heartbeatAt + signOfLifeMs, now);
    const { restartSettleMs, restartGraceMs } = this.options;
    const settledAt = now + Math.max(restartSettleMs, restartGraceMs);
    const isGraced = restartGraceMs > 0;
    referee.restored(snapshot, { diedAt, now, isBehind, settledAt, isGraced });
    this.#call(() => {
      driver.order({ type: "loaded", part: kept.load(), heartbeatAt, isBehind });
      driver.order({ type: "listening" });
    });
  }

  /** The referee hears when the driver keeps a connection's packets back, whether its link pauses or not. */
  #watchInputs(broker: Broker): void {
    const handle = broker.handle.bind(broker);
    broker.handle = (input, now) => {
      this.referee.books.shortage.begin();
      const effects = handle(input, now);
      if (input.type !== "paused" && input.type !== "resumed") return effects;
      const { remote } = broker.connection(input.connection);
      if (!this.#unadmitted.has(remote))
        this.referee[input.type](this.referee.books.connection(remote));
      return effects;
    };
  }

  /** `isAlive`: whether its broker is. */
  #createStore(legacy: Legacy | null, isAlive: () => boolean): SimStore | null {
    if (this.#storeDice === null) return null;
    return new SimStore(this.#storeDice, this.referee, legacy, (milliseconds, work) => {
      const run = (): void => {
        if (isAlive()) this.#call(work);
      };
      this.agenda.at(this.now + milliseconds, () => this.#inTurn(run), turnOf.late);
    });
  }

  #work(broker: Broker, work: () => void): void {
    if (this.broker === broker) this.#call(work);
  }

  #heartbeat(): void {
    if (this.time.unnoticed >= shortestSleepMs) {
      const from = this.#clock.now();
      const { jumps } = this.referee.books;
      jumps.length = 0;
      jumps.push({ from, to: from + this.time.unnoticed });
      this.referee.slept(this.time.unnoticed, this.#awakeAt);
      this.time.unnoticed = 0;
    }
    this.#call(() => this.driver.heartbeat());
    this.referee.books.store?.beat(this.#clock.now());
    this.#awakeAt = this.#clock.now();
    const beat = (): void => this.#inTurn(() => this.#heartbeat());
    this.agenda.at(this.now + heartbeatMs, beat, turnOf.timer);
  }

  #fire(): void {
    this.#timer.stop();
    this.#polled = 0;
    this.journal.note(this.now, "looks", -1, null);
    this.#call(this.#timer.onDue);
  }

  #authenticate(...[{ username }, answer]: Parameters<Authenticate>): void {
    const refused =
      username === intruder
        ? { reason: Reason.badUserNameOrPassword, statement: "v5-3.1.4-2", detail: "an intruder" }
        : null;
    const { authentication } = this.options;
    if (authentication === "at once" || this.healed) return answer(refused);
    const delay = this.dice.below(authentication === "late" ? 50 : 4000);
    this.agenda.at(this.now + delay, () => this.#inTurn(() => this.#call(() => answer(refused))));
  }

  #noted(event: LogEvent, at: Millis): void {
    if (at !== this.#clock.now())
      throw new Violation("an event is told at its time", { event, at });
    const detail = event.event === "packet" ? event.packet : event;
    if ("peer" in event) this.#admit(event.peer.remote);
    if (this.broker.stopping) this.referee.books.stopping = true;
    this.journal.note(this.now, event.event, this.#whose(event), detail);
    this.referee.noted(event);
  }

  #whose(event: LogEvent): number {
    if (!("peer" in event)) return -1;
    return this.referee.books.connections.get(event.peer.remote)?.number ?? -1;
  }

  /** The broker works, and is right about it. */
  #call(work: () => void): void {
    work();
    if (this.#fault !== null) throw this.#fault;
    this.#admitKnown();
    if (this.broker.stopping) this.referee.books.stopping = true;
    this.referee.settle();
    const { closing } = this.driver;
    if (closing < 0) throw new Violation("no more links are closing than were ended", closing);
  }
}
