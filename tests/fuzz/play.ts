import pc from "picocolors";
import {
  clientOf,
  clientsOf,
  sessionsOf,
  subscriptionsOf,
} from "../../src/core/queries/clients.ts";
import type { Limits } from "../../src/core/limits.ts";
import { overviewOf } from "../../src/core/queries/overview.ts";
import { Reason } from "../../src/core/reason.ts";
import { retainedOf, routeFor } from "../../src/core/queries/routes.ts";
import { allOf } from "../../src/core/steps.ts";
import { willsOf } from "../../src/core/queries/wills.ts";
import type { LogEvent } from "../../src/log/events.ts";
import { renderHuman, renderJson } from "../../src/log/render.ts";
import { stateText } from "../../src/log/state.ts";
import type { Authenticate } from "../../src/server/auth.ts";
import { World } from "../support/world.ts";
import { Bystanders } from "./bystanders.ts";
import { Broken, HostileLink, largestChunk } from "./hostile-link.ts";
import type { Act, FuzzInput } from "./input.ts";
import { limitsOf, outputBytesOf } from "./limits.ts";

/** The observations of a run: how far it got, and where it ended. */
export interface Shown {
  readonly connections: number;
  /** Connections whose CONNECT was accepted. */
  readonly accepted: number;
  /** Ends by cause, and by broken statement. */
  readonly causes: readonly string[];
  readonly statements: readonly string[];
  /** Every distinguishable observation of the run; a new one makes an input worth keeping. */
  readonly features: ReadonlySet<string>;
}

/**
 * The most inputs that the core may get for one input of the fuzzer: packets, deadlines,
 * consequences.
 */
const stepsMax = 20_000;

/** Where the driver flushes within a turn. */
const earlyFlushBytes = 64 * 1024;

/**
 * Plays an input against a new broker, among harmless clients, and checks everything visible from
 * outside. Throws Broken, or the broker's own error.
 */
export async function play(input: FuzzInput, plant: Plant = () => {}): Promise<Shown> {
  return new Run(input, plant).play();
}

/** Plants a fault in a world, to prove that it is found. */
export type Plant = (world: World) => void;

const refusedUser = "refused";

class Run {
  readonly #input: FuzzInput;
  readonly #world: World;
  readonly #bystanders: Bystanders;
  readonly #links: HostileLink[] = [];
  readonly #byName = new Map<string, HostileLink>();
  readonly #verdicts: (() => void)[] = [];
  readonly #features = new Set<string>();
  readonly #limits: Limits;
  readonly #outputBytes: number;
  #largestSend = 0;
  #steps = 0;

  constructor(input: FuzzInput, plant: Plant) {
    this.#input = input;
    this.#limits = limitsOf(input);
    this.#outputBytes = outputBytesOf(input);
    this.#world = new World({
      limits: this.#limits,
      outputBytes: this.#outputBytes,
      sysIntervalMs: input.limits === "default" ? null : 21_600_000,
      authenticate: this.#authenticate,
    });
    this.#countSteps();
    this.#bystanders = new Bystanders(this.#world);
    this.#world.driver.setTrace(input.trace);
    plant(this.#world);
  }

  async play(): Promise<Shown> {
    for (const act of this.#input.acts) {
      await this.#do(act);
      this.#judge();
    }
    this.#verdictsCome();
    await this.#settle();
    this.#bystanders.speak();
    this.#readAll();
    this.#bystanders.expire();
    for (const link of this.#links) link.drop("eof");
    this.#judge();
    this.#world.driver.order({ type: "stopping" });
    this.#world.check();
    for (const link of this.#links) link.drain(Infinity);
    this.#bystanders.leave();
    this.#judgeEnds();
    this.#judgeWills();
    this.#judgeLog();
    return this.#shown();
  }

  readonly #authenticate: Authenticate = ({ username }, answer) => {
    const error =
      username === refusedUser
        ? { reason: Reason.notAuthorized, statement: "v5-3.1.4-2", detail: "not today" }
        : null;
    // The bystanders connect before anything can be late.
    if (this.#input.verdicts === "now" || this.#links.length === 0) return answer(error);
    this.#verdicts.push(() => answer(error));
  };

  async #do(act: Act): Promise<void> {
    switch (act.act) {
      case "open":
        this.#open(act.who);
        break;
      case "send":
        this.#largestSend = Math.max(this.#largestSend, act.bytes.length);
        this.#link(act.who).send(act.bytes);
        break;
      case "answer":
        this.#link(act.who).answer();
        break;
      case "hold":
        this.#link(act.who).hold(act.bytes);
        break;
      case "drain":
        this.#link(act.who).drain(act.bytes);
        break;
      case "drop":
        this.#link(act.who).drop(act.how);
        break;
      case "wait":
        this.#verdictsCome();
        this.#bystanders.stayAlive();
        this.#world.advance(act.ms);
        break;
      case "verdicts":
        this.#verdictsCome();
        break;
      case "kick":
        if (!this.#bystanders.isOne(act.clientId)) {
          this.#world.driver.order({ type: "kicked", clientId: act.clientId });
        }
        break;
      case "break": {
        const { channel } = this.#link(act.who);
        // An operator can only name what the core knows.
        if (channel.open && channel.admitted) this.#world.driver.drop(channel.id, act.how);
        break;
      }
      case "sleep":
        this.#bystanders.stayAlive();
        this.#world.sleep(act.ms);
        break;
    }
    await this.#settle();
  }

  #open(who: string): HostileLink {
    const events = this.#world.driver.eventsFor({
      name: "tcp hostile",
      mountPoint: "",
      connections: Infinity,
      allowAnonymous: true,
    });
    const remote = `10.0.0.${this.#links.length % 3}:${1024 + this.#links.length}`;
    const link = new HostileLink(remote, events, this.#world.broker);
    this.#links.push(link);
    this.#byName.set(who, link);
    return link;
  }

  #link(who: string): HostileLink {
    return this.#byName.get(who) ?? this.#open(who);
  }

  #verdictsCome(): void {
    for (const verdict of this.#verdicts.splice(0)) verdict();
  }

  /** Runs turns that the driver has postponed, and reads the kernel's backlog. */
  async #settle(): Promise<void> {
    for (let turn = 0; ; turn++) {
      this.#world.check();
      for (const link of this.#links) link.handOver();
      if (!this.#links.some((link) => link.channel.open && link.channel.holdTurn)) return;
      if (turn > stepsMax) throw new Broken("a connection's turn never ends");
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #countSteps(): void {
    const { broker } = this.#world;
    const handle = broker.handle.bind(broker);
    broker.handle = (input, now) => {
      this.#steps += 1;
      if (this.#steps > stepsMax) throw new Broken(`more than ${stepsMax} steps`);
      return handle(input, now);
    };
  }

  /** The invariants: every bound on memory, and undisturbed bystanders. */
  #judge(): void {
    this.#world.check();
    this.#bystanders.judge();
    for (const { channel } of this.#links) this.#judgeChannel(channel);
    const { broker } = this.#world;
    const limits = this.#limits;
    for (const session of broker.sessions.values()) {
      const { queue, outgoing, incoming, subscriptions } = session;
      atMost("messages in a queue", queue.count, limits.queuedMessages);
      atMost("bytes in a queue", queue.bytes, limits.queuedBytes);
      atMost("messages in flight", outgoing.count, limits.inflight);
      atMost("subscriptions", subscriptions.size, limits.subscriptions);
      // At most one for each packet id: the client's own unfinished exchanges.
      atMost("incoming QoS 2", incoming.size, 65_535);
      this.#feature(`queue ${bucket(queue.count)} ${queue.qos0} inflight ${outgoing.count}`);
      this.#feature(`incoming ${bucket(incoming.size)} will ${session.will?.state ?? "none"}`);
      this.#feature(`resends ${session.resends.size} replays ${bucket(session.replays.size)}`);
    }
    for (const connection of broker.connections.values()) {
      if (connection.version === 5) {
        atMost("unfinished QoS 2", connection.unfinished?.size ?? 0, limits.receiveMaximum);
      }
      atMost("aliases", connection.aliasesOut?.size ?? 0, limits.topicAliases);
      atMost("aliases", (connection.aliasesIn?.length ?? 1) - 1, limits.topicAliases);
      this.#feature(
        `${connection.state} ${connection.version} blocked ${connection.blocked} paused ${connection.pausedAt !== null}`,
      );
    }
    const { retained, sessions, connections, records, deadlines } = broker;
    const { own } = retained;
    atMost("retained messages", retained.count - own.messages, limits.retainedMessages);
    atMost("retained bytes", retained.bytes - own.bytes, limits.retainedBytes);
    atMost("sessions", sessions.size, limits.sessions);
    atMost("connections", connections.size, limits.connections);
    atMost("histories", records.clients.size, limits.ledger + limits.sessions);
    atMost("topics of wills", records.topics.size, limits.ledger + limits.sessions);
    atMost("deadlines", deadlines.size, 2 * connections.size + 3 * sessions.size + 2);
    this.#judgeHistories();
  }

  #judgeChannel(channel: HostileLink["channel"]): void {
    const chunk = Math.min(this.#largestSend, largestChunk);
    // An incomplete packet, and the chunk being read.
    if (channel.open)
      atMost("unread bytes", channel.reader.buffered, this.#limits.packetSize + chunk);
    // Reading stops when answers reach twice the output limit, delivery at the limit; by then a
    // turn has written up to the early flush, and no answer is larger than a retained replay, which
    // is cut at a flush too.
    const most = 3 * this.#outputBytes + earlyFlushBytes + this.#limits.packetSize + 2 * chunk;
    atMost("unsent bytes", channel.outputSize, most);
  }

  #judgeHistories(): void {
    const { clients: histories } = this.#world.broker.records;
    for (const id of histories.ids()) {
      const history = histories.of(id);
      if (history === null) continue;
      const { connections, wills, events, habits, takeovers } = history;
      atMost("connections in a history", connections.length, 16);
      atMost("wills in a history", wills.length, 16);
      atMost("events in a history", events.length, 50);
      atMost("takeovers in a history", takeovers.length, 3);
      atMost("habits in a history", habits.length, 16);
    }
  }

  /** The broker can answer every query of an operator, as valid JSON. */
  #readAll(): void {
    const { broker } = this.#world;
    const everything = [
      broker.view(),
      overviewOf(broker),
      allOf(clientsOf(broker)),
      allOf(sessionsOf(broker)),
      allOf(subscriptionsOf(broker)),
      allOf(retainedOf(broker, "#")),
      allOf(willsOf(broker, {})),
      routeFor(broker, "t"),
      stateText(broker.view()),
      [...broker.records.clients.ids()].map((id) => clientOf(broker, id)),
    ];
    JSON.stringify(everything);
  }

  /** One end and one log line for each connection, and no remains. */
  #judgeEnds(): void {
    const ends = new Map<string, number>();
    for (const { peer } of this.#world.noted("ended")) {
      ends.set(peer.remote, (ends.get(peer.remote) ?? 0) + 1);
    }
    for (const { remote, isOver } of this.#links) {
      const count = ends.get(remote) ?? 0;
      if (count !== 1) throw new Broken(`the end of ${remote} was told ${count} times`);
      if (!isOver) throw new Broken(`${remote} is open after the broker has stopped`);
    }
    const { connections, connectionsByListener } = this.#world.broker;
    if (connections.size > 0) throw new Broken(`${connections.size} connections are left`);
    for (const [name, count] of connectionsByListener) {
      if (count !== 0) throw new Broken(`${count} connections are left on ${name}`);
    }
    if (this.#world.broker.statistics.connected !== 0) throw new Broken("the count is off");
    const { closing } = this.#world.driver;
    if (closing !== 0) throw new Broken(`${closing} clients are never closed`);
  }

  /** One fate for each will that was armed. */
  #judgeWills(): void {
    let armed = 0;
    let met = 0;
    for (const event of this.#world.events) {
      if (event.event === "connected" && event.will !== null) armed += 1;
      if (event.event === "ended" && event.will !== null && event.will.fate !== "delayed") met += 1;
      if (event.event === "will") met += 1;
    }
    const { counts } = this.#world.broker.records.wills;
    if (armed !== met) throw new Broken(`${armed} wills were armed, ${met} met their fate`);
    if (counts.armed + counts.delayed !== 0) throw new Broken("the ledger waits for a will");
  }

  /** Each event is one line, whatever a client put into its strings. */
  #judgeLog(): void {
    const style = { colors: pc.createColors(false), zone: "utc" } as const;
    const now = this.#world.broker.now;
    for (const event of this.#world.events) {
      for (const line of [renderHuman(event, now, style), renderJson(event, now)]) {
        // oxlint-disable-next-line no-control-regex
        if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(line)) {
          throw new Broken(`a log line holds a control character: ${JSON.stringify(line)}`);
        }
      }
      JSON.parse(renderJson(event, now));
    }
  }

  #feature(feature: string): void {
    this.#features.add(feature);
  }

  #shown(): Shown {
    const causes: string[] = [];
    const statements: string[] = [];
    for (const event of this.#world.events) {
      if (!("peer" in event) && !("clientId" in event)) continue;
      if (event.event === "operatorOrdered") continue;
      this.#feature(featureOf(event));
      if (event.event !== "ended" || !event.peer.remote.startsWith("10.")) continue;
      causes.push(event.cause);
      if (event.statement !== null) statements.push(event.statement);
    }
    for (const { came } of this.#links) for (const packet of came) this.#feature(`sent ${packet}`);
    const accepted = this.#world
      .noted("connected")
      .filter(({ peer }) => peer.remote.startsWith("10.")).length;
    return {
      connections: this.#links.length,
      accepted,
      causes,
      statements,
      features: this.#features,
    };
  }
}

/** The kind of an event, without strings that a client chooses freely. */
function featureOf(event: LogEvent): string {
  const facts: Partial<Record<string, unknown>> = { ...event };
  const named = ["event", "cause", "statement", "fault", "why", "by", "version", "reason"];
  const will = facts["will"];
  const fate = typeof will === "object" && will !== null && "fate" in will ? will.fate : "";
  const reason = event.event === "packet" ? `${event.direction} ${event.packet.type}` : "";
  return `${JSON.stringify(named.map((name) => facts[name]))} ${String(fate)} ${reason}`;
}

function bucket(count: number): number {
  return count < 2 ? count : 2 ** Math.ceil(Math.log2(count));
}

function atMost(what: string, count: number, most: number): void {
  if (count > most) throw new Broken(`${count} ${what}, where ${most} is the bound`);
}
