import type { ClientAnswer } from "../../api/api.ts";
import type { ConnectionAccount } from "../../core/records/client-account.ts";
import type { WillAccount } from "../../core/records/will-account.ts";
import { setting } from "../../log/duration.ts";
import { name } from "../../log/foreign.ts";
import { type Advice, connectionOf, nextOf, sentence, willOf } from "./parts.ts";

/** Whether the next connection with a client id comes from the same program: what differs. */

interface Differences {
  /** `another user (laptop, before: plant)`, joined by commas. */
  readonly text: string;
  /** Only the address, as after a change of networks. */
  readonly onlyAddress: boolean;
  /** That connection has ended too. */
  readonly isGone: boolean;
}

/** Null: none, or one of the two connections is forgotten. */
function differencesAfter(answer: ClientAnswer, will: WillAccount): Differences | null {
  const before = connectionOf(answer, will);
  const after = before === null ? null : nextOf(answer, before);
  if (before === null || after === null) return null;
  const found: string[] = [];
  const compare = (what: string, now: string, then: string): void => {
    if (now !== then) found.push(`another ${what} (${now}, before: ${then})`);
  };
  compare("user", userOf(after), userOf(before));
  compare("keepalive", keepAliveOf(after), keepAliveOf(before));
  const next = willOf(answer, after);
  // A forgotten will, or none, tells nothing.
  if (next !== null) compare("will topic", name(next.topic), name(will.topic));
  const others = found.length;
  compare("address", hostOf(after), hostOf(before));
  if (found.length === 0) return null;
  return { text: found.join(", "), onlyAddress: others === 0, isGone: after.end !== null };
}

function userOf({ username }: ConnectionAccount): string {
  return username === null ? "none" : name(username);
}

function keepAliveOf({ keepAliveAskedSeconds: asked }: ConnectionAccount): string {
  return asked === 0 ? "none" : setting(asked * 1000);
}

/** An address without its port. */
function hostOf({ remote }: ConnectionAccount): string {
  return name(remote.replace(/:\d+$/, ""));
}

/** What differs, as a sentence without its full stop; empty: nothing. */
export function otherProgramText(answer: ClientAnswer, will: WillAccount): string[] {
  const found = differencesAfter(answer, will);
  if (found === null) return [];
  const other = `another program may ${found.isGone ? "have used" : "be using"} the client id`;
  const may = found.onlyAddress ? `the client's network may have changed, or ${other}` : other;
  return [`The connection that came ${found.isGone ? "had" : "has"} ${found.text}: ${may}`];
}

/** Whether it is open which program came: no advice about a return holds then. */
export function isOtherProgram(answer: ClientAnswer, will: WillAccount): boolean {
  return differencesAfter(answer, will) !== null;
}

/** What to do if it is another program. Null: the same, or only its address differs. */
export function otherProgram(answer: ClientAnswer, will: WillAccount): Advice | null {
  const found = differencesAfter(answer, will);
  if (found === null || found.onlyAddress) return null;
  const [has, is] = found.isGone ? ["had", "was"] : ["has", "is"];
  const text =
    `The next connection with this client id ${has} ${found.text}. If that ${is} another program, such as a ` +
    `copy of the first with its own settings, give each program a client id of its own: while they ` +
    `share one, each takes the other's session, and decides what becomes of its will.`;
  return { topic: "sharedClientId", ...sentence(text) };
}
