import type { Row } from "../row.ts";
import { busyPublishers } from "./busy-publishers.ts";
import { churn } from "./churn.ts";
import { coldConnects, coldSubscribes, coldUnsubscribes } from "./cold-packets.ts";
import {
  keepalivesTogether,
  publishThenFin,
  sessionsTogether,
  shareGroups,
  willsDueTogether,
  willsTogether,
} from "./due-together.ts";
import {
  deepFilters,
  deepRetained,
  delayedWills,
  endlessSessions,
  halfPackets,
  largeRetained,
  queuedMessages,
  topicAliases,
  unseenTopics,
} from "./growth.ts";
import { doors } from "./doors.ts";
import { stores } from "./stores.ts";
import { idleConnections } from "./idle.ts";
import { muteConnections } from "./mute-connections.ts";
import { largeMessages, stalledReaders } from "./readers.ts";
import { deepTree, plainFilters, wideTree } from "./sizes.ts";
import { throughput, type Throughput } from "./throughput.ts";
import { sharedLevels } from "./trie.ts";
import { silentClients, willsAtOnce } from "./wills.ts";

/** The rows of throughput: 64 B payload unless named. */
const speeds: readonly (Throughput & {
  readonly name: string;
  readonly title: string;
  readonly isShort?: boolean;
})[] = [
  {
    name: "fanout-qos0",
    title: "fan-out 1 -> 100, QoS 0, window 100",
    publishers: 1,
    subscribersEach: 100,
    qos: 0,
    window: 100,
    payloadBytes: 64,
    isShort: true,
  },
  {
    name: "fanout-qos1",
    title: "fan-out 1 -> 100, QoS 1, window 100",
    publishers: 1,
    subscribersEach: 100,
    qos: 1,
    window: 100,
    payloadBytes: 64,
    isShort: true,
  },
  {
    name: "fanout-1000",
    title: "fan-out 1 -> 1,000, QoS 0, 16 B, window 100",
    publishers: 1,
    subscribersEach: 1000,
    qos: 0,
    window: 100,
    payloadBytes: 16,
  },
  {
    name: "fanin-qos0",
    title: "fan-in 100 -> 1, QoS 0, window 20",
    publishers: 100,
    subscribersEach: "one",
    qos: 0,
    window: 20,
    payloadBytes: 64,
    isShort: true,
  },
  {
    name: "pairs-qos0",
    title: "50 pairs, QoS 0, window 20",
    publishers: 50,
    subscribersEach: 1,
    qos: 0,
    window: 20,
    payloadBytes: 64,
  },
  {
    name: "pairs-qos0-w100",
    title: "50 pairs, QoS 0, window 100",
    publishers: 50,
    subscribersEach: 1,
    qos: 0,
    window: 100,
    payloadBytes: 64,
  },
  {
    name: "pairs-qos1",
    title: "50 pairs, QoS 1, window 20",
    publishers: 50,
    subscribersEach: 1,
    qos: 1,
    window: 20,
    payloadBytes: 64,
    isShort: true,
  },
  {
    name: "pairs-qos1-w100",
    title: "50 pairs, QoS 1, window 100",
    publishers: 50,
    subscribersEach: 1,
    qos: 1,
    window: 100,
    payloadBytes: 64,
  },
  {
    name: "pairs-qos2",
    title: "50 pairs, QoS 2, window 20",
    publishers: 50,
    subscribersEach: 1,
    qos: 2,
    window: 20,
    payloadBytes: 64,
  },
  {
    name: "pair-qos0",
    title: "1 pair, QoS 0, window 256",
    publishers: 1,
    subscribersEach: 1,
    qos: 0,
    window: 256,
    payloadBytes: 64,
  },
  {
    name: "pair-qos1",
    title: "1 pair, QoS 1, window 256",
    publishers: 1,
    subscribersEach: 1,
    qos: 1,
    window: 256,
    payloadBytes: 64,
  },
  {
    name: "pair-16k-qos0",
    title: "1 pair, QoS 0, 16 KiB, window 20",
    publishers: 1,
    subscribersEach: 1,
    qos: 0,
    window: 20,
    payloadBytes: 16 * 1024,
  },
  {
    name: "pair-16k-qos1",
    title: "1 pair, QoS 1, 16 KiB, window 20",
    publishers: 1,
    subscribersEach: 1,
    qos: 1,
    window: 20,
    payloadBytes: 16 * 1024,
  },
  {
    name: "pair-qos0-w1",
    title: "1 pair, QoS 0, window 1",
    publishers: 1,
    subscribersEach: 1,
    qos: 0,
    window: 1,
    payloadBytes: 64,
  },
  {
    name: "pair-qos1-w1",
    title: "1 pair, QoS 1, window 1",
    publishers: 1,
    subscribersEach: 1,
    qos: 1,
    window: 1,
    payloadBytes: 64,
    isShort: true,
  },
  {
    name: "pairs-qos0-w1",
    title: "50 pairs, QoS 0, window 1",
    publishers: 50,
    subscribersEach: 1,
    qos: 0,
    window: 1,
    payloadBytes: 64,
  },
  {
    name: "pairs-qos1-w1",
    title: "50 pairs, QoS 1, window 1",
    publishers: 50,
    subscribersEach: 1,
    qos: 1,
    window: 1,
    payloadBytes: 64,
  },
];

const KiB = 1024;
const MiB = 1024 * KiB;

const growths: readonly Pick<Row, "name" | "title" | "load" | "isVersion5">[] = [
  {
    name: "grow-filters",
    title: "10,000 filters of 190 levels, one session",
    load: deepFilters(10_000, 190),
  },
  {
    name: "grow-topics",
    title: "10,000 retained messages on topics of 199 levels",
    load: deepRetained(10_000, 199),
  },
  {
    name: "grow-retained",
    title: "1,000 retained messages of 1 MiB",
    load: largeRetained(1000, MiB),
  },
  {
    name: "grow-routes",
    title: "10,000 unseen topics to 500 subscribers of r/#",
    load: unseenTopics(10_000, 500),
  },
  {
    name: "grow-wills",
    title: "2,000 delayed wills of 240 KB in User Properties",
    load: delayedWills(2000, 240_000),
    isVersion5: true,
  },
  {
    name: "grow-ids",
    title: "10,000 sessions without end, client ids of 65 KB",
    load: endlessSessions(10_000, 65_000),
    isVersion5: true,
  },
  {
    name: "grow-aliases",
    title: "50 connections with 100 topic aliases of 60 KB",
    load: topicAliases(50, 100, 60_000),
    isVersion5: true,
  },
  {
    name: "grow-halves",
    title: "500 unfinished packets of 1 MiB, no keepalive",
    load: halfPackets(500, MiB),
    isVersion5: true,
  },
  {
    name: "grow-queues",
    title: "1,000 messages of 16 KiB for 100 sessions that are away",
    load: queuedMessages(100, 1000, 16 * KiB),
    isVersion5: true,
  },
];

/** Families of rows that differ in one number. */
const sizes: readonly Row[] = [
  ...sized("subscribers", [1, 10, 100, 1000, 10_000], "fan-out to N subscribers, QoS 0", (count) =>
    throughput({
      publishers: 1,
      subscribersEach: count,
      qos: 0,
      window: 20,
      payloadBytes: 64,
    }),
  ),
  ...sized(
    "filters",
    [10, 100, 1000, 10_000, 100_000],
    "new topics beside N filters",
    plainFilters,
  ),
  ...sized("levels", [2, 10, 50, 150], "new topics of N levels, 1,000 filters", deepTree),
  ...sized(
    "siblings",
    [10, 100, 1000, 10_000, 100_000],
    "new topics, N filters on a level",
    wideTree,
  ),
];

function sized(
  of: string,
  values: readonly number[],
  title: string,
  load: (value: number) => Row["load"],
): Row[] {
  return values.map((value) => ({
    name: `${of}-${value}`,
    group: "sizes",
    title: title.replace("N", value.toLocaleString("en-US")),
    load: load(value),
    better: "more",
    size: { of, value },
  }));
}

export const rows: readonly Row[] = [
  ...speeds.map(({ name, title, isShort = false, ...shape }): Row => ({
    name,
    group: "speed",
    title,
    load: throughput(shape),
    better: "more",
    isShort,
  })),
  {
    name: "connects",
    group: "speed",
    title: "connect, subscribe, disconnect, 100 at a time",
    load: churn(100),
    better: "more",
    isShort: true,
  },
  {
    name: "idle",
    group: "speed",
    title: "10,000 idle connections",
    load: idleConnections(10_000),
    better: "less",
  },
  ...doors,
  ...stores,
  {
    name: "wills-rst",
    group: "wills",
    title: "5,000 wills at once, by RST",
    load: willsAtOnce(5000, "reset"),
    better: "less",
    isShort: true,
  },
  {
    name: "wills-fin",
    group: "wills",
    title: "5,000 wills at once, by FIN",
    load: willsAtOnce(5000, "fin"),
    better: "less",
  },
  {
    name: "silent-30ms",
    group: "wills",
    title: "5,000 silent clients, keepalive 2 s, due within 30 ms",
    load: silentClients(5000, 30),
    better: "less",
  },
  {
    name: "silent-1s",
    group: "wills",
    title: "5,000 silent clients, keepalive 2 s, due within 1 s",
    load: silentClients(5000, 1000),
    better: "less",
  },
  {
    ...holdup("trie-one", "8,192 filters of {a,+} at 13 levels, one session; new topics"),
    load: sharedLevels(13, 1),
  },
  {
    ...holdup("trie", "131,072 filters of {a,+} at 17 levels, 16 sessions; new topics"),
    load: sharedLevels(17, 16),
  },
  {
    ...holdup("stalled-readers", "60 x 64 KiB to 500 subscribers that stop reading"),
    load: stalledReaders(500, 60, 64 * KiB),
  },
  ...[20, 200, 500].map((count) => ({
    ...holdup(`busy-${count}`, `${count} publishers with full sockets, QoS 0, 5 B`),
    load: busyPublishers(count),
  })),
  {
    ...holdup("wills-to-100", "5,000 wills to 100 subscribers, by RST"),
    load: willsTogether(5000, 100),
    better: "less",
  },
  {
    ...holdup(
      "wills-due-to-100",
      "5,000 wills to 100 subscribers, of clients that fall silent together",
    ),
    load: willsDueTogether(5000, 100),
    better: "less",
  },
  {
    ...holdup("keepalives", "5,000 clients that fall silent together, keepalive 2 s"),
    load: keepalivesTogether(5000),
  },
  {
    ...holdup("sessions", "4,000 sessions of 5 filters that expire together"),
    load: sessionsTogether(4000, 5),
    isVersion5: true,
  },
  {
    ...holdup("publish-then-fin", "100,000 PUBLISH of 5 B to 1,000 subscribers, then FIN"),
    load: publishThenFin(100_000, 1000),
  },
  {
    ...holdup("share-groups", "PUBLISH of 10 B to 10,000 shared subscriptions of one session"),
    load: shareGroups(10_000),
    isVersion5: true,
  },
  {
    ...holdup("cold-connect", "CONNECT of 1 MB with 160,000 User Properties"),
    load: coldConnects(160_000),
    isVersion5: true,
  },
  {
    ...holdup("cold-subscribe", "SUBSCRIBE of 250,000 filters, 1 MB"),
    load: coldSubscribes(250_000),
  },
  {
    ...holdup("cold-unsubscribe", "UNSUBSCRIBE of 330,000 filters, 1 MB"),
    load: coldUnsubscribes(330_000),
  },
  {
    ...holdup("large-to-200", "8 x 1 MiB to 200 readers, QoS 1"),
    load: largeMessages(200, 8, MiB),
  },
  {
    ...holdup("mute-connections", "240 connections a second that send nothing; 1,024 open files"),
    load: muteConnections(240),
    openFiles: 1024,
  },
  ...growths.map(({ name, title, load, isVersion5 = false }): Row => ({
    name,
    group: "growth",
    title,
    load,
    better: "less",
    isVersion5,
  })),
  ...sizes,
];

function holdup(name: string, title: string): Pick<Row, "name" | "group" | "title" | "better"> {
  return { name, group: "holdups", title, better: null };
}

/** The row of that name, which exists: names are checked where they are read. */
export function rowNamed(name: string): Row {
  const row = rows.find((other) => other.name === name);
  if (row === undefined) throw new Error(`there is no row ${name}`);
  return row;
}
