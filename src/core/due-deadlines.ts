import { assert, unreachable } from "./assert.ts";
import type { Broker } from "./broker.ts";
import { reportCrowd } from "./crowd.ts";
import type { Deadline } from "./deadlines.ts";
import type { EndCause } from "./end-causes.ts";
import { pump } from "./forward.ts";
import { continueHandover } from "./handover.ts";
import { holdTimedOut } from "./hold.ts";
import { after, type ConnectionId, type Millis, type Undecided, type Unread } from "./io.ts";
import { endIfDue, firstDue } from "./patience.ts";
import { publish } from "./publish.ts";
import { expireRetained } from "./retain.ts";
import { expireSession, publishDueWill } from "./session-end.ts";
import { publishSys } from "./sys.ts";
import type { Timed } from "./timed.ts";

/** Messages sent in one turn from all queues, replays and handovers together. */
const pumpedAtOnce = 2000;

/** What a `deadline` at `now` would decide, so that the driver can read unread input first. */
export function undecidedAt(broker: Broker, now: Millis): Undecided {
  const connections: { id: ConnectionId; cause: EndCause }[] = [];
  let since: Millis | null = null;
  let absentSince: Millis | null = null;
  for (const timed of broker.deadlines.dueBy(now)) {
    if (timed.kind === "connection") {
      const { connection } = timed;
      if (connection.state === "closed") continue;
      const { due, cause } = firstDue(broker, connection);
      if (due > now) continue;
      connections.push({ id: connection.id, cause });
      if (since === null || due < since) since = due;
    } else if (timed.kind === "will" || timed.kind === "session") {
      const due = timed.kind === "will" ? timed.will.deadline.due : timed.session.deadline?.due;
      assert(due !== undefined, "a session that is due has a deadline");
      if (absentSince === null || due < absentSince) absentSince = due;
    }
  }
  return { connections, since, absentSince };
}

/**
 * Handles all deadlines that are due, except those with unread input, and queues and handovers
 * beyond this turn's budget of messages, which give the sockets a turn first.
 */
export function handleDueDeadlines(broker: Broker, unread: Unread): void {
  const later: Deadline<Timed>[] = [];
  const postponed: Deadline<Timed>[] = [];
  let messages = 0;
  for (;;) {
    const deadline = broker.deadlines.pop(broker.now);
    if (deadline === null) break;
    const timed = deadline.owner;
    if (isUnread(timed, unread) && !broker.rules.countsUnreadAsSilence) postponed.push(deadline);
    else if (timed.kind !== "pump" && timed.kind !== "handover") handleOne(broker, deadline, timed);
    else if (messages >= pumpedAtOnce) later.push(deadline);
    else if (timed.kind === "pump") messages += pump(broker, timed.session);
    else messages += continueHandover(broker, deadline, timed.handover);
  }
  // They keep their due time, so they go before those that had their turn just now.
  for (const deadline of later) {
    const { owner } = deadline;
    if (owner.kind === "pump" && owner.session.connection === null) continue;
    broker.deadlines.set(deadline, deadline.due);
  }
  for (const deadline of postponed) {
    if (!deadline.isSet && isAwaited(broker, deadline.owner)) {
      broker.deadlines.set(deadline, deadline.due);
    }
  }
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

function handleOne(
  broker: Broker,
  deadline: Deadline<Timed>,
  timed: Exclude<Timed, { kind: "pump" | "handover" }>,
): void {
  switch (timed.kind) {
    case "connection":
      return endIfDue(broker, timed.connection);
    case "will":
      return publishDueWill(broker, timed.will);
    case "session":
      return expireSession(broker, timed.session);
    case "publish":
      publish(broker, timed.session, timed.message);
      return;
    case "hold":
      return holdTimedOut(broker, timed.connection);
    case "retained":
      return expireRetained(broker);
    case "crowd":
      return reportCrowd(broker);
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
    case "session":
      return newcomers;
    default:
      return false;
  }
}
