import type {
  Answers,
  DropOrder,
  Predecessor,
  ReloadAnswer,
  Restart,
  StoreAccount,
} from "../../api/api.ts";
import type { ListenerPolicy } from "../../core/io.ts";
import type { Reach } from "../../core/events.ts";
import type { PublishPacket } from "../../core/packet.ts";
import type { Broker } from "../../core/broker.ts";
import type { Level } from "../../log/events.ts";
import type { AccessFiles } from "../access/access-files.ts";
import type { GuardSettings } from "./guard.ts";
import type { Clock } from "../driver/clock.ts";
import type { EventHub } from "../event-hub.ts";
import type { Vitals } from "../vitals.ts";

/** What the administration interface can read and order; `serve` provides it. */
export interface AdminContext {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly hub: EventHub;
  readonly vitals: Vitals;
  readonly guard: GuardSettings;
  /** Maximum number of event streams and waiting requests. */
  readonly streams: number;
  /** Maximum bytes that wait for one reader of an event stream. */
  readonly streamBytes: number;
  readonly listeners: readonly string[];
  /** Of the listeners, in order. */
  readonly policies: readonly ListenerPolicy[];
  readonly accessWarnings: AccessFiles["warningsFor"];
  readonly predecessor: Predecessor | null;
  /** The brokers before on the same store, the latest first. */
  readonly restarts: readonly Restart[];
  readonly like: string | null;
  readonly logLevel: () => Level;
  readonly setLogLevel: (level: Level) => void;
  readonly reload: () => Promise<ReloadAnswer>;
  readonly config: () => Answers["config"];
  /** The file of the store; null: nothing outlives the process. */
  readonly storeFile: string | null;
  readonly store: () => Promise<StoreAccount | null>;
  /** Publishes a message. Returns whom it reached, or why it was refused. */
  readonly publish: (packet: PublishPacket) => Reach | { readonly refused: string };
  /** Closes the client's connection. False: it has none. */
  readonly kick: (clientId: string) => boolean;
  readonly drop: (clientId: string, how: DropOrder["how"]) => boolean;
}
