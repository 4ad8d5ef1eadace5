import type { ClientAnswer } from "../../api/api.ts";
import { isWillUnknown, type ConnectionAccount } from "../../core/records/client-account.ts";
import type { WillAccount } from "../../core/records/will-account.ts";
import { counted } from "../../log/counted.ts";
import { duration, setting } from "../../log/duration.ts";
import { clause, name } from "../../log/foreign.ts";
import { payloadText } from "../../log/payload.ts";
import { expiryText } from "../../log/will.ts";
import { type Scene, sentence, type StoryLine, willOf } from "./parts.ts";
import { reachText } from "./reach.ts";
import { overwroteText } from "./will-topic.ts";
import { type Fate, isLate, lateness, unwaitedText } from "./will-fate.ts";

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
    ...fateLines(scene.answer, will),
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
    const text =
      will.fate === null
        ? "The will was due then. It waits until subscribers have had time to return."
        : "The will was due, and waited for the broker and for subscribers to return.";
    return [{ at: endedAt, ...sentence(text, rule) }];
  }
  return [{ at: endedAt, ...sentence(`The delay of the will began: ${why}.`, rule) }];
}

function fateLines(answer: ClientAnswer, will: WillAccount): StoryLine[] {
  const { fate } = will;
  if (fate === null) return [];
  return [{ at: fate.at, ...sentence(`${fateText(answer, will, fate)}.`, fate.rule) }];
}

function fateText(answer: ClientAnswer, will: WillAccount, fate: Fate): string {
  switch (fate.fate) {
    case "published": {
      const time = isLate(fate, will) ? lateness(fate, will) : "on time";
      const reach = [reachText(answer, will, fate), ...overwroteText(will)].join(". ");
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
