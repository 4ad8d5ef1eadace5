/**
 * What may be asked of the broker, on one page. A query changes nothing. A long one is found in
 * steps (`steps.ts`), so that its reader gives others their turn.
 */

/** One screen: counts, what is due next, what ended last. */
export { overviewOf } from "./overview.ts";
/** Clients that have a session, one or all; ids that are remembered. */
export { clientOf, clientsOf, isKnown, knownClientIds } from "./clients.ts";
/** Sessions and their subscriptions. */
export { sessionsOf, type SessionSteps, subscriptionsOf } from "./clients.ts";
/** Wills, newest first, and the one that somebody waits for. */
export { awaitedWillOf, willsOf } from "./wills.ts";
/** Who would get a message on a topic, and why; retained messages. */
export { retainedOf, routeFor } from "./routes.ts";
/** All state at once, for checkers and for what a fault prints. */
export type { BrokerView, ConnectionView, SessionView } from "./state.ts";
