import type {
  ProtocolVersion,
  Qos,
  SubscribePacket,
  SubscriptionRequest,
  UnsubscribePacket,
} from "../core/packet.ts";
import { Reason, type ProtocolError } from "../core/reason.ts";
import { Cursor } from "./cursor.ts";
import { walkFilter } from "./filter.ts";
import { noProperties, walkProperties } from "./property.ts";
import { decodeText } from "./utf8.ts";

const comma = 0x2c;
const tilde = 0x7e;

/**
 * Reads the SUBSCRIBE whose body is bytes[body..end). Checks all of it, and then decodes its first
 * `filtersMax` filters: the broker refuses the others unseen.
 */
export function readSubscribe(
  bytes: Uint8Array,
  body: number,
  end: number,
  version: ProtocolVersion,
  filtersMax: number,
): SubscribePacket | ProtocolError {
  const cursor = new Cursor(bytes, body, end, version);
  const packetId = cursor.packetIdentifier("2.3.1-1", "2.2.1-3");
  const { own } = version === 5 ? walkProperties(cursor, "subscribe") : noProperties;
  const filtersStart = cursor.position;
  const filters = walkRequests(cursor);
  if (cursor.error !== null) return cursor.error;
  const decoded = Math.min(filters, filtersMax);
  const subscriptions: SubscriptionRequest[] = [];
  for (let at = filtersStart; subscriptions.length < decoded;) {
    const optionsAt = at + 2 + twoBytes(bytes, at);
    subscriptions.push(requestFrom(bytes, at + 2, optionsAt));
    at = optionsAt + 1;
  }
  const { subscriptionIdentifier } = own;
  const undecoded = filters - decoded;
  return { type: "subscribe", packetId, subscriptionIdentifier, subscriptions, undecoded };
}

/** Walks filters and options [v4-3.8.3-3] [v5-3.8.3-2], and returns how many there are. */
function walkRequests(cursor: Cursor): number {
  if (cursor.error === null && !cursor.more) {
    cursor.fail(Reason.protocolError, "3.8.3-3", "3.8.3-2", "SUBSCRIBE without a Topic Filter");
  }
  let filters = 0;
  for (; cursor.more; filters++) {
    filters += walkPlain(cursor);
    if (!cursor.more) return filters;
    const shared = walkFilter(cursor);
    const options = cursor.byte("Subscription Options");
    if (cursor.version === 5) checkOptions(cursor, options, shared);
    else if (options > 2) {
      cursor.fail(Reason.malformedPacket, "3.8.3-4", "", "Requested QoS is not 0, 1 or 2");
    }
  }
  return filters;
}

/**
 * Walks as many filters as have only characters from `,` to `~`, so neither wildcards nor `$`, and
 * options that are only a QoS. Returns how many those are. One loop without calls: a megabyte may
 * come before any of this is compiled.
 */
function walkPlain(cursor: Cursor): number {
  const { bytes, end } = cursor;
  let filters = 0;
  for (let at = cursor.position; at + 3 < end; filters++) {
    const start = at + 2;
    at = start + ((bytes[at]! << 8) | bytes[at + 1]!);
    if (at === start || at >= end || bytes[at]! > 2) break;
    let place = start;
    while (place < at && bytes[place]! >= comma && bytes[place]! <= tilde) place++;
    if (place < at) break;
    at += 1;
    cursor.position = at;
  }
  return filters;
}

function checkOptions(cursor: Cursor, options: number, shared: boolean): void {
  if ((options & 0xc0) !== 0) {
    const detail = "reserved bits of the Subscription Options are set";
    cursor.fail(Reason.malformedPacket, "", "3.8.3-5", detail);
  }
  if ((options & 0x03) === 0x03) {
    cursor.fail(Reason.protocolError, "", "3.8.3.1", "Maximum QoS of a subscription is 3");
  }
  if ((options & 0x30) === 0x30) {
    cursor.fail(Reason.protocolError, "", "3.8.3.1", "Retain Handling is 3");
  }
  if (shared && (options & 0x04) !== 0) {
    cursor.fail(Reason.protocolError, "", "3.8.3-4", "No Local on a shared subscription");
  }
}

/** A filter and its options, which the walk has accepted. */
function requestFrom(bytes: Uint8Array, start: number, optionsAt: number): SubscriptionRequest {
  const options = bytes[optionsAt] ?? 0;
  const qos = options & 3;
  const retainHandling = (options >> 4) & 3;
  return {
    filter: decodeText(bytes, start, optionsAt),
    qos: qos === 1 || qos === 2 ? qos : (0 satisfies Qos),
    noLocal: (options & 0x04) !== 0,
    retainAsPublished: (options & 0x08) !== 0,
    retainHandling: retainHandling === 1 || retainHandling === 2 ? retainHandling : 0,
  };
}

/**
 * Reads the UNSUBSCRIBE whose body is bytes[body..end). Counts its filters before it decodes any:
 * UNSUBACK has no code that refuses some of them, so too many are a violation (v5-4.13.2).
 */
export function readUnsubscribe(
  bytes: Uint8Array,
  body: number,
  end: number,
  version: ProtocolVersion,
  filtersMax: number,
): UnsubscribePacket | ProtocolError {
  const cursor = new Cursor(bytes, body, end, version);
  const packetId = cursor.packetIdentifier("2.3.1-1", "2.2.1-3");
  if (version === 5) walkProperties(cursor, "unsubscribe");
  if (cursor.error === null && !cursor.more) {
    cursor.fail(Reason.protocolError, "3.10.3-2", "3.10.3-2", "UNSUBSCRIBE without a Topic Filter");
  }
  const filtersStart = cursor.position;
  for (let filters = 0; cursor.more; filters++) {
    if (filters === filtersMax) {
      const detail = `an UNSUBSCRIBE of more than ${filtersMax} filters (limits.filters)`;
      cursor.fail(Reason.quotaExceeded, "4.8", "4.13.2", detail);
    }
    walkFilter(cursor);
  }
  if (cursor.error !== null) return cursor.error;
  const filters: string[] = [];
  for (let at = filtersStart; at < end;) {
    const next = at + 2 + twoBytes(bytes, at);
    filters.push(decodeText(bytes, at + 2, next));
    at = next;
  }
  return { type: "unsubscribe", packetId, filters };
}

function twoBytes(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
