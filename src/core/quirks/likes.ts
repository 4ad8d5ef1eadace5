import { plantedQuirks } from "./planted.ts";
import { standardRules, type Rules } from "./rules.ts";

/** A broker that misbehaves on purpose. */
export interface Like {
  readonly name: string;
  /** What it does wrong, in a clause; null: the name says it. */
  readonly summary: string | null;
  readonly rules: Partial<Rules>;
}

/** Measured quirks of other brokers. */
export const likes: readonly Like[] = [
  {
    name: "rumqttd-0.19",
    summary:
      "no keepalive deadline and no detection by TCP: a client that vanishes without FIN or RST stays " +
      "connected, and its will is not published",
    rules: { keepAliveFactor: Infinity, tcpDetectors: false },
  },
  {
    name: "mosquitto-2.0",
    summary:
      "checks keepalives every 6 s; a takeover, a DISCONNECT from 0x80 and a protocol error lose the " +
      "will; newer delayed wills hold up older ones",
    rules: {
      keepAliveSweepMs: 6000,
      keepAliveResetBy: "byteOfLarge",
      willOnEnd: {
        disconnectedWithError: "discard",
        protocolError: "discard",
        malformedPacket: "discard",
        packetTooLarge: "discard",
      },
      willOnTakeover: {
        ...standardRules.willOnTakeover,
        resumed: "discard",
        endedDelayed: "discard",
      },
      sessionEndCutsDelay: "onExpiry",
      delayedWills: "byInterval",
    },
  },
];

/** The broker or planted quirk of that name; null: unknown name. */
export function likeNamed(name: string): Like | null {
  const rules = Object.entries(plantedQuirks).find(([quirk]) => quirk === name)?.[1];
  if (rules !== undefined) return { name, summary: null, rules };
  return likes.find((like) => like.name === name) ?? null;
}

/** All names that `likeNamed` accepts. */
export function likeNames(): readonly string[] {
  return [...likes.map(({ name }) => name), ...Object.keys(plantedQuirks)];
}
