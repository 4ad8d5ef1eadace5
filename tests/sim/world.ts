import { Broker } from "../../src/core/broker.ts";
import type { Limits } from "../../src/core/limits.ts";
import type { ListenerPolicy, Millis } from "../../src/core/io.ts";
import type { Rules } from "../../src/core/rules.ts";
import type { LogEvent } from "../../src/log/events.ts";
import type { Authenticate } from "../../src/server/auth.ts";
import { Driver } from "../../src/server/driver.ts";
import { Reason } from "../../src/core/reason.ts";
import { Agenda, turnOf } from "./agenda.ts";
import { Connection } from "./connection.ts";
import { WorldDice } from "./world-dice.ts";
import { Journal, Violation } from "./journal.ts";
import { intruder } from "./let-in.ts";
import { SimLink } from "./link.ts";
import { drawLimits, drawOptions, type SimOptions } from "./options.ts";
import { Referee } from "./referee.ts";
import { isDenied } from "./incoming.ts";
import { expectLikeness } from "./likeness.ts";
import { MachineTime, MachineTimer } from "./time.ts";
import { TurnClock } from "./turn-clock.ts";

/** What sits at the other end of a link. */
export interface Peer {
  received(connection: Connection, chunk: Uint8Array): void;
  finished(connection: Connection): void;
}

const heartbeatMs = 1000;
/** Less than this is no suspend, see src/server/clock.ts. */
const shortestSleepMs = 2000;
const sweepEvery = 16;
const likenessEvery = 64;

/**
 * A broker with its driver and wire, the network before it, and time, all of it drawn from one seed.
 * Nothing here waits for anything, and nothing is told to anybody but in its turn.
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
  /** Faults are over: from now on everything works. */
  healed = false;
  broker!: Broker;
  driver!: Driver;
  listeners: ListenerPolicy[];
  readonly #rules: Partial<Rules>;
  readonly #links = new Set<Connection>();
  #clock!: TurnClock;
  #fault: Error | null = null;
  #timer!: MachineTimer;
  #numbers = 0;
  #tokens = 0;

  constructor(seed: number, rules: Partial<Rules>, print: ((line: string) => void) | null) {
    this.dice = new WorldDice(seed);
    this.options = drawOptions(this.dice);
    this.#rules = rules;
    this.journal = new Journal(print);
    const { mountPoint, limits, listenerConnections } = this.options;
    const plain = { mountPoint: "", connections: Infinity, allowAnonymous: true };
    this.listeners = [
      { ...plain, name: "tcp plain" },
      { ...plain, name: "tcp mounted", mountPoint, connections: listenerConnections },
    ];
    this.referee = new Referee(limits, () => this.#clock.peek());
    this.#start();
    this.#heartbeat();
  }

  /** Milliseconds since the world began. */
  get now(): number {
    return this.time.now;
  }

  // Time.

  /** One thing happens. False: nothing is left to happen. */
  step(): boolean {
    const { agenda } = this;
    const timerAt = this.#timer.at;
    const next = Math.min(agenda.next, timerAt);
    if (next === Infinity) return false;
    this.time.now = next;
    this.steps += 1;
    const isTimer = timerAt === next && (agenda.next > next || agenda.nextTurn >= turnOf.timer);
    if (isTimer) this.#fire();
    else agenda.take()();
    if (this.steps % sweepEvery === 0) this.#sweep();
    return true;
  }

  #sweep(): void {
    this.referee.sweep();
    if (this.steps % likenessEvery === 0) expectLikeness(this.broker, this.referee.books);
    let parting = 0;
    for (const { link, isOpen, isParting } of this.#links) {
      if (!isOpen && !link.over && (link.endedByBroker || isParting)) parting += 1;
    }
    if (parting !== this.driver.parting) {
      const { parting: counted } = this.driver;
      throw new Violation("the broker counts the clients that it has sent away", {
        parting,
        counted,
      });
    }
  }

  /** The machine sleeps: its monotonic clock and its timers stand still meanwhile. */
  sleep(milliseconds: number): void {
    this.journal.note(this.now, "sleeps", -1, milliseconds);
    this.time.sleep(milliseconds);
  }

  stepWallClock(milliseconds: number): void {
    this.journal.note(this.now, "wall clock steps", -1, milliseconds);
    this.time.stepWallClock(milliseconds);
  }

  // The operator.

  kick(clientId: string): void {
    this.journal.note(this.now, "kicks", -1, clientId);
    this.referee.books.kicking = clientId;
    this.#call(() => this.driver.order({ type: "kicked", clientId }));
    const { connection } = this.referee.books.sessions.get(clientId) ?? { connection: null };
    if (connection !== null) throw new Violation("who is kicked goes", clientId);
    this.referee.books.kicking = null;
  }

  dropByOperator(connection: Connection, how: "rst" | "silent"): void {
    const { session } = connection;
    const id = this.broker.sessions.get(session?.clientId ?? "")?.connection?.id;
    // How long the broker goes on to pause behind a link that tells nothing any more can't be followed.
    const isHeld = connection.link.paused || (connection.link.clogged && this.options.cutsTurns);
    if (id === undefined || (how === "silent" && isHeld)) return;
    this.journal.note(this.now, `drops ${how}`, connection.number, null);
    if (how === "silent") {
      connection.isSilenced = true;
      connection.stallSince = null;
    } else {
      this.referee.ends.closing = { connection, cause: "resetByPeer" };
    }
    this.#call(() => this.driver.drop(id, how));
    this.referee.ends.closing = null;
  }

  reconfigure(): void {
    this.#setLimits(drawLimits(this.dice, this.options.clients));
  }

  #setLimits(limits: Limits): void {
    this.journal.note(this.now, "reconfigures", -1, limits);
    this.referee.books.limits = limits;
    this.referee.books.limitsChangedAt = this.#clock.peek();
    this.#call(() => this.driver.reconfigure(limits, this.options.outputBytes));
  }

  /** Orderly; the next one starts when everybody has gone, or after the time that `serve` gives them. */
  stop(): void {
    if (this.referee.books.stopping) return;
    this.journal.note(this.now, "stops", -1, null);
    this.referee.books.stopping = true;
    this.#call(() => this.driver.order({ type: "stopping" }));
    const { open } = this.referee.books;
    if (open.size > 0) throw new Violation("a stop ends every connection", open.size);
    const until = this.now + 2000;
    const { driver } = this;
    const wait = (): void => {
      if (this.driver !== driver) return;
      if (driver.parting > 0 && this.now < until) return this.agenda.at(this.now + 5, wait);
      this.restart();
    };
    wait();
  }

  /** Killed, or gone after its stop: what it held is lost, and a new one starts. */
  restart(): void {
    this.journal.note(this.now, "restarts", -1, null);
    this.restarts += 1;
    for (const connection of this.#links) connection.link.lose(this.dice.happens(0.7));
    this.#links.clear();
    this.referee.brokerLost();
    this.#start();
  }

  heal(): void {
    this.healed = true;
    for (const { link } of this.#links) link.heal();
    // Everybody is to come back.
    this.listeners = this.listeners.map((policy) => ({ ...policy, connections: Infinity }));
    this.#setLimits({ ...this.referee.books.limits, connections: 1000, sessions: 1000 });
  }

  /** Connections whose links are not over. */
  get links(): ReadonlySet<Connection> {
    return this.#links;
  }

  // The network.

  open(peer: Peer, listener: number, isPerfect: boolean): Connection {
    const policy = this.listeners[listener] ?? this.listeners[0];
    if (policy === undefined) throw new Error("a world has a listener");
    const number = this.#numbers++;
    const connection = new Connection(
      number,
      `10.0.${number >> 8}.${number & 255}:${50_000 + (number % 10_000)}`,
      policy.name,
      policy.mountPoint,
      this.#clock.peek(),
      this.referee.books.limits,
    );
    const events = this.driver.eventsFor(policy);
    const { referee } = this;
    connection.link = new SimLink(
      connection.remote,
      this.agenda,
      this.dice,
      () => this.now,
      this.options,
      isPerfect || this.healed,
      {
        arrived: (chunk) => {
          this.journal.note(this.now, "arrives", number, chunk.length);
          connection.arrivedBytes += chunk.length;
          referee.touch(connection);
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
          referee.ends.closing = { connection, cause: causes[how] };
          this.#call(() => events.closed(connection.link, how));
          referee.ends.closing = null;
          if (connection.isOpen && !connection.isSilenced) {
            throw new Violation("a link's end ends its connection", number);
          }
        },
        drained: () => {
          this.journal.note(this.now, "drains", number, null);
          this.#call(() => events.drained(connection.link));
        },
        parted: () => this.#over(connection),
        paused: () => {
          this.journal.note(this.now, "pauses", number, null);
          referee.paused(connection);
        },
        resumed: () => {
          this.journal.note(this.now, "resumes", number, null);
          referee.resumed(connection);
        },
        wrote: (bytes, start, end, took) => {
          this.journal.bytes(bytes.subarray(start, start + took));
          referee.wrote(connection, bytes, start, end, took);
        },
        ended: (how) => {
          this.journal.note(this.now, "ends", number, how);
          if (how === "reset") this.#over(connection);
        },
        received: (chunk) => peer.received(connection, chunk),
        finished: () => peer.finished(connection),
      },
    );
    this.#links.add(connection);
    referee.opened(connection, policy.connections);
    this.journal.note(this.now, "opens", number, policy.name);
    this.#call(() => events.opened(connection.link));
    return connection;
  }

  #over(connection: Connection): void {
    this.#links.delete(connection);
    if (connection.isParting) connection.isParting = false;
  }

  // The process.

  #start(): void {
    this.time.unnoticed = 0;
    const clock = new TurnClock(this.time, () => this.options.cutsTurns && this.dice.happens(0.7));
    this.#clock = clock;
    const { limits } = this.referee.books;
    this.referee.books.jumps.length = 0;
    const broker = new Broker(
      {
        limits,
        sysIntervalMs: this.options.sysIntervalMs,
        rules: this.#rules,
        access: {
          mayPublish: (_, topic) => !isDenied(topic),
          maySubscribe: (_, filter) => !isDenied(filter),
        },
      },
      clock.peek(),
    );
    this.broker = broker;
    const driver: Driver = new Driver({
      broker,
      clock,
      log: {
        note: (event, at) => this.#noted(event, at),
        wants: () => true,
      },
      authenticate: (credentials, answer) =>
        this.#authenticate(credentials, (refused) => {
          if (this.broker === broker) answer(refused);
        }),
      packetSize: limits.packetSize,
      outputBytes: this.options.outputBytes,
      timer: (onDue) => {
        this.#timer = new MachineTimer(this.time, () => clock.peek(), onDue);
        return this.#timer;
      },
      loop: {
        soon: (work) => {
          const most = this.options.cutsTurns && !this.healed ? this.dice.pick([1, 4, 30]) : 1;
          const wait = this.dice.below(most);
          this.agenda.at(this.now + wait, () => this.#work(broker, work));
        },
        after: (milliseconds, work) => {
          let isOff = false;
          const run = (): void => {
            if (!isOff) this.#work(broker, work);
          };
          this.agenda.at(this.now + milliseconds, run, turnOf.timer);
          return () => void (isOff = true);
        },
        token: () => `auto-${this.#tokens++}`,
      },
      onFault: (fault) => {
        this.#fault ??= fault instanceof Error ? fault : new Error(String(fault));
      },
    });
    this.driver = driver;
  }

  #work(broker: Broker, work: () => void): void {
    if (this.broker === broker) this.#call(work);
  }

  #heartbeat(): void {
    if (this.time.unnoticed >= shortestSleepMs) {
      const from = this.#clock.peek();
      const { jumps } = this.referee.books;
      jumps.length = 0;
      jumps.push({ from, to: from + this.time.unnoticed });
      this.time.unnoticed = 0;
    }
    this.#call(() => this.driver.heartbeat());
    this.agenda.at(this.now + heartbeatMs, () => this.#heartbeat(), turnOf.timer);
  }

  #fire(): void {
    this.#timer.stop();
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
    this.agenda.at(this.now + delay, () => this.#call(() => answer(refused)));
  }

  #noted(event: LogEvent, at: Millis): void {
    if (at !== this.#clock.peek())
      throw new Violation("an event is told at its time", { event, at });
    const detail = event.event === "packet" ? event.packet : event;
    if (event.event === "packet" && event.direction === "received") this.#clock.packets += 1;
    this.journal.note(this.now, event.event, this.#whose(event), detail);
    this.referee.noted(event);
  }

  #whose(event: LogEvent): number {
    if (!("peer" in event)) return -1;
    return this.referee.books.connections.get(event.peer.remote)?.number ?? -1;
  }

  /** The broker works, and is right about it. */
  #call(work: () => void): void {
    this.#clock.packets = 0;
    work();
    if (this.#fault !== null) throw this.#fault;
    this.referee.settle();
    const { parting } = this.driver;
    if (parting < 0) throw new Violation("no more links part than were ended", parting);
  }
}
