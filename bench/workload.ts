/** The workloads, and the targets of mqttd. */

export interface Workload {
  /** For `--only`. */
  readonly name: string;
  readonly title: string;
  /** Publishers, each with a topic of its own. */
  readonly publishers: number;
  /** Subscribers of each of these topics. */
  readonly subscribersEach: number;
  readonly qos: 0 | 1;
  /** The most messages of a publisher that its slowest subscriber does not have yet. */
  readonly window: number;
  /** Least ratio of mqttd's median to mosquitto's; 0: no target. */
  readonly target: number;
}

/** Size of every payload. */
export const payloadBytes = 64;

/** Larger windows show the gain of batching; window 1 shows that it costs nothing without a batch. */
export const workloads: readonly Workload[] = [
  {
    name: "fanout-qos0-w100",
    title: "fan-out 1 -> 100, QoS 0",
    publishers: 1,
    subscribersEach: 100,
    qos: 0,
    window: 100,
    target: 5,
  },
  {
    name: "pairs-qos0-w20",
    title: "50 pairs, QoS 0",
    publishers: 50,
    subscribersEach: 1,
    qos: 0,
    window: 20,
    target: 0,
  },
  {
    name: "fanout-qos1-w100",
    title: "fan-out 1 -> 100, QoS 1",
    publishers: 1,
    subscribersEach: 100,
    qos: 1,
    window: 100,
    target: 0,
  },
  {
    name: "pairs-qos1-w20",
    title: "50 pairs, QoS 1",
    publishers: 50,
    subscribersEach: 1,
    qos: 1,
    window: 20,
    target: 3,
  },
  {
    name: "pairs-qos0-w1",
    title: "50 pairs, QoS 0",
    publishers: 50,
    subscribersEach: 1,
    qos: 0,
    window: 1,
    target: 0.7,
  },
  {
    name: "pairs-qos1-w1",
    title: "50 pairs, QoS 1",
    publishers: 50,
    subscribersEach: 1,
    qos: 1,
    window: 1,
    target: 0.7,
  },
  {
    name: "pair-qos0-w1",
    title: "1 pair, QoS 0",
    publishers: 1,
    subscribersEach: 1,
    qos: 0,
    window: 1,
    target: 0.7,
  },
];
