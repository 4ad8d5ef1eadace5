import type { IDisconnectPacket, IPublishPacket, ISubscribePacket } from "mqtt-packet";
import type { ConnectOptions } from "../client/client.ts";
import type { ClientVersion } from "../client/machine.ts";
import type { Target } from "../client/target.ts";
import type { Piece } from "./format.ts";

/** What `pub`, `sub` and `rr` have in common. */
export interface TalkRequest {
  readonly target: Target;
  readonly version: ClientVersion;
  readonly connect: ConnectOptions;
  /** Whether it connects again when it has lost a connection. */
  readonly reconnects: boolean;
  readonly goodbye: Goodbye;
  /** No errors and remarks while it runs. */
  readonly quiet: boolean;
  /** Each packet is a line on stderr. */
  readonly debug: boolean;
}

/** How it ends its connection. */
export interface Goodbye {
  /** False: FIN without DISCONNECT. */
  readonly disconnects: boolean;
  readonly reasonCode: number;
  readonly properties: IDisconnectPacket["properties"];
  /** Whether the flags ask for this end. */
  readonly isChosen: boolean;
}

export type Source =
  | { readonly type: "text"; readonly payload: Buffer }
  /** `name` null: standard input, as one message. */
  | { readonly type: "file"; readonly name: string | null }
  /** Each line of standard input is a message. */
  | { readonly type: "lines" };

/** How a message is published. */
export interface PublishOptions {
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly properties: IPublishPacket["properties"];
}

export interface PubRequest extends TalkRequest, PublishOptions {
  readonly source: Source;
  readonly repeats: number;
  readonly repeatDelayMs: number;
  /** QoS 1 and 2 messages that wait for their acknowledgement at the same time. */
  readonly inflightMax: number;
}

/** How messages are printed. */
export interface PrintOptions {
  readonly form:
    | { readonly type: "payload" }
    | { readonly type: "verbose" }
    | { readonly type: "json"; readonly pretty: boolean }
    | { readonly type: "format"; readonly pieces: readonly Piece[]; readonly pretty: boolean };
  /** Whether a line ends with a line feed. */
  readonly endsLines: boolean;
}

export interface SubRequest extends TalkRequest, PrintOptions {
  readonly filters: readonly string[];
  readonly qos: 0 | 1 | 2;
  readonly retainAsPublished: boolean;
  readonly subscribeProperties: ISubscribePacket["properties"];
  readonly unsubscribes: readonly string[];
  readonly unsubscribeProperties: ISubscribePacket["properties"];
  /** Messages on topics that match one of these are not printed. */
  readonly filterOut: readonly string[];
  /** Messages to print before it ends; null: no such limit. */
  readonly count: number | null;
  /** Milliseconds after the first connection; null: for ever. */
  readonly timeoutMs: number | null;
  /** No retained messages. */
  readonly noRetained: boolean;
  /** Retained messages alone; the first other one ends it. */
  readonly retainedOnly: boolean;
  readonly removesRetained: boolean;
  /** It ends when the broker has acknowledged the subscriptions. */
  readonly endsSubscribed: boolean;
  /** The share of the messages that is printed, above 0 to 1. */
  readonly share: number;
}

export interface RrRequest extends TalkRequest, PublishOptions, PrintOptions {
  readonly source: Source;
  readonly responseTopic: string;
  readonly timeoutMs: number | null;
  readonly noRetained: boolean;
}
