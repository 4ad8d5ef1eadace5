import type { ClientAnswer } from "../../api/api.ts";
import type { WillOnEnd } from "../../core/end-causes.ts";
import type { Rules } from "../../core/quirks/rules.ts";
import type { WillAccount } from "../../core/records/will-account.ts";
import { duration, setting } from "../../log/duration.ts";
import { awayOf } from "../../log/predecessor.ts";
import { rulesOf, waitSeconds, willOn } from "./on-purpose.ts";
import { isV5, ruleFor, type Scene, sentence, type Sentence } from "./parts.ts";

/** What can happen from here, by the rules in force. */
export function nextOfScene(scene: Scene): Sentence[] {
  const { answer, connection, will } = scene;
  if (will !== null && will.state === "delayed") return pendingCases(answer, will);
  if (connection.end !== null || will === null) return [];
  return connection.dropped?.how === "silent"
    ? silencedCases(scene, will)
    : armedCases(scene, will);
}

/** What comes between the end of its connection and the will. */
export function waitOf(rules: Rules, will: WillAccount): string {
  const seconds = waitSeconds(rules, will);
  if (seconds === Infinity) return " when its session ends";
  const back = rules.returnCancelsWill ? ", unless it is back by then" : ", even if it is back";
  if (seconds > 0) return ` ${setting(seconds * 1000)} later${back}`;
  if (will.delaySeconds === 0) return "";
  return rules.willWaitsFor === "nothing"
    ? " at once, since this broker ignores its delay"
    : " at once, since its session ends with it";
}

/** Whether a delayed will outlives the broker. */
function isKept({ store = null }: ClientAnswer): boolean {
  return store !== null;
}

/** What happens next to a will that waits, case by case. */
function pendingCases(answer: ClientAnswer, will: WillAccount): Sentence[] {
  const { now, session } = answer;
  if (will.dueAt === null || will.fate !== null) return [];
  const rules = rulesOf(answer);
  const left = duration(Math.max(0, will.dueAt - now));
  if (awayOf(answer.restarts?.[0]) !== null) return awayCases(left, will.dueAt < now);
  if (will.waitsAfterRestart !== undefined) {
    const isGraced = will.waitsAfterRestart === "grace";
    return [
      sentence(`If it does not come back, the will is published in ${left}.`, "v5-3.1.2.5"),
      isGraced
        ? sentence("If it comes back before that, the will is cancelled (store.restartGrace).")
        : sentence("If it comes back before that, the will is published at once."),
    ];
  }
  const ends = session?.endsAt ?? null;
  const withSession = ends !== null && Math.abs(ends - will.dueAt) < 1;
  const because = withSession ? "its session ends then" : "its delay is over then";
  const cancels = rules.returnCancelsWill
    ? "the will is cancelled."
    : "this broker publishes the will all the same.";
  const isLost = rules.willOnTakeover.endedDelayed === "discard";
  const ended = isLost
    ? "this broker loses the will on purpose."
    : rules.sessionEndCutsDelay === "never"
      ? "the will waits on, since this broker does not cut its delay."
      : "the will is published at once.";
  const graced = gracedCase(will, now);
  return [
    heldCase(will, now) ??
      sentence(
        `If it does not come back, the will is published in ${left}: ${because}.`,
        "v5-3.1.2-8",
      ),
    sentence(`If it comes back with Clean Start 0 before that, ${cancels}`, "v5-3.1.3-9"),
    ...(graced === null ? [] : [graced]),
    sentence(
      `If it comes back with Clean Start 1${graced === null ? "" : " later"}, its old session ends, and ${ended}`,
      "v5-3.1.2-8",
    ),
    isKept(answer)
      ? sentence(
          "If the broker is stopped before that, its store keeps the will, with its due time.",
        )
      : sentence("If the broker is stopped before that, the will is published then."),
  ];
}

/** Of a will that is due before subscribers had time to return after a restart; null: of another. */
function heldCase({ heldUntil, dueAt }: WillAccount, now: number): Sentence | null {
  if (heldUntil === undefined || dueAt === null) return null;
  return sentence(
    `If it does not come back by then, in ${duration(Math.max(0, dueAt - now))}, the will is published in ` +
      `${duration(Math.max(0, heldUntil - now))}, when subscribers have had time to return ` +
      "(store.restartSettle).",
    "v5-3.1.2.5",
  );
}

/** Of a will that Clean Start cancels too for a while after a restart; null: of another. */
function gracedCase({ gracedUntil }: WillAccount, now: number): Sentence | null {
  if (gracedUntil === undefined) return null;
  const left = duration(Math.max(0, gracedUntil - now));
  return sentence(
    `If it comes back with Clean Start 1 in the next ${left}, the will is cancelled too (store.restartGrace).`,
  );
}

/** The same while no broker runs. `isOver`: its time has come meanwhile. */
function awayCases(left: string, isOver: boolean): Sentence[] {
  const waits = "publishes it when subscribers have had time to return (store.restartSettle)";
  const overdue = [
    sentence(`The next broker on this store ${waits}, even if its client returns first.`),
    sentence(
      "With store.restartGrace, the will is cancelled if its client returns to that broker in time.",
    ),
  ];
  if (isOver) return overdue;
  return [
    sentence(
      `If a broker is started on this store in the next ${left}, the will is published then, but not ` +
        "before subscribers have had time to return (store.restartSettle), unless its client resumes the " +
        "session before it is due.",
      "v5-3.1.2-8",
    ),
    sentence(`If one is started later, it ${waits}, even if its client returns first.`),
  ];
}

/** Of a client that nothing is heard of any more, whatever it sends. */
function silencedCases({ answer, connection }: Scene, will: WillAccount): Sentence[] {
  const { deadlineAt } = connection;
  const rules = rulesOf(answer);
  const rule = ruleFor(connection, "3.1.2-8", "3.1.2-8");
  const wait = waitOf(rules, will);
  const deadline =
    deadlineAt === null
      ? sentence("No silence ends its connection, and no packet of it is read any more.")
      : sentence(
          `In ${duration(Math.max(0, deadlineAt - answer.now))} its silence ends the connection, and the ` +
            `will fires${wait}: no packet of it is read any more.`,
          ruleFor(connection, "3.1.2-24", "3.1.2-22"),
        );
  return [
    deadline,
    takeoverCase(rules, will, rule),
    // A test has no such order.
    ...(connection.dropped?.by === "test"
      ? []
      : [sentence(`If it is sent away (\`mqttd inspect kick\`), the will fires${wait}.`, rule)]),
  ];
}

/** What makes an armed will fire, and what does not. */
function armedCases({ answer, connection }: Scene, will: WillAccount): Sentence[] {
  const { deadlineAt, deadlineCause } = connection;
  const rules = rulesOf(answer);
  const wait = waitOf(rules, will);
  const rule = ruleFor(connection, "3.1.2-8", "3.1.2-8");
  const cases: Sentence[] = [];
  if (deadlineAt !== null) {
    const left = duration(Math.max(0, deadlineAt - answer.now));
    const deadline = ruleFor(connection, "3.1.2-24", "3.1.2-22");
    cases.push(
      deadlineCause === "stalled"
        ? sentence(
            `If it takes nothing of what waits for it for another ${left}, whatever it sends, the will ` +
              `fires${wait}.`,
          )
        : sentence(
            `If nothing comes from it for another ${left}, the will fires${wait}.`,
            deadline,
          ),
    );
  } else if (!connection.paused) {
    cases.push(
      sentence(
        "If it falls silent, only TCP can find that: in minutes, or never. Then the will fires.",
      ),
    );
  }
  cases.push(
    ...brokenCases(rules, wait).map((text) => sentence(text, rule)),
    sentence(
      willOn(rules, "disconnected") === "discard"
        ? "If it sends a clean DISCONNECT, the will is discarded."
        : `If it sends a clean DISCONNECT, this broker publishes the will all the same.`,
      ruleFor(connection, "3.14.4-3", "3.14.4-3"),
    ),
  );
  if (isV5(connection)) cases.push(...reasonCases(rules, wait).map((text) => sentence(text, rule)));
  cases.push(takeoverCase(rules, will, rule));
  return cases;
}

const lost = "this broker loses the will on purpose";

function outcome(will: WillOnEnd, wait: string): string {
  return will === "publish" ? `the will fires${wait}` : lost;
}

/** Breaks of the connection and of the rules, together where they end alike. */
function brokenCases(rules: Rules, wait: string): string[] {
  const heads = [
    { head: "its connection is closed (FIN)", will: willOn(rules, "closedByPeer") },
    { head: "its connection is reset (RST)", will: willOn(rules, "resetByPeer") },
    { head: "it breaks a rule of MQTT", will: willOn(rules, "protocolError") },
  ];
  if (heads.every(({ will }) => will === "publish")) {
    return [
      `If its connection breaks (FIN, RST) or it breaks a rule of MQTT, the will fires${wait}.`,
    ];
  }
  return heads.map(({ head, will }) => `If ${head}, ${outcome(will, wait)}.`);
}

/** What a DISCONNECT with a reason code does. */
function reasonCases(rules: Rules, wait: string): string[] {
  const asked = willOn(rules, "disconnectedWithWill");
  const error = willOn(rules, "disconnectedWithError");
  if (asked === error) {
    return [`If its DISCONNECT has another reason code, as 0x04, ${outcome(asked, wait)}.`];
  }
  return [
    `If its DISCONNECT has reason code 0x04, ${outcome(asked, wait)}.`,
    `If its DISCONNECT has a reason code from 0x80, ${outcome(error, wait)}.`,
  ];
}

const fates = {
  publish: "the will fires at once",
  discard: lost,
  cancel: "the will is cancelled",
};

function takeoverCase(rules: Rules, will: WillAccount, rule: string): Sentence {
  const head = "If another connection comes with the same client id";
  const { willOnTakeover: by } = rules;
  const waits = waitSeconds(rules, will) > 0;
  const resumed = by[waits ? "resumedDelayed" : "resumed"];
  const ended = by[will.delaySeconds > 0 ? "endedDelayed" : "ended"];
  const cause = waits ? "v5-3.1.3-9" : rule;
  if (waits && resumed === "cancel" && ended === "publish") {
    return sentence(
      `${head}, the will is cancelled if that resumes the session (Clean Start 0), and fires at once if not.`,
      cause,
    );
  }
  if (resumed === ended) return sentence(`${head}, ${fates[resumed]}.`, cause);
  const flag = will.protocol === "5.0" ? "Clean Start" : "Clean Session";
  return sentence(
    `${head}: ${fates[resumed]} if that resumes the session (${flag} 0); ${fates[ended]} if not.`,
    cause,
  );
}
