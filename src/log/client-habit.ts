import type { ClientHabit } from "../core/events.ts";
import { counted } from "./counted.ts";
import { setting } from "./duration.ts";
import { name } from "./foreign.ts";

/** A habit in words: `It has WHAT: SO. CHANGE.`, where `has` is that of `habitVerb`. */
export interface HabitText {
  readonly what: string;
  readonly so: string;
  readonly change: string;
}

/** What stands before WHAT in a sentence about the client. */
export function habitVerb({ fault }: ClientHabit, isOver = false): "" | "has " {
  const isPast = fault === "cleanDisconnect" || (isOver && fault === "birthOverwritten");
  return isPast ? "" : "has ";
}

/** `isOver`: the other client that it is about has gone, or what it did was mended since. */
export function habitText(habit: ClientHabit, isOver = false): HabitText {
  const topic = "topic" in habit ? name(habit.topic) : "";
  switch (habit.fault) {
    case "randomClientId":
      return {
        what: `a new client id (before: ${name(habit.before)}) for the same will topic ${topic}`,
        so: "the old id's will can be published after the new id's birth",
        change: "give the device one client id and keep it",
      };
    case "retainedWillWithoutBirth":
      return {
        what: `a retained will on ${topic}, but published nothing retained there while connected`,
        so: "after the first death the topic keeps the will for ever",
        change: "publish a retained birth on the same topic after each CONNACK",
      };
    case "birthElsewhere":
      return {
        what: `a retained will on ${topic}, and published ${name(habit.published)} retained, but nothing there`,
        so: "after the first death the topic keeps the will for ever",
        change: "publish the birth, retained, on the will's own topic",
      };
    case "sharedWillTopic":
      return {
        what: `a retained will on ${topic}, as ${name(habit.other)} ${
          isOver ? "had, which was connected at the same time" : "has, which is connected too"
        }`,
        so: "the will of the first to die overwrites what the other published there",
        change:
          "give each client a will topic of its own; if both are one device that came back under " +
          "another client id, give it one client id and keep it",
      };
    case "birthOverwritten":
      return {
        what: `lost its retained message on ${topic} to the will of ${name(habit.by)}`,
        so: isOver
          ? "who subscribed there then was told that it was gone, though it was connected"
          : "who subscribes there is told that it is gone, though it is connected",
        change:
          "if both are one device that came back under another client id, give it one client id " +
          `and keep it; if not, a will topic for each${isOver ? "" : "; publishing the birth again mends the topic"}`,
      };
    case "willNotRetained":
      return {
        what: `a retained birth on ${topic}, and a will there that is not retained`,
        so: "who subscribes after its death still finds the birth",
        change: "retain the will too",
      };
    case "noKeepAlive":
      return {
        what: `a will on ${topic}, and a keepalive of 0`,
        so: foundByTcp,
        change:
          "set a keepalive; the will is published 1.5 times the keepalive after the last packet",
      };
    case "longKeepAlive":
      return {
        what: `a will on ${topic}, and a keepalive of ${setting(habit.keepAlive * 1000)}`,
        so: foundAfter(habit.allowedMs),
        change: "set the keepalive to two thirds of the time within which a death must be known",
      };
    case "delayBeyondSession": {
      const expiry = habit.sessionExpiry === 0 ? "0" : setting(habit.sessionExpiry * 1000);
      return {
        what:
          `a Will Delay Interval of ${setting(habit.delayInterval * 1000)}, and a Session Expiry ` +
          `Interval of ${expiry}`,
        so:
          habit.sessionExpiry === 0
            ? "the session ends with the connection, and the will is published at once"
            : "the will is published when the session ends, which is earlier",
        change:
          habit.limited === true
            ? "it asked for more: give this broker a higher limits.sessionExpiryMax, or the will a shorter delay"
            : "set a Session Expiry Interval above the Will Delay Interval",
      };
    }
    case "willUnheard":
      return {
        what: `a will on ${topic} that reached no subscriber and is not retained`,
        so: "its message is lost",
        change:
          "check the topic's spelling, retain the will, or give the watcher a session that lasts",
      };
    case "cleanDisconnect": {
      const { listeners } = habit;
      const who = counted(listeners, "subscriber");
      return {
        what: `sent a clean DISCONNECT, which discarded its will on ${topic}`,
        so: `${who} of that topic received nothing`,
        change: "publish the farewell before DISCONNECT, or send DISCONNECT 0x04 (MQTT 5.0)",
      };
    }
    case "takeoverLoop":
      return {
        what: `had its client id taken over ${habit.takeovers} times within 10 s, ${fromHosts(habit.hosts)}`,
        so: "each time the old connection ends and its will is published",
        change:
          "look whether its program starts again and again, its link flaps, or it connects anew " +
          "without ending its old connection; if two programs use this client id, give each an id " +
          "of its own",
      };
    case "sharedClientId":
      return {
        what: `a client id that ${habit.remotes.map(name).join(" and ")} ${isOver ? "took" : "take"} over from each other`,
        so: isOver
          ? "each time one connected, the other was disconnected and its will was published"
          : "each time one connects, the other is disconnected and its will is published",
        change:
          "if these are two clients, give each an id of its own; if it is one that changes networks, " +
          "let it end its old connection first",
      };
  }
}

function fromHosts(hosts: readonly string[]): string {
  return `${hosts.length === 1 ? "always from" : "from"} ${hosts.map(name).join(" and ")}`;
}

const foundByTcp = "only TCP can detect a dead link, or nothing does";

/** `allowedMs`: of silence; null: any; undefined: the broker is older than that field. */
function foundAfter(allowedMs: number | null | undefined): string {
  if (allowedMs === null) return foundByTcp;
  const after = allowedMs === undefined ? "1.5 times that" : setting(allowedMs);
  return `a silent death is detected after ${after}`;
}
