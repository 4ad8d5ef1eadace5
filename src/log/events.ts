import type { BrokerEvent, Peer } from "../core/events.ts";
import type { ClientPacket, PublishPacket, ServerPacket } from "../core/packet.ts";
import { Reason } from "../core/reason.ts";
import type { BrokerView } from "../core/queries/queries.ts";

/** Most serious first; a sink of one level shows it and those before it. */
export const levels = ["error", "warn", "info", "debug"] as const;
export type Level = (typeof levels)[number];

/** What a log line is about: of the core, or of the process around it. */
export type LogEvent = BrokerEvent | ServerEvent;

/** Events of the process around the core. Texts in them are whole; the renderer makes them safe. */
export type ServerEvent =
  /** Every address that accepts connections, as a client would write it. */
  | { readonly event: "listening"; readonly addresses: readonly string[] }
  /** Where `inspect` and scripts may ask. */
  | {
      readonly event: "administration";
      readonly urls: readonly string[];
      /** The default port, where another process has it; null: the port is the one that was meant. */
      readonly taken: number | null;
      /** Null: no token is needed. */
      readonly tokenFile: string | null;
    }
  /** `file` is null where there is none: defaults, environment and flags only. */
  | { readonly event: "configurationLoaded"; readonly file: string | null }
  | {
      readonly event: "configurationReloaded";
      readonly file: string | null;
      /** Paths of the settings that took another value. */
      readonly changed: readonly string[];
    }
  /** Nothing was changed. */
  | {
      readonly event: "configurationReloadFailed";
      readonly file: string | null;
      readonly problems: readonly string[];
    }
  /** `signal` is null where an operator's order, or a fault of ours, stops the broker. */
  | { readonly event: "stopping"; readonly signal: string | null }
  | { readonly event: "stopped" }
  /** Says what is risky or odd and what to do, for example: open to the network without passwords. */
  | { readonly event: "warning"; readonly text: string }
  | {
      readonly event: "packet";
      readonly peer: Peer;
      readonly direction: "received" | "sent";
      readonly packet: LoggedPacket;
    }
  /** One turn of the event loop took so long; every deadline in it was late by up to that. */
  | { readonly event: "loopBlocked"; readonly blockedMs: number }
  /** Asked for by an operator. */
  | { readonly event: "state"; readonly view: BrokerView }
  /** By the administration interface: `kick`, `drop rst`, `reload`, `log debug`. */
  | {
      readonly event: "operatorOrdered";
      readonly order: string;
      /** Null: the order concerns the broker. */
      readonly clientId: string | null;
    }
  /** The log's own reader did not keep up. */
  | { readonly event: "logLinesDropped"; readonly lines: number };

/** A packet, or of a delivered PUBLISH what a line tells of it. It is read before `note` returns. */
export type LoggedPacket = Exclude<ClientPacket, PublishPacket> | ServerPacket | LoggedPublish;
export type LoggedPublish = Pick<
  PublishPacket,
  "type" | "topic" | "qos" | "retain" | "dup" | "packetId" | "payload"
>;

const levelOfEvent = {
  connected: "info",
  ended: "info",
  will: "info",
  keepAliveAboveMaximum: "warn",
  subscribed: "debug",
  unsubscribed: "debug",
  publishRefused: "warn",
  dropping: "warn",
  notSent: "warn",
  sessionEnded: "debug",
  clientFault: "warn",
  woke: "warn",
  listening: "info",
  administration: "info",
  configurationLoaded: "info",
  configurationReloaded: "info",
  configurationReloadFailed: "error",
  stopping: "info",
  stopped: "info",
  warning: "warn",
  packet: "debug",
  loopBlocked: "warn",
  state: "info",
  operatorOrdered: "info",
  logLinesDropped: "warn",
} as const satisfies Record<LogEvent["event"], Level>;

export const eventNames: readonly string[] = Object.keys(levelOfEvent);

/** The table's level; a few events rise above it by what they tell. */
export function levelOf(event: LogEvent): Level {
  switch (event.event) {
    case "ended":
      if (event.cause === "storeFailed") return "error";
      return isLostWill(event.will) ? "warn" : levelOfEvent.ended;
    case "will":
      return isLostWill(event.will) ? "warn" : levelOfEvent.will;
    case "subscribed":
      return event.reason >= Reason.unspecifiedError ? "warn" : levelOfEvent.subscribed;
    case "sessionEnded":
      return event.why === "expired" ? "info" : levelOfEvent.sessionEnded;
    default:
      return levelOfEvent[event.event];
  }
}

/** A will that its client never asked to discard, and that nobody will get. */
function isLostWill(will: Extract<LogEvent, { event: "ended" }>["will"]): boolean {
  return will?.fate === "discarded" && will.why !== "disconnect";
}
