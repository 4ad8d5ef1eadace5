import type { Connection } from "./connection.ts";
import type { Handover } from "./handover.ts";
import type { Message } from "./packet.ts";
import type { Session } from "./session.ts";
import type { Will } from "./will.ts";

/** What a deadline is about: the heap holds all of them. */
export type Timed =
  /** Connect timeout, keepalive or stall, whichever is first. */
  | { readonly kind: "connection"; readonly connection: Connection }
  | { readonly kind: "will"; readonly will: Will }
  /** The Session Expiry Interval has passed. */
  | { readonly kind: "session"; readonly session: Session }
  /** There is more of a retained replay or a long queue to send; due at once. */
  | { readonly kind: "pump"; readonly session: Session }
  /** Messages of shared subscriptions go to other members; due at once. */
  | { readonly kind: "handover"; readonly handover: Handover }
  /** A client's PUBLISH, where the rules let it be behind. */
  | { readonly kind: "publish"; readonly session: Session; readonly message: Message }
  /** A publisher has been held for as long as it may. */
  | { readonly kind: "hold"; readonly connection: Connection }
  | { readonly kind: "sys" };
