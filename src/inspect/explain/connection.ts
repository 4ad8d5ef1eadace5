import type { ClientAnswer } from "../../api/api.ts";
import {
  isWillUnknown,
  type ConnectionAccount,
  type IncompleteAccount,
} from "../../core/records/client-account.ts";
import type { WillAccount } from "../../core/records/will-account.ts";
import type { WillFacts } from "../../core/events.ts";
import { counted } from "../../log/counted.ts";
import { duration, readLate, setting, stoodStill } from "../../log/duration.ts";
import { clause, name } from "../../log/foreign.ts";
import { withArticle } from "../../log/packet.ts";
import { allowedSilence } from "../answers/allowed-silence.ts";
import { endByStandardLine } from "./by-standard.ts";
import { causeClause, causeRule, dropOrder, dropper } from "./cause.ts";
import {
  capital,
  endsNobody,
  isV5,
  nextOf,
  ruleFor,
  type Scene,
  sentence,
  type Sentence,
  type StoryLine,
} from "./parts.ts";
import { ignoredWills } from "./on-purpose.ts";
import { withRestarts } from "./restarts.ts";
import { willFacts, willInShort, willStory } from "./will.ts";
import { withRetained } from "./will-topic.ts";

/** One connection from its CONNECT on, in order of time. */
export function storyOf(scene: Scene): StoryLine[] {
  const { connection } = scene;
  if (connection.connectedAt === null) return refusedStory(scene);
  const story = withRetained(scene, [
    ...connectLines(scene, connection.connectedAt),
    ...heardLines(scene),
    ...endByStandardLine(connection, scene.will, scene.answer.now),
    ...endLines(scene),
    ...willStory(scene),
  ]);
  return withRestarts(scene, story);
}

function refusedStory({ connection, answer }: Scene): StoryLine[] {
  const { end } = connection;
  const at = end?.at ?? connection.openedAt;
  const why = end === null ? "" : `, because ${causeClause(connection, end, null)}`;
  const lines = [
    { at: connection.openedAt, ...sentence(`A connection came ${from(connection)}.`) },
    ...(connection.refusedWill === null
      ? []
      : [{ at, ...sentence(refusedWillText(connection, connection.refusedWill)) }]),
    {
      at,
      ...sentence(`It was closed${why}. Nothing was armed.`, end?.statement ?? null),
    },
  ];
  const { session } = answer;
  if (session !== null && !session.connected) {
    lines.push({ at, ...sentence("The session that it had before was left as it was.") });
  }
  return lines;
}

function refusedWillText(connection: ConnectionAccount, will: WillFacts): string {
  const { protocol } = connection;
  const { delayInterval: delaySeconds, messageExpiry } = will;
  const expiry = messageExpiry !== undefined && { messageExpirySeconds: messageExpiry };
  const facts = willFacts({ ...will, protocol, delaySeconds, ...expiry });
  return `It asked for a will on ${mountedTopic(connection, will.topic)} (${facts}).`;
}

function connectLines(scene: Scene, at: number): StoryLine[] {
  const { connection, will, answer } = scene;
  const lines = [
    sentence(`It connected ${from(connection)}${asUser(connection)}.${mountText(connection)}`),
    keepAliveText(connection),
    sessionText(connection, answer),
    will === null ? noWillText(scene) : willText(scene, will),
  ];
  return lines.map((line) => ({ at, ...line }));
}

function from({ remote, listener, protocol }: ConnectionAccount): string {
  const spoken = protocol === null ? "" : ` with MQTT ${protocol}`;
  return `from ${name(remote)}${spoken} (listener: ${clause(listener)})`;
}

function asUser({ username }: ConnectionAccount): string {
  return username === null ? "" : ` as user ${name(username)}`;
}

function keepAliveText(connection: ConnectionAccount): Sentence {
  const { keepAliveSeconds: force, keepAliveAskedSeconds: asked } = connection;
  const allowed = allowedSilence(connection);
  const rule = ruleFor(connection, "3.1.2-24", "3.1.2-22");
  const wish = asked === 0 ? "no keepalive" : `a keepalive of ${setting(asked * 1000)}`;
  if (allowed === null && force > 0) return sentence(`It asked for ${wish}. ${endsNobody}.`);
  if (allowed === null) {
    const text = `It asked for ${wish}: MQTT itself never detects its silence.`;
    return sentence(text, ruleFor(connection, "3.1.2.10", "3.1.2.10"));
  }
  const silence = `its connection ends after ${duration(allowed)} of silence`;
  if (asked === force) return sentence(`It asked for ${wish}: ${silence}.`, rule);
  if (force === 0) return sentence(`It asked for ${wish}, and ${silence}.`);
  const told = `the broker told it to keep ${setting(force * 1000)} (Server Keep Alive, limits.keepAliveMax)`;
  return sentence(`It asked for ${wish}, ${told}: ${silence}.`, "v5-3.2.2-22");
}

function sessionText(
  connection: ConnectionAccount,
  { connections, predecessor }: ClientAnswer,
): Sentence {
  const { cleanStart, sessionPresent, sessionExpirySeconds: expiry } = connection;
  const flag = `${isV5(connection) ? "Clean Start" : "Clean Session"} ${cleanStart ? 1 : 0}`;
  const kept =
    expiry === 0
      ? "which ends with the connection"
      : expiry === null
        ? "which is kept after the connection without end"
        : `which is kept for ${setting(expiry * 1000)} after the connection`;
  const limit = cutByLimit(connection);
  if (connection.sessionOnly === true) {
    // Its Clean Start is not kept.
    const came = sessionPresent ? "It resumed its session" : "It began a new session";
    return sentence(`${came}, ${kept}.`);
  }
  if (sessionPresent) {
    const rule = ruleFor(connection, "3.1.2-4", "3.1.2-5");
    return sentence(`With ${flag} it resumed its session, ${kept}${limit}.`, rule);
  }
  const rule = cleanStart
    ? ruleFor(connection, "3.1.2-6", "3.1.2-4")
    : ruleFor(connection, "3.1.2-4", "3.1.2-6");
  // Only the first connection to this process can have lost one that the process before held.
  const isFirst = connection === connections.at(-1) && (predecessor ?? null) !== null;
  const lost = isFirst ? " (one that the broker before this one held is lost with it)" : "";
  const why = cleanStart ? "" : `, because there was none to resume${lost}`;
  return sentence(`With ${flag} it began a new session${why}, ${kept}${limit}.`, rule);
}

/** It asked for a longer session than the broker allows. */
function cutByLimit(connection: ConnectionAccount): string {
  const { sessionExpiryAskedSeconds: asked } = connection;
  if (asked === undefined) return "";
  const long = asked === null ? "for ever" : `for ${setting(asked * 1000)}`;
  const wish = isV5(connection) ? ` (it asked for it to be kept ${long})` : "";
  return `: limits.sessionExpiryMax allows no more${wish}`;
}

/** What the client sent, and what its listener made of it: `status, mounted as lab/status`. */
function mountedTopic({ mountPoint }: ConnectionAccount, topic: string): string {
  if (mountPoint === undefined || !topic.startsWith(mountPoint)) return name(topic);
  return `${name(topic.slice(mountPoint.length))}, mounted as ${name(topic)}`;
}

function mountText({ mountPoint }: ConnectionAccount): string {
  return mountPoint === undefined
    ? ""
    : ` This listener puts its mount point ${name(mountPoint)} before each topic of its clients.`;
}

/** The payload of the will before it on the same topic, where both were kept in full. */
function isSameAsBefore({ wills }: ClientAnswer, will: WillAccount): boolean {
  const before = wills[wills.indexOf(will) + 1];
  if (before?.payload === undefined || will.payload === undefined) return false;
  if (will.payloadBytes === 0 || before.topic !== will.topic) return false;
  const isWhole = Buffer.byteLength(will.payload, "base64") === will.payloadBytes;
  return isWhole && before.payload === will.payload && before.payloadBytes === will.payloadBytes;
}

function willText({ answer, connection }: Scene, will: WillAccount): Sentence {
  const denied =
    will.access === "denied"
      ? " It may not publish there, and this broker let it in all the same."
      : "";
  const same = isSameAsBefore(answer, will) ? ", the same bytes as its previous will" : "";
  return sentence(
    `It set a will on ${mountedTopic(connection, will.topic)} (${willFacts(will)})${same}.${denied}`,
    will.steps[0]?.rule ?? null,
  );
}

function noWillText({ answer, connection }: Scene): Sentence {
  if (isWillUnknown(connection)) {
    return sentence("If it set a will, that was decided before the broker ended, and is not kept.");
  }
  const ignored = ignoredWills(answer);
  if (connection.willId === null && ignored !== null) {
    return sentence(`The broker took no will of it: ${ignored}.`);
  }
  return connection.willId === null
    ? sentence("It set no will.")
    : sentence("It set a will, which is forgotten by now.");
}

/** What came from it while it was connected. */
function heardLines({ connection, answer }: Scene): StoryLine[] {
  const { at } = connection.lastPacket;
  const lines: StoryLine[] = [];
  const rhythm = rhythmText(connection);
  if (rhythm !== null) lines.push({ at, ...sentence(rhythm) });
  const text = lastText(connection, answer.now);
  if (text !== null) lines.push({ at, ...sentence(text) });
  const { incomplete } = connection;
  if (incomplete !== undefined) {
    const rule = ruleFor(connection, "3.1.2-24", "3.1.2-22");
    const part = incompleteText(incomplete, connection.end?.at ?? null, answer.now);
    lines.push({ at: incomplete.at, ...sentence(part, rule) });
  }
  if (connection.paused) {
    const { heldFor } = connection;
    const why =
      heldFor === null ? "" : `, since ${name(heldFor.clientId)} takes its messages slowly`;
    const paused = `The broker does not read from it at the moment${why}, and its keepalive stands still.`;
    lines.push({ at: answer.now, ...sentence(paused) });
  }
  if (connection.blocked) {
    const blocked = "It takes no data at the moment: what is for it has to wait.";
    lines.push({ at: answer.now, ...sentence(blocked) });
  }
  return lines;
}

/** When it was last heard, and with what. Null: with the packet that ended the connection. */
function lastText(connection: ConnectionAccount, now: number): string | null {
  const { lastPacket, end, connectedAt } = connection;
  const { at, type } = lastPacket;
  if (end !== null && end.at === at) return null;
  const only = type === "CONNECT" && at === connectedAt;
  const span = duration(Math.max(0, (end?.at ?? now) - at));
  const own = (end ?? connection).stoodStillMs;
  const { lastPacketWaitedMs: waited } = end ?? connection;
  const still =
    (waited === undefined ? "" : `. ${capital(readLate(waited))}`) +
    (own === undefined ? "" : `. In those ${span} ${stoodStill(own)}`);
  if (end === null) {
    return only
      ? `Nothing has come after CONNECT, for ${span}${still}.`
      : `The last packet was ${type}, ${span} ago${still}.`;
  }
  const valid = ["protocolError", "malformedPacket", "packetTooLarge"].includes(end.cause)
    ? "valid "
    : connection.incomplete === undefined
      ? ""
      : "complete ";
  return only
    ? `No ${valid}packet came after CONNECT until the end, ${span} later${still}.`
    : `The last ${valid}packet was ${type}, ${span} before the end${still}.`;
}

/** The packet that it began and did not complete. */
function incompleteText(
  { type, bytes, size, since, at }: IncompleteAccount,
  endedAt: number | null,
  now: number,
): string {
  const whole = size === null ? counted(bytes, "byte") : `${bytes} of the ${size} bytes`;
  const took = at === since ? "" : `, over ${duration(at - since)}`;
  const last = bytes === 1 ? "" : "the last of them ";
  const span = duration((endedAt ?? now) - at);
  const when = endedAt === null ? `${span} ago` : `${span} before the end`;
  const verb = endedAt === null ? "have come" : "came";
  return (
    `Of ${withArticle(type)} only ${whole} ${verb}${took}, ${last}${when}. Only a complete packet ` +
    `counts as a sign of life.`
  );
}

function rhythmText(connection: ConnectionAccount): string | null {
  const { pings, closestCallMs } = connection;
  const allowed = allowedSilence(connection);
  if (pings === null || pings.count < 2) return null;
  const { count, medianMs, worstMs } = pings;
  const own = connection.stoodStillInAllMs;
  const less =
    own === undefined
      ? ""
      : ` (not counting ${duration(own)} in which the broker itself stood still)`;
  if (medianMs === null || worstMs === null) {
    return `It sent ${counted(count, "PINGREQ")}; how often is not known, since the broker itself stood still meanwhile.`;
  }
  const even = worstMs - medianMs < Math.max(100, medianMs / 20);
  const worst = even ? "" : `, ${duration(worstMs)} at the longest`;
  const call =
    allowed === null || closestCallMs === null || closestCallMs > allowed / 3
      ? ""
      : `; once only ${duration(Math.max(0, closestCallMs))} were left of the ${duration(allowed)} allowed`;
  return `It sent ${counted(count, "PINGREQ")}, one every ${duration(medianMs)}${worst}${call}${less}.`;
}

function endLines({ connection, answer }: Scene): StoryLine[] {
  const { end } = connection;
  if (end === null) return droppedLines(connection);
  const cause = causeClause(connection, end, nextOf(answer, connection));
  const text =
    end.cause === "brokerRestarted"
      ? "The connection ended with the broker."
      : `The connection ended: ${cause}.`;
  return [
    ...droppedLines(connection),
    { at: end.at, ...sentence(text, causeRule(connection, end)) },
  ];
}

function droppedLines(connection: ConnectionAccount): StoryLine[] {
  const { dropped, end } = connection;
  if (dropped?.how !== "silent") return [];
  const heard =
    end === null ? "is heard of it, whatever it sends" : "was heard of it, whatever it sent";
  const who = capital(dropper(connection));
  const text = `${who} made its link silent (${dropOrder(connection)}): from then on nothing ${heard}.`;
  return [{ at: dropped.at, ...sentence(text) }];
}

/** Another connection than the one that is told, in one line. */
export function inShort(answer: ClientAnswer, connection: ConnectionAccount): StoryLine {
  const { openedAt, connectedAt, end, remote, protocol } = connection;
  const spoken = protocol === null ? "" : `, MQTT ${protocol}`;
  const head = `${name(remote)}${spoken}`;
  if (connectedAt === null) {
    const why = end === null || end.detail === null ? "" : `: ${clause(end.detail)}`;
    return { at: openedAt, ...sentence(`${head}, refused${why}`, end?.statement ?? null) };
  }
  // The death of its broker is known to a second.
  const most = connection.restored === true ? "at most " : "";
  const lasted =
    end === null
      ? "still open"
      : `open for ${most}${duration(end.at - connectedAt)}. ${capital(end.causeText)}`;
  return { at: openedAt, ...sentence(`${head}, ${lasted}; ${willInShort(answer, connection)}`) };
}
