import { continueReview } from "./access-review.ts";
import { unreachable } from "./assert.ts";
import type { Broker } from "./broker.ts";
import { reportCrowd } from "./crowd.ts";
import type { Connection } from "./connection.ts";
import type { Deadline } from "./deadlines.ts";
import { goOnUnsubscribing } from "./departures.ts";
import type { EndCause } from "./end-causes.ts";
import { pump } from "./forward.ts";
import { continueHandover } from "./handover.ts";
import { holdTimedOut } from "./hold.ts";
import { after, type ConnectionId, type Millis, type Undecided, type Unread } from "./io.ts";
import { endIfDue, firstDue, setConnectionDeadline } from "./patience.ts";
import { publish } from "./publish.ts";
import { Rank } from "./schedule.ts";
import { expireRetained } from "./retain.ts";
import { expireSession, publishDueWill } from "./session-end.ts";
import { waitsForReturn, waitsWithSession } from "./settling.ts";
import { publishSys } from "./sys.ts";
import type { Timed } from "./timed.ts";

/** Work of looking at a deadline. */
const unitsOfLook = 0.5;
/** The parts of the budget within which wills and sessions, and bulk work, are begun. */
const fatePart = 0.7;
const bulkPart = 0.4;

/**
 * What a `deadline` at `now` would decide, so that the driver can read unread input first. Moves the
 * deadlines of clients that have sent since they were set.
 */
export function undecidedAt(broker: Broker, now: Millis, most: number): Undecided {
  const { deadlines, budget } = broker;
  const connections: { id: ConnectionId; cause: EndCause }[] = [];
  const due: Deadline<Timed>[] = [];
  let since: Millis | null = null;
  while (connections.length < most) {
    const deadline = deadlines.pop(now, [true, false, false]);
    if (deadline === null) break;
    budget.spent += unitsOfLook;
    const { owner } = deadline;
    const connection = owner.kind === "connection" ? owner.connection : null;
    if (connection === null || connection.state === "closed") {
      due.push(deadline);
      continue;
    }
    const first = firstDue(broker, connection);
    if (first.due > now) setConnectionDeadline(broker, connection);
    else {
      due.push(deadline);
      connections.push({ id: connection.id, cause: first.cause });
      if (since === null || first.due < since) since = first.due;
    }
    if (budget.isUsedUp) break;
  }
  for (const deadline of due) deadlines.restore(deadline);
  const absent = deadlines.nextOf(Rank.fate);
  return { connections, since, absentSince: absent !== null && absent <= now ? absent : null };
}

/**
 * Handles deadlines that are due, in due order, except those with unread input and those that the
 * budget leaves for later. Bulk work stops first, then wills and sessions, so that a connection is
 * judged in time whatever else is due. At least one of each rank is handled.
 */
export function handleDueDeadlines(broker: Broker, unread: Unread): void {
  const { budget, deadlines, now } = broker;
  const { spent } = budget;
  const left = Math.max(0, budget.limit - spent);
  const until = [spent + left, spent + left * fatePart, spent + left * bulkPart] as const;
  const open: [boolean, boolean, boolean] = [true, true, true];
  const postponed: Deadline<Timed>[] = [];
  let { asked } = unread;
  broker.willsUntil = until[Rank.fate];
  for (;;) {
    const deadline = deadlines.pop(now, open);
    if (deadline === null) break;
    budget.spent += unitsOfLook;
    const timed = deadline.owner;
    const isJudged = timed.kind === "connection" && isDue(broker, timed.connection);
    if (isUnread(timed, unread) && !broker.rules.countsUnreadAsSilence) {
      if (isJudged) asked -= 1;
      postponed.push(deadline);
      // Newcomers hold up nearly all of these, which may be a hundred thousand.
      if (budget.spent >= until[Rank.fate]) open[Rank.fate] = false;
      continue;
    }
    if (isJudged && asked-- <= 0) {
      // The driver has not asked yet what is unread of it.
      deadlines.restore(deadline);
      open[Rank.judgement] = false;
      continue;
    }
    handleOne(broker, deadline, timed);
    for (const [rank, limit] of until.entries()) if (budget.spent >= limit) open[rank] = false;
  }
  const next = deadlines.next();
  broker.isBehind = next !== null && next <= now;
  broker.willsUntil = Infinity;
  for (const deadline of postponed) {
    if (!deadline.isSet && isAwaited(broker, deadline.owner)) {
      deadlines.restore(deadline);
    }
  }
}

function isDue(broker: Broker, connection: Connection): boolean {
  return connection.state !== "closed" && firstDue(broker, connection).due <= broker.now;
}

/** Whether its owner still waits for it after the other deadlines were handled. */
function isAwaited(broker: Broker, timed: Timed): boolean {
  switch (timed.kind) {
    case "connection":
      return timed.connection.state !== "closed";
    case "will":
      return timed.will.state === "delayed";
    case "session":
      return broker.sessions.get(timed.session.clientId) === timed.session;
    default:
      return false;
  }
}

function handleOne(broker: Broker, deadline: Deadline<Timed>, timed: Timed): void {
  switch (timed.kind) {
    case "pump":
      if (timed.session.connection !== null) pump(broker, timed.session);
      return;
    case "handover":
      return continueHandover(broker, deadline, timed.handover);
    case "connection":
      return endIfDue(broker, timed.connection);
    case "will":
      if (!waitsForReturn(broker, timed.will)) publishDueWill(broker, timed.will);
      return;
    case "session":
      if (!waitsWithSession(broker, timed.session)) expireSession(broker, timed.session);
      return;
    case "publish":
      publish(broker, timed.session, timed.message);
      return;
    case "hold":
      return holdTimedOut(broker, timed.connection);
    case "retained":
      return expireRetained(broker);
    case "crowd":
      return reportCrowd(broker);
    case "departures":
      return goOnUnsubscribing(broker);
    case "accessReview":
      return continueReview(broker, deadline, timed.review);
    case "sys":
      publishSys(broker);
      if (broker.sysIntervalMs !== null) {
        broker.deadlines.set(deadline, after(broker.now, broker.sysIntervalMs));
      }
      return;
    default:
      return unreachable(timed);
  }
}

function isUnread(timed: Timed, { connections, newcomers }: Unread): boolean {
  switch (timed.kind) {
    case "connection":
      // After its end another connection may use its number.
      return timed.connection.state !== "closed" && connections.has(timed.connection.id);
    case "will":
      return newcomers && !timed.will.isPostponed;
    case "session":
      return newcomers;
    default:
      return false;
  }
}
