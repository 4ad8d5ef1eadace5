import type { Broker } from "../../src/core/broker.ts";
import type { Rules } from "../../src/core/quirks/rules.ts";
import { Weights } from "./weights.ts";
import { Violation } from "./journal.ts";
import { optionLines } from "./options.ts";
import type { PlantedFault } from "./planted-faults.ts";
import { Program } from "./program.ts";
import { World } from "./world.ts";

export interface SimulationOptions {
  readonly seed: number;
  /** Acts of the world in trouble; afterwards it heals. */
  readonly steps: number;
  readonly rules?: Partial<Rules>;
  /** Planted in each broker. */
  readonly fault?: PlantedFault;
  readonly print?: (line: string) => void;
  /** The broker has a store. */
  readonly store?: boolean;
}

export interface Outcome {
  readonly seed: number;
  /** Of all bytes and events. */
  readonly hash: string;
  readonly steps: number;
  readonly wills: number;
  readonly restarts: number;
  /** Milliseconds of the world. */
  readonly lasted: number;
  readonly failure: Failure | null;
}

export interface Failure {
  readonly rule: string;
  readonly text: string;
  readonly options: readonly string[];
  /** The last events. */
  readonly journal: readonly string[];
}

/** Steps within which a healed world must come to rest. */
const restWithin = 60_000;

/** Plays one world: trouble first, then healing, after which everything must come to rest. */
export function simulate(options: SimulationOptions): Outcome {
  const { seed, steps, rules = {}, fault, print, store = false } = options;
  const world = new World(seed, rules, fault ?? null, print ?? null, store);
  let failure: Failure | null = null;
  try {
    const cast = new Cast(world);
    while ((world.steps < steps || world.isBehind) && world.step());
    cast.rest();
  } catch (error) {
    failure = {
      rule: error instanceof Violation ? error.rule : String(error),
      text: error instanceof Error ? (error.stack ?? error.message) : String(error),
      options: optionLines(world.options),
      journal: world.journal.lines,
    };
  }
  return {
    seed,
    hash: world.journal.hash,
    steps: world.steps,
    wills: world.referee.fates.settled,
    restarts: world.restarts,
    lasted: world.now,
    failure,
  };
}

/** All actors of a world: the programs, and an operator. */
class Cast {
  readonly #world: World;
  readonly #programs: Program[] = [];
  #keys = 1;

  constructor(world: World) {
    this.#world = world;
    const { clients, hostile } = world.options;
    const takeKey = (): number => this.#keys++;
    for (let number = 0; number < clients; number++) {
      const id = number === 1 && world.options.sharesClientId ? 0 : number;
      this.#programs.push(new Program(world, `c${id}`, number < hostile, takeKey));
    }
    const { options } = world;
    this.#every(options.kickEvery, () => this.#kick());
    this.#every(options.reconfigureEvery, () => world.reconfigure());
    this.#every(options.suspendEvery, () => world.sleep(world.dice.wait(20_000)));
    this.#every(options.standStillEvery, () =>
      world.standStill(world.dice.wait(world.dice.pick([300, 4000, 4000]))),
    );
    this.#every(options.wallJumpEvery, () => world.stepWallClock(world.dice.between(-1e7, 1e7)));
    this.#every(options.restartEvery, () =>
      world.dice.happens(0.5) ? world.stop() : world.restart(),
    );
    this.#every(options.stormEvery, () => this.#storm());
  }

  /**
   * The trouble is over. Every program returns, takes its backlog and ends its session; nothing may
   * be left.
   */
  rest(): void {
    const world = this.#world;
    world.heal();
    for (const { clientId, isSilenced } of [...world.referee.books.open]) {
      // A link that an operator declared dead, with no keepalive, stays for ever.
      if (isSilenced) world.kick(clientId);
    }
    // And so does a connection without a program.
    const manned = new Set(this.#programs.map(({ connection }) => connection));
    for (const connection of [...world.links]) {
      if (!manned.has(connection)) connection.link.timeOut();
    }
    for (const program of this.#programs) program.comeBack();
    this.#until("everybody comes back", () =>
      this.#programs.every(({ connection, isConnected }) => connection === null || isConnected),
    );
    // Bytes in transit at the healing arrive first; then everything queued behind them.
    for (let round = 0; round < 5; round++) {
      for (const program of this.#programs) program.answerAll();
      const until = world.now + 1000;
      this.#until("time passes", () => world.now >= until);
      this.#until("links are idle", () => world.isQuiet);
    }
    world.referee.expectDelivered();
    for (const program of this.#programs) program.sayGoodbye();
    for (const { link } of world.links) link.leave("fin");
    this.#until("everybody has gone", () => world.links.size === 0);
    for (const program of this.#programs) program.beginAnew();
    this.#until("everybody comes back once more", () =>
      this.#programs.every(({ connection, isConnected }) => connection === null || isConnected),
    );
    for (const program of this.#programs) program.sayGoodbye();
    this.#until("everybody has gone for good", () => world.links.size === 0);
    // Wills may still wait after a restart, and leave retained messages that expire.
    const { restartSettleMs, restartGraceMs } = world.options;
    const until = world.now + 61_000 + Math.max(restartSettleMs, restartGraceMs);
    this.#until("sessions expire", () => world.now >= until);
    this.#expectNothing();
  }

  #expectNothing(): void {
    const { broker, driver, options } = this.#world;
    const left = {
      connections: broker.connections.size,
      sessions: [...broker.sessions.keys()].join(),
      subscriptions: broker.subscriptions.size,
      deadlines: broker.deadlines.size - (options.sysIntervalMs === null ? 0 : 1),
      closing: driver.closing,
      unsent: driver.idle ? 0 : 1,
      memory: heldForNobody(broker),
    };
    if (Object.values(left).some((value) => value !== 0 && value !== "")) {
      throw new Violation("nothing is left when everybody has gone", left);
    }
  }

  #until(what: string, holds: () => boolean): void {
    const limit = this.#world.steps + restWithin;
    while (!holds()) {
      if (!this.#world.step() || this.#world.steps > limit) {
        throw new Violation(
          `the world comes to rest: ${what}`,
          [...this.#world.links].map(({ number }) => number),
        );
      }
    }
  }

  #every(mean: number, act: () => void): void {
    const { agenda, dice, now } = this.#world;
    if (mean === 0) return;
    agenda.at(now + dice.wait(mean), () => {
      if (this.#world.healed) return;
      act();
      this.#every(mean, act);
    });
  }

  #kick(): void {
    const { dice, referee } = this.#world;
    const { connection, clientId } = dice.pick(this.#programs);
    const how = kicks.pick(dice);
    if (how === "kick" || connection === null) return this.#world.kick(clientId);
    const isThere = referee.books.open.has(connection) && connection.session !== null;
    if (isThere) this.#world.dropByOperator(connection, how);
  }

  #storm(): void {
    for (const program of this.#programs) program.struck();
  }
}

/** Bytes that clients make the broker hold; retained messages and remembered routes stay. */
function heldForNobody({ memory, records }: Broker): number {
  // What is remembered for people goes as well, when memory is short.
  for (const list of [records.clients, records.wills, records.topics]) {
    while (list.forgetOldest());
  }
  const { messages: _, retained: __, routes: ___, ...others } = memory.byKind;
  return Object.values(others).reduce((sum, bytes) => sum + bytes, 0);
}

const kicks = new Weights({ kick: 3, rst: 1, silent: 1 });
