import type { Colors } from "picocolors/types.js";
import type { EventLine } from "../api/api.ts";
import { ends, type EndCause } from "../core/ends.ts";
import { escapeUnprintable, name } from "../log/foreign.ts";
import { colorOf } from "../log/sentence.ts";

type Facts = EventLine["facts"];

/**
 * A sentence that the broker has told without colours, with those that its log gives it. Where a part
 * begins is known by the facts, so that no string of a peer is taken for one.
 */
export function painted({ event, text: told, facts }: EventLine, colors: Colors): string {
  const text = escapeUnprintable(told);
  switch (event) {
    case "connected":
      return connected(text, facts, colors);
    case "ended":
      return ended(text, facts, colors);
    case "will":
      return delayedWill(text, facts, colors);
    case "listening":
      return text.replace(/^mqttd is listening on/, colors.green);
    case "packet":
      return colors.dim(text);
    default:
      return text;
  }
}

function connected(text: string, facts: Facts, colors: Colors): string {
  const topic = topicOf(facts);
  const start = topic === null ? -1 : text.lastIndexOf(`will on ${name(topic)} (`);
  const head = start < 0 ? text : text.slice(0, start) + colors.magenta(text.slice(start));
  return head.replace(/^New (?:client|bridge) connected/, colors.green);
}

function ended(text: string, facts: Facts, colors: Colors): string {
  const cause = word(facts["cause"]) as EndCause; // A newer broker may know others.
  if (!Object.hasOwn(ends, cause)) return text;
  const who = whoOf(facts);
  const expired = `Client ${who} has exceeded timeout, disconnecting.`;
  const isExpired = text.startsWith(`${expired} `);
  const rest = isExpired ? text.slice(expired.length) : text;
  const head = `${isExpired ? " " : ""}${who} disconnected: `;
  if (!rest.startsWith(head)) return text;
  const why = rest.slice(head.length);
  const dot = why.indexOf(" · ");
  const reason = dot < 0 ? why : why.slice(0, dot);
  const will = dot < 0 ? "" : why.slice(dot + 3);
  const { text: causeText } = ends[cause];
  return (
    (isExpired ? colors.yellow(expired) : "") +
    head +
    colorOf(cause, colors)(causeText) +
    reason.slice(causeText.length) +
    (dot < 0 ? "" : ` · ${willPaint(facts, colors)(will)}`)
  );
}

function willPaint({ will, wasConnected }: Facts, colors: Colors): (text: string) => string {
  if (will !== null) return colors.magenta;
  // What a refused CONNECT asked for.
  return wasConnected === true ? colors.dim : (text) => text;
}

function whoOf({ client, remote, wasConnected }: Facts): string {
  const from = name(word(remote));
  if (typeof client !== "string") return from;
  if (wasConnected === true) return name(client);
  return client === "" ? from : `${name(client)} (${from})`;
}

function delayedWill(text: string, facts: Facts, colors: Colors): string {
  const { will } = facts;
  const fate = typeof will === "object" && will !== null && "fate" in will ? will.fate : null;
  const whose = `${name(word(facts["client"]))}'s will`;
  const end =
    fate === "published"
      ? text.lastIndexOf(" · connection had ended by: ")
      : `${whose} on ${name(topicOf(facts) ?? "")} ${word(fate)}`.length;
  return colors.magenta(text.slice(0, end)) + text.slice(end);
}

/** Facts come from whatever answers as a broker. */
function word(fact: unknown): string {
  return typeof fact === "string" ? fact : "";
}

function topicOf({ will }: Facts): string | null {
  const topic = typeof will === "object" && will !== null && "topic" in will ? will.topic : null;
  return typeof topic === "string" ? topic : null;
}
