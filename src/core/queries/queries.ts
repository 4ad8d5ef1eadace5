/**
 * All queries that the shell may ask, on one page. A query changes nothing. A long answer is found
 * in steps (`steps.ts`), so that its reader can yield in between.
 */

/** One screen: counts, wills due next, connections ended last. */
export { overviewOf } from "./overview.ts";
/** Clients with a session, one or all; known client ids. */
export { clientOf, clientsByMemory, clientsOf, isKnown, knownClientIds } from "./clients.ts";
/** The listener that a client used last. */
export { lastListenerOf } from "./clients.ts";
/** Sessions and their subscriptions. */
export { sessionsOf, type SessionSteps, subscriptionsOf } from "./clients.ts";
/** Wills, newest first, and the one that a caller waits for. */
export { awaitedWillOf, willsOf } from "./wills.ts";
/** The recipients of a message on a topic, with reasons; retained messages. */
export { retainedOf, routeFor } from "./routes.ts";
/** Messages published lately. */
export { onRecentMessage, type RecentMessage, recentMessagesOf } from "./messages.ts";
/** What a client may do with a topic, and the line of the access list that decides. */
export { accessOf } from "./access.ts";
/** All state at once, for checkers and for the report of a fault. */
export type { BrokerView, ConnectionView, SessionView } from "./state.ts";
