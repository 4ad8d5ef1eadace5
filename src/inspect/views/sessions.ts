import { isReserved } from "../../core/topic.ts";
import type { RouteAccount } from "../../core/records/broker-account.ts";
import type { SessionAccount, SubscriptionAccount } from "../../core/records/client-account.ts";
import { counted } from "../../log/counted.ts";
import { clause, name } from "../../log/foreign.ts";
import { optionsOf, sessionText } from "./client.ts";
import { cellName, drawn, table, type ViewStyle } from "./table.ts";

/** The session of each client id. */
export function sessionsLines(
  now: number,
  sessions: readonly SessionAccount[],
  style: ViewStyle,
): string[] {
  if (sessions.length === 0) return ["no sessions"];
  const rows = sessions.map((session) => [
    cellName(session.clientId),
    String(session.subscriptions.length),
    `${session.queue.messages}${session.dropping ? ", dropping" : ""}`,
    String(session.inflight),
    sessionText(session, now),
  ]);
  return table(["CLIENT", "SUBSCRIPTIONS", "QUEUED", "IN FLIGHT", "STATE"], rows, style);
}

/** Every subscription of every session. */
export function subscriptionsLines(
  subscriptions: readonly SubscriptionAccount[],
  style: ViewStyle,
): string[] {
  if (subscriptions.length === 0) return ["no subscriptions"];
  const rows = subscriptions.map((one) => [
    cellName(one.clientId),
    cellName(one.filter),
    optionsOf(one),
  ]);
  return table(["CLIENT", "FILTER", "OPTIONS"], rows, style);
}

/** The recipients of a message on a topic, and why. */
export function routeLines({ topic, recipients }: RouteAccount, style: ViewStyle): string[] {
  const rows = recipients.map((one) => [
    cellName(one.clientId),
    one.outcome.split(":")[0] ?? "",
    `q${one.qos}`,
    whyOf(one),
  ]);
  const getting = recipients.filter(({ outcome }) => outcome === "sent" || outcome === "queued");
  const clients = counted(getting.length, "client");
  const title = `A message on ${name(topic)} would go to ${clients}.`;
  return [
    ...drawn(title, style.columns, 2),
    ...(isReserved(topic) ? drawn(unmatched, style.columns, 2) : []),
    ...(rows.length === 0
      ? []
      : ["", ...table(["CLIENT", "MESSAGE", "UP TO", "WHY"], rows, style)]),
  ];
}

const unmatched =
  "The topic begins with $, so no filter that begins with # or + matches it: mqttd rule 4.7.2-1";

function whyOf(recipient: RouteAccount["recipients"][number]): string {
  const { filters, connected, noLocal, outcome, deniedBy } = recipient;
  const why = outcome.split(": ")[1];
  const facts = [filters.map(name).join(", "), connected ? "connected" : "offline"];
  if (noLocal) facts.push("not its own messages");
  if (why !== undefined) facts.push(deniedBy === undefined ? why : `${why}: ${clause(deniedBy)}`);
  return facts.join("; ");
}
