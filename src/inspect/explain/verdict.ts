import type { ClientAnswer } from "../../api/api.ts";
import { isWillUnknown, type ConnectionAccount } from "../../core/records/client-account.ts";
import type { WillAccount } from "../../core/records/will-account.ts";
import { duration } from "../../log/duration.ts";
import { clause, name } from "../../log/foreign.ts";
import { awayOf } from "../../log/predecessor.ts";
import { allowedSilence } from "../answers/allowed-silence.ts";
import { overdueText } from "./by-standard.ts";
import { departures, ignoredWills, rulesOf, waitSeconds } from "./on-purpose.ts";
import { waitOf } from "./forecast.ts";
import {
  accepted,
  connectionOf,
  endsNobody,
  ruleFor,
  type Scene,
  sentence,
  type Sentence,
} from "./parts.ts";
import { reachText } from "./reach.ts";
import { otherProgramText } from "./successor.ts";
import { overwroteText, strangeRetained } from "./will-topic.ts";
import {
  cancelText,
  discardText,
  type Fate,
  keysOfWaits,
  unwaitedText,
  whenAndWhy,
} from "./will-fate.ts";

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
function unknownWill(who: string, answer: ClientAnswer): string {
  const then = awayOf(answer.restarts?.[0]) === null ? "was restarted" : "ended";
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

function pendingVerdict(answer: ClientAnswer, will: WillAccount, subject: string): Sentence {
  const { clientId, now } = answer;
  const who = name(clientId);
  const dueAt = will.dueAt ?? now;
  const left = duration(Math.max(0, dueAt - now));
  const { waitsAfterRestart } = will;
  if (awayOf(answer.restarts?.[0]) !== null) {
    const due = dueAt < now ? `was due ${duration(now - dueAt)} ago` : `is due in ${left}`;
    return sentence(
      `${subject} has not fired: it ${due}, and waits for a broker on this store`,
      will.steps.at(-1)?.rule ?? null,
    );
  }
  if (waitsAfterRestart !== undefined) {
    const until = { settle: "even if", grace: "unless" }[waitsAfterRestart];
    return sentence(
      `${subject} has not fired yet: it was due while the broker was down or just after, and fires in ${left}, ` +
        `when subscribers have had time to return (${keysOfWaits[waitsAfterRestart]}), ${until} ` +
        `${who} reconnects first`,
      will.steps.at(-1)?.rule ?? null,
    );
  }
  const ended =
    will.end === null ? "" : `its connection ended ${duration(now - will.end.at)} ago, and `;
  const { heldUntil } = will;
  const held =
    heldUntil === undefined
      ? ""
      : ` and published in ${duration(Math.max(0, heldUntil - now))}, when subscribers have had time to ` +
        "return after the restart (store.restartSettle)";
  return sentence(
    `${subject} has not fired yet: ${ended}the will is due in ${left}${held}, ` +
      `unless ${who} reconnects and resumes its session first`,
    will.steps.at(-1)?.rule ?? null,
  );
}

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
      const reach = reachText(answer, will, fate);
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
