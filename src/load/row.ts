import type { Target } from "../client/target.ts";
import type { Load } from "./load.ts";

export type Group = "speed" | "doors" | "store" | "wills" | "holdups" | "growth" | "sizes";

/** What the groups are, for help. */
export const groups: Readonly<Record<Group, string>> = {
  speed: "messages and connections a second, memory of a connection",
  doors: "the same over TLS and WebSocket: throughput, handshakes, memory",
  store: "QoS 1 to sessions that have to be kept, for brokers with a store",
  wills: "how late wills are when thousands of clients end together",
  holdups: "what holds up a broker's loop: watch the bystander",
  growth: "what makes a broker's memory grow: watch the peak",
  sizes: "what a message costs beside many subscribers, filters and levels",
};

/** A row of a family that differs in one number. */
export interface RowSize {
  /** What the number counts. */
  readonly of: string;
  readonly value: number;
}

/** One line of the bench: a load, and the figure by which brokers are compared. */
export interface Row {
  readonly name: string;
  readonly group: Group;
  readonly title: string;
  readonly load: Load;
  /** Which way the first figure is better; null: the bystander's figures are what counts. */
  readonly better: "more" | "less" | null;
  /** Plays in the short set. */
  readonly isShort?: boolean;
  /** The limit of open files with which a broker is started, if the row needs one. */
  readonly openFiles?: number;
  /** What its clients connect over; absent: TCP, or what the URL of a running broker says. */
  readonly over?: Target["transport"];
  /** For a chart of cost against size. */
  readonly size?: RowSize;
  /** The clients are MQTT 5.0 in any case. */
  readonly isVersion5?: boolean;
}
