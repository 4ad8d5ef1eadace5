import type { Access } from "./access.ts";
import { type AccessLine, AccessList, isUnfitForPatterns } from "./access-list.ts";
import { AccessLists, rightsOf } from "./access-lists.ts";
import type { Broker } from "./broker.ts";
import { Deadline } from "./deadlines.ts";
import { after } from "./io.ts";
import type { Session } from "./session.ts";
import type { Steps } from "./steps.ts";
import type { Timed } from "./timed.ts";

/** Clients named in the log; of further ones only the number is. */
const clientsNamed = 20;
/** Lines named for one client, of those that it gained and of those that it lost. */
const linesNamed = 3;
/** Work of looking at a session, or at a line. */
const unitsOfStep = 0.2;

/** Finds out, in pieces, whose rights new access lists change. */
export interface AccessReview {
  readonly changes: Steps<RightsChange>;
  changed: number;
}

/** What new access lists change for one client. */
interface RightsChange {
  readonly session: Session;
  readonly gained: readonly AccessLine[];
  readonly lost: readonly AccessLine[];
  readonly after: Access;
  /** Before, or now, no list applies. */
  readonly isSwitch: boolean;
}

/**
 * Other lists are in force from now on. Connections and subscriptions stay: deliveries, PUBLISHes
 * and due wills are judged by the new lists. Each client whose rights they change is logged.
 */
export function changeAccess(
  broker: Broker,
  access: Access,
  byListener: ReadonlyMap<string, Access>,
): void {
  const before = broker.access;
  broker.access = new AccessLists(access, byListener);
  // Remembered routes leave out those who may not read.
  broker.generation += 1;
  const review: AccessReview = { changes: changesOf(broker, before), changed: 0 };
  broker.deadlines.set(new Deadline<Timed>({ kind: "accessReview", review }), broker.now);
}

/** Goes on within the budget. */
export function continueReview(
  broker: Broker,
  deadline: Deadline<Timed>,
  review: AccessReview,
): void {
  // No `for`: leaving it would end the steps.
  for (let next = review.changes.next(); next.done !== true; next = review.changes.next()) {
    const change = next.value;
    broker.budget.spent += unitsOfStep;
    if (change !== null) {
      review.changed += 1;
      change.session.isDenialLogged = false;
      if (review.changed <= clientsNamed) noteChange(broker, change);
    }
    if (broker.budget.isUsedUp) {
      broker.deadlines.set(deadline, after(broker.now, 1));
      return;
    }
  }
  const more = review.changed - clientsNamed;
  if (more > 0) broker.note({ event: "moreRightsChanged", clients: more });
}

function noteChange(broker: Broker, change: RightsChange): void {
  const { session, gained, lost, after: list, isSwitch } = change;
  const { will } = session;
  const verdict = will === null ? null : rightsOf(broker, session).verdict("write", will.topic);
  broker.note({
    event: "rightsChanged",
    clientId: session.clientId,
    username: session.username,
    ...(isSwitch && { list: list instanceof AccessList ? list.name : null }),
    gained: gained.slice(0, linesNamed).map(({ text }) => text),
    lost: lost.slice(0, linesNamed).map(({ text }) => text),
    more: Math.max(0, gained.length - linesNamed) + Math.max(0, lost.length - linesNamed),
    ...(will !== null &&
      verdict?.allowed === false && { deniedWill: { topic: will.topic, by: verdict.by } }),
  });
}

function* changesOf(broker: Broker, before: AccessLists): Steps<RightsChange> {
  const comparisons = new Map<Access, Map<Access, Comparison>>();
  for (const session of broker.sessions.values()) {
    yield null;
    const then = before.of(session.accessList);
    const now = broker.access.of(session.accessList);
    if (then === now) continue;
    if (!(then instanceof AccessList) || !(now instanceof AccessList)) {
      yield { session, gained: [], lost: [], after: now, isSwitch: true };
      continue;
    }
    let byList = comparisons.get(then);
    if (byList === undefined) comparisons.set(then, (byList = new Map()));
    let comparison = byList.get(now);
    if (comparison === undefined) byList.set(now, (comparison = new Comparison(then, now)));
    const gained: AccessLine[] = [];
    const lost: AccessLine[] = [];
    for (const part of [yield* comparison.own(session.username), yield* comparison.patterns()]) {
      gained.push(...part.gained.filter((line) => isFor(line, session)));
      lost.push(...part.lost.filter((line) => isFor(line, session)));
    }
    if (gained.length + lost.length === 0) continue;
    yield { session, gained, lost, after: now, isSwitch: false };
  }
}

/** Whether a line applies to the client: patterns do not to all. */
function isFor({ user, filter }: AccessLine, session: Session): boolean {
  if (typeof user !== "symbol") return true;
  return !isUnfitForPatterns(session) && (session.username !== null || !filter.includes("%u"));
}

interface Difference {
  readonly gained: readonly AccessLine[];
  readonly lost: readonly AccessLine[];
}

const noDifference: Difference = { gained: [], lost: [] };

/** Two lists compared, each user's lines once. */
class Comparison {
  readonly #before: AccessList;
  readonly #after: AccessList;
  readonly #own = new Map<string | null, Difference>();
  #patterns: Difference | null = null;

  constructor(before: AccessList, now: AccessList) {
    this.#before = before;
    this.#after = now;
  }

  *own(username: string | null): Generator<null, Difference, void> {
    const before = this.#before.linesOf(username);
    const now = this.#after.linesOf(username);
    if (before.length === 0 && now.length === 0) return noDifference;
    let known = this.#own.get(username);
    if (known === undefined) this.#own.set(username, (known = yield* differenceOf(before, now)));
    return known;
  }

  *patterns(): Generator<null, Difference, void> {
    const { patterns: before } = this.#before;
    return (this.#patterns ??= yield* differenceOf(before, this.#after.patterns));
  }
}

/** Lines with the same right on the same filter are equal, wherever they stand. */
function* differenceOf(
  before: readonly AccessLine[],
  now: readonly AccessLine[],
): Generator<null, Difference, void> {
  const known = yield* keysOf(before);
  const current = yield* keysOf(now);
  const gained: AccessLine[] = [];
  const lost: AccessLine[] = [];
  for (const line of now) {
    yield null;
    if (!known.has(keyOf(line))) gained.push(line);
  }
  for (const line of before) {
    yield null;
    if (!current.has(keyOf(line))) lost.push(line);
  }
  return { gained, lost };
}

function* keysOf(lines: readonly AccessLine[]): Generator<null, Set<string>, void> {
  const keys = new Set<string>();
  for (const line of lines) {
    yield null;
    keys.add(keyOf(line));
  }
  return keys;
}

function keyOf({ grant, filter }: AccessLine): string {
  return `${grant} ${filter}`;
}
