import type { ClientHabit } from "../core/events.ts";
import { setting } from "./duration.ts";
import { name } from "./foreign.ts";

/** What a client does that makes its wills go wrong, in words: what is, what it leads to, what to do. */
export interface HabitText {
  readonly what: string;
  readonly so: string;
  readonly change: string;
}

export function habitText(habit: ClientHabit): HabitText {
  const topic = "topic" in habit ? name(habit.topic) : "";
  switch (habit.fault) {
    case "randomClientId":
      return {
        what: `a new client id (before: ${name(habit.before)}) for the same will topic ${topic}`,
        so: "the will of the old id can land after the birth of the new one",
        change: "give the device one client id and keep it",
      };
    case "retainedWillWithoutBirth":
      return {
        what: `a retained will on ${topic}, and nothing retained was published there while connected`,
        so: "after the first death the topic says so for ever",
        change: "publish a retained birth on the same topic after each CONNACK",
      };
    case "birthElsewhere":
      return {
        what: `a retained will on ${topic}, and the birth on ${name(habit.published)}`,
        so: "the birth never overwrites the will",
        change: "publish the birth, retained, on the will's own topic",
      };
    case "noKeepAlive":
      return {
        what: `a will on ${topic}, and a keepalive of 0`,
        so: foundByTcp,
        change:
          "ask for a keepalive; the will comes one and a half times that after the last packet",
      };
    case "longKeepAlive":
      return {
        what: `a will on ${topic}, and a keepalive of ${setting(habit.keepAlive * 1000)}`,
        so: foundAfter(habit.allowedMs),
        change: "ask for a keepalive of two thirds of the time in which a death has to be known",
      };
    case "delayBeyondSession": {
      const expiry = habit.sessionExpiry === 0 ? "0" : setting(habit.sessionExpiry * 1000);
      return {
        what:
          `a Will Delay Interval of ${setting(habit.delayInterval * 1000)}, and a Session Expiry ` +
          `Interval of ${expiry}`,
        so:
          habit.sessionExpiry === 0
            ? "the session ends with the connection, and the will comes at once"
            : "the will comes when the session ends, which is earlier",
        change: "ask for a Session Expiry Interval above the Will Delay Interval",
      };
    }
    case "willUnheard":
      return {
        what: `a will on ${topic} that went to nobody and is not retained`,
        so: "nobody will ever see it",
        change:
          "check the topic's spelling, make the will retained, or let the watcher keep its session",
      };
    case "cleanDisconnect": {
      const { listeners } = habit;
      const who = listeners === 1 ? "1 subscriber" : `${listeners} subscribers`;
      return {
        what: `said a clean DISCONNECT, which discarded its will on ${topic}`,
        so: `${who} of that topic ${listeners === 1 ? "was" : "were"} told nothing`,
        change: "publish the farewell before DISCONNECT, or send DISCONNECT 0x04 (MQTT 5.0)",
      };
    }
    case "sharedClientId":
      return {
        what: `a client id that clients at ${habit.remotes.map(name).join(" and ")} share`,
        so: "each CONNECT of one ends the other, and its will comes",
        change: "give each of them a client id of its own",
      };
  }
}

const foundByTcp = "a link that goes silent is found by TCP only, or never";

/** By the silence that the broker allows; undefined: it is older than that field. */
function foundAfter(allowedMs: number | null | undefined): string {
  if (allowedMs === null) return foundByTcp;
  const after = allowedMs === undefined ? "one and a half times that" : setting(allowedMs);
  return `a silent death is found after ${after}`;
}
