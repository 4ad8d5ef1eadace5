import type { ISubscription, Packet } from "mqtt-packet";
import type { Quirk, QuirkyLine } from "../quirky-port.ts";
import { answers, on, requests } from "./change.ts";

/** SUBSCRIBE and UNSUBSCRIBE, and the deliveries that they cause. */
export const subscribing: readonly Quirk[] = [
  answers("SUBACK's codes are in another order", "v4-3.9.3-1 v5-3.9.3-1", "suback", (packet) => {
    const [first = 0, ...others] = packet.granted as number[];
    return [{ ...packet, granted: [...others, first] }];
  }),
  answers(
    "SUBACK grants QoS 0",
    "v4-3.8.4-5 v5-3.8.4-7 v4-3.9.3-1 v5-3.9.3-1",
    "suback",
    (packet) => [{ ...packet, granted: packet.granted.map(() => 0) }],
  ),
  answers("SUBACK has one code", "v4-3.8.4-5 v5-3.8.4-6", "suback", (packet) => [
    { ...packet, granted: (packet.granted as number[]).slice(0, 1) },
  ]),
  answers("a failure has another code", "v4-3.9.3-2 v5-3.9.3-2", "suback", (packet) => [
    { ...packet, granted: packet.granted.map((code) => (Number(code) < 3 ? Number(code) : 0x90)) },
  ]),
  answers("each filter has a SUBACK", "v4-3.8.4-4 v5-3.8.4-5", "suback", (packet) =>
    packet.granted.map((code) => ({ ...packet, granted: [Number(code)] })),
  ),
  answers("UNSUBACK's codes are in another order", "v5-3.11.3-1", "unsuback", (packet) => [
    { ...packet, granted: packet.granted.toReversed() },
  ]),
  answers("UNSUBACK has one code", "v5-3.11.3-2", "unsuback", (packet) => [
    { ...packet, granted: packet.granted.slice(0, 1) },
  ]),
  answers("UNSUBACK comes twice", "v4-3.10.4-6 v5-3.10.4-6", "unsuback", (packet) => [
    packet,
    packet,
  ]),
  subscribed("No Local is not heard", "v5-3.8.3-3 v5-3.8.3-4", { nl: false }),
  subscribed("Retain As Published is not heard", "v5-3.3.1-13 v5-3.8.4-3", { rap: false }),
  subscribed("Retain As Published is always on", "v5-3.3.1-12", { rap: true }),
  subscribed("Retain Handling is taken for 0", "v5-3.3.1-10 v5-3.3.1-11", { rh: 0 }),
  subscribed("Retain Handling is taken for 1", "v5-3.3.1-9 v5-3.8.4-4", { rh: 1 }),
  subscribed("Retain Handling is taken for 2", "v5-3.3.1-9 v5-3.3.1-10", { rh: 2 }),
  subscribed("subscriptions have QoS 2", "v4-3.8.4-6 v5-3.8.4-8 v4-3.8.4-3 v5-3.8.4-3 v4-3.8.4-5", {
    qos: 2,
  }),
  requests("SUBSCRIBE with QoS 2 is refused", "v5-3.2.2-10", "subscribe", (packet, line) => {
    const { messageId = 0, subscriptions } = packet;
    if (!subscriptions.some(({ qos }) => qos === 2)) return [packet];
    line.tell({ cmd: "suback", messageId, granted: subscriptions.map(() => 0x80) });
    return [];
  }),
  requests(
    "of many filters in SUBSCRIBE the first counts",
    "v4-3.8.4-4 v5-3.8.4-5",
    "subscribe",
    (packet) => [{ ...packet, subscriptions: packet.subscriptions.slice(0, 1) }],
  ),
  requests(
    "the same filter again changes nothing",
    "v4-3.8.4-3 v5-3.8.4-3 v5-3.8.4-4",
    "subscribe",
    (packet, line) => {
      const { messageId = 0, subscriptions } = packet;
      const isThere = line.requests.some(
        (each) =>
          each.cmd === "subscribe" && each.subscriptions[0]?.topic === subscriptions[0]?.topic,
      );
      if (!isThere) return [packet];
      line.tell({ cmd: "suback", messageId, granted: subscriptions.map(({ qos }) => qos) });
      return [];
    },
  ),
  filtered("filters match whatever is beside them", "v4-3.3.2-3 v5-3.3.2-3", (filter) =>
    filter.replace(/^(c\/[^/]*)\/.*$/, "$1/#"),
  ),
  filtered("+ matches all levels", "v4-4.7.1-3 v5-4.7.1-2", (filter) =>
    filter.replace(/\/\+$/, "/#"),
  ),
  filtered("# does not match its parent", "v4-4.7.1-2 v5-4.7.1-1", (filter) =>
    filter.replace(/\/#$/, "/+"),
  ),
  filtered("filters are normalized", "v4-4.7.3-4 v5-4.7.3-4", (filter) => filter.normalize("NFD")),
  filtered("wrong filters are mended", "v4-4.7.1-2 v4-4.7.1-3 v5-4.7.1-1 v5-4.7.1-2", mended),
  filtered(
    "shared filters are plain ones",
    "v5-4.8.2-1 v5-4.8.2-2 v5-3.8.3-4",
    (filter) => filter.replace(/^\$share\/[^/]*\/?/, "") || "x",
  ),
  requests("share names are letters and digits", "v5-4.8.2-2", "subscribe", (packet, line) => {
    const { messageId = 0, subscriptions } = packet;
    const isOther = subscriptions.some(({ topic }) => /^\$share\/[^/]*[^/\w]/.test(topic));
    if (!isOther) return [packet];
    line.tell({ cmd: "suback", messageId, granted: [0x8f] });
    return [];
  }),
  {
    name: "wildcards match topics that begin with $",
    breaks: "v4-4.7.2-1 v5-4.7.2-1",
    request: on("publish", (packet, { lines }) => {
      if (!packet.topic.startsWith("$")) return [packet];
      for (const line of lines) {
        const isWild = line.requests.some(
          (each) =>
            each.cmd === "subscribe" && each.subscriptions.some(({ topic }) => topic === "#"),
        );
        if (isWild) line.tell({ ...packet, qos: 0, dup: false });
      }
      return [packet];
    }),
  },
  requests("shared deliveries have QoS 0", "v5-4.8.2-3", "subscribe", (packet) => {
    const isShared = packet.subscriptions.some(({ topic }) => topic.startsWith("$share/"));
    if (!isShared) return [packet];
    return [
      { ...packet, subscriptions: packet.subscriptions.map((each) => ({ ...each, qos: 0 })) },
    ];
  }),
  {
    name: "a shared delivery goes to another member when its own has gone",
    breaks: "v5-4.8.2-4 v5-4.8.2-5",
    gone: (line) => passOn(line, line.answers),
  },
  {
    name: "a shared delivery goes to another member when its own refuses it",
    breaks: "v5-4.8.2-6",
    request: ({ packet, bytes }, line) => {
      const isAck = packet.cmd === "puback" || packet.cmd === "pubrec";
      if (isAck && (packet.reasonCode ?? 0) >= 0x80) passOn(line, line.answers);
      return [bytes];
    },
  },
  requests(
    "UNSUBSCRIBE does nothing",
    "v4-3.10.4-1 v4-3.10.4-2 v5-3.10.4-1 v5-3.10.4-2",
    "unsubscribe",
    ({ messageId = 0, unsubscriptions }, line) => {
      line.tell({ cmd: "unsuback", messageId, granted: unsubscriptions.map(() => 0) });
      return [];
    },
  ),
  requests(
    "of many filters in UNSUBSCRIBE the first counts",
    "v4-3.10.4-6 v5-3.10.4-6",
    "unsubscribe",
    (packet) => [{ ...packet, unsubscriptions: packet.unsubscriptions.slice(0, 1) }],
  ),
  requests(
    "UNSUBSCRIBE takes what matches, too",
    "v4-3.10.4-1 v5-3.10.4-1",
    "unsubscribe",
    (packet) => [
      {
        ...packet,
        unsubscriptions: packet.unsubscriptions.map((each) => each.replace(/\/b$/, "/+")),
      },
    ],
  ),
  requests(
    "UNSUBSCRIBE ends open deliveries",
    "v4-3.10.4-3 v5-3.10.4-3",
    "unsubscribe",
    (packet, line) => {
      for (const { cmd, messageId = 0 } of line.answers) {
        if (cmd === "publish") line.ask({ cmd: "puback", messageId });
      }
      return [packet];
    },
  ),
];

/** Changes the options of every subscription. */
function subscribed(name: string, breaks: string, more: Partial<ISubscription>): Quirk {
  return requests(name, breaks, "subscribe", (packet) => [
    { ...packet, subscriptions: packet.subscriptions.map((each) => ({ ...each, ...more })) },
  ]);
}

/** Changes the filter of every subscription. */
function filtered(name: string, breaks: string, change: (filter: string) => string): Quirk {
  return requests(name, breaks, "subscribe", (packet) => [
    {
      ...packet,
      subscriptions: packet.subscriptions.map((each) => ({ ...each, topic: change(each.topic) })),
    },
  ]);
}

/** Without misplaced wildcards. */
function mended(filter: string): string {
  return filter
    .split("/")
    .map((level) => (level.length > 1 ? level.replace(/[#+]/g, "x") : level))
    .map((level, index, levels) => (level === "#" && index < levels.length - 1 ? "x" : level))
    .join("/");
}

/** Sends the last delivery of a connection to all other connections. */
function passOn(from: QuirkyLine, answers: readonly Packet[]): void {
  const open = answers.findLast((each) => each.cmd === "publish");
  if (open === undefined) return;
  for (const line of from.lines) if (line !== from) line.tell(open);
}
