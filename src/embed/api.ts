/**
 * All types of the module `mqttd`, the broker in a test. The build copies this file to the package as
 * its declarations, so it imports nothing.
 */

/**
 * Starts a broker in this process. Rejects with a `ListenFailure` if it can't listen, with a
 * RangeError or a TypeError if an option is unusable.
 */
export type StartBroker = (options?: BrokerOptions) => Promise<TestBroker>;

/** Why it can't listen: `port 1883 on 127.0.0.1 is in use by mosquitto (pid 4711)`. */
export interface ListenFailure extends Error {
  readonly name: "ListenFailure";
  /** That of the system: `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`. */
  readonly code: string;
  readonly port: number;
  /** An address, or the option `host` where it is a name that has none. */
  readonly address: string;
}

/** `"90s"`, `"500ms"`, `"2h"` (units: ms, s, m, h, d), or milliseconds. */
export type Duration = string | number;

export interface BrokerOptions {
  /** Default 0: a free port. */
  readonly port?: number;
  /** Default: 127.0.0.1 and ::1, so that only this machine reaches it. */
  readonly host?: string;
  /** As below `limits` of a configuration file: `{ keepAliveMax: "60s", packetSize: "64KiB" }`. */
  readonly limits?: Readonly<Partial<Record<LimitName, string | number | boolean>>>;
  /**
   * `system` (the default): time passes by itself. `test`: it stands still until `advance`, so that
   * a keepalive or a Will Delay Interval of hours passes at once.
   */
  readonly clock?: "system" | "test";
  /** The messages that `messages` remembers: the last ones. Default 10,000. */
  readonly keptMessages?: number;
  /** Bytes of their topics and payloads. Default 64 MiB. */
  readonly keptBytes?: number;
  /** Gets each line of the log, without a line end: `console.log`. Default: nothing is logged. */
  readonly log?: (line: string) => void;
  /**
   * Whether a client may connect. Default: every client may. A client that may not gets CONNACK 0x87
   * (not authorized), in MQTT 3.1.1 code 5. If it throws or rejects, so does what the test waits for.
   */
  readonly authenticate?: (client: ConnectingClient) => boolean | Promise<boolean>;
}

export interface ConnectingClient {
  readonly clientId: string;
  /** Null: none. */
  readonly username: string | null;
  /** As text; null: none. */
  readonly password: string | null;
}

/** A broker in this process. `await using broker = await startBroker()` stops it in any case. */
export interface TestBroker extends AsyncDisposable {
  readonly port: number;
  /** `mqtt://127.0.0.1:40123`. */
  readonly url: string;
  readonly wills: Wills;
  /** The broker's time, milliseconds since the epoch. */
  now(): number;
  /**
   * Moves the clock of `clock: "test"`. First the broker reads what has arrived; then each deadline
   * passes in its order, and the broker reads what clients of this process answer. Resolves when all
   * is written. Rejects with `clock: "system"`.
   */
  advance(duration: Duration): Promise<void>;
  /**
   * Breaks the connection of a client as the network would. `rst`: both sides get a TCP reset.
   * `silent`: the client's packets are lost from now on, and it gets none, as after a loss of power or
   * of radio: its keepalive has to end it. Throws if the client is not connected.
   */
  drop(clientId: string, how: "rst" | "silent"): void;
  /**
   * The messages published so far, oldest first, wills included: on topics that match the filter
   * (default `#`). With `count`, waits until there are so many, and rejects if there are not
   * `within` (default `5s` of real time).
   */
  messages(filter?: string, options?: MessagesOptions): Promise<readonly PublishedMessage[]>;
  /** The clients with a session, connected or not. */
  clients(): readonly Client[];
  /** Why the will of a client did fire, or did not: the text of `mqttd inspect explain`. */
  explain(clientId: string): string;
  /** Publishes the wills that are left, disconnects all clients and frees the port. */
  stop(): Promise<void>;
}

export interface Wills {
  /**
   * The fate of a will: of the newest that matches, or of the first to come. Resolves when it is
   * published, discarded or cancelled. Rejects if that does not happen `within` (default `5s` of real
   * time), and says what state the will is in.
   */
  wait(options?: WillsQuery & { readonly within?: Duration }): Promise<Will>;
  /** All wills that the broker remembers, newest first. */
  list(options?: WillsQuery): readonly Will[];
}

export interface WillsQuery {
  readonly clientId?: string;
  /** The will's topic, in full. */
  readonly topic?: string;
}

export interface MessagesOptions {
  readonly count?: number;
  readonly within?: Duration;
}

/** One will, from the CONNECT that armed it to its one fate. Times are milliseconds since the epoch. */
export interface Will {
  readonly clientId: string;
  readonly topic: string;
  /** The first 64 bytes at most. */
  readonly payload: Uint8Array;
  readonly payloadBytes: number;
  readonly qos: number;
  readonly retain: boolean;
  /** Will Delay Interval. */
  readonly delaySeconds: number;
  /** In force; 0: none. */
  readonly keepAliveSeconds: number;
  readonly state: "armed" | "delayed" | "published" | "discarded" | "cancelled";
  readonly armedAt: number;
  /** Why its connection ended; null: it is open. */
  readonly cause: EndCause | null;
  /** The same in words: `keepalive expired`. */
  readonly causeText: string | null;
  /** When its connection ended. */
  readonly endedAt: number | null;
  /** Null: it has none yet. */
  readonly fate: "published" | "discarded" | "cancelled" | null;
  /** Why it was not published; null: it was, or has no fate yet. */
  readonly why: "disconnect" | "denied" | "on purpose" | "resumed" | "restart grace" | null;
  /** When its fate was decided. */
  readonly at: number | null;
  /** The statement of the standard that requires it: `v5-3.1.2-8`; `mqttd rule` prints it. */
  readonly rule: string | null;
  /** Who got it; null: it is not published. */
  readonly recipients: Recipients | null;
}

export interface Recipients {
  /** Connections to which it was sent. */
  readonly delivered: number;
  /** Sessions that queued it. */
  readonly queued: number;
  /** Sessions that lost their copy. */
  readonly dropped: number;
  /** Offline sessions that get nothing, because QoS 0 is not queued. */
  readonly away: number;
  /** What it did to the retained message of its topic. */
  readonly retained: "stored" | "cleared" | null;
}

export interface PublishedMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** The payload as UTF-8. */
  readonly text: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly isWill: boolean;
  /** Who published it; null: the broker. */
  readonly clientId: string | null;
  /** Milliseconds since the epoch, of the broker's clock. */
  readonly at: number;
}

export interface Client {
  readonly clientId: string;
  readonly connected: boolean;
  /** Null: it is not connected. */
  readonly remote: string | null;
  readonly protocol: "3.1" | "3.1.1" | "5.0";
  readonly username: string | null;
  readonly keepAliveSeconds: number;
  readonly lastPacket: { readonly type: string; readonly at: number } | null;
  /** When the broker will end its connection if nothing changes; null: never. */
  readonly deadlineAt: number | null;
  readonly subscriptions: number;
  readonly queued: number;
  readonly inflight: number;
  readonly will: Will["state"] | null;
}

/** Every way in which a connection can end. */
export type EndCause =
  | "disconnected"
  | "disconnectedWithWill"
  | "disconnectedWithError"
  | "closedByPeer"
  | "resetByPeer"
  | "tlsCut"
  | "webSocketClosed"
  | "tlsFailed"
  | "webSocketFailed"
  | "proxyFailed"
  | "keepAliveExpired"
  | "tcpTimeout"
  | "stalled"
  | "connectTimeout"
  | "crowdedOut"
  | "protocolError"
  | "malformedPacket"
  | "packetTooLarge"
  | "quotaExceeded"
  | "memory"
  | "refused"
  | "takenOver"
  | "kicked"
  | "shuttingDown"
  | "storeFailed"
  | "brokerRestarted";

/** The keys below `limits` of a configuration file. */
export type LimitName =
  | "connections"
  | "sessions"
  | "subscriptions"
  | "filters"
  | "filterShapes"
  | "topicLevels"
  | "packetSize"
  | "controlPacketSize"
  | "connectSize"
  | "memory"
  | "unfinishedBytes"
  | "payloadSize"
  | "keepAliveMax"
  | "inflight"
  | "receiveMaximum"
  | "queuedMessages"
  | "queuedBytes"
  | "queueQos0"
  | "topicAliases"
  | "qos"
  | "retain"
  | "retainedMessages"
  | "retainedBytes"
  | "sessionExpiryMax"
  | "ledger"
  | "connectTimeout"
  | "authenticationTimeout"
  | "authentications"
  | "holdTimeout"
  | "stallTimeout"
  | "outputBytes"
  | "webSocketBytes"
  | "webSocketEmptyFrames"
  | "drainedBytes";
