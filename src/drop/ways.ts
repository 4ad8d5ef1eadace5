import { NoAnswer, Refused } from "../client/client-error.ts";
import type { ClientVersion } from "../client/machine.ts";
import { refusalText } from "../client/refusal.ts";
import type { Target } from "../client/target.ts";
import { Patience } from "./patience.ts";
import { token } from "./play.ts";
import type { RunOptions } from "./run.ts";
import { Stage, type StageOptions } from "./stage.ts";

/** One protocol at one address. */
export interface Way {
  readonly target: Target;
  readonly version: ClientVersion;
  /** Why the broker does not speak this version; null: it does. */
  readonly unspoken: string | null;
  /** Milliseconds that a connection took, up to CONNACK. */
  readonly connectMs: number;
  readonly patience: Patience;
}

/**
 * Every protocol that was asked for at every address. Rejects with DialError, Refused or NoAnswer
 * where the broker at one of them speaks none. `source`: the scenario that teaches patience.
 */
export async function waysTo(options: RunOptions, source: string): Promise<readonly Way[]> {
  const targets = options.via === null ? [options.target] : [options.target, options.via];
  const hasSource = options.scenarios.some(({ id }) => id === source);
  // Those that wait on say so once.
  let isSaid = false;
  const said = (text: string): void => {
    if (!isSaid) options.watch.said(text);
    isSaid = true;
  };
  const ways: Way[] = [];
  for (const target of targets) {
    const versions = await spoken(options, target).catch((error: unknown) => {
      options.watch.lost(target, error);
      throw error;
    });
    for (const [version, how] of versions) {
      const patience = new Patience(options, hasSource, said);
      ways.push({ target, version, ...how, patience });
    }
  }
  return ways;
}

/** Tells the watch where the broker is lost. */
export async function isStillThere(options: RunOptions, { target, version }: Way): Promise<void> {
  try {
    await hello(options, target, version);
  } catch (error) {
    if (!options.signal.aborted) options.watch.lost(target, error);
  }
}

/** A stage's options within a run, in one protocol at one address. */
export function stageOptions(
  {
    keepAliveSeconds,
    waitMs,
    toleranceMs,
    clientId,
    will,
    deniedTopic,
    restartCommand,
    brokerPid,
    dial,
    signal,
  }: RunOptions,
  { target, version, patience }: Way,
  onWait: StageOptions["onWait"],
): StageOptions {
  return {
    target,
    version,
    keepAliveSeconds,
    waitMs,
    toleranceMs,
    clientId,
    will,
    deniedTopic,
    restartCommand,
    brokerPid,
    ...(dial && { dial }),
    patience,
    signal,
    onWait,
  };
}

/** The protocols that were asked for. Rejects when the broker speaks none of them. */
async function spoken(
  options: RunOptions,
  target: Target,
): Promise<Map<ClientVersion, Pick<Way, "unspoken" | "connectMs">>> {
  const versions = new Map<ClientVersion, Pick<Way, "unspoken" | "connectMs">>();
  let refusal: unknown = null;
  for (const version of options.versions) {
    const began = performance.now();
    const connectMs = (): number => performance.now() - began;
    try {
      await hello(options, target, version);
      versions.set(version, { unspoken: null, connectMs: connectMs() });
    } catch (error) {
      // A broker that knows no v5 says so with 0x01 (or 0x84), or just hangs up.
      const isLevel = error instanceof Refused && (error.code === 1 || error.code === 0x84);
      const mayBeLevel = isLevel || (error instanceof NoAnswer && version === 5);
      if (!mayBeLevel || options.versions.length === 1) throw error;
      const why = error instanceof Refused ? refusalText(error) : error.message;
      const unspoken = `the broker does not speak it: ${why}`;
      versions.set(version, { unspoken, connectMs: connectMs() });
      refusal = error;
    }
  }
  if ([...versions.values()].every(({ unspoken }) => unspoken !== null)) throw refusal;
  return versions;
}

/** Connects and leaves. Rejects with DialError, Refused or NoAnswer. */
async function hello(options: RunOptions, target: Target, version: ClientVersion): Promise<void> {
  const patience = new Patience(options, false, () => {});
  const way = { target, version, unspoken: null, connectMs: 0, patience };
  const stage = new Stage(
    stageOptions(options, way, () => {}),
    "hello",
    token(),
  );
  try {
    await stage.client({ clientId: stage.id("hello") });
  } finally {
    await stage.clear();
  }
}
