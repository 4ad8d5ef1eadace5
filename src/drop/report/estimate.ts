import { setting } from "../../log/duration.ts";
import type { RunOptions } from "../run.ts";
import type { Scenario } from "../scenario.ts";
import { tellingMs } from "../patience.ts";

type Asked = Pick<
  RunOptions,
  "scenarios" | "versions" | "via" | "keepAliveSeconds" | "waitMs" | "goesOn" | "serial"
>;

/** Seconds that a scenario takes which plays alone, with a keepalive of 2 s; measured. */
const aloneSeconds = 4;
/** In keepalives, with some seconds around it: the longest of those that play together pings for 4 K. */
const togetherKeepalives = 4.5;
/** A run that takes no longer needs no announcement. */
const shortSeconds = 20;

/**
 * About how long a run takes against a broker that does what it should, and how much longer at most
 * where it does not end silent clients; null: not long.
 */
export function estimate(asked: Asked): string | null {
  const { scenarios, versions, via, keepAliveSeconds, waitMs, goesOn, serial } = asked;
  const addresses = via === null ? 1 : 2;
  const played = versions.flatMap((version) =>
    scenarios.filter(({ needs }) => version === 5 || !needs.includes("v5")),
  );
  // What needs a flag is mostly skipped.
  const isPlayed = ({ needs }: Scenario): boolean => !needs.some((need) => need.startsWith("--"));
  const alone =
    played.filter((scenario) => (serial || scenario.serial) && isPlayed(scenario)).length *
    addresses;
  const together =
    alone < played.length * addresses ? togetherKeepalives * keepAliveSeconds + 3 : 0;
  const seconds = Math.round((alone * aloneSeconds + together) / 5) * 5;
  if (seconds <= shortSeconds) return null;
  const more = goesOn ? Math.max(tellingMs, waitMs) : waitMs;
  return (
    `${scenarios.length} scenarios: about ${setting(seconds * 1000)}, and up to ${setting(more)} more ` +
    "where the broker does not end silent clients"
  );
}
