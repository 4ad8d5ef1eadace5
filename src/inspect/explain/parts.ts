import type { ClientAnswer } from "../../api/api.ts";
import type { ConnectionAccount } from "../../core/records/client-account.ts";
import type { WillAccount } from "../../core/records/will-account.ts";
import { spokenStatement } from "../../core/records/spoken-statement.ts";
import type { AdviceTopic } from "./topics.ts";

/** The story of a client id, as data. Texts are safe to print: strings of peers in them are escaped. */
export interface Explanation {
  readonly clientId: string;
  /** The moment that "in 12.3 s" and "3.20 s ago" count from. Milliseconds since the epoch. */
  readonly now: number;
  /** That the broker does not run, and its store answers; null: it runs. */
  readonly away: Sentence | null;
  /** That the broker misbehaves on purpose, and how; null: it does not. */
  readonly onPurpose: Sentence | null;
  /** What became of the will, and why, in one sentence. */
  readonly verdict: Sentence;
  /** The same of the will before it, where a client that is back can be asked about that one. */
  readonly before: Sentence | null;
  /** The latest connection, in order of time. */
  readonly story: readonly StoryLine[];
  /** What can happen from here, case by case; empty where all is decided. */
  readonly next: readonly Sentence[];
  /** What to change, what matters most first. */
  readonly advice: readonly Advice[];
  /** The other connections, newest first, one line each. */
  readonly others: readonly StoryLine[];
}

export interface Sentence {
  readonly text: string;
  /** The statement that asks for it, version first: `v5-3.1.2-8`. Null: nothing asks for it. */
  readonly rule: string | null;
  /** It says what the standard asks for of a broker that departs from it. Not in an explanation. */
  readonly byStandard?: true;
}

export interface StoryLine extends Sentence {
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface Advice extends Sentence {
  readonly topic: AdviceTopic;
}

/** What the explanation is about: one connection of the client, and the will that was set on it. */
export interface Scene {
  readonly answer: ClientAnswer;
  readonly connection: ConnectionAccount;
  /** Null: it set none. */
  readonly will: WillAccount | null;
}

export function willOf(answer: ClientAnswer, connection: ConnectionAccount): WillAccount | null {
  return answer.wills.find(({ id }) => id === connection.willId) ?? null;
}

/** The connection on which a will was set; null: forgotten. */
export function connectionOf(answer: ClientAnswer, will: WillAccount): ConnectionAccount | null {
  return answer.connections.find(({ willId }) => willId === will.id) ?? null;
}

/** Those that were not refused. */
export function accepted({ connections }: ClientAnswer): ConnectionAccount[] {
  return connections.filter(({ connectedAt }) => connectedAt !== null);
}

/** The connection that ended this one, or came next after it. */
export function nextOf(
  answer: ClientAnswer,
  connection: ConnectionAccount,
): ConnectionAccount | null {
  const index = answer.connections.indexOf(connection);
  const later = answer.connections.slice(0, Math.max(0, index));
  return later.findLast(({ connectedAt }) => connectedAt !== null) ?? null;
}

export function isV5({ protocol }: Pick<ConnectionAccount, "protocol">): boolean {
  return protocol === "5.0";
}

/** The statement of the version that the connection speaks; MQTT 3.1 has none of its own. */
export function ruleFor(connection: ConnectionAccount, v4: string, v5: string): string {
  return isV5(connection) ? `v5-${v5}` : `v4-${v4}`;
}

/** Of a client with a keepalive that no silence ends: a sentence without its full stop. */
export const endsNobody =
  "This broker disconnects no silent client, because it was started to misbehave";

/** The same by the version that the client speaks: a statement of MQTT 5.0 does not bind others. */
export function spoken<One extends Sentence>(
  one: One,
  { protocol }: Pick<ConnectionAccount, "protocol">,
): One {
  if (protocol === null) return one;
  return { ...one, rule: spokenStatement(one.rule, protocol === "5.0" ? 5 : 4) };
}

export function sentence(text: string, rule: string | null = null): Sentence {
  return { text, rule: isStatement(rule) ? rule : null };
}

/** The ledger says `none: on purpose` where no statement asks for what happened. */
function isStatement(rule: string | null): rule is string {
  return rule !== null && /^v\d-/.test(rule);
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Whether a connection ended by a limit that no client can have known of ("other errors"). */
export function isUnforeseen(statement: string | null): boolean {
  return statement === "v5-4.13.2" || statement === "v4-4.8";
}
