import fc from "fast-check";
import type { Qos } from "../../src/core/packet.ts";

/**
 * The next act of a client, its network, the operator or the clock. Small numbers name clients; if
 * the named one is not connected, another acts, if there is any. Seconds, unless milliseconds are
 * stated; null: omits the property.
 */
export type Act =
  | {
      readonly act: "connect";
      readonly client: number;
      readonly version: 4 | 5;
      /** Without a client id of its own. */
      readonly anonymous: boolean;
      readonly clean: boolean;
      readonly keepAlive: number;
      readonly expiry: number | null;
      readonly receiveMaximum: number | null;
      readonly packetSize: number | null;
      readonly aliases: number | null;
      /** Whether the client still answers what it received on its last connection. */
      readonly remembers: boolean;
      readonly will: WillAct | null;
    }
  | {
      readonly act: "publish";
      readonly client: number;
      readonly topic: string;
      readonly qos: Qos;
      readonly retain: boolean;
      readonly size: "empty" | "small" | "large";
      readonly expiry: number | null;
      readonly contentType: string | null;
      readonly alias: number | null;
      /** The alias replaces the topic. */
      readonly nameless: boolean;
      /** Repeats the previous packet id. */
      readonly again: boolean;
    }
  | {
      readonly act: "subscribe";
      readonly client: number;
      readonly filters: readonly FilterAct[];
      readonly identifier: number | null;
    }
  | { readonly act: "unsubscribe"; readonly client: number; readonly filters: readonly string[] }
  /** Answers one of the pending packets, the oldest for 0, or all of them in order. */
  | {
      readonly act: "acknowledge";
      readonly client: number;
      readonly which: number | "all";
      readonly refuses: boolean;
    }
  /** An acknowledgement that may have no cause. */
  | {
      readonly act: "stray";
      readonly client: number;
      readonly cmd: "puback" | "pubrec" | "pubrel" | "pubcomp";
      readonly id: number;
      readonly refuses: boolean;
    }
  /** `begin`: the first part of a packet; the rest precedes whatever the client sends next. */
  | { readonly act: "ping" | "begin" | "violate" | "kick"; readonly client: number }
  | { readonly act: "drop"; readonly client: number; readonly how: "eof" | "reset" | "timeout" }
  | {
      readonly act: "disconnect";
      readonly client: number;
      readonly reason: number;
      readonly expiry: number | null;
    }
  | { readonly act: "advance"; readonly milliseconds: number };

interface WillAct {
  readonly topic: string;
  readonly delay: number;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly isEmpty: boolean;
  readonly expiry: number | null;
  readonly contentType: string | null;
}

interface FilterAct {
  readonly topic: string;
  readonly qos: Qos;
  readonly nl: boolean;
  readonly rap: boolean;
  readonly rh: 0 | 1 | 2;
}

export type ActOf<Name extends Act["act"]> = Act & { readonly act: Name };

/** The frequency of each kind of act, and the topics and filters in use. */
export interface Theme {
  readonly clients: number;
  readonly weights: Readonly<Partial<Record<Act["act"], number>>>;
  readonly topics: readonly string[];
  readonly filters: readonly string[];
  readonly willTopics: readonly string[];
  /** Keepalives; repeated values, 0 among them, are drawn more often. */
  readonly keepAlives: readonly number[];
  readonly expiries: readonly (number | null)[];
}

export const never = 0xffff_ffff;

const qos = fc.constantFrom<Qos[]>(0, 1, 2);
const rarely = fc.nat({ max: 9 }).map((drawn) => drawn === 9);
const messageExpiry = fc.constantFrom(null, null, null, 1, 2, 30);
const contentType = fc.constantFrom(null, null, "text");

export function actsOf(theme: Theme): fc.Arbitrary<Act> {
  const all = kindsOf(theme);
  const weighted = Object.entries(theme.weights).map(([act, weight]) => ({
    weight,
    // The keys are those of the weights, which are acts.
    arbitrary: all[act as Act["act"]],
  }));
  return fc.oneof(...weighted);
}

function kindsOf(theme: Theme): Record<Act["act"], fc.Arbitrary<Act>> {
  const client = fc.nat({ max: theme.clients - 1 });
  const will: fc.Arbitrary<WillAct> = fc.record({
    topic: fc.constantFrom(...theme.willTopics),
    delay: fc.constantFrom(0, 0, 1, 3, 10, never),
    qos,
    retain: fc.boolean(),
    isEmpty: rarely,
    expiry: messageExpiry,
    contentType,
  });
  const plain = (act: "ping" | "begin" | "violate" | "kick"): fc.Arbitrary<Act> =>
    fc.record({ act: fc.constant(act), client });
  return {
    connect: fc.record({
      act: fc.constant("connect"),
      client,
      version: fc.constantFrom(4, 5, 5),
      anonymous: rarely,
      clean: fc.constantFrom(true, false, false),
      keepAlive: fc.constantFrom(...theme.keepAlives),
      expiry: fc.constantFrom(...theme.expiries),
      receiveMaximum: fc.constantFrom(null, 1, 2, 3),
      // One that no CONNACK fits, some near the size of small PUBLISHes, and one between small and
      // large.
      packetSize: fc.constantFrom(null, null, null, null, 15, 16, 17, 18, 60),
      aliases: fc.constantFrom(null, null, 1, 3),
      remembers: fc.constantFrom(false, false, true),
      will: fc.option(will, { freq: 3, nil: null }),
    }),
    publish: fc.record({
      act: fc.constant("publish"),
      client,
      topic: fc.constantFrom(...theme.topics),
      qos,
      retain: fc.boolean(),
      size: fc.constantFrom("empty", "small", "small", "small", "large"),
      expiry: fc.oneof({ weight: 9, arbitrary: messageExpiry }, fc.constant(0)),
      contentType,
      alias: fc.oneof(
        { weight: 6, arbitrary: fc.constant(null) },
        { weight: 5, arbitrary: fc.constantFrom(1, 1, 2, 100) },
        { weight: 1, arbitrary: fc.constantFrom(100, 101) },
      ),
      nameless: fc.constantFrom(false, false, true),
      again: rarely,
    }),
    subscribe: fc.record({
      act: fc.constant("subscribe"),
      client,
      filters: fc.array(
        fc.record({
          topic: fc.constantFrom(...theme.filters),
          qos,
          nl: fc.constantFrom(false, false, false, true),
          rap: fc.boolean(),
          rh: fc.constantFrom(0, 0, 1, 2),
        }),
        { minLength: 1, maxLength: 3 },
      ),
      identifier: fc.constantFrom(null, null, 1, 2, 300),
    }),
    unsubscribe: fc.record({
      act: fc.constant("unsubscribe"),
      client,
      filters: fc.array(fc.constantFrom(...theme.filters), { minLength: 1, maxLength: 2 }),
    }),
    acknowledge: fc.record({
      act: fc.constant("acknowledge"),
      client,
      which: fc.constantFrom<("all" | number)[]>("all", 0, 0, 0, 1, 2),
      refuses: rarely,
    }),
    stray: fc.record({
      act: fc.constant("stray"),
      client,
      cmd: fc.constantFrom("puback", "pubrec", "pubrel", "pubcomp"),
      id: fc.integer({ min: 1, max: 5 }),
      refuses: rarely,
    }),
    ping: plain("ping"),
    begin: plain("begin"),
    violate: plain("violate"),
    kick: plain("kick"),
    drop: fc.record({
      act: fc.constant("drop"),
      client,
      how: fc.constantFrom("eof", "reset", "timeout"),
    }),
    disconnect: fc.record({
      act: fc.constant("disconnect"),
      client,
      reason: fc.constantFrom(0x00, 0x00, 0x04, 0x80),
      expiry: fc.constantFrom(null, null, 0, 3, 40, never),
    }),
    advance: fc.record({
      act: fc.constant("advance"),
      // Multiples of half a second: see Play about moments.
      milliseconds: fc.constantFrom(500, 1000, 1500, 3000, 7500, 20_000),
    }),
  };
}
