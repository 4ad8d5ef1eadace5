import type { Row } from "../row.ts";
import { busyPublishers } from "./busy-publishers.ts";
import { coldConnects, coldSubscribes, coldUnsubscribes } from "./cold-packets.ts";
import {
  keepalivesTogether,
  publishThenFin,
  sessionsTogether,
  shareGroups,
  willsDueTogether,
  willsTogether,
} from "./due-together.ts";
import { muteConnections } from "./mute-connections.ts";
import { largeMessages, stalledReaders } from "./readers.ts";
import { sharedLevels } from "./trie.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

export const rows: readonly Row[] = [
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
    isShort: count === 20,
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
    ...holdup("large-to-200", "8 x 1 MiB to 200 readers"),
    load: largeMessages(200, 8, MiB),
  },
  {
    ...holdup("mute-connections", "240 connections a second that send nothing; 1,024 open files"),
    load: muteConnections(240),
    openFiles: 1024,
  },
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
