import type { ClientAnswer } from "../../api/api.ts";
import { ends } from "../../core/end-causes.ts";
import type { ConnectionAccount } from "../../core/records/client-account.ts";
import type { WillAccount } from "../../core/records/will-account.ts";
import { duration, readLate, setting, stoodStill } from "../../log/duration.ts";
import { clause, name } from "../../log/foreign.ts";
import { payloadText } from "../../log/payload.ts";
import { expiryText } from "../../log/will.ts";
import { allowedSilence } from "../answers/allowed-silence.ts";
import { overdueText } from "./by-standard.ts";
import { departures, ignoredWills, rulesOf, signsOfLife, waitSeconds } from "./on-purpose.ts";
import { waitOf } from "./forecast.ts";
import { causeClause, named } from "./cause.ts";
import {
  accepted,
  connectionOf,
  counted,
  endsNobody,
  isWillUnknown,
  nextOf,
  ruleFor,
  type Scene,
  sentence,
  type Sentence,
  type StoryLine,
  willOf,
} from "./parts.ts";
import { type Published, reachText } from "./reach.ts";
import { otherProgramText } from "./successor.ts";
import { overwroteText, strangeRetained } from "./will-topic.ts";

type Fate = NonNullable<WillAccount["fate"]>;

/** What became of the will of this connection, and why; or why there is none. */
export function verdictOf(scene: Scene): Sentence {
  const { answer, connection, will } = scene;
  const who = name(answer.clientId);
  if (connection.connectedAt === null) return refusedVerdict(who, connection);
  if (will === null) return yet(noWillVerdict(who, scene), scene);
  const fate = fateOf(answer, will, `The will of ${who}`);
  return fate ?? yet(deniedNow(armedVerdict(who, scene, will), will), scene);
}

/** An access list that has changed since CONNECT denies the will. */
function deniedNow(one: Sentence, { deniedNow: by, topic }: WillAccount): Sentence {
  if (by === undefined) return one;
  const then = `it would be discarded, not published: its client may not publish on ${name(topic)} now`;
  return { ...one, text: `${one.text}. But ${then}: ${clause(by)}` };
}

/** What became of a will whose connection has ended, as a sentence that begins with `subject`. */
export function fateOf(answer: ClientAnswer, will: WillAccount, subject: string): Sentence | null {
  if (will.fate !== null) return fateVerdict(answer, will, will.fate, subject);
  if (will.state === "delayed") return deniedNow(pendingVerdict(answer, will, subject), will);
  return null;
}

/** The verdict about a connected client, with what its will topic says of it meanwhile. */
function yet(one: Sentence, scene: Scene): Sentence {
  const strange = strangeRetained(scene);
  return strange === null ? one : { ...one, text: `${one.text}. Yet ${strange}` };
}

function refusedVerdict(who: string, { end }: ConnectionAccount): Sentence {
  const why = end?.detail === null || end === null ? "" : `: ${clause(end.detail)}`;
  return sentence(
    `${who} was refused${why}. A refused CONNECT arms no will, so nothing can fire`,
    end?.statement ?? null,
  );
}

function noWillVerdict(who: string, { answer, connection }: Scene): Sentence {
  if (isWillUnknown(connection)) return sentence(unknownWill(who, answer));
  const connections = accepted(answer).filter((one) => !isWillUnknown(one));
  const withWill = connections.filter(({ willId }) => willId !== null).length;
  if (withWill > 0) {
    const earlier = withWill === 1 ? "an earlier one" : `${withWill} earlier ones`;
    return sentence(
      `${who} set no will on its latest connection, so nothing can fire. It did on ${earlier}`,
    );
  }
  const ignored = ignoredWills(answer);
  if (ignored !== null) {
    return sentence(`The broker took no will of ${who}, so nothing can fire: ${ignored}`);
  }
  const count = connections.length;
  const where = count === 1 ? "when it connected" : `on any of its ${count} connections`;
  return sentence(`${who} set no will ${where}, so nothing can fire`);
}

/** Of a client that has not connected since. */
function unknownWill(who: string, { restart }: ClientAnswer): string {
  const then = restart?.backAt === null ? "ended" : "was restarted";
  return (
    `${who} has no will now. Whether it had one before the broker ${then}, and what became of that, ` +
    `is not kept: the log of then has the lines`
  );
}

function armedVerdict(who: string, { connection, answer }: Scene, will: WillAccount): Sentence {
  const { now } = answer;
  const heard = `was last heard ${duration(now - connection.lastPacket.at)} ago`;
  const head = `The will of ${who} is armed and has not fired: ${who} is connected and ${heard}`;
  const rule = will.steps[0]?.rule ?? null;
  const { deadlineAt, deadlineCause } = connection;
  const overdue = overdueText(connection, will, now);
  if (overdue !== null) {
    const why = deadlineAt === null ? `${withoutDeadline(connection)}. ` : "";
    const asks = ruleFor(connection, "3.1.2-24", "3.1.2-22");
    return { ...sentence(`${head}. ${why}${overdue}`, asks), byStandard: true };
  }
  if (deadlineAt === null) return sentence(`${head}. ${withoutDeadline(connection)}`, rule);
  const left = duration(Math.max(0, deadlineAt - now));
  const rules = rulesOf(answer);
  const fires =
    waitSeconds(rules, will) > 0
      ? `its connection ends in ${left}, and the will fires${waitOf(rules, will)}`
      : `the will fires in ${left}`;
  const unless =
    deadlineCause === "stalled"
      ? "If it takes nothing of what waits for it"
      : "If nothing more comes";
  return sentence(`${head}. ${unless}, ${fires}`, rule);
}

/** Why no deadline stands before a connection that lives. */
function withoutDeadline(connection: ConnectionAccount): string {
  if (allowedSilence(connection) !== null) {
    return "The broker does not read from it at the moment, so silence does not make it fire now";
  }
  return connection.keepAliveSeconds === 0
    ? "With its keepalive of 0, silence alone never makes it fire"
    : endsNobody;
}

function pendingVerdict(
  { clientId, now }: ClientAnswer,
  will: WillAccount,
  subject: string,
): Sentence {
  const who = name(clientId);
  const left = duration(Math.max(0, (will.dueAt ?? now) - now));
  const { waitsAfterRestart } = will;
  if (waitsAfterRestart !== undefined) {
    const until = { settle: "even if", grace: "unless" }[waitsAfterRestart];
    return sentence(
      `${subject} has not fired yet: it was due while the broker was down or just after, and fires in ${left}, ` +
        `when subscribers have had time to return (store.${settings[waitsAfterRestart]}), ${until} ` +
        `${who} reconnects first`,
      will.steps.at(-1)?.rule ?? null,
    );
  }
  const ended =
    will.end === null ? "" : `its connection ended ${duration(now - will.end.at)} ago, and `;
  return sentence(
    `${subject} has not fired yet: ${ended}the will is due in ${left}, ` +
      `unless ${who} reconnects and resumes its session first`,
    will.steps.at(-1)?.rule ?? null,
  );
}

/** What sets how long a will waits after a restart. */
const settings = { settle: "restartSettle", grace: "restartGrace" } as const;

function fateVerdict(
  answer: ClientAnswer,
  will: WillAccount,
  fate: Fate,
  subject: string,
): Sentence {
  switch (fate.fate) {
    case "published": {
      const { end } = will;
      const fired = `${subject} fired ${whenAndWhy(answer, will, fate)}`;
      const unwaited = unwaitedText(answer, will);
      const taken = end?.cause === "takenOver" ? otherProgramText(answer, will) : [];
      const reach = reachText(will, fate, answer.now);
      const connection = connectionOf(answer, will);
      const overdue = connection === null ? null : overdueText(connection, will, answer.now);
      const strays = overdue === null ? departures(answer, will, fate) : [overdue];
      return sentence(
        [fired, ...taken, ...unwaited, ...strays, reach, ...overwroteText(will)].join(". "),
        fate.rule,
      );
    }
    case "discarded":
      return sentence(`${subject} did not fire: ${discardText(answer, will, fate)}`, fate.rule);
    case "cancelled":
      return sentence(`${subject} did not fire: ${cancelText(answer, will, fate)}`, fate.rule);
  }
}

/** `15.0 s after its last packet, because ...`. */
function whenAndWhy(answer: ClientAnswer, will: WillAccount, fate: Published): string {
  const connection = connectionOf(answer, will);
  const end = connection?.end ?? null;
  if (connection === null || end === null) {
    return will.end === null ? "" : `because of: ${will.end.causeText}`;
  }
  const who = named(name(answer.clientId));
  const because = causeClause(connection, end, nextOf(answer, connection), who);
  const late = isLate(fate, will) ? ` (${lateness(fate, will)})` : "";
  if (fate.by !== null) {
    const waited = duration(fate.at - end.at);
    const over = waitText(answer, connection, will, fate);
    return `${waited} after its connection ended${late}: ${because}, and ${over}`;
  }
  const silent = `${duration(fate.at - connection.lastPacket.at)} after its last packet${late}`;
  if (end.cause === "keepAliveExpired" && end.allowedMs !== null) {
    return `${silent}, because ${allowanceClause(answer, connection, duration(end.allowedMs))}`;
  }
  if (end.cause === "tcpTimeout") return `${silent}, because ${because}`;
  return `at once${late}, ${ends[end.cause].will === "discard" ? "though" : "because"} ${because}`;
}

/** What allows a client no more silence than this: its keepalive, or a broker that misbehaves. */
function allowanceClause(
  answer: ClientAnswer,
  { keepAliveSeconds, dropped }: ConnectionAccount,
  allowed: string,
): string {
  const signs = signsOfLife(answer);
  if (signs !== null) {
    return `this broker takes ${signs} for a sign of life, and allows ${allowed} without one`;
  }
  if (keepAliveSeconds === 0) {
    return `this broker ends a client without a keepalive after ${allowed} of silence`;
  }
  const operator = dropped === null ? "" : ", and the operator had made its link silent";
  return `its keepalive of ${setting(keepAliveSeconds * 1000)} allows ${allowed} of silence${operator}`;
}

/** Why a will that asked for a delay came without it: a sentence without its full stop, or nothing. */
function unwaitedText(answer: ClientAnswer, will: WillAccount): string[] {
  const { fate, end } = will;
  if (will.delaySeconds === 0 || fate?.fate !== "published" || fate.by !== null) return [];
  const connection = connectionOf(answer, will);
  if (end === null || connection === null) return [];
  const delay = `Its delay of ${setting(will.delaySeconds * 1000)} was not waited for`;
  if (end.cause === "shuttingDown") return [`${delay}: the broker was stopped`];
  if (end.cause === "takenOver" && nextOf(answer, connection)?.cleanStart === true) {
    return [`${delay}: the new connection's Clean Start 1 ended the session`];
  }
  if (end.sessionExpirySeconds !== 0) return [];
  return will.sessionExpirySeconds === 0
    ? [`${delay}: its session ended with the connection`]
    : [`${delay}: that DISCONNECT set its Session Expiry Interval to 0, which ended the session`];
}

/** What ended the waiting of a delayed will. */
function waitText(
  answer: ClientAnswer,
  connection: ConnectionAccount,
  will: WillAccount,
  fate: Published,
): string {
  const delay = setting(will.delaySeconds * 1000);
  switch (fate.by) {
    case "session ended":
      return endedByReturn(answer, connection, fate)
        ? `its return with Clean Start 1 ended the session before the delay of ${delay} was over`
        : `its session ended before the delay of ${delay} was over`;
    case "memory":
      return `the broker ended its session before the delay of ${delay} was over, to make room (limits.memory)`;
    case "session limit":
      return `the broker ended its session before the delay of ${delay} was over, to make room (limits.sessions)`;
    case "broker stopped":
      return `the broker was stopped before the delay of ${delay} was over`;
    case "due":
    case "resumed":
    case "restart grace":
    case null:
      return `the delay of ${delay} was over`;
  }
}

/** The next connection's CONNECT ended the session, and with it the waiting. */
export function endedByReturn(
  answer: ClientAnswer,
  connection: ConnectionAccount,
  fate: Fate,
): boolean {
  const next = nextOf(answer, connection);
  return fate.by === "session ended" && next?.cleanStart === true && next.connectedAt === fate.at;
}

function discardText(
  answer: ClientAnswer,
  will: WillAccount,
  { why, deniedBy }: Discarded,
): string {
  const who = name(answer.clientId);
  switch (why) {
    case "disconnect":
      return `${who} sent a clean DISCONNECT, which discards the will${farewell(will)}`;
    case "denied":
      return (
        `when it was due, ${who} was not allowed to publish on ${name(will.topic)}, ` +
        `though it had been when it connected${deniedText(deniedBy)}`
      );
    case "on purpose": {
      const connection = connectionOf(answer, will);
      const end = connection?.end ?? null;
      const because =
        connection === null || end === null
          ? ""
          : `${causeClause(connection, end, nextOf(answer, connection), named(who))}, and `;
      return `${because}this broker loses it then on purpose, since it was started to misbehave`;
    }
  }
}

type Discarded = Extract<Fate, { fate: "discarded" }>;

/** What in the access list decides. */
function deniedText(deniedBy: string | undefined): string {
  return deniedBy === undefined ? "" : `: ${clause(deniedBy)}`;
}

/** Its own last words on the topic, which take the place of the will. */
function farewell({ own, topic }: WillAccount): string {
  if (own?.farewell !== true) return "";
  return `; its subscribers know its own last message on ${name(topic)}`;
}

function cancelText(answer: ClientAnswer, will: WillAccount, fate: Fate): string {
  const who = name(answer.clientId);
  const other = otherProgramText(answer, will);
  const away = will.end === null ? 0 : fate.at - will.end.at;
  if (fate.by === "restart grace") {
    const back = `${who} came back after ${duration(away)}, within the time that store.restartGrace`;
    return [`${back} gives clients after a restart of the broker`, ...other].join(". ");
  }
  const delay = setting(will.delaySeconds * 1000);
  const isTakeover = will.end?.cause === "takenOver";
  if (other.length > 0) {
    const came = isTakeover ? "took over" : `came after ${duration(away)}`;
    const resumed = `a connection with the client id ${who} ${came} and resumed the session`;
    return [`${resumed} before the delay of ${delay} was over`, ...other].join(". ");
  }
  const back = isTakeover ? "took over its own connection" : `came back after ${duration(away)}`;
  return `${who} ${back} and resumed its session before the delay of ${delay} was over`;
}

/** What a will asks for: `QoS 1, retained, 4 bytes, delay 30 s`. */
export function willFacts(
  will: Pick<
    WillAccount,
    "qos" | "retain" | "payload" | "payloadBytes" | "delaySeconds" | "messageExpirySeconds"
  > & { readonly protocol: ConnectionAccount["protocol"] },
): string {
  const facts = [`QoS ${will.qos}`, will.retain ? "retained" : "not retained"];
  facts.push(will.payloadBytes === 0 ? "no payload" : counted(will.payloadBytes, "byte"));
  if (will.payload !== undefined && will.payloadBytes > 0) {
    facts.push(payloadText(will.payload, will.payloadBytes));
  }
  if (will.protocol === "5.0") {
    facts.push(will.delaySeconds === 0 ? "no delay" : `delay ${setting(will.delaySeconds * 1000)}`);
  }
  facts.push(...expiryText(will.messageExpirySeconds));
  return facts.join(", ");
}

/** The steps of a will from the end of its connection on. */
export function willStory(scene: Scene): StoryLine[] {
  const { will } = scene;
  if (will === null || will.end === null) return [];
  const { at } = will.end;
  const rule = will.steps.at(-1)?.rule ?? null;
  const unwaited = unwaitedText(scene.answer, will).map((text) => sentence(`${text}.`, rule));
  return [
    ...waitingLines(will, at),
    ...unwaited.map((line) => ({ at, ...line })),
    ...fateLines(will, scene.answer.now),
  ];
}

function waitingLines(will: WillAccount, endedAt: number): StoryLine[] {
  const delayed = will.steps.find(({ state }) => state === "delayed");
  if (delayed === undefined) return [];
  const delay = setting(will.delaySeconds * 1000);
  const expiry = will.end?.sessionExpirySeconds ?? null;
  const cut = expiry !== null && expiry < will.delaySeconds;
  const why = cut
    ? `its session ends after ${setting(expiry * 1000)}, before the delay of ${delay} is over`
    : `it asked for a delay of ${delay}`;
  const { rule } = delayed;
  if (
    will.end?.cause === "brokerRestarted" &&
    Math.min(will.delaySeconds, expiry ?? Infinity) === 0
  ) {
    const text = "The will was due, and waited for the broker and for subscribers to return.";
    return [{ at: endedAt, ...sentence(text, rule) }];
  }
  return [{ at: endedAt, ...sentence(`The delay of the will began: ${why}.`, rule) }];
}

function fateLines(will: WillAccount, now: number): StoryLine[] {
  const { fate } = will;
  if (fate === null) return [];
  return [{ at: fate.at, ...sentence(`${fateText(will, fate, now)}.`, fate.rule) }];
}

function fateText(will: WillAccount, fate: Fate, now: number): string {
  switch (fate.fate) {
    case "published": {
      const time = isLate(fate, will) ? lateness(fate, will) : "on time";
      const reach = [reachText(will, fate, now), ...overwroteText(will)].join(". ");
      return `The will was published on ${name(will.topic)}, ${time}. ${reach}`;
    }
    case "discarded":
      return fate.why === "denied"
        ? `The will was discarded: the client may not publish on ${name(will.topic)}` +
            (fate.deniedBy === undefined ? "" : `, ${clause(fate.deniedBy)}`)
        : `The will was discarded${fate.why === "on purpose" ? " on purpose" : ""}`;
    case "cancelled":
      return fate.why === "restart grace"
        ? "The will was cancelled: its client came back within store.restartGrace"
        : "The will was cancelled: a connection with its client id resumed the session";
  }
}

function isLate({ lateMs }: Published, { end }: WillAccount): boolean {
  return Math.round(lateMs) >= 1 || end?.lastPacketWaitedMs !== undefined;
}

/** `2.00 s late: the broker itself stood still for 4.0 s`. */
function lateness({ lateMs, stoodStillMs }: Published, { end }: WillAccount): string {
  const waited = end?.lastPacketWaitedMs;
  if (waited !== undefined) {
    return `up to ${duration(lateMs + waited)} late: ${readLate(waited)}`;
  }
  const late = `${duration(lateMs)} late`;
  return stoodStillMs === undefined ? late : `${late}: ${stoodStill(stoodStillMs)}`;
}

/** The will in the one line that an earlier connection gets. */
export function willInShort(answer: ClientAnswer, connection: ConnectionAccount): string {
  const will = willOf(answer, connection);
  if (will === null) {
    if (isWillUnknown(connection)) return "its will, if it had one, is not kept";
    return connection.willId === null ? "no will" : "its will is forgotten";
  }
  if (will.fate === null) {
    if (will.dueAt === null) return "will armed";
    return `will due in ${duration(Math.max(0, will.dueAt - answer.now))}`;
  }
  const waited = will.end === null ? 0 : will.fate.at - will.end.at;
  const after = will.fate.by === null ? "" : ` ${duration(waited)} later`;
  if (will.fate.fate !== "published") return `will ${will.fate.fate}${after}`;
  const { delivered, queued } = will.fate.reach;
  const who = delivered + queued === 0 ? "nobody" : String(delivered + queued);
  return `will fired${after}, ${who} got it`;
}
