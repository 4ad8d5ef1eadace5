import { reasonText } from "../../core/reason.ts";
import type { AcknowledgementName } from "../../wire/grammar.ts";
import { returnCodes } from "../../wire/return-codes.ts";
import type { Draft } from "./node.ts";
import { walkProperties } from "./properties.ts";
import { walkGranted } from "./subscribe.ts";
import type { Walk } from "./walk.ts";

/** The reason codes of each packet, from its table in v5. */
const published = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
const released = [0x00, 0x92];
const closing = [0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99];

type Reasoned = AcknowledgementName | "disconnect" | "auth";

interface ReasonRule {
  readonly client: readonly number[];
  readonly server: readonly number[];
  readonly statement: string;
}

const reasons: { readonly [packet in Reasoned]: ReasonRule } = {
  puback: { client: published, server: published, statement: "3.4.2-1" },
  pubrec: { client: published, server: published, statement: "3.5.2-1" },
  pubrel: { client: released, server: released, statement: "3.6.2-1" },
  pubcomp: { client: released, server: released, statement: "3.7.2-1" },
  disconnect: {
    client: [0x00, 0x04, ...closing],
    server: [
      ...[0x00, ...closing, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f],
      ...[0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2],
    ],
    statement: "3.14.2-1",
  },
  auth: { client: [0x18, 0x19], server: [0x00, 0x18], statement: "3.15.2-1" },
};

function walkReason(walk: Walk, packet: Reasoned): void {
  const found = walk.integer(1, "Reason Code");
  if (found === null) return;
  const { node, value } = found;
  const { [walk.from]: codes, statement } = reasons[packet];
  const isGoodbye = packet === "disconnect" && value === 0;
  node.meaning = isGoodbye ? "normal disconnection (0x00)" : reasonText(value);
  if (codes.includes(value)) return;
  const who = `a ${walk.from}'s ${packet.toUpperCase()}`;
  walk.violateV5(node, statement, `Reason Code ${value} is not allowed in ${who}`);
}

/** The body of a PUBACK, PUBREC, PUBREL or PUBCOMP. */
export function walkAcknowledgement(walk: Walk, name: AcknowledgementName): void {
  walk.group("Variable header", () => {
    walk.packetIdentifier("2.3.1-6", "2.2.1-5");
    if (walk.protocol === 5 && walk.more) {
      walkReason(walk, name);
      if (walk.more) walkProperties(walk, name);
    }
    walk.finish();
  });
}

/** The body of a DISCONNECT; may end before the properties or the reason code (v5-3.14.2.1). */
export function walkDisconnect(walk: Walk): void {
  if (!walk.more) return;
  walk.group("Variable header", () => {
    if (walk.protocol === 5) {
      walkReason(walk, "disconnect");
      if (walk.more) walkProperties(walk, "disconnect");
    }
    walk.finish();
  });
}

/** The body of an AUTH; an empty one means success, which only a server may send (v5-3.15.2.1). */
export function walkAuth(walk: Walk): void {
  if (walk.from === "server" && !walk.more) return;
  const isEmpty = !walk.more;
  let isMethodMissing = false;
  const header = walk.group("Variable header", () => {
    if (isEmpty) return;
    walkReason(walk, "auth");
    isMethodMissing = !walk.stopped && !walk.more;
    if (walk.more) walkProperties(walk, "auth");
    walk.finish();
  });
  if (isEmpty) walk.violateV5(header, "3.15.2-1", "a client's AUTH says success");
  if (isMethodMissing) {
    walk.violateV5(header, "3.15.2.2.2", "AUTH without Authentication Method");
  }
}

/** A PINGREQ or PINGRESP, which has no body. */
export function walkPing(walk: Walk, name: "PINGREQ" | "PINGRESP"): void {
  if (!walk.more) return;
  const section = name === "PINGREQ" ? "3.12" : "3.13";
  const { node } = walk.rest("Bytes without meaning");
  walk.violate(node, section, section, `${name} has a body`);
}

const connackCodes = [
  ...[0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c],
  ...[0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f],
];

/** The body of a CONNACK. */
export function walkConnack(walk: Walk): void {
  walk.group("Variable header", () => {
    const present = walkAcknowledgeFlags(walk);
    const code = walk.integer(1, walk.protocol === 5 ? "Reason Code" : "Return Code");
    if (code !== null) judgeConnack(walk, code.node, code.value);
    if (code !== null && code.value !== 0 && present?.value === true) {
      walk.violate(present, "3.2.2-4", "3.2.2-6", "Session Present in a CONNACK that refuses");
    }
    if (walk.protocol === 5) walkProperties(walk, "connack");
    walk.finish();
  });
}

/** Session Present; null: there is no such flag. */
function walkAcknowledgeFlags(walk: Walk): Draft | null {
  // Section 3.2 of MQTT 3.1: reserved, any value.
  if (walk.protocol === 3) {
    const reserved = walk.integer(1, "Reserved");
    if (reserved !== null) reserved.node.meaning = "not used in MQTT 3.1";
    return null;
  }
  const flags = walk.integer(1, "Connect Acknowledge Flags");
  if (flags === null) return null;
  const present = walk.flag(flags.node, "Session Present", flags.value, 0x01);
  const reserved = walk.flag(flags.node, "Reserved", flags.value, 0xfe);
  if ((flags.value & 0xfe) !== 0) {
    walk.violate(reserved, "3.2.2-1", "3.2.2-1", "reserved Connect Acknowledge Flags are set");
  }
  return present;
}

function judgeConnack(walk: Walk, node: Draft, code: number): void {
  if (walk.protocol === 5) {
    node.meaning = reasonText(code);
    if (connackCodes.includes(code)) return;
    return walk.violateV5(node, "3.2.2-8", `Reason Code ${code} is not allowed in a CONNACK`);
  }
  node.meaning = returnCodes[code] ?? null;
  if (code >= returnCodes.length) {
    walk.violate(node, "3.2.2.3", "", `Return Code ${code} is reserved`);
  }
}

/** The body of a SUBACK. */
export function walkSuback(walk: Walk): void {
  const header = walk.group("Variable header", () => {
    walk.packetIdentifier("2.3.1-7", "2.2.1-6");
    if (walk.protocol === 5) walkProperties(walk, "suback");
  });
  const failures = [0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2];
  // MQTT 3.1 (section 3.9) has no code for a failure.
  const codes = [0, 1, 2, ...{ 3: [], 4: [0x80], 5: failures }[walk.protocol]];
  const meaning = (code: number): string | null => {
    if (code < 3) return `granted QoS ${code}`;
    if (walk.protocol === 5) return reasonText(code);
    return walk.protocol === 4 ? "failure" : null;
  };
  const statements = {
    none: ["3.8.4-5", "3.8.4-6"],
    code: ["3.9.3-2", "3.9.3-2"],
  } as const;
  walkGranted(walk, codes, meaning, statements, header);
}

/** The body of an UNSUBACK, without codes before v5. */
export function walkUnsuback(walk: Walk): void {
  const header = walk.group("Variable header", () => {
    walk.packetIdentifier("2.3.1-7", "2.2.1-6");
    if (walk.protocol === 5) walkProperties(walk, "unsuback");
    else walk.finish();
  });
  if (walk.protocol !== 5) return;
  const codes = [0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91];
  const statements = {
    none: ["", "3.11.3-1"],
    code: ["", "3.11.3-2"],
  } as const;
  walkGranted(walk, codes, (code) => reasonText(code), statements, header);
}
