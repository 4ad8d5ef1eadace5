import type {
  AccessAccount,
  OverviewAccount,
  RetainedAccount,
  RouteAccount,
} from "../core/records/broker-account.ts";
import type {
  ClientAccount,
  ClientSummary,
  SessionAccount,
  SubscriptionAccount,
} from "../core/records/client-account.ts";
import type { WillAccount } from "../core/records/will-account.ts";
import type { Level } from "../log/events.ts";

/**
 * Version of the administration interface, shared by server and `inspect`. It increases with every
 * change that a reader of the old shapes would misread. Every answer carries it in `mqttd-api`.
 */
export const apiVersion = 1;
export const apiHeader = "mqttd-api";

/** Default and maximum of `?limit=`: items of a list. */
export const listDefault = 10_000;
export const listMax = 1_000_000;
/** Maximum of `?wait=` for wills, milliseconds: 10 minutes. */
export const waitMaxMs = 10 * 60_000;

/**
 * A list of at most `?limit=` items (default 10,000, maximum 1,000,000). The broker keeps working
 * while it writes the list in pieces: each item shows the state at the moment it was written.
 */
interface Listed {
  /** More items exist than `limit` allows. */
  readonly more: boolean;
}

/** A broker process of this user that ran on the same address before, and was killed or crashed. */
export interface Predecessor {
  readonly pid: number;
  readonly startedAt: number;
  /** When this broker started. */
  readonly followedAt: number;
}

/** The broker before this one on the same store: what it had kept, this one has. */
export interface Restart {
  readonly pid: number;
  /** stopped: in order. killed: or it crashed. */
  readonly how: "stopped" | "killed";
  /** Its stop; or when it was dead at the latest: nobody noted its death. */
  readonly at: number;
  /** Its last sign of life, of which there is one each second. */
  readonly lastSignAt: number;
  /** Until when its store had kept everything; absent: until its end. */
  readonly keptUntil?: number;
  /** When the next broker started; null: none has, the store is read. */
  readonly backAt: number | null;
}

/** Answers to `GET`, by path below `/v1`. */
export interface Answers {
  readonly overview: Overview;
  readonly clients: Listed & { readonly clients: readonly ClientSummary[] };
  /** The client ids in the records, connected or gone: more than have a session. */
  readonly "client-ids": Listed & { readonly ids: readonly string[] };
  readonly client: ClientAnswer;
  readonly wills: WillsAnswer;
  readonly sessions: Listed & { readonly sessions: readonly SessionAccount[] };
  readonly subscriptions: Listed & { readonly subscriptions: readonly SubscriptionAccount[] };
  /** `?topic=T`: the sessions that would receive a message on it. */
  readonly route: RouteAccount;
  /** `?filter=F`, default `#`. */
  readonly retained: Listed & { readonly retained: readonly RetainedAccount[] };
  /** `?topic=T&client=C&user=U&action=A&listener=L`. */
  readonly acl: AclAnswer;
  /** Null: nothing outlives the process. */
  readonly store: { readonly store: StoreAccount | null };
  readonly config: {
    readonly file: string | null;
    readonly values: readonly {
      readonly path: string;
      readonly value: unknown;
      /** `default`, `mqttd.json:7:15`, `MQTTD_LOG__LEVEL`, `--port`. */
      readonly origin: string;
    }[];
  };
}

/** The store of `serve --data`. */
export interface StoreAccount {
  /** Of its file. */
  readonly path: string;
  /** Null: its broker does not run. */
  readonly durability: "normal" | "full" | "off" | null;
  readonly bytes: number;
  /** Of the write-ahead log beside the file. */
  readonly logBytes: number;
  /** Room in the file for what comes next; it shrinks when that is a quarter of it. */
  readonly freeBytes: number;
  /** Records by kind. */
  readonly rows: Readonly<Record<string, number>>;
  readonly commits: {
    /** Since the start. */
    readonly count: number;
    readonly failed: number;
    /** Null: none yet. */
    readonly lastAt: number | null;
    /** Of the last 1,000; null: none yet. */
    readonly medianMs: number | null;
    readonly longestMs: number;
  };
  /** What the last commit failed with; null: it did not. */
  readonly failure: string | null;
}

/** `GET /v1/overview`: the core's numbers and those of the process. */
export interface Overview extends OverviewAccount {
  readonly process: {
    readonly pid: number;
    readonly rssBytes: number;
    readonly heapBytes: number;
    /** Lateness of the event loop's heartbeat over the last minute. */
    readonly loopLagMs: { readonly median: number; readonly worst: number };
  };
  /** URLs to connect to: `mqtt://127.0.0.1:1883`. */
  readonly listeners: readonly string[];
  /** Per second, over the last 10 s or since the start if that is shorter. */
  readonly rates: {
    readonly publishesReceived: number;
    readonly publishesSent: number;
    readonly bytesReceived: number;
    readonly bytesSent: number;
    readonly connections: number;
  };
  readonly logLevel: Level;
  /** Null: none is known. Absent: the broker is older than this field. */
  readonly predecessor?: Predecessor | null;
  /** Null: none, or without a store. Absent: the broker is older than this field. */
  readonly restart?: Restart | null;
  /** The file of its store; null: nothing outlives it. Absent: the broker is older than this field. */
  readonly store?: string | null;
  /** The broker that it imitates (`--like`); null: none. */
  readonly like: string | null;
}

/** `GET /v1/clients/ID`. Events read as in the log. */
export interface ClientAnswer extends Omit<ClientAccount, "events"> {
  readonly now: number;
  /** The broker that it imitates (`--like`); null: none. Absent: the broker is older than this field. */
  readonly like?: string | null;
  readonly events: readonly EventLine[];
  /** As in the overview: what it knew of this client is lost. */
  readonly predecessor?: Predecessor | null;
  /**
   * The brokers before this one on the same store, since its oldest connection, the latest first.
   * Absent: the broker is older than this field.
   */
  readonly restarts?: readonly Restart[];
  /** As in the overview. */
  readonly store?: string | null;
}

/** `GET /v1/wills?client=&topic=&which=&wait=5s`. */
export interface WillsAnswer extends Listed {
  readonly now: number;
  /** Newest first: by the fate, else when it is due, else when it was armed. */
  readonly wills: readonly WillAccount[];
  /**
   * Only with `wait`: whether the awaited will was decided in that time. The awaited will is the
   * newest of that client and topic at the time of the request, or else the first one after it.
   * Null: no `wait`.
   */
  readonly decided: boolean | null;
  /** The `id` of the awaited will; null: none appeared, or no `wait`. */
  readonly awaited: number | null;
  /** The awaited will, as it is now; after a takeover it is no longer the newest. */
  readonly awaitedWill: WillAccount | null;
  /** As in the overview: its wills are not listed, since they were lost with it. */
  readonly predecessor?: Predecessor | null;
  /** As in the overview. */
  readonly restart?: Restart | null;
}

/** What a client may do with a topic: for each action asked for, the line that decides. */
export interface AclAnswer {
  readonly topic: string;
  readonly clientId: string;
  /** Null: a client without a user name. */
  readonly username: string | null;
  /** Whose access list was asked: `tcp localhost:1883`. */
  readonly listener: string;
  readonly verdicts: readonly AccessAccount[];
  /** What is odd in the access list, and may be behind these answers. */
  readonly warnings: readonly string[];
}

/** An event in a client's history: the log's JSON line and its sentence for people. */
export interface EventLine {
  readonly at: number;
  readonly level: Level;
  readonly event: string;
  /** The sentence of the log's human form: no colours, strings from peers escaped. */
  readonly text: string;
  /** The fields of the log's JSON line. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** One server-sent event of `GET /v1/events?client=&topic=&event=`; `id` counts up from 1. */
export interface StreamedEvent extends EventLine {
  /** The parts of `text`, in order; absent if no part has a tone. */
  readonly tones?: readonly TonedLength[];
}

export interface TonedLength {
  /** UTF-16 code units of `text`. */
  readonly length: number;
  /** `good`, `caution`, `bad`, `will`, `aside`; later versions may add more. Null: none. */
  readonly tone: string | null;
}

/** Body of every answer whose status is not 2xx. */
export interface Refusal {
  readonly error: string;
  /** What to try; null: nothing to add to the error. */
  readonly hint: string | null;
  /** Known client ids similar to the one that was not found. */
  readonly nearest?: readonly string[];
}

/** `DELETE /v1/clients/ID`: the broker closes the client's connection. */
export interface KickAnswer {
  readonly wasConnected: boolean;
}

/**
 * `POST /v1/clients/ID/drop`. `rst`: the broker resets the connection, as a network would.
 * `silent`: the broker stops reading and writing it, as if the link were dead.
 */
export interface DropOrder {
  readonly how: "rst" | "silent";
}

export interface DropAnswer extends KickAnswer {
  /** When the keepalive will end the silent connection; null: never, or already ended. */
  readonly deadlineAt: number | null;
  /** A remark for the operator; null: none. */
  readonly hint: string | null;
}

/** A message as JSON, here and in `mqttd sub --json`. */
export interface MessageJson {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /** Absent: it is no UTF-8. */
  readonly payload?: string;
  /** Instead of `payload`. */
  readonly payloadBase64?: string;
  /** Of MQTT 5, by the standard's names; `userProperties` are pairs; absent: none. */
  readonly properties?: Readonly<Record<string, unknown>>;
}

/** `GET /v1/messages?topic=FILTER&wait=5s&count=1&after=ID`: the last messages that match. */
export interface MessagesAnswer {
  readonly now: number;
  /** Oldest first; `id` counts up from 1. */
  readonly messages: readonly (MessageJson & { readonly id: number })[];
  /** The `id` of the last message of the broker, for `after`; 0: none yet. */
  readonly lastId: number;
  /** Whether there are `count` messages. */
  readonly complete: boolean;
  /** Messages that were not remembered, since the start: too many in a second, or too large. */
  readonly missed: number;
}

/** `POST /v1/publish`: sessions that match the topic. */
export interface PublishAnswer {
  /** Connections to which the message was sent. */
  readonly delivered: number;
  readonly queued: number;
  readonly dropped: number;
  /** Offline sessions that get nothing, since QoS 0 is not queued. */
  readonly away: number;
  readonly retained: "stored" | "cleared" | null;
}

/** `POST /v1/reload`. Status 422: the configuration is invalid, and nothing has changed. */
export interface ReloadAnswer {
  readonly ok: boolean;
  readonly file: string | null;
  /** Keys whose values in force have changed, or the content of the certificates' files they name. */
  readonly changed: readonly string[];
  /** Keys whose values take effect at the next start; listed at each reload until then. */
  readonly later: readonly string[];
  readonly problems: readonly string[];
  /** What is valid, but probably not meant: an expired certificate. One line each. */
  readonly warnings: readonly string[];
  /** Password files with other accounts than before. */
  readonly accounts: readonly AccountsReloaded[];
  /** Access lists with other lines than before. */
  readonly access: readonly AccessReloaded[];
}

/** An access list whose file a reload has read. */
export interface AccessReloaded {
  readonly file: string;
  /** Number of its lines that say something. */
  readonly lines: number;
}

/** What a reload changed in one password file. */
export interface AccountsReloaded {
  readonly file: string;
  /** User names. */
  readonly added: ListedNames;
  readonly changed: ListedNames;
  readonly removed: ListedNames;
  /** Client ids that are connected with an account that was changed or removed, and stay. */
  readonly connected: ListedNames;
}

/** The first of some names, and how many more there are. */
export interface ListedNames {
  readonly names: readonly string[];
  readonly more: number;
}

/** The file by which `inspect` finds a running broker: one for each process. */
export interface RunningBroker {
  readonly pid: number;
  /**
   * When the system says that the process started: the pid alone may have been reused. Null: this
   * system does not say.
   */
  readonly processStart: string | null;
  readonly startedAt: number;
  readonly version: string;
  readonly api: number;
  /** The administration interface: `http://127.0.0.1:1888`. */
  readonly url: string;
  readonly listeners: readonly string[];
  /** Null: no token required. */
  readonly tokenFile: string | null;
  /** PEM of the certificate that `url` shows, the one to trust; null: no TLS. */
  readonly certificate: string | null;
  /** The file of its store; null: nothing outlives it. Absent: the broker is older than this field. */
  readonly store?: string | null;
}
