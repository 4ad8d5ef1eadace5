import { defaultLimits, type Limits } from "../../src/core/limits.ts";
import type { WorldDice } from "./world-dice.ts";

/**
 * The parameters of one world. Milliseconds, unless a name says otherwise; rates: mean time between
 * two events.
 */
export interface SimOptions {
  readonly clients: number;
  /** The number of clients that break rules. */
  readonly hostile: number;
  readonly topics: number;
  /** Between two acts of one client. */
  readonly actEvery: number;
  readonly latency: readonly [least: number, most: number];
  /** How a client's bytes reach the broker: in one piece, in some, byte by byte. */
  readonly chunks: "whole" | "pieces" | "bytes";
  /** Bytes that the kernel accepts for a client that does not read. */
  readonly kernelBuffer: readonly [least: number, most: number];
  readonly outputBytes: number;
  /** Seconds, to choose from. */
  readonly keepAlives: readonly number[];
  readonly sessionExpiries: readonly number[];
  readonly willDelays: readonly number[];
  /** Bytes of an occasional large payload. */
  readonly largePayload: number;
  /** Share of PUBLISHes; the rest is subscribing, pinging, dying. */
  readonly talkative: boolean;
  /** How often, in a hundred acts, a client's network or program fails. */
  readonly troublePercent: number;
  readonly authentication: "at once" | "late" | "very late";
  /** 0: never. */
  readonly kickEvery: number;
  readonly reconfigureEvery: number;
  readonly suspendEvery: number;
  readonly standStillEvery: number;
  /** The broker can query what waits in sockets; otherwise it counts turns of its loop. */
  readonly polls: boolean;
  /** What runs first after a standstill; and how many socket events one poll reads. */
  readonly goesOnWith: "timers" | "sockets";
  readonly eventsInPoll: number;
  /** How many of ten clients run on the broker's machine. */
  readonly localInTen: number;
  readonly wallJumpEvery: number;
  readonly restartEvery: number;
  /** Of a broker with a store: how long wills of before a restart wait that are due. */
  readonly restartSettleMs: number;
  readonly restartGraceMs: number;
  readonly stormEvery: number;
  /** Programs act at multiples of this, so that many acts share one moment. */
  readonly grid: number;
  /** The driver's budget for one turn of its loop; `cutsTurns`: the next turn may come later. */
  readonly unitsOfTurn: number;
  readonly copiesOfBatch: number;
  readonly cutsTurns: boolean;
  /** Chunks in transit may still reach a broker that has stopped reading. */
  readonly reachesPaused: boolean;
  /** Two programs share a client id. */
  readonly sharesClientId: boolean;
  /** The second listener's connection limit. */
  readonly listenerConnections: number;
  readonly sysIntervalMs: number | null;
  readonly mountPoint: string;
  readonly limits: Limits;
}

export function drawOptions(dice: WorldDice): SimOptions {
  const options = draw(dice);
  if (options.sysIntervalMs === null) return options;
  // `$SYS` is retained as well, and counts.
  const { retainedMessages, retainedBytes } = defaultLimits;
  return {
    ...options,
    limits: { ...options.limits, retainedMessages, retainedBytes },
    reconfigureEvery: 0,
  };
}

function draw(dice: WorldDice): SimOptions {
  const clients = dice.between(2, dice.pick([4, 8, 16, 24]));
  const isFast = dice.happens(0.5);
  const isCoarse = dice.happens(0.15);
  return {
    clients,
    hostile: dice.happens(0.6) ? dice.between(0, Math.ceil(clients / 3)) : 0,
    topics: dice.happens(0.03) ? 300 : dice.between(1, 10),
    grid: isCoarse ? 500 : 1,
    actEvery: isFast ? dice.between(20, 300) : dice.between(300, 3000),
    latency: isCoarse
      ? [0, 0]
      : dice.pick([
          [0, 0],
          [0, 5],
          [1, 40],
          [5, 400],
        ] as const),
    chunks: dice.pick(["whole", "whole", "whole", "pieces", "pieces", "bytes"] as const),
    kernelBuffer: dice.pick([
      [64, 512],
      [500, 4000],
      [4000, 64_000],
      [1_000_000, 1_000_000],
    ] as const),
    outputBytes: dice.pick([256, 2048, 16_384, 1024 * 1024]),
    keepAlives: dice.pick([
      [1, 2, 3],
      [0, 1, 5, 10],
      [5, 20, 60],
      [0, 0, 30],
    ]),
    sessionExpiries: dice.pick([
      [0, 0, 1, 5],
      [0, 5, 30],
      [10, 60, 600],
      [0, 3, 0xffff_ffff],
    ]),
    willDelays: dice.pick([[0], [0, 0, 1, 3], [0, 1, 5, 20], [2, 2, 10, 100, 0xffff_ffff]]),
    largePayload: dice.pick([100, 1000, 5000, 20_000]),
    talkative: dice.happens(0.5),
    troublePercent: dice.pick([0, 1, 3, 10, 25]),
    authentication: dice.pick(["at once", "at once", "late", "very late"] as const),
    kickEvery: sometimes(dice, 5000),
    reconfigureEvery: sometimes(dice, 5000),
    suspendEvery: sometimes(dice, 10_000),
    standStillEvery: sometimes(dice, 10_000),
    ...drawLoop(dice),
    localInTen: dice.pick([0, 3, 10]),
    wallJumpEvery: sometimes(dice, 5000),
    restartEvery: sometimes(dice, 30_000),
    restartSettleMs: 0,
    restartGraceMs: 0,
    stormEvery: sometimes(dice, 15_000),
    unitsOfTurn: dice.pick([1, 5, 20, 4000]),
    copiesOfBatch: dice.pick([1, 5, 20, 1000]),
    cutsTurns: dice.happens(0.5),
    reachesPaused: dice.happens(0.5),
    sharesClientId: dice.happens(0.1),
    listenerConnections: dice.happens(0.1) ? dice.between(1, 5) : Infinity,
    sysIntervalMs: dice.happens(0.2) ? 10_000 : null,
    mountPoint: dice.happens(0.2) ? "lab/" : "",
    limits: drawLimits(dice, clients),
  };
}

/** The broker counts turns of what a real poll reads at most, so a poll reads all then. */
function drawLoop(dice: WorldDice): Pick<SimOptions, "polls" | "goesOnWith" | "eventsInPoll"> {
  const polls = dice.happens(0.7);
  return {
    polls,
    goesOnWith: dice.pick(["timers", "timers", "sockets"] as const),
    eventsInPoll: polls ? dice.pick([1, 3, Infinity]) : Infinity,
  };
}

function sometimes(dice: WorldDice, mean: number): number {
  return dice.happens(0.35) ? dice.between(mean / 4, mean * 2) : 0;
}

export const longestHoldMs = 5000;

/** Mostly too wide to be reached; sometimes narrow. */
export function drawLimits(dice: WorldDice, clients: number): Limits {
  const narrow = (share: number): boolean => dice.happens(share);
  const limits: Limits = {
    ...defaultLimits,
    connections: narrow(0.15) ? dice.between(2, clients + 2) : 1000,
    sessions: narrow(0.15) ? dice.between(2, clients + 2) : 1000,
    subscriptions: narrow(0.15) ? dice.between(1, 4) : 1000,
    topicLevels: narrow(0.15) ? dice.between(2, 4) : 200,
    packetSize: narrow(0.2) ? dice.between(300, 3000) : 64 * 1024,
    controlPacketSize: narrow(0.1) ? dice.between(60, 400) : 1024 * 1024,
    unfinishedBytes: narrow(0.1) ? dice.between(5000, 30_000) : 256 * 1024 * 1024,
    payloadSize: narrow(0.2) ? dice.between(20, 1000) : 1024 * 1024,
    keepAliveMaxSeconds: narrow(0.2) ? dice.between(2, 10) : Infinity,
    inflight: narrow(0.3) ? dice.between(1, 5) : 100,
    receiveMaximum: narrow(0.3) ? dice.between(1, 5) : 1000,
    queuedMessages: narrow(0.3) ? dice.between(1, 20) : 1000,
    queuedBytes: narrow(0.2) ? dice.between(30, 2000) : 16 * 1024 * 1024,
    queueQos0: dice.happens(0.2),
    topicAliases: dice.pick([0, 1, 3, 100]),
    qos: narrow(0.1) ? dice.pick([0, 1] as const) : 2,
    retain: !narrow(0.1),
    retainedMessages: narrow(0.2) ? dice.between(1, 4) : 1000,
    retainedBytes: narrow(0.15) ? dice.between(30, 500) : 1024 * 1024,
    sessionExpiryMaxSeconds: narrow(0.2) ? dice.between(2, 30) : Infinity,
    ledger: dice.pick([10, 100, 1000]),
    holdTimeoutMs: dice.pick([0, 200, longestHoldMs, longestHoldMs]),
    connectTimeoutMs: dice.pick([500, 2000, 10_000]),
    stallTimeoutMs: dice.pick([300, 2000, 30_000]),
    connectSize: narrow(0.1) ? dice.between(30, 120) : defaultLimits.connectSize,
  };
  // The same, so that no later draw moves.
  const authenticationTimeoutMs = limits.connectTimeoutMs;
  return { ...limits, authenticationTimeoutMs, memory: memoryOf(limits, clients) };
}

/** In a fifth of the worlds little. Drawn from what is drawn already, so that no later draw moves. */
function memoryOf(limits: Limits, clients: number): number {
  const { connectTimeoutMs, stallTimeoutMs, holdTimeoutMs, ledger, inflight, receiveMaximum } =
    limits;
  const sum =
    connectTimeoutMs + stallTimeoutMs + holdTimeoutMs + ledger + inflight + receiveMaximum;
  const mixed = Math.imul(sum + clients, 0x9e37_79b1) >>> 0;
  return mixed % 5 === 0 ? clients * (8000 + ((mixed >>> 8) % 17_000)) : Infinity;
}

/** `name value`, for people. */
export function optionLines(options: SimOptions): string[] {
  const { limits, ...others } = options;
  const changed = Object.entries(limits).filter(
    ([name, value]) => value !== Object.entries(defaultLimits).find(([key]) => key === name)?.[1],
  );
  return [
    Object.entries(others)
      .map(([name, value]) => `${name} ${format(value)}`)
      .join(" · "),
    `limits: ${changed.map(([name, value]) => `${name} ${format(value)}`).join(" · ")}`,
  ];
}

function format(value: unknown): string {
  return value === Infinity
    ? "any"
    : Array.isArray(value)
      ? `[${value.join(" ")}]`
      : JSON.stringify(value);
}
