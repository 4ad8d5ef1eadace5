import type { ClientAnswer } from "../../api/api.ts";
import type { ConnectionAccount } from "../../core/records/client-account.ts";
import { adviceFor } from "./advice.ts";
import { type AdviceTopic, type Rank, ranks } from "./topics.ts";
import { cited, onPurposeLine } from "./on-purpose.ts";
import { type Advice, isUnforeseen, type Sentence, spoken, willOf } from "./parts.ts";

/** A habit of a client, from the advice of its explanation. */
export interface Finding extends Sentence {
  readonly clientId: string;
  readonly topic: AdviceTopic;
  /** `likely`: the records also allow another reading, such as a lost link or an intention. */
  readonly mark: "proved" | "likely";
  /** When it was seen last. Milliseconds since the epoch. */
  readonly at: number;
  /** On how many of the remembered connections it was seen; null: only the latest counts. */
  readonly seen: number | null;
  readonly of: number;
}

export interface Report {
  /** That the broker misbehaves on purpose, and how; null: it does not. */
  readonly onPurpose: Sentence | null;
  /** Proved before likely, then the worst first. */
  readonly findings: readonly Finding[];
  /** How many clients were looked at. */
  readonly clients: number;
  /** Clients of simulate-drop, by their names, and their habits: they are among neither of the others. */
  readonly leftOut: { readonly clients: number; readonly habits: number };
  /** The client that was asked for is one of simulate-drop, by its names. */
  readonly dropClient: boolean;
  /** More clients exist than were asked for. */
  readonly more: boolean;
}

const order: readonly string[] = Object.keys(ranks);

/** The habits that the records of one client show. Pure. */
export function habitsOf(answer: ClientAnswer): Finding[] {
  const found = new Map<string, Finding>();
  const { connections, clientId } = answer;
  // Newest first, so that the newest text stays.
  for (const [index, connection] of connections.entries()) {
    for (const advice of adviceFor({ answer, connection, will: willOf(answer, connection) })) {
      const rank: Rank | null = ranks[advice.topic];
      if (rank === null || !isShown(answer, advice)) continue;
      const before = found.get(advice.topic);
      if (before !== undefined) {
        if (rank.lasts === true) found.set(advice.topic, again(before, rank));
        continue;
      }
      if (index > 0 && rank.lasts !== true) continue;
      found.set(advice.topic, {
        clientId,
        ...cited(spoken(advice, connection), answer),
        mark: rank.mark === "proved" ? "proved" : "likely",
        at: seenAt(answer, connection, advice.topic),
        seen: rank.lasts === true ? 1 : null,
        of: connections.length,
      });
    }
  }
  return [...found.values()];
}

/** Not what only this broker's limits forbid, and no DISCONNECT behind a farewell. */
function isShown({ faults }: ClientAnswer, { topic, rule }: Advice): boolean {
  if (isUnforeseen(rule)) return false;
  return topic !== "cleanDisconnect" || faults.some(({ fault }) => fault === topic);
}

function again(before: Finding, { mark }: Rank): Finding {
  const isProved = mark !== "likely";
  return { ...before, seen: (before.seen ?? 0) + 1, mark: isProved ? "proved" : "likely" };
}

function seenAt({ faults }: ClientAnswer, connection: ConnectionAccount, topic: string): number {
  const habit = faults.find(({ fault }) => fault === topic);
  return habit?.at ?? connection.end?.at ?? connection.lastPacket.at;
}

/** Proved before likely, then the worst, then by client id. */
export function reportOf(
  findings: readonly Finding[],
  clients: number,
  more: boolean,
  like: string | null = null,
  leftOut: Report["leftOut"] = { clients: 0, habits: 0 },
  dropClient = false,
): Report {
  const rank = ({ mark, topic }: Finding): number =>
    (mark === "proved" ? 0 : order.length) + order.indexOf(topic);
  return {
    onPurpose: onPurposeLine({ like }),
    findings: findings.toSorted(
      (a, b) =>
        rank(a) - rank(b) || (a.clientId < b.clientId ? -1 : a.clientId > b.clientId ? 1 : 0),
    ),
    clients,
    leftOut,
    dropClient,
    more,
  };
}
