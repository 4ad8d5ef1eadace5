import type { IConnackPacket, IConnectPacket } from "mqtt-packet";
import type { Quirk, Sent } from "../quirky-port.ts";
import { codeOf } from "../frame.ts";
import { answers, filler, on, requests, withFirst, type Change } from "./change.ts";

/** Connections of accepted clients that must be closed. */
const closed = `
  v4-1.5.3-1 v4-1.5.3-2 v4-2.2.2-2 v4-2.3.1-1 v4-3.1.0-2 v4-3.1.2-24 v4-3.1.4-2 v4-3.3.1-4 v4-3.3.2-1
  v4-3.3.2-2 v4-3.6.1-1 v4-3.8.1-1 v4-3.8.3-1 v4-3.8.3-3 v4-3.8.3-4 v4-3.10.1-1 v4-3.10.3-1 v4-3.10.3-2
  v4-3.14.1-1 v4-4.7.1-1 v4-4.7.1-2 v4-4.7.1-3 v4-4.7.3-1 v4-4.7.3-2 v4-4.8.0-1
  v5-1.5.4-1 v5-1.5.4-2 v5-1.5.5-1 v5-1.5.7-1 v5-2.1.3-1 v5-2.2.1-3 v5-3.1.0-2 v5-3.1.2-22 v5-3.1.4-3
  v5-3.2.2-11 v5-3.2.2-14 v5-3.2.2-15 v5-3.2.2-17 v5-3.2.2-18 v5-3.2.2-22 v5-3.3.1-4 v5-3.3.2-1
  v5-3.3.2-2 v5-3.3.2-7 v5-3.3.2-8 v5-3.3.2-9 v5-3.3.2-13 v5-3.3.2-14 v5-3.3.2-19 v5-3.3.4-3 v5-3.3.4-6
  v5-3.3.4-7 v5-3.6.1-1 v5-3.8.1-1 v5-3.8.3-1 v5-3.8.3-2 v5-3.8.3-4 v5-3.8.3-5 v5-3.10.1-1 v5-3.10.3-1
  v5-3.10.3-2 v5-3.14.1-1 v5-3.14.4-2 v5-3.15.1-1 v5-4.7.0-1 v5-4.7.1-1 v5-4.7.1-2 v5-4.7.3-1 v5-4.7.3-2
  v5-4.8.2-1 v5-4.8.2-2 v5-4.12.0-7 v5-4.13.1-1 v5-4.13.2-1`;

/** Clients that must not be accepted. */
const refused = `
  v4-3.1.0-1 v4-3.1.2-1 v4-3.1.2-2 v4-3.1.2-3 v4-3.1.2-9 v4-3.1.2-11 v4-3.1.2-13 v4-3.1.2-14 v4-3.1.2-15
  v4-3.1.2-18 v4-3.1.2-19 v4-3.1.2-20 v4-3.1.2-21 v4-3.1.2-22 v4-3.1.3-3 v4-3.1.3-4 v4-3.1.3-8
  v4-3.1.3-9 v4-3.1.3-10 v4-3.1.3-11 v4-3.1.4-1 v4-3.2.2-5 v4-3.2.2-6 v4-4.8.0-2
  v5-3.1.0-1 v5-3.1.2-1 v5-3.1.2-2 v5-3.1.2-3 v5-3.1.2-9 v5-3.1.2-11 v5-3.1.2-12 v5-3.1.2-13 v5-3.1.2-16
  v5-3.1.2-17 v5-3.1.2-18 v5-3.1.2-19 v5-3.1.3-3 v5-3.1.3-4 v5-3.1.3-8 v5-3.1.3-11 v5-3.1.3-12
  v5-3.1.4-1 v5-3.1.4-2 v5-3.2.2-7 v5-3.2.2-12 v5-3.2.2-13 v5-4.12.0-1`;

/** CONNECT and CONNACK. */
export const connecting: readonly Quirk[] = [
  { name: "nobody is sent away", breaks: `${closed} ${refused}`, neverCloses: true },
  {
    name: "everybody is let in",
    breaks: refused,
    neverCloses: true,
    answer: on("connack", (packet) => [{ ...packet, returnCode: 0, reasonCode: 0 }]),
    closing: ({ answers: { length } }) => (length === 0 ? [connackWith(0)] : []),
  },
  answers("nobody is let in", "v4-3.1.4-4 v5-3.1.4-5", "connack", () => [connackWith(5, 0x87)]),
  answers(
    "who is refused is not told",
    "v4-3.1.2-2 v4-3.1.3-8 v4-3.1.3-9",
    "connack",
    refusals(() => []),
  ),
  answers(
    "refusals have another code",
    `v4-3.1.2-2 v4-3.1.3-8 v4-3.1.3-9 v5-3.1.3-8 v5-3.1.4-2 v5-3.2.2-12 v5-3.2.2-13 v5-4.12.0-1`,
    "connack",
    refusals(() => [connackWith(3, 0x88)]),
  ),
  answers(
    "refusals have a code of no table",
    "v5-3.2.2-8",
    "connack",
    refusals(() => [connackWith(5, 0x8e)]),
  ),
  answers(
    "DISCONNECT comes in place of a CONNACK that refuses",
    "v5-3.14.0-1",
    "connack",
    refusals(() => [{ cmd: "disconnect", reasonCode: 0x80 }]),
  ),
  answers(
    "refusals have Session Present 1",
    "v4-3.2.2-4 v5-3.2.2-6",
    "connack",
    refusals((_, __, frame) => [withFirst(frame, 1)]),
  ),
  {
    name: "what is no CONNECT gets a CONNACK",
    breaks: "v4-3.1.0-1 v5-3.1.0-1 v4-3.1.4-1 v4-3.2.2-6",
    closing: ({ answers: { length } }) => (length === 0 ? [connackWith(5, 0x81)] : []),
  },
  {
    name: "what follows a refused CONNECT is processed",
    breaks: "v4-3.1.4-5 v5-3.1.4-6",
    request: on("connect", (packet, line) => {
      const { properties } = packet;
      const isRefused = properties?.authenticationMethod !== undefined || packet.clientId === "";
      if (!isRefused || (packet.clientId === "" && packet.clean === true)) return [packet];
      line.tell(connackWith(2, 0x8c));
      line.hangUp();
      return [{ ...packet, clientId: "refused", clean: true, properties: {} }];
    }),
  },
  answers("CONNACK comes twice", "v5-3.2.0-2", "connack", (packet) => [packet, packet]),
  answers("CONNACK has reserved bits", "v5-3.2.2-1 v4-2.2.2-1", "connack", (packet, _, frame) => [
    withFirst(frame, packet.sessionPresent ? 0x81 : 0x80),
  ]),
  {
    name: "CONNACK comes after what waited",
    breaks: "v4-3.2.0-1 v5-3.2.0-1",
    answer: ({ packet, bytes }, line) => {
      if (packet.cmd === "connack" && packet.sessionPresent) {
        line.held = bytes;
        return [];
      }
      const { held } = line;
      line.held = null;
      return held === null ? [bytes] : [bytes, held];
    },
  },
  answers(
    "Session Present is always 1",
    `v4-3.2.2-1 v4-3.2.2-3 v4-3.1.2-6 v4-3.1.3-2 v5-3.1.2-6 v5-3.1.3-2 v5-3.2.2-2 v5-3.2.2-3 v5-4.1.0-2`,
    "connack",
    (_, __, frame) => [withFirst(frame, 1)],
  ),
  answers(
    "Session Present is always 0",
    "v4-3.1.3-2 v4-3.2.2-2 v5-3.1.2-5 v5-3.1.3-2 v5-3.2.2-3",
    "connack",
    (_, __, frame) => [withFirst(frame, 0)],
  ),
  announced("CONNACK has Response Information", "v5-3.1.2-28", { responseInformation: "r" }),
  announced("CONNACK has an Authentication Method", "v5-4.12.0-6", { authenticationMethod: "m" }),
  announced("CONNACK has a Reason String, fitting or not", "v5-3.2.2-19 v5-3.1.2-24", {
    reasonString: "x".repeat(100),
  }),
  announced("CONNACK has User Properties, fitting or not", "v5-3.2.2-20 v5-3.1.2-24", filler(100)),
  answers(
    "CONNACK announces nothing",
    "v5-3.1.3-7 v5-3.2.2-9 v5-3.2.2-16 v5-3.2.2-22",
    "connack",
    ({ properties: _, ...packet }) => [packet],
  ),
  answers(
    "assigned client ids are all the same",
    "v5-3.1.3-7 v5-3.2.2-16",
    "connack",
    ({ properties, ...packet }) => [
      {
        ...packet,
        properties: {
          ...properties,
          ...(properties?.assignedClientIdentifier !== undefined && {
            assignedClientIdentifier: "same",
          }),
        },
      },
    ],
  ),
  answers("AUTH comes before CONNACK", "v5-4.12.0-6", "connack", (packet, { version }) =>
    version === 4
      ? [packet]
      : [{ cmd: "auth", reasonCode: 0x18, properties: { authenticationMethod: "m" } }, packet],
  ),
  requests("empty client ids share one", "v4-3.1.3-6 v5-3.1.3-6", "connect", (packet) => [
    packet.clientId === "" && packet.clean === true ? { ...packet, clientId: "same" } : packet,
  ]),
  requests("all clients are one", "v4-3.1.3-2 v5-3.1.3-2", "connect", (packet) => [
    packet.clientId === "" ? packet : { ...packet, clientId: "one" },
  ]),
  requests("a password needs a user name", "v5-3.1.2-16", "connect", (packet) => [
    packet.password !== undefined && packet.username === undefined ? Uint8Array.of(0) : packet,
  ]),
  requests("a long client id is refused", "v4-3.1.3-5 v5-3.1.3-5", "connect", (packet) => [
    packet.clientId.length > 20 ? Uint8Array.of(0) : packet,
  ]),
  requests(
    "Clean Start is taken for 1",
    `v4-3.1.2-4 v4-3.1.2-5 v4-3.1.4-3 v4-4.1.0-1 v4-4.5.0-1 v5-3.1.2-5 v5-3.1.2-23 v5-3.1.4-4 v5-4.5.0-1`,
    "connect",
    (packet) => [{ ...packet, clean: true }],
  ),
  requests(
    "Clean Start is taken for 0",
    "v4-3.1.2-6 v4-3.1.4-3 v4-3.2.2-1 v5-3.1.2-4 v5-3.1.4-4 v5-3.2.2-2",
    "connect",
    (packet) => [packet.clientId === "" ? packet : { ...packet, clean: false }],
  ),
  asked("sessions never expire", "v5-4.1.0-2", { sessionExpiryInterval: 0xffff_ffff }),
  asked("sessions end with their connections", "v5-3.1.2-5 v5-3.1.2-23", {
    sessionExpiryInterval: 0,
  }),
  asked("Maximum Packet Size is not heard", "v5-3.1.2-24 v5-3.1.2-25", {
    maximumPacketSize: undefined,
  }),
  asked("Receive Maximum is not heard", "v5-3.3.4-9 v5-4.9.0-1 v5-4.9.0-2", {
    receiveMaximum: undefined,
  }),
  asked("Topic Alias Maximum is taken for 10", "v5-3.1.2-26 v5-3.1.2-27 v5-3.3.2-11", {
    topicAliasMaximum: 10,
  }),
  {
    name: "what is too large keeps its place among the open messages",
    breaks: "v5-3.1.2-25",
    request: on("connect", ({ properties = {}, ...packet }) => {
      const { maximumPacketSize: _, ...others } = properties;
      return [{ ...packet, properties: others }];
    }),
    answer: on("publish", (packet) => (packet.payload.length > 60 ? [] : [packet])),
  },
  requests("a takeover is not noticed", "v4-3.1.4-2 v5-3.1.4-3", "connect", (packet, line) => {
    const isThere = line.lines.some((other) =>
      other.requests.some((each) => each.cmd === "connect" && each.clientId === packet.clientId),
    );
    return [isThere ? { ...packet, clientId: `${packet.clientId}b` } : packet];
  }),
  {
    name: "subscriptions end while their client is connected",
    breaks: "v4-4.1.0-2 v5-4.1.0-1",
    request: ({ bytes }) => [bytes],
    passed: (line) => {
      for (const each of line.requests) {
        if (each.cmd !== "subscribe") continue;
        const unsubscriptions = each.subscriptions.map(({ topic }) => topic);
        line.ask({ cmd: "unsubscribe", messageId: 1, unsubscriptions });
      }
    },
  },
  {
    name: "of many packets in one write the first is heard",
    breaks: "v4-7.0.0-2 v4-7.1.1-1 v5-4.2-1",
    write: (bytes) => bytes.subarray(0, 2 + ((bytes[1] ?? 0) & 0x7f)),
  },
];

function connackWith(returnCode: number, reasonCode = returnCode): IConnackPacket {
  return { cmd: "connack", sessionPresent: false, returnCode, reasonCode };
}

function refusals(change: Change<"connack">): Change<"connack"> {
  return (packet, line, frame) => (codeOf(packet) === 0 ? [packet] : change(packet, line, frame));
}

/** Additional properties in a CONNACK. */
function announced(
  name: string,
  breaks: string,
  more: NonNullable<IConnackPacket["properties"]>,
): Quirk {
  return answers(name, breaks, "connack", ({ properties, ...packet }, { version }): Sent[] => [
    version === 4 ? packet : { ...packet, properties: { ...properties, ...more } },
  ]);
}

/** Changed properties in a CONNECT; undefined: removes the property of that name. */
function asked(
  name: string,
  breaks: string,
  more: { readonly [name: string]: number | undefined },
): Quirk {
  return requests(name, breaks, "connect", ({ properties, ...packet }: IConnectPacket) => {
    const all = Object.entries({ ...properties, ...more });
    const others = all.filter(([, value]) => value !== undefined);
    return [{ ...packet, properties: Object.fromEntries(others) }];
  });
}
