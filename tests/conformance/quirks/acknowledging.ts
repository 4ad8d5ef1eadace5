import type { Packet } from "mqtt-packet";
import type { Quirk, QuirkyLine } from "../quirky-port.ts";
import { answers, filler, requests, withFlags } from "./change.ts";

type Acknowledgement = "puback" | "pubrec" | "pubrel" | "pubcomp" | "suback" | "unsuback";

/** Quirks of acknowledgements. */
interface Broken {
  readonly name: Acknowledgement;
  readonly lost: string;
  readonly otherId: string;
  readonly otherCode: string;
  readonly reasonString: string;
  readonly userProperty: string;
}

const acknowledgements: readonly Broken[] = [
  {
    name: "puback",
    lost: "v4-3.3.4-1 v4-3.3.5-2 v4-4.3.2-2 v5-3.3.4-1 v5-4.3.2-4",
    otherId: "v4-2.3.1-6 v5-2.2.1-5",
    otherCode: "v5-3.4.2-1",
    reasonString: "v5-3.4.2-2",
    userProperty: "v5-3.4.2-3",
  },
  {
    name: "pubrec",
    lost: "v4-3.3.4-1 v4-4.3.3-2 v5-3.3.4-1 v5-4.3.3-8 v5-4.3.3-10",
    otherId: "v4-2.3.1-6 v5-2.2.1-5 v5-4.3.3-8",
    otherCode: "v5-3.5.2-1",
    reasonString: "v5-3.5.2-2",
    userProperty: "v5-3.5.2-3",
  },
  {
    name: "pubrel",
    lost: "v4-4.3.3-1 v4-4.4.0-1 v5-4.3.3-4 v5-4.3.3-5 v5-4.4.0-1",
    otherId: "v4-2.3.1-6 v5-2.2.1-5 v5-4.3.3-4",
    otherCode: "v5-3.6.2-1",
    reasonString: "v5-3.6.2-2",
    userProperty: "v5-3.6.2-3",
  },
  {
    name: "pubcomp",
    lost: "v4-4.3.3-2 v5-4.3.3-11 v5-4.3.3-13",
    otherId: "v4-2.3.1-6 v5-2.2.1-5 v5-4.3.3-11",
    otherCode: "v5-3.7.2-1",
    reasonString: "v5-3.7.2-2",
    userProperty: "v5-3.7.2-3",
  },
  {
    name: "suback",
    lost: "v4-3.8.4-1 v5-3.8.4-1 v5-3.2.2-10",
    otherId: "v4-2.3.1-7 v4-3.8.4-2 v5-2.2.1-6 v5-3.8.4-2",
    otherCode: "v5-3.9.3-2",
    reasonString: "v5-3.9.2-1",
    userProperty: "v5-3.9.2-2",
  },
  {
    name: "unsuback",
    lost: "v4-3.10.4-4 v4-3.10.4-5 v5-3.10.4-4 v5-3.10.4-5",
    otherId: "v4-2.3.1-7 v4-3.10.4-4 v5-2.2.1-6 v5-3.10.4-5",
    otherCode: "v5-3.11.3-2",
    reasonString: "v5-3.11.2-1",
    userProperty: "v5-3.11.2-2",
  },
];

/** Acknowledgements and DISCONNECT. */
export const acknowledging: readonly Quirk[] = [
  ...acknowledgements.flatMap(brokenBy),
  answers(
    "PINGRESP is lost",
    "v4-3.12.4-1 v5-3.12.4-1 v5-3.3.4-10 v5-4.9.0-3",
    "pingresp",
    () => [],
  ),
  requests("PUBACK is not heard", "v4-4.3.2-1 v5-4.3.2-3", "puback", () => []),
  requests(
    "PUBREC is the end of the exchange",
    "v5-4.3.3-5 v5-3.3.4-9 v5-4.9.0-2",
    "pubrec",
    ended,
  ),
  requests(
    "PUBLISH comes again after PUBREL",
    "v4-4.3.3-1 v5-4.3.3-6",
    "pubrec",
    ({ messageId = 0 }, line) => {
      line.tell({ cmd: "pubrel", messageId });
      return [];
    },
  ),
  requests("PUBCOMP is not heard", "v4-4.3.3-1 v5-4.3.3-5", "pubcomp", () => []),
  requests("a failing PUBACK is not heard", "v5-4.4.0-2", "puback", (packet) =>
    (packet.reasonCode ?? 0) >= 0x80 ? [] : [packet],
  ),
  {
    name: "what is open is sent again after a while",
    breaks: "v5-4.4.0-1",
    passed: (line) => {
      const open = line.answers.find((each) => each.cmd === "publish" && each.qos > 0);
      if (open !== undefined) line.tell(open);
    },
  },
  answers("DISCONNECT is not sent", "v5-3.1.4-3 v5-3.14.1-1", "disconnect", () => []),
  answers("DISCONNECT has 0x00", "v5-4.13.2-1", "disconnect", (packet) => [
    { ...packet, reasonCode: 0 },
  ]),
  answers("DISCONNECT has a code of no table", "v5-3.14.2-1", "disconnect", (packet) => [
    { ...packet, reasonCode: 0x86 },
  ]),
  answers("DISCONNECT has another code", "v5-3.1.4-3 v5-3.14.1-1", "disconnect", (packet) => [
    { ...packet, reasonCode: 0x98 },
  ]),
  answers("DISCONNECT has an expiry", "v5-3.14.2-2", "disconnect", (packet) => [
    { ...packet, properties: { sessionExpiryInterval: 1 } },
  ]),
  answers(
    "DISCONNECT has a Reason String, fitting or not",
    "v5-3.14.2-3",
    "disconnect",
    (packet) => [{ ...packet, properties: { reasonString: "x".repeat(60) } }],
  ),
  answers(
    "DISCONNECT has User Properties, fitting or not",
    "v5-3.14.2-4",
    "disconnect",
    (packet) => [{ ...packet, properties: filler(60) }],
  ),
  answers("DISCONNECT is not the last", "v5-3.14.4-1", "disconnect", (packet) => [
    packet,
    { cmd: "pingresp" },
  ]),
];

/** 0x8B: the broker stops, which no acknowledgement may have. */
function withCode(packet: Extract<Packet, { cmd: Acknowledgement }>): readonly Packet[] {
  if (packet.cmd !== "suback" && packet.cmd !== "unsuback")
    return [{ ...packet, reasonCode: 0x8b }];
  return [{ ...packet, granted: (packet.granted as number[]).map(() => 0x8b) }];
}

/** The broker accepts a good PUBREC in place of PUBCOMP as well. */
function ended(packet: Packet, line: QuirkyLine): readonly Packet[] {
  line.ask(packet);
  return [{ cmd: "pubcomp", messageId: packet.messageId ?? 0 }];
}

function brokenBy(broken: Broken): Quirk[] {
  const { name, lost, otherId, otherCode } = broken;
  const title = name.toUpperCase();
  return [
    answers(`${title} is lost`, lost, name, () => []),
    answers(`${title} has another packet id`, otherId, name, (packet) => [
      { ...packet, messageId: ((packet.messageId ?? 0) % 65_535) + 1 },
    ]),
    answers(`${title} has reserved flags`, "v4-2.2.2-1 v5-2.1.3-1", name, (_, __, frame) => [
      withFlags(frame, 0x01),
    ]),
    answers(`${title} has a code of no table`, otherCode, name, withCode),
    answers(
      `${title} has a Reason String, fitting or not`,
      `${broken.reasonString} v5-3.1.2-29`,
      name,
      (packet) => [{ ...packet, properties: { reasonString: "x".repeat(60) } }],
    ),
    answers(
      `${title} has User Properties, fitting or not`,
      `${broken.userProperty} v5-3.1.2-29`,
      name,
      (packet) => [{ ...packet, properties: filler(60) }],
    ),
  ];
}
