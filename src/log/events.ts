import type { AccessReloaded, AccountsReloaded, Predecessor } from "../api/api.ts";
import type { BrokerEvent, Peer } from "../core/events.ts";
import type { ClientPacket, ProtocolVersion, PublishPacket, ServerPacket } from "../core/packet.ts";
import { Reason } from "../core/reason.ts";
import type { BrokerView } from "../core/queries/queries.ts";
import { isDropClient } from "./drop-names.ts";

/** Most serious first; a sink logs its own level and those before it. */
export const levels = ["error", "warn", "info", "debug"] as const;
export type Level = (typeof levels)[number];

/** What the log reports: events of the core and of the process around it. */
export type LogEvent = BrokerEvent | ServerEvent;

/**
 * Events of the process around the core. Their texts are raw; the renderer cuts and escapes them.
 */
export type ServerEvent =
  /** Every address that accepts connections, in the form that a client takes. */
  | { readonly event: "listening"; readonly addresses: readonly string[] }
  /** Where the administration interface listens, for `inspect` and scripts. */
  | {
      readonly event: "administration";
      readonly urls: readonly string[];
      /**
       * The default port, if another process has it; null: the interface got the port it asked for.
       */
      readonly taken: number | null;
      /** Null: no token is needed. */
      readonly tokenFile: string | null;
    }
  /** A broker process that ran on the same address before, and was killed or crashed. */
  | ({ readonly event: "predecessor" } & Predecessor)
  /** What outlives the process is in this file: an absolute path. `isNew`: it was created now. */
  | { readonly event: "storeOpened"; readonly file: string; readonly isNew: boolean }
  /** `file` null: defaults, environment and flags only. */
  | { readonly event: "configurationLoaded"; readonly file: string | null }
  | {
      readonly event: "configurationReloaded";
      readonly file: string | null;
      /** Paths of the settings whose values changed. */
      readonly changed: readonly string[];
      /** Accounts or access lists changed; the events of each follow. Absent: none did. */
      readonly filesChanged?: true;
    }
  /** A reload changed accounts; connections stay. */
  | ({ readonly event: "accountsReloaded" } & AccountsReloaded)
  /** A reload changed an access list; connections stay. Clients with other rights are named next. */
  | ({ readonly event: "accessReloaded" } & AccessReloaded)
  /** The old configuration stays in force. */
  | {
      readonly event: "configurationReloadFailed";
      readonly file: string | null;
      readonly problems: readonly string[];
    }
  /** `signal` null: an operator's order or a fault of ours stops the broker. */
  | { readonly event: "stopping"; readonly signal: string | null }
  | { readonly event: "stopped" }
  /** A risk and what to do about it, for example: open to the network without passwords. */
  | { readonly event: "warning"; readonly text: string }
  | {
      readonly event: "packet";
      readonly peer: Peer;
      readonly direction: "received" | "sent";
      /** The connection's: codes differ. */
      readonly version: ProtocolVersion;
      readonly packet: LoggedPacket;
    }
  /** One turn of the event loop took `blockedMs`; deadlines in it were late by up to that. */
  | { readonly event: "loopBlocked"; readonly blockedMs: number }
  /** On an operator's request (SIGUSR1). */
  | { readonly event: "state"; readonly view: BrokerView }
  /** Through the administration interface: `kick`, `drop rst`, `reload`, `log debug`. */
  | {
      readonly event: "operatorOrdered";
      readonly order: string;
      /** Null: the order concerns the broker. */
      readonly clientId: string | null;
    }
  /** The log's reader was too slow. */
  | { readonly event: "logLinesDropped"; readonly lines: number };

/** A packet, or the logged fields of a delivered PUBLISH. `note` reads it before it returns. */
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
  deliveryDenied: "info",
  rightsChanged: "info",
  moreRightsChanged: "info",
  dropping: "warn",
  notSent: "warn",
  sessionEnded: "debug",
  clientFault: "warn",
  restored: "info",
  storeFailed: "error",
  storeRecovered: "info",
  woke: "warn",
  crowded: "warn",
  listening: "info",
  administration: "info",
  predecessor: "warn",
  storeOpened: "info",
  configurationLoaded: "info",
  configurationReloaded: "info",
  accountsReloaded: "info",
  accessReloaded: "info",
  configurationReloadFailed: "error",
  stopping: "info",
  stopped: "info",
  warning: "warn",
  packet: "debug",
  loopBlocked: "warn",
  state: "info",
  operatorOrdered: "info",
  operatorPublished: "info",
  logLinesDropped: "warn",
} as const satisfies Record<LogEvent["event"], Level>;

export const eventNames: readonly string[] = Object.keys(levelOfEvent);

/** The event's level: that of the table, or a more serious one for some outcomes. */
export function levelOf(event: LogEvent): Level {
  switch (event.event) {
    case "ended":
      if (event.cause === "storeFailed") return "error";
      // Another event counts them.
      if (event.cause === "crowdedOut" || event.isUntold === true) return "debug";
      return isLostWill(event.will) ? "warn" : levelOfEvent.ended;
    case "will":
      return isLostWill(event.will) ? "warn" : levelOfEvent.will;
    case "subscribed":
      return event.reason >= Reason.unspecifiedError ? "warn" : levelOfEvent.subscribed;
    case "rightsChanged":
      return event.deniedWill === undefined ? levelOfEvent.rightsChanged : "warn";
    case "clientFault":
      return isOnPurpose(event) ? "debug" : levelOfEvent.clientFault;
    case "sessionEnded":
      return event.why === "expired" ? "info" : levelOfEvent.sessionEnded;
    default:
      return levelOfEvent[event.event];
  }
}

/** By its names, the client is one of simulate-drop. */
function isOnPurpose(event: Extract<LogEvent, { event: "clientFault" }>): boolean {
  return isDropClient(event.peer.clientId ?? "", "topic" in event ? [event.topic] : []);
}

/** The broker discarded a will that its client did not ask to discard. */
function isLostWill(will: Extract<LogEvent, { event: "ended" }>["will"]): boolean {
  return will?.fate === "discarded" && will.why !== "disconnect";
}
