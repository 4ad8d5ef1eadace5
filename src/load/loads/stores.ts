import type { Row } from "../row.ts";
import { offline } from "./offline.ts";
import { throughput, type Throughput } from "./throughput.ts";

const pairs: Throughput = {
  publishers: 50,
  subscribersEach: 1,
  qos: 1,
  window: 100,
  payloadBytes: 64,
};

/** What a store costs: nothing has to be kept for clean sessions, everything for the others. */
export const stores: readonly Row[] = [
  {
    name: "clean-qos1",
    group: "store",
    title: "50 pairs, QoS 1, window 100, clean sessions",
    load: throughput(pairs),
    better: "more",
  },
  {
    name: "lasting-qos1",
    group: "store",
    title: "50 pairs, QoS 1, window 100, persistent sessions, connected",
    load: throughput({ ...pairs, isLasting: true }),
    better: "more",
  },
  {
    name: "offline-qos1",
    group: "store",
    title: "100,000 messages to 100 sessions that are away, QoS 1, window 100",
    load: offline({ sessions: 100, messages: 1000, publishers: 10, window: 100, payloadBytes: 64 }),
    better: "less",
  },
];
