import type {
  ClientAccount,
  ClientSummary,
  OverviewAccount,
  RetainedAccount,
  RouteAccount,
  SessionAccount,
  SubscriptionAccount,
  WillAccount,
} from "../core/records/shapes.ts";
import type { Level } from "../log/events.ts";

/**
 * The administration interface, as both of its ends see it. The number goes up with every change that
 * a reader of the old shapes would misread; every answer carries it in the header `mqttd-api`.
 */
export const apiVersion = 1;
export const apiHeader = "mqttd-api";

/** Items of a list, where no `?limit=` says how many, and what that may be at most. */
export const listDefault = 10_000;
export const listMax = 1_000_000;
/** Milliseconds that `?wait=` of wills may be at most: 10 minutes. */
export const waitMaxMs = 10 * 60_000;

/**
 * A list of at most `?limit=` items (10,000 unless told, 1,000,000 at most). It is written in pieces while
 * the broker works on: each item is as it was when it was written.
 */
interface Listed {
  /** There are more than were asked for. */
  readonly more: boolean;
}

/** `GET` answers by path below `/v1`. */
export interface Answers {
  readonly overview: Overview;
  readonly clients: Listed & { readonly clients: readonly ClientSummary[] };
  readonly client: ClientAnswer;
  readonly wills: WillsAnswer;
  readonly sessions: Listed & { readonly sessions: readonly SessionAccount[] };
  readonly subscriptions: Listed & { readonly subscriptions: readonly SubscriptionAccount[] };
  /** `?topic=T`: who would get it. */
  readonly route: RouteAccount;
  /** `?filter=F`, `#` unless told. */
  readonly retained: Listed & { readonly retained: readonly RetainedAccount[] };
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

/** `GET /v1/overview`: the core's numbers, and the process around it. */
export interface Overview extends OverviewAccount {
  readonly process: {
    readonly pid: number;
    readonly rssBytes: number;
    readonly heapBytes: number;
    /** How late the event loop's heartbeat was, over the last minute. */
    readonly loopLagMs: { readonly median: number; readonly worst: number };
  };
  /** Each as a client would write it. */
  readonly listeners: readonly string[];
  /** Over the last 10 s, or since the start if that is less; per second. */
  readonly rates: {
    readonly publishesReceived: number;
    readonly publishesSent: number;
    readonly bytesReceived: number;
    readonly bytesSent: number;
    readonly connections: number;
  };
  readonly logLevel: Level;
  /** Whom it misbehaves like, on purpose; null: it does not. */
  readonly like: string | null;
}

/** `GET /v1/clients/ID`. Events are told as the log tells them. */
export interface ClientAnswer extends Omit<ClientAccount, "events"> {
  readonly now: number;
  readonly events: readonly EventLine[];
}

/** `GET /v1/wills?client=&topic=&which=&wait=5s`. */
export interface WillsAnswer extends Listed {
  readonly now: number;
  /** Newest first. */
  readonly wills: readonly WillAccount[];
  /**
   * Only with `wait`: whether the will that was the newest of that client and topic when it was asked
   * for (or the first that came after) has met its fate in that time. Null: nothing was waited for.
   */
  readonly decided: boolean | null;
  /** The `id` of that will; null: none came, or nothing was waited for. */
  readonly awaited: number | null;
  /** That will, as it is now; after a takeover it is not the newest any more. */
  readonly awaitedWill: WillAccount | null;
}

/** An event in the history of a client: the JSON line of the log, and the sentence a person reads. */
export interface EventLine {
  readonly at: number;
  readonly level: Level;
  readonly event: string;
  /** Of the log's human form; no colours, strings of peers escaped. */
  readonly text: string;
  /** The facts, as the log's JSON line has them. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** One event of `GET /v1/events?client=&topic=&event=` (server-sent; `id` counts up from 1). */
export interface StreamedEvent extends EventLine {
  /** The parts of `text`, in its order; absent where none of them has a tone. */
  readonly tones?: readonly TonedLength[];
}

export interface TonedLength {
  /** Characters of `text`, in UTF-16. */
  readonly length: number;
  /** `good`, `caution`, `bad`, `will`, `aside`, or what a later version adds; null: none. */
  readonly tone: string | null;
}

/** Whatever is not 2xx. */
export interface Refusal {
  readonly error: string;
  /** What to try; null: the error says it all. */
  readonly hint: string | null;
  /** Client ids that are near the one that was not found. */
  readonly nearest?: readonly string[];
}

/** `DELETE /v1/clients/ID`: its connection is closed by the operator. */
export interface KickAnswer {
  readonly wasConnected: boolean;
}

/**
 * `POST /v1/clients/ID/drop`. `rst`: the connection is reset, as by the network. `silent`: from now on
 * nothing is read of it and nothing written to it, as if the link were dead.
 */
export interface DropOrder {
  readonly how: "rst" | "silent";
}

export interface DropAnswer extends KickAnswer {
  /** When the keepalive will end the silent connection; null: never, or it has ended. */
  readonly deadlineAt: number | null;
  /** What to know about it; null: nothing. */
  readonly hint: string | null;
}

/** `POST /v1/reload`; with status 422 where the configuration is not valid, and nothing was changed. */
export interface ReloadAnswer {
  readonly ok: boolean;
  readonly file: string | null;
  readonly changed: readonly string[];
  /** Of those that changed, what needs a restart. */
  readonly later: readonly string[];
  readonly problems: readonly string[];
}

/** What a running broker leaves for `inspect` to find it by: one file a process. */
export interface RunningBroker {
  readonly pid: number;
  /**
   * When that process was started, as the system tells it: a number alone may be another process's by
   * now. Null: this system does not tell.
   */
  readonly processStart: string | null;
  readonly startedAt: number;
  readonly version: string;
  readonly api: number;
  /** Of the administration interface: `http://127.0.0.1:1888`. */
  readonly url: string;
  readonly listeners: readonly string[];
  /** Null: no token is needed. */
  readonly tokenFile: string | null;
}
