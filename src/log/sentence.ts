import { ends, type EndCause } from "../core/end-causes.ts";
import type { Peer } from "../core/events.ts";
import type { Millis } from "../core/io.ts";
import type { ProtocolVersion } from "../core/packet.ts";
import { Reason, reasonName, reasonText } from "../core/reason.ts";
import { counted } from "./counted.ts";
import { accessReloadedText, accountsReloadedText } from "./accounts.ts";
import { codeOnWire } from "./code.ts";
import { habitText, habitVerb } from "./client-habit.ts";
import { duration, readLate, setting, stoodStill } from "./duration.ts";
import type { LogEvent, ServerEvent } from "./events.ts";
import { clause, name, singleQuoted } from "./foreign.ts";
import { packetText, partOfPacket } from "./packet.ts";
import { predecessorDied } from "./predecessor.ts";
import { stateText } from "./state.ts";
import { type Part, plain, type Tone, toned } from "./tone.ts";
import { armedWill, cancelled, discardedWhy, lossWords, publication, willAtEnd } from "./will.ts";

type Event<Name extends LogEvent["event"]> = Extract<LogEvent, { event: Name }>;

/**
 * An event as text for people, without time and level, in parts that each carry a tone. Where
 * mosquitto logs the same event, the text keeps its words, because people grep for them.
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
        `the maximum of ${setting(event.maximum * 1000)}; the broker honours it, because only ` +
        `MQTT 5.0 lets a server set another`
      );
    case "subscribed":
      return event.reason >= Reason.unspecifiedError
        ? `Refused SUBSCRIBE from ${client(event.peer)} to ${name(event.filter)}: ${refusal("suback", event)}${limitOf(event)}${byWhat(event)}`
        : `${client(event.peer)} subscribed to ${name(event.filter)} (q${event.reason})`;
    case "unsubscribed":
      return `${client(event.peer)} unsubscribed from ${name(event.filter)}`;
    case "operatorPublished": {
      const { topic, reach, refused } = event;
      if (reach !== null) return `Operator's order: message ${publication(topic, reach, [])}`;
      return `Operator's order: message on ${name(topic)} refused: ${clause(refused ?? "")}`;
    }
    case "publishRefused":
      return (
        `Refused PUBLISH from ${client(event.peer)} on ${name(event.topic)}: ` +
        `${refusal("other", event)}, ${clause(event.detail)}` +
        (event.isLast === true ? "; refusals on further topics are not logged" : "")
      );
    case "deliveryDenied":
      return (
        `Client ${name(event.clientId)} may not read ${name(event.topic)}, to which it subscribes: ` +
        `${clause(event.by)}; further ones are not logged`
      );
    case "rightsChanged":
      return rightsChanged(event);
    case "moreRightsChanged":
      return `The rights of ${counted(event.clients, "further client")} changed`;
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
      return `${client(event.peer)} ${habitVerb(event)}${what}: ${so} · ${change}`;
    }
    case "crowded":
      return crowdedText(event);
    case "restored":
      return restoredText(event);
    case "storeFailed":
      return storeFailedText(event);
    case "storeRecovered":
      return `The store keeps everything again, after ${duration(event.afterMs)}`;
    case "woke":
      return (
        `The machine slept for ${duration(event.asleepMs)}: deadlines that passed meanwhile are due ` +
        `now; clients on this machine slept too and keep the time they had left`
      );
    default:
      return serverSentence(event);
  }
}

/** Why, and with which code the client is told: `not authorized (0x87)`; without one, it is not told. */
function refusal(
  packet: "suback" | "other",
  { reason, version }: Event<"subscribed" | "publishRefused">,
): string {
  const code = codeOnWire(packet, reason, version);
  if (code === reason) return reasonText(reason);
  const why = reasonName(reason) ?? "";
  return code === null ? why : `${why} (0x${code.toString(16)})`;
}

/** What in the access list refused it. */
function byWhat({ by }: Event<"subscribed">): string {
  return by === undefined ? "" : `, ${clause(by)}`;
}

function rightsChanged(event: Event<"rightsChanged">): string {
  const { clientId, username, list, gained, lost, more, deniedWill: will } = event;
  const user = username === null ? "" : ` (u${singleQuoted(username)})`;
  const changes: string[] = [];
  if (list === null) changes.push("no access list applies any more");
  else if (list !== undefined) changes.push(`the access list ${name(list)} applies now`);
  if (gained.length > 0) changes.push(`new ${gained.map(singleQuoted).join(", ")}`);
  if (lost.length > 0) changes.push(`gone ${lost.map(singleQuoted).join(", ")}`);
  if (more > 0) changes.push(`${more} more`);
  const denied =
    will === undefined
      ? ""
      : ` · its will on ${name(will.topic)} will be discarded: ${clause(will.by)}`;
  return `Rights of client ${name(clientId)}${user} changed: ${changes.join("; ")}${denied}`;
}

/** The limit that is reached. */
function limitOf({ limit }: Event<"subscribed" | "dropping">): string {
  return limit === undefined ? "" : ` (limits.${limit})`;
}

function dropping(event: Event<"dropping">): string {
  const what =
    event.clientId === null
      ? "Retained messages are not being stored"
      : `Outgoing messages are being dropped for client ${name(event.clientId)}`;
  return `${what}: ${dropped[event.why]}${limitOf(event)}, first on ${name(event.topic)}`;
}

function serverSentence(event: Extract<ServerEvent, PlainEvent>): string {
  switch (event.event) {
    case "administration": {
      const facts = ["mqttd inspect"];
      if (event.taken !== null) facts.push(`port ${event.taken} is taken`);
      if (event.tokenFile !== null) facts.push(`the token is in ${name(event.tokenFile)}`);
      return `Administration on ${event.urls.map(clause).join(", ")} (${facts.join(", ")})`;
    }
    case "predecessor":
      return (
        `${predecessorDied(event)}: its armed wills were not published, and its sessions, queued and ` +
        `retained messages are lost; a client that connects with Clean Start 0 gets Session Present 0`
      );
    case "storeOpened":
      return `The store is ${name(event.file)}${event.isNew ? ", which is new" : ""}`;
    case "configurationLoaded":
      return event.file === null
        ? "No configuration file: defaults, environment and flags"
        : `Configuration loaded from ${name(event.file)}`;
    case "configurationReloaded": {
      const none = event.filesChanged === true ? "no key changed, a file did" : "no changes";
      const changed = event.changed.length > 0 ? `changed ${names(event.changed)}` : none;
      return `Configuration reloaded${from(event.file)}: ${changed}`;
    }
    case "accountsReloaded":
      return accountsReloadedText(event);
    case "accessReloaded":
      return accessReloadedText(event);
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
        `The broker itself stood still for ${duration(event.blockedMs)} (process stopped, or event loop ` +
        `blocked): it reads what clients sent meanwhile before it ends any of them for silence`
      );
    case "state":
      return stateText(event.view);
    case "operatorOrdered": {
      const whom = event.clientId === null ? "" : ` ${name(event.clientId)}`;
      return `Operator's order: ${clause(event.order)}${whom}`;
    }
    case "logLinesDropped":
      return `${counted(event.lines, "log line")} dropped: the log's reader is slow`;
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

/** Exactly one line for each end: `disconnected: ` counts the ends of all kinds. */
function ended(event: Event<"ended">, at: Millis): readonly Part[] {
  const facts: string[] = [];
  const statement = event.statement === null ? "" : `[${clause(event.statement)}]`;
  const detail = event.detail === null ? "" : clause(event.detail);
  if (detail !== "" || statement !== "") {
    facts.push([detail, statement].filter((part) => part !== "").join(" "));
  }
  if (event.username !== undefined) facts.push(`user ${name(event.username)}`);
  if (event.wasConnected || event.allowedMs !== null) {
    facts.push(`silent ${duration(event.silentMs)}`, allowance(event));
    if (event.lastPacketWaitedMs !== undefined) facts.push(readLate(event.lastPacketWaitedMs));
    if (event.stoodStillMs !== undefined) facts.push(stoodStill(event.stoodStillMs));
  }
  if (event.incomplete !== undefined) facts.push(partOfPacket(event.incomplete));
  const who = event.wasConnected ? client(event.peer) : stranger(event.peer);
  return [
    plain(`Client ${who} disconnected: `),
    toned(toneOf(event.cause), mosquittoWords[event.cause] ?? ends[event.cause].text),
    plain(facts.length > 0 ? ` (${facts.join(", ")})` : ""),
    ...willOfEnded(event, at),
  ];
}

/** The causes for which people grep mosquitto's words. Only the line of the end itself has them. */
const mosquittoWords: Partial<Record<EndCause, string>> = {
  keepAliveExpired: "exceeded timeout",
  closedByPeer: "closed its connection without DISCONNECT (FIN)",
  webSocketClosed: "closed its connection without DISCONNECT (WebSocket Close)",
  takenOver: "already connected, taken over by a new connection",
};

/** A planted quirk may allow any silence in spite of a keepalive. */
function allowance({ allowedMs, keepAliveSeconds }: Event<"ended">): string {
  if (allowedMs !== null) return `allowed ${duration(allowedMs)}`;
  return keepAliveSeconds === 0 ? "no keepalive" : "no limit";
}

function willOfEnded(event: Event<"ended">, at: Millis): readonly Part[] {
  const { will, refusedWill, wasConnected } = event;
  if (will !== null || wasConnected) {
    return [plain(" · "), toned(will === null ? "aside" : "will", willAtEnd(will, at))];
  }
  return refusedWill === null ? [] : [plain(` · will on ${name(refusedWill.topic)} not armed`)];
}

/** The fate of a delayed will: a line of its own, after that of its connection's end. */
function delayedWill(event: Event<"will">, at: Millis): readonly Part[] {
  const { will } = event;
  const whose = `${name(event.clientId)}'s will`;
  const after = `after ${duration(at - event.endedAt)}`;
  const cause = `connection ended: ${ends[event.cause].text}`;
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
        plain(`: ${discardedWhy(will)}, ${event.by} ${after} · ${cause}`),
      ];
    case "cancelled":
      return [
        toned("will", `${whose} on ${name(will.topic)} cancelled`),
        plain(`: ${cancelled[will.why]} ${after} · ${cause}`),
      ];
  }
}

function restoredText(event: Event<"restored">): string {
  const { sessions, subscriptions, messages, retained, wills, dueWills } = event;
  const unsent = event.retainUnavailable === true ? " (kept, but not sent: limits.retain)" : "";
  const due = dueWills === 0 ? "" : ` (${dueWills} due, published in ${setting(event.waitMs)})`;
  const died =
    event.diedMsAgo === null ? "" : `; the broker before it died ${duration(event.diedMsAgo)} ago`;
  return (
    `Restored ${counted(sessions, "session")} with ${counted(subscriptions, "subscription")} and ` +
    `${counted(messages, "message")}, ${counted(retained, "retained message")}${unsent}, ` +
    `${counted(wills, "will")}${due}${died}`
  );
}

function storeFailedText({ detail, clients }: Event<"storeFailed">): string {
  return (
    `The store can't keep anything: ${clause(detail)}; closed ${counted(clients, "connection")} that ` +
    `waited for an answer, and refuses what it would have to keep until it can`
  );
}

function crowdedText({ reset, failed = 0, withinMs }: Event<"crowded">): string {
  const within = setting(withinMs);
  const places =
    `All places for connections are taken: in ${within} the broker reset ${reset} that had sent ` +
    `no CONNECT, the oldest first, to make room (limits.connections, or the system's limit on open files)`;
  const failures = `In ${within}, ${failed} more connections failed before MQTT (TLS handshake, PROXY header)`;
  if (failed === 0) return places;
  return reset === 0 ? failures : `${places} · ${failures}`;
}

function packetSentence(event: Event<"packet">): string {
  const { type, facts } = packetText(event.packet, event.version);
  const way = event.direction === "received" ? `Received ${type} from` : `Sending ${type} to`;
  return `${way} ${client(event.peer)}${facts}`;
}

/** mosquitto's numbers, for which people grep: `p2` is 3.1.1, which is level 4 on the wire. */
const protocolFlag: Record<ProtocolVersion, string> = { 3: "p1", 4: "p2", 5: "p5" };

const dropped: Record<Event<"dropping">["why"], string> = {
  ...lossWords,
  "retained messages full": "the limit for retained messages is reached",
};

const sessionEnd: Record<Event<"sessionEnded">["why"], string> = {
  expired: "its Session Expiry Interval has passed",
  replaced: "replaced by a CONNECT with Clean Start 1",
  "connection ended": "its connection ended",
  memory: "offline for longest, and memory is short (limits.memory)",
  "session limit": "offline for longest, and made room for a new one (limits.sessions)",
};

/** Good: an orderly DISCONNECT. Caution: silent or gone. Bad: a violation, a refusal, our fault. */
function toneOf(cause: EndCause): Tone {
  switch (cause) {
    case "disconnected":
    case "disconnectedWithWill":
      return "good";
    case "disconnectedWithError":
    case "tlsFailed":
    case "proxyFailed":
    case "protocolError":
    case "malformedPacket":
    case "packetTooLarge":
    case "quotaExceeded":
    case "memory":
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

/** With its address: no earlier line names a connection that was never accepted. */
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
