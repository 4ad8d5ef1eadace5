import type { BrokerView, ConnectionView, SessionView } from "../core/queries/queries.ts";
import { duration } from "./duration.ts";
import { name } from "./foreign.ts";

/** Clients on the line; JSON has all of them. */
const shownClients = 50;

/** The broker's state on one line: counts, then clients with their deadlines and wills. */
export function stateText(view: BrokerView): string {
  const { sessions, retained } = view;
  const connections = new Map(view.connections.map((one) => [one.clientId, one]));
  const counts = [
    `connections ${view.connections.length}`,
    `sessions ${sessions.length}`,
    `subscriptions ${view.subscriptions}`,
    `retained ${retained.messages} (${retained.bytes} bytes)`,
    `deadlines ${view.deadlines}`,
  ];
  const clients = sessions
    .slice(0, shownClients)
    .map((session) => clientText(session, connections.get(session.clientId), view.now));
  const more = sessions.length - clients.length;
  if (more > 0) clients.push(`and ${more} more`);
  return `State: ${[counts.join(", "), ...clients].join(" · ")}`;
}

function clientText(
  session: SessionView,
  connection: ConnectionView | undefined,
  now: number,
): string {
  const facts: string[] = [];
  if (!session.connected || connection === undefined) facts.push("offline");
  else {
    facts.push(`from ${name(connection.remote)}`, `k${connection.keepAliveSeconds}`);
    facts.push(`silent ${duration(now - connection.lastPacket.at)}`);
    if (connection.deadlineAt !== null)
      facts.push(`ends in ${duration(connection.deadlineAt - now)}`);
  }
  if (session.endsAt !== null) facts.push(`session ends in ${duration(session.endsAt - now)}`);
  const { messages } = session.queue;
  if (messages > 0) facts.push(`${messages} queued`);
  const { will } = session;
  if (will !== null) {
    const due = will.dueAt === null ? "" : `, due in ${duration(will.dueAt - now)}`;
    facts.push(`will ${will.state} on ${name(will.topic)}${due}`);
  }
  return `${name(session.clientId)} (${facts.join(", ")})`;
}
