import { ends, type EndCause } from "../core/end-causes.ts";
import type { Peer } from "../core/events.ts";
import type { Millis } from "../core/io.ts";
import type { ProtocolVersion } from "../core/packet.ts";
import { Reason, reasonText } from "../core/reason.ts";
import { habitText } from "./client-habit.ts";
import { duration, readLate, setting, stoodStill } from "./duration.ts";
import type { LogEvent, ServerEvent } from "./events.ts";
import { clause, name, singleQuoted } from "./foreign.ts";
import { packetText } from "./packet.ts";
import { stateText } from "./state.ts";
import { type Part, plain, type Tone, toned } from "./tone.ts";
import { armedWill, discarded, publication, willAtEnd } from "./will.ts";

type Event<Name extends LogEvent["event"]> = Extract<LogEvent, { event: Name }>;

/**
 * What a person reads of an event, without time and level, in parts that say what they mean. The
 * words are mosquitto's wherever it has such a line, because people search for them.
 */
export function sentence(event: LogEvent, at: Millis): readonly Part[] {
  switch (event.event) {
    case "connected":
      return connected(event);
    case "ended":
      return ended(event, at);
    case "will":
      return delayedWill(event, at);
    case "listening": {
      const addresses = event.addresses.map(clause).join(", ");
      return [toned("good", "mqttd is listening on"), plain(` ${addresses}`)];
    }
    case "packet":
      return [toned("aside", packetSentence(event))];
    default:
      return [plain(plainSentence(event))];
  }
}

type PlainEvent = Exclude<
  LogEvent,
  { event: "connected" | "ended" | "will" | "listening" | "packet" }
>;

function plainSentence(event: PlainEvent): string {
  switch (event.event) {
    case "keepAliveAboveMaximum":
      return (
        `${client(event.peer)} asked for a keepalive of ${setting(event.keepAlive * 1000)}, above ` +
        `the maximum of ${setting(event.maximum * 1000)}; only MQTT 5.0 can tell it another ` +
        `one, so it is honoured`
      );
    case "subscribed":
      return event.reason >= Reason.unspecifiedError
        ? `${client(event.peer)} may not subscribe to ${name(event.filter)}: ${reasonText(event.reason)}`
        : `${client(event.peer)} subscribed to ${name(event.filter)} (q${event.reason})`;
    case "unsubscribed":
      return `${client(event.peer)} unsubscribed from ${name(event.filter)}`;
    case "publishRefused":
      return (
        `Refused PUBLISH from ${client(event.peer)} on ${name(event.topic)}: ` +
        `${reasonText(event.reason)}, ${clause(event.detail)}`
      );
    case "dropping":
      return dropping(event);
    case "notSent":
      return (
        `Did not send ${event.packet.toUpperCase()} to ${client(event.peer)}: ${event.bytes} B, ` +
        `above its Maximum Packet Size of ${event.maximum} B`
      );
    case "sessionEnded":
      return `Session of client ${name(event.clientId)} ended: ${sessionEnd[event.why]}`;
    case "clientFault": {
      const { what, so, change } = habitText(event);
      const verb = event.fault === "cleanDisconnect" ? "" : "has ";
      return `${client(event.peer)} ${verb}${what}: ${so} · ${change}`;
    }
    case "woke":
      return (
        `The machine slept for ${duration(event.asleepMs)}: what fell due meanwhile is due now; ` +
        `clients on this machine slept too, and have as much time left as before`
      );
    default:
      return serverSentence(event);
  }
}

function dropping(event: Event<"dropping">): string {
  const what =
    event.clientId === null
      ? "Retained messages are not being stored"
      : `Outgoing messages are being dropped for client ${name(event.clientId)}`;
  return `${what}: ${dropped[event.why]}, first on ${name(event.topic)}`;
}

function serverSentence(event: Extract<ServerEvent, PlainEvent>): string {
  switch (event.event) {
    case "administration": {
      const facts = ["mqttd inspect"];
      if (event.taken !== null) facts.push(`port ${event.taken} is taken`);
      if (event.tokenFile !== null) facts.push(`the token is in ${name(event.tokenFile)}`);
      return `Administration on ${event.urls.map(clause).join(", ")} (${facts.join(", ")})`;
    }
    case "configurationLoaded":
      return event.file === null
        ? "No configuration file: defaults, environment and flags"
        : `Configuration loaded from ${name(event.file)}`;
    case "configurationReloaded": {
      const changed = event.changed.length > 0 ? `changed ${names(event.changed)}` : "no changes";
      return `Configuration reloaded${from(event.file)}: ${changed}`;
    }
    case "configurationReloadFailed":
      return `Configuration not reloaded${from(event.file)}, nothing was changed: ${clauses(event.problems)}`;
    case "stopping":
      return `mqttd is stopping${event.signal === null ? "" : ` (${clause(event.signal)})`}`;
    case "stopped":
      return "mqttd stopped";
    case "warning":
      return clause(event.text);
    case "loopBlocked":
      return (
        `The broker itself stood still for ${duration(event.blockedMs)} (stopped, or its event loop was ` +
        `blocked): what clients sent meanwhile is read before any of them is taken for silent`
      );
    case "state":
      return stateText(event.view);
    case "operatorOrdered": {
      const whom = event.clientId === null ? "" : ` ${name(event.clientId)}`;
      return `Operator's order: ${clause(event.order)}${whom}`;
    }
    case "logLinesDropped":
      return `${event.lines} log ${event.lines === 1 ? "line" : "lines"} dropped: the log's reader is slow`;
  }
}

function connected(event: Event<"connected">): readonly Part[] {
  const flags = [
    protocolFlag[event.version],
    `c${event.cleanStart ? 1 : 0}`,
    `k${event.keepAlive}`,
  ];
  if (event.username !== null) flags.push(`u${singleQuoted(event.username)}`);
  const from = `from ${name(event.peer.remote)} as ${client(event.peer)} (${flags.join(", ")})`;
  const rest: string[] = [];
  if (event.keepAliveAsked !== event.keepAlive) {
    rest.push(`, asked for k${event.keepAliveAsked}`);
  }
  if (event.sessionPresent) rest.push(", session resumed");
  if (event.sessionExpiry > 0) rest.push(`, session kept ${setting(event.sessionExpiry * 1000)}`);
  const head = toned("good", `New ${event.bridge ? "bridge" : "client"} connected`);
  const facts = plain(` ${from}${rest.join("")}`);
  if (event.will === null) return [head, facts];
  return [head, facts, plain(", "), toned("will", armedWill(event.will))];
}

/**
 * One line an end. A keepalive's end begins with mosquitto's own words for it; the line goes on like
 * any other, so that `disconnected:` counts the ends of all kinds.
 */
function ended(event: Event<"ended">, at: Millis): readonly Part[] {
  const expired = event.cause === "keepAliveExpired" && event.wasConnected;
  const mosquitto = `Client ${client(event.peer)} has exceeded timeout, disconnecting.`;
  const facts: string[] = [];
  const statement = event.statement === null ? "" : `[${clause(event.statement)}]`;
  const detail = event.detail === null ? "" : clause(event.detail);
  if (detail !== "" || statement !== "") {
    facts.push([detail, statement].filter((part) => part !== "").join(" "));
  }
  if (event.wasConnected || event.allowedMs !== null) {
    facts.push(`silent ${duration(event.silentMs)}`);
    facts.push(event.allowedMs === null ? "no keepalive" : `allowed ${duration(event.allowedMs)}`);
    if (event.lastPacketWaitedMs !== undefined) facts.push(readLate(event.lastPacketWaitedMs));
    if (event.stoodStillMs !== undefined) facts.push(stoodStill(event.stoodStillMs));
  }
  const who = event.wasConnected ? client(event.peer) : stranger(event.peer);
  return [
    ...(expired ? [toned("caution", mosquitto), plain(" ")] : []),
    plain(`${who} disconnected: `),
    toned(toneOf(event.cause), ends[event.cause].text),
    plain(facts.length > 0 ? ` (${facts.join(", ")})` : ""),
    ...willOfEnded(event, at),
  ];
}

function willOfEnded(event: Event<"ended">, at: Millis): readonly Part[] {
  const { will, refusedWill, wasConnected } = event;
  if (will !== null || wasConnected) {
    return [plain(" · "), toned(will === null ? "aside" : "will", willAtEnd(will, at))];
  }
  return refusedWill === null ? [] : [plain(` · will on ${name(refusedWill.topic)} not armed`)];
}

/** The second line of a will that had to wait. */
function delayedWill(event: Event<"will">, at: Millis): readonly Part[] {
  const { will } = event;
  const whose = `${name(event.clientId)}'s will`;
  const after = `after ${duration(at - event.endedAt)}`;
  const cause = `connection had ended by: ${ends[event.cause].text}`;
  switch (will.fate) {
    case "published": {
      const late = will.at - will.due;
      const facts = [
        `due after ${duration(will.due - event.endedAt)}`,
        late < 0 ? `${duration(-late)} early` : `${duration(late)} late`,
      ];
      if (will.stoodStillMs !== undefined) facts.push(stoodStill(will.stoodStillMs));
      if (event.by !== "due") facts.push(event.by);
      const fate = publication(will.topic, will.reach, facts);
      return [toned("will", `${whose} ${fate}`), plain(` · ${cause}`)];
    }
    case "discarded":
      return [
        toned("will", `${whose} on ${name(will.topic)} discarded`),
        plain(`: ${discarded[will.why]}, ${event.by} ${after} · ${cause}`),
      ];
    case "cancelled":
      return [
        toned("will", `${whose} on ${name(will.topic)} cancelled`),
        plain(`: session ${will.why} ${after} · ${cause}`),
      ];
  }
}

function packetSentence(event: Event<"packet">): string {
  const { type, facts } = packetText(event.packet);
  const way = event.direction === "received" ? `Received ${type} from` : `Sending ${type} to`;
  return `${way} ${client(event.peer)}${facts}`;
}

/** mosquitto numbers 3.1.1 as 2: what people search for is its `p2`, not the level on the wire. */
const protocolFlag: Record<ProtocolVersion, string> = { 3: "p1", 4: "p2", 5: "p5" };

const dropped: Record<Event<"dropping">["why"], string> = {
  "queue full": "its queue is full",
  blocked: "it takes no data",
  "packet too large": "larger than its Maximum Packet Size",
  "retained messages full": "the limit for retained messages is reached",
};

const sessionEnd: Record<Event<"sessionEnded">["why"], string> = {
  expired: "its Session Expiry Interval has passed",
  replaced: "replaced by a CONNECT with Clean Start 1",
  "connection ended": "its connection ended",
};

/** Good: said goodbye. Caution: went silent or away. Bad: broke a rule, or a fault. */
function toneOf(cause: EndCause): Tone {
  switch (cause) {
    case "disconnected":
    case "disconnectedWithWill":
      return "good";
    case "disconnectedWithError":
    case "protocolError":
    case "malformedPacket":
    case "packetTooLarge":
    case "quotaExceeded":
    case "refused":
    case "storeFailed":
      return "bad";
    default:
      return "caution";
  }
}

function client(peer: Peer): string {
  return name(peer.clientId ?? peer.remote);
}

/** No earlier line has said from where this client id came. */
function stranger(peer: Peer): string {
  const { clientId, remote } = peer;
  return clientId === null || clientId === ""
    ? name(remote)
    : `${name(clientId)} (${name(remote)})`;
}

function from(file: string | null): string {
  return file === null ? "" : ` from ${name(file)}`;
}

function names(values: readonly string[]): string {
  return values.map(name).join(", ");
}

function clauses(values: readonly string[]): string {
  return values.map(clause).join(" · ");
}
