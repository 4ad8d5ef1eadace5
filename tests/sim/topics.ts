import type { ISubscription } from "mqtt-packet";
import type { WorldDice } from "./world-dice.ts";

/** The topics of a world: some plain, some deep, some that leading wildcards do not match. */
export function drawTopic(dice: WorldDice, topics: number): string {
  const number = dice.below(topics);
  // The mount point of some listeners, and topics that may not pass for the broker's.
  if (dice.happens(0.03)) return dice.pick(["lab/", "lab/t/0", "lab/$SYS/x", "$SYS/x"] as const);
  return dice.pick([`t/${number}`, `t/${number}`, `t/${number}/deep/er`, `$x/${number}`] as const);
}

export function drawFilter(dice: WorldDice, topics: number): string {
  // One of at most two, so that several clients share it.
  if (dice.happens(0.2)) return `$share/g/t/${dice.below(Math.min(topics, 2))}`;
  const number = dice.below(topics);
  return dice.pick([
    `t/${number}`,
    `t/${number}`,
    "t/+",
    "t/#",
    "#",
    "w/#",
    "w/+",
    "$x/+",
    "$SYS/x",
    `$share/g/t/${number}`,
    // Shares do not overlap: a copy does not show to which it belongs.
    "$share/h/t/+/deep/er",
    "t/+/deep/#",
    "denied/#",
  ]);
}

export function drawSubscriptions(dice: WorldDice, topics: number, isV5: boolean): ISubscription[] {
  return Array.from({ length: dice.between(1, 3) }, () => {
    const topic = drawFilter(dice, topics);
    const qos = dice.pick([0, 1, 2] as const);
    if (!isV5) return { topic, qos };
    // [v5-3.8.3-4]
    const nl = !topic.startsWith("$share/") && dice.happens(0.2);
    return { topic, qos, nl, rap: dice.happens(0.4), rh: dice.pick([0, 0, 1, 2] as const) };
  });
}

/**
 * Whether only the broker may publish there, by the name that a client uses or that others see. The
 * one exception, outside mount points, is the state of a bridge.
 */
export function isBrokers(mountPoint: string, named: string): boolean {
  const [, , , id, ...rest] = named.split("/");
  const isBridges =
    mountPoint === "" &&
    named.startsWith("$SYS/broker/connection/") &&
    id !== "" &&
    rest.join("/") === "state";
  return !isBridges && [named, mountPoint + named].some(isBelowSys);
}

/** In some worlds some clients may not read some topics. Null: one of another world. */
export function isReadable(clientId: string | null, topic: string): boolean {
  return !(clientId !== null && /[369]$/.test(clientId) && /t\/\d*1(?:\/|$)/.test(topic));
}

/**
 * Clients behind a mount point do not get it, nor the mount point itself, which has no name there.
 */
export function isInSight(mountPoint: string, topic: string): boolean {
  if (mountPoint === "") return true;
  const named = topic.slice(mountPoint.length);
  return topic.startsWith(mountPoint) && named !== "" && !isBelowSys(named);
}

function isBelowSys(topic: string): boolean {
  return topic.split("/")[0] === "$SYS";
}
