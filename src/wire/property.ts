import { Reason } from "../core/reason.ts";
import type { Cursor } from "./cursor.ts";
import { rules, sections, type PropertyHolder, type PropertyRule } from "./property-rules.ts";
import { topicNameFlaw } from "./topics.ts";
import { decodeText, textFlaw } from "./utf8.ts";

/** Result of walking one block: the values that the broker uses. */
export interface PropertyBlock {
  /** The properties are bytes[start..end), without their length field. */
  readonly start: number;
  readonly end: number;
  payloadFormat: number;
  /** Seconds; null: absent. */
  expirySeconds: number | null;
  /** 0: absent. */
  topicAlias: number;
  /** Seconds; 0 when absent. */
  willDelayInterval: number;
  /** Start and end, in pairs, of the properties that are not forwarded. */
  withheld: number[] | null;
  own: OwnProperties;
}

/** Properties of a packet itself, not of its message. */
interface OwnProperties {
  /** Seconds; null: absent. */
  sessionExpiryInterval: number | null;
  receiveMaximum: number;
  /** Bytes; null: absent. */
  maximumPacketSize: number | null;
  topicAliasMaximum: number;
  requestProblemInformation: boolean;
  /** Of CONNECT; null: absent. */
  authenticationMethod: string | null;
  /** Null: absent. */
  subscriptionIdentifier: number | null;
  /** Of DISCONNECT; null: absent. */
  reasonString: string | null;
}

/** What a packet without properties has; `own` is shared and never changed. */
export const noProperties: PropertyBlock = {
  start: 0,
  end: 0,
  payloadFormat: 0,
  expirySeconds: null,
  topicAlias: 0,
  willDelayInterval: 0,
  withheld: null,
  own: {
    sessionExpiryInterval: null,
    receiveMaximum: 65_535,
    maximumPacketSize: null,
    topicAliasMaximum: 0,
    requestProblemInformation: true,
    authenticationMethod: null,
    subscriptionIdentifier: null,
    reasonString: null,
  },
};

/** Walks one block of properties, length first [v5-2.2.2-1]. The cursor keeps any violation. */
export function walkProperties(cursor: Cursor, holder: PropertyHolder): PropertyBlock {
  const length = cursor.variable("Property Length");
  const outerEnd = cursor.end;
  const block: PropertyBlock = {
    ...noProperties,
    start: cursor.position,
    end: cursor.position + length,
  };
  if (block.end > outerEnd) {
    malformed(cursor, "2.2.2.1", "Property Length is longer than the packet");
    return block;
  }
  cursor.end = block.end;
  // One bit for each identifier, in two words since identifiers exceed 31.
  const seen = [0, 0];
  for (;;) {
    skipUserProperties(cursor);
    if (!cursor.more) break;
    walkProperty(cursor, holder, block, seen);
  }
  cursor.end = outerEnd;
  requireCompany(cursor, holder, seen);
  return block;
}

const userProperty = 0x26;

/**
 * Skips valid User Properties, which every block may have, as often as it likes: one packet holds
 * hundreds of thousands. Stops at whatever else comes, or at one that is invalid.
 */
function skipUserProperties(cursor: Cursor): void {
  if (cursor.error !== null) return;
  const { bytes, end } = cursor;
  let at = cursor.position;
  while (at < end && bytes[at] === userProperty) {
    const valueAt = endOfText(bytes, at + 1, end);
    const next = valueAt < 0 ? -1 : endOfText(bytes, valueAt, end);
    if (next < 0) break;
    at = next;
  }
  cursor.position = at;
}

/** The offset behind the string whose length is at `at`; -1: it is invalid, or passes `end`. */
function endOfText(bytes: Uint8Array, at: number, end: number): number {
  const textAt = at + 2;
  if (textAt > end) return -1;
  const textEnd = textAt + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
  return textEnd <= end && textFlaw(bytes, textAt, textEnd, false) === null ? textEnd : -1;
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
  if (rule.ownedByBroker) (block.withheld ??= []).push(start, cursor.position);
  note(cursor, holder, block, identifier, value);
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

function note(
  cursor: Cursor,
  holder: PropertyHolder,
  block: PropertyBlock,
  identifier: number,
  value: number,
): void {
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
    default:
      noteOwn(cursor, holder, block, identifier, value);
  }
}

function noteOwn(
  cursor: Cursor,
  holder: PropertyHolder,
  block: PropertyBlock,
  identifier: number,
  value: number,
): void {
  const { bytes, fieldStart, fieldEnd } = cursor;
  switch (identifier) {
    case 0x0b:
      ownOf(block).subscriptionIdentifier = value;
      break;
    case 0x11:
      ownOf(block).sessionExpiryInterval = value;
      break;
    case 0x15:
      ownOf(block).authenticationMethod = decodeText(bytes, fieldStart, fieldEnd);
      break;
    case 0x17:
      ownOf(block).requestProblemInformation = value === 1;
      break;
    case 0x1f:
      if (holder !== "disconnect") break;
      ownOf(block).reasonString = decodeText(bytes, fieldStart, fieldEnd);
      break;
    case 0x21:
      ownOf(block).receiveMaximum = value;
      break;
    case 0x22:
      ownOf(block).topicAliasMaximum = value;
      break;
    case 0x27:
      ownOf(block).maximumPacketSize = value;
      break;
  }
}

/** A block's own properties, to change. */
function ownOf(block: PropertyBlock): OwnProperties {
  if (block.own === noProperties.own) block.own = { ...noProperties.own };
  return block.own;
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
 * [v5-3.3.2-4] [v5-3.3.2-15] to -18 [v5-3.3.2-20]; null: none. A subarray of `bytes` if they lie side
 * by side, else a copy.
 */
export function forwardedProperties(bytes: Uint8Array, block: PropertyBlock): Uint8Array | null {
  let { start, end } = block;
  const withheld = block.withheld ?? nothingWithheld;
  let first = 0;
  let last = withheld.length;
  for (; first < last && withheld[first] === start; first += 2) start = withheld[first + 1] ?? end;
  for (; first < last && withheld[last - 1] === end; last -= 2) end = withheld[last - 2] ?? start;
  if (start === end) return null;
  if (first === last) return bytes.subarray(start, end);
  let size = end - start;
  for (let index = first; index < last; index += 2) {
    size -= (withheld[index + 1] ?? 0) - (withheld[index] ?? 0);
  }
  const forwarded = new Uint8Array(size);
  let from = start;
  let at = 0;
  for (let index = first; index <= last; index += 2) {
    const to = index === last ? end : (withheld[index] ?? end);
    forwarded.set(bytes.subarray(from, to), at);
    at += to - from;
    from = withheld[index + 1] ?? end;
  }
  return forwarded;
}

const nothingWithheld: readonly number[] = [];

/** Whether a payload matches its Payload Format Indicator (v5-3.3.2.3.2, v5-3.1.3.2.3). */
export function payloadMatchesFormat(
  properties: PropertyBlock,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  return properties.payloadFormat === 0 || textFlaw(bytes, start, end, true) === null;
}
