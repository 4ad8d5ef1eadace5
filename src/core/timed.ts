import type { AccessReview } from "./access-review.ts";
import type { Connection } from "./connection.ts";
import type { Handover } from "./handover.ts";
import type { Message } from "./packet.ts";
import type { Session } from "./session.ts";
import type { Will } from "./will.ts";

/** The owner of a deadline; one heap holds all kinds. */
export type Timed =
  /** Connect timeout, keepalive or stall, whichever is first. */
  | { readonly kind: "connection"; readonly connection: Connection }
  | { readonly kind: "will"; readonly will: Will }
  /** The end of the Session Expiry Interval. */
  | { readonly kind: "session"; readonly session: Session }
  /** The rest of a retained replay or a long queue; due at once. */
  | { readonly kind: "pump"; readonly session: Session }
  /** Messages of an ended session for other members of its groups; due at once. */
  | { readonly kind: "handover"; readonly handover: Handover }
  /** A client's PUBLISH that a planted quirk delays. */
  | { readonly kind: "publish"; readonly session: Session; readonly message: Message }
  /** The longest time that a publisher may be held. */
  | { readonly kind: "hold"; readonly connection: Connection }
  /** Retained messages that expire. */
  | { readonly kind: "retained" }
  /** A report of connections that were reset to make room. */
  | { readonly kind: "crowd" }
  /** Subscriptions of ended sessions that are still in the tree; due at once. */
  | { readonly kind: "departures" }
  /** What new access lists change for each client. */
  | { readonly kind: "accessReview"; readonly review: AccessReview }
  | { readonly kind: "sys" };
