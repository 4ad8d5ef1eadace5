import { Reason } from "../core/reason.ts";
import type { Cursor } from "./cursor.ts";
import { topicNameFlaw } from "./topics.ts";

/** What has a block of properties: a client's packets, and the will in CONNECT. */
export type PropertyHolder =
  | "connect"
  | "will"
  | "publish"
  | "puback"
  | "pubrec"
  | "pubrel"
  | "pubcomp"
  | "subscribe"
  | "unsubscribe"
  | "disconnect"
  | "auth";

/** Result of walking one block; only the values that are used without decoding it again. */
export interface PropertyBlock {
  /** The properties are bytes[start..end), without their length field. */
  start: number;
  end: number;
  payloadFormat: number;
  /** Seconds; null: absent. */
  expirySeconds: number | null;
  /** 0: absent. */
  topicAlias: number;
  /** Seconds; 0 when absent. */
  willDelayInterval: number;
  /** Start and end, in pairs, of the properties that are not forwarded. */
  readonly withheld: number[];
}

interface PropertyRule {
  readonly name: string;
  readonly type: "byte" | "two bytes" | "four bytes" | "variable" | "text" | "binary" | "pair";
  readonly minimum: number;
  readonly maximum: number;
  readonly repeatable: boolean;
  /** The broker writes it again for each subscriber, so it is removed from the forwarded block. */
  readonly ownedByBroker: boolean;
}

const plain = { minimum: 0, maximum: Infinity, repeatable: false, ownedByBroker: false };

/** v5 table 2-4, limited to properties that a client may send. */
const rules: { readonly [identifier: number]: PropertyRule } = {
  0x01: { ...plain, name: "Payload Format Indicator", type: "byte", maximum: 1 },
  0x02: { ...plain, name: "Message Expiry Interval", type: "four bytes", ownedByBroker: true },
  0x03: { ...plain, name: "Content Type", type: "text" },
  0x08: { ...plain, name: "Response Topic", type: "text" },
  0x09: { ...plain, name: "Correlation Data", type: "binary" },
  0x0b: { ...plain, name: "Subscription Identifier", type: "variable", minimum: 1 },
  0x11: { ...plain, name: "Session Expiry Interval", type: "four bytes" },
  0x15: { ...plain, name: "Authentication Method", type: "text" },
  0x16: { ...plain, name: "Authentication Data", type: "binary" },
  0x17: { ...plain, name: "Request Problem Information", type: "byte", maximum: 1 },
  0x18: { ...plain, name: "Will Delay Interval", type: "four bytes", ownedByBroker: true },
  0x19: { ...plain, name: "Request Response Information", type: "byte", maximum: 1 },
  0x1f: { ...plain, name: "Reason String", type: "text" },
  0x21: { ...plain, name: "Receive Maximum", type: "two bytes", minimum: 1 },
  0x22: { ...plain, name: "Topic Alias Maximum", type: "two bytes" },
  0x23: { ...plain, name: "Topic Alias", type: "two bytes", minimum: 1, ownedByBroker: true },
  0x26: { ...plain, name: "User Property", type: "pair", repeatable: true },
  0x27: { ...plain, name: "Maximum Packet Size", type: "four bytes", minimum: 1 },
};

/** Which property each holder allows, and the section that says so and how often. */
const sections: {
  readonly [holder in PropertyHolder]: { readonly [identifier: number]: string };
} = {
  connect: {
    0x11: "3.1.2.11.2",
    0x21: "3.1.2.11.3",
    0x27: "3.1.2.11.4",
    0x22: "3.1.2.11.5",
    0x19: "3.1.2.11.6",
    0x17: "3.1.2.11.7",
    0x26: "3.1.2.11.8",
    0x15: "3.1.2.11.9",
    0x16: "3.1.2.11.10",
  },
  will: {
    0x18: "3.1.3.2.2",
    0x01: "3.1.3.2.3",
    0x02: "3.1.3.2.4",
    0x03: "3.1.3.2.5",
    0x08: "3.1.3.2.6",
    0x09: "3.1.3.2.7",
    0x26: "3.1.3.2.8",
  },
  publish: {
    0x01: "3.3.2.3.2",
    0x02: "3.3.2.3.3",
    0x23: "3.3.2.3.4",
    0x08: "3.3.2.3.5",
    0x09: "3.3.2.3.6",
    0x26: "3.3.2.3.7",
    0x03: "3.3.2.3.9",
  },
  puback: { 0x1f: "3.4.2.2.2", 0x26: "3.4.2.2.3" },
  pubrec: { 0x1f: "3.5.2.2.2", 0x26: "3.5.2.2.3" },
  pubrel: { 0x1f: "3.6.2.2.2", 0x26: "3.6.2.2.3" },
  pubcomp: { 0x1f: "3.7.2.2.2", 0x26: "3.7.2.2.3" },
  subscribe: { 0x0b: "3.8.2.1.2", 0x26: "3.8.2.1.3" },
  unsubscribe: { 0x26: "3.10.2.1.2" },
  disconnect: { 0x11: "3.14.2.2.2", 0x1f: "3.14.2.2.3", 0x26: "3.14.2.2.4" },
  auth: { 0x15: "3.15.2.2.2", 0x16: "3.15.2.2.3", 0x1f: "3.15.2.2.4", 0x26: "3.15.2.2.5" },
};

/** Walks one block of properties, length first [v5-2.2.2-1]. The cursor keeps any violation. */
export function walkProperties(cursor: Cursor, holder: PropertyHolder): PropertyBlock {
  const length = cursor.variable("Property Length");
  const outerEnd = cursor.end;
  const block: PropertyBlock = {
    start: cursor.position,
    end: cursor.position + length,
    payloadFormat: 0,
    expirySeconds: null,
    topicAlias: 0,
    willDelayInterval: 0,
    withheld: [],
  };
  if (block.end > outerEnd) {
    malformed(cursor, "2.2.2.1", "Property Length is longer than the packet");
    return block;
  }
  cursor.end = block.end;
  // One bit for each identifier, in two words since identifiers exceed 31.
  const seen = [0, 0];
  while (cursor.more) walkProperty(cursor, holder, block, seen);
  cursor.end = outerEnd;
  requireCompany(cursor, holder, seen);
  return block;
}

function walkProperty(
  cursor: Cursor,
  holder: PropertyHolder,
  block: PropertyBlock,
  seen: number[],
): void {
  const start = cursor.position;
  const identifier = cursor.variable("Property Identifier");
  if (cursor.error !== null) return;
  const rule = rules[identifier];
  const section = sections[holder][identifier];
  if (rule === undefined || section === undefined) {
    misplaced(cursor, holder, identifier);
    return;
  }
  if (!rule.repeatable && isSeen(seen, identifier)) {
    refuse(cursor, section, `${rule.name} appears twice`);
    return;
  }
  seen[identifier >> 5] = (seen[identifier >> 5] ?? 0) | (1 << (identifier & 31));
  const value = walkValue(cursor, rule);
  if (cursor.error !== null) return;
  if (value < rule.minimum || value > rule.maximum) {
    outOfRange(cursor, identifier, section, rule.name, value);
    return;
  }
  if (rule.ownedByBroker) block.withheld.push(start, cursor.position);
  note(cursor, block, identifier, value);
}

/**
 * Reads a value by the rules of its type [v5-1.5.7-1] [v5-3.3.2-13] [v5-3.3.2-19]. Returns a
 * number's value; 0 for other types.
 */
function walkValue(cursor: Cursor, rule: PropertyRule): number {
  switch (rule.type) {
    case "byte":
      return cursor.byte(rule.name);
    case "two bytes":
      return cursor.twoBytes(rule.name);
    case "four bytes":
      return cursor.fourBytes(rule.name);
    case "variable":
      return cursor.variable(rule.name);
    case "text":
      cursor.text(rule.name);
      return 0;
    case "binary":
      cursor.binary(rule.name);
      return 0;
    case "pair":
      cursor.text(rule.name);
      cursor.text(rule.name);
      return 0;
  }
}

function note(cursor: Cursor, block: PropertyBlock, identifier: number, value: number): void {
  switch (identifier) {
    case 0x01:
      block.payloadFormat = value;
      break;
    case 0x02:
      block.expirySeconds = value;
      break;
    case 0x08:
      checkResponseTopic(cursor);
      break;
    case 0x18:
      block.willDelayInterval = value;
      break;
    case 0x23:
      block.topicAlias = value;
      break;
  }
}

function checkResponseTopic(cursor: Cursor): void {
  const { bytes, fieldStart, fieldEnd } = cursor;
  const flaw = topicNameFlaw(bytes, fieldStart, fieldEnd);
  if (flaw === "empty") refuse(cursor, "4.7.3-1", "Response Topic is empty");
  if (flaw === "wildcard") refuse(cursor, "3.3.2-14", "Response Topic holds a wildcard");
}

function misplaced(cursor: Cursor, holder: PropertyHolder, identifier: number): void {
  if (holder === "publish" && identifier === 0x0b) {
    refuse(cursor, "3.3.4-6", "a client's PUBLISH holds a Subscription Identifier");
    return;
  }
  const where = holder === "will" ? "the will" : holder.toUpperCase();
  const name = rules[identifier]?.name ?? `property ${identifier}`;
  malformed(cursor, "2.2.2.2", `${name} is not allowed in ${where}`);
}

function outOfRange(
  cursor: Cursor,
  identifier: number,
  section: string,
  name: string,
  value: number,
): void {
  if (identifier === 0x23) {
    cursor.fail(Reason.topicAliasInvalid, "", "3.3.2-8", "Topic Alias is 0");
  } else {
    refuse(cursor, section, `${name} is ${value}`);
  }
}

/** Rules on properties that require each other. */
function requireCompany(cursor: Cursor, holder: PropertyHolder, seen: readonly number[]): void {
  if (isSeen(seen, 0x15)) return;
  if (holder === "connect" && isSeen(seen, 0x16)) {
    refuse(cursor, "3.1.2.11.10", "Authentication Data without Authentication Method");
  }
  if (holder === "auth") refuse(cursor, "3.15.2.2.2", "AUTH without Authentication Method");
}

function isSeen(seen: readonly number[], identifier: number): boolean {
  return (((seen[identifier >> 5] ?? 0) >>> (identifier & 31)) & 1) === 1;
}

/** Never cites v4, which has no properties. */
function malformed(cursor: Cursor, statement: string, detail: string): void {
  cursor.fail(Reason.malformedPacket, "", statement, detail);
}

function refuse(cursor: Cursor, statement: string, detail: string): void {
  cursor.fail(Reason.protocolError, "", statement, detail);
}

/**
 * The properties that are forwarded with the message, in the client's order and encoding
 * [v5-3.3.2-4] [v5-3.3.2-15] to -18 [v5-3.3.2-20]; null: none. A subarray of `bytes` if all of them
 * are forwarded.
 */
export function forwardedProperties(bytes: Uint8Array, block: PropertyBlock): Uint8Array | null {
  const { start, end, withheld } = block;
  let size = end - start;
  for (let index = 0; index < withheld.length; index += 2) {
    size -= (withheld[index + 1] ?? 0) - (withheld[index] ?? 0);
  }
  if (size === 0) return null;
  if (withheld.length === 0) return bytes.subarray(start, end);
  const forwarded = new Uint8Array(size);
  let from = start;
  let at = 0;
  for (let index = 0; index <= withheld.length; index += 2) {
    const to = withheld[index] ?? end;
    forwarded.set(bytes.subarray(from, to), at);
    at += to - from;
    from = withheld[index + 1] ?? end;
  }
  return forwarded;
}
