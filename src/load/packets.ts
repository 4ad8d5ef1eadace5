/**
 * The few packets of the loads, made by hand: encoded once and then patched in place, and some of them
 * such as no encoder makes, with 160,000 properties or without an end. `src/wire` has the other direction.
 */

import { variableSize, writeVariable } from "../wire/variable.ts";

/** The protocol level: 3.1.1 or 5.0. */
export type Version = 4 | 5;
export type Qos = 0 | 1 | 2;

export interface LoadWill {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos?: Qos;
  /** Will Delay Interval, seconds; MQTT 5.0 only. */
  readonly delay?: number;
  /** Encoded properties beside the delay; MQTT 5.0 only. */
  readonly properties?: Uint8Array;
}

export interface ConnectFields {
  readonly clientId: string;
  /** Seconds; 0: none. */
  readonly keepAlive: number;
  readonly will?: LoadWill;
  /** Clean Session or Clean Start; default true. */
  readonly isClean?: boolean;
  /** Session Expiry Interval, seconds; MQTT 5.0 only. */
  readonly sessionExpiry?: number;
  readonly username?: string | null;
  readonly password?: string | null;
  /** Encoded properties, appended as they are; MQTT 5.0 only. */
  readonly properties?: Uint8Array;
}

export const disconnect: Uint8Array = Uint8Array.of(0xe0, 0);
export const pingreq: Uint8Array = Uint8Array.of(0xc0, 0);

export function connect(version: Version, fields: ConnectFields): Uint8Array {
  const { will, username = null, password = null, isClean = true, keepAlive } = fields;
  const flags =
    (isClean ? 0x02 : 0) |
    (will === undefined ? 0 : 0x04 | ((will.qos ?? 0) << 3)) |
    (password === null ? 0 : 0x40) |
    (username === null ? 0 : 0x80);
  const expiry = fields.sessionExpiry;
  const own = expiry === undefined ? [] : [0x11, ...uint32(expiry)];
  const willDelay = will?.delay === undefined ? [] : [0x18, ...uint32(will.delay)];
  return packet(0x10, [
    text("MQTT"),
    [version, flags, keepAlive >> 8, keepAlive & 0xff],
    ...properties(version, [own, fields.properties ?? []]),
    text(fields.clientId),
    ...(will === undefined
      ? []
      : [
          ...properties(version, [willDelay, will.properties ?? []]),
          text(will.topic),
          binary(will.payload),
        ]),
    ...(username === null ? [] : [text(username)]),
    ...(password === null ? [] : [text(password)]),
  ]);
}

export function subscribe(
  version: Version,
  id: number,
  filters: readonly string[],
  qos: Qos,
): Uint8Array {
  const each = filters.flatMap((filter) => [text(filter), [qos]]);
  return packet(0x82, [[id >> 8, id & 0xff], ...properties(version, []), ...each]);
}

export function publish(
  version: Version,
  topic: string,
  payload: Uint8Array,
  { qos = 0, id = 1, retain = false, alias = 0 }: PublishFields = {},
): Uint8Array {
  return packet(0x30 | (qos << 1) | (retain ? 1 : 0), [
    text(topic),
    ...(qos === 0 ? [] : [[id >> 8, id & 0xff]]),
    ...properties(version, [alias === 0 ? [] : [0x23, alias >> 8, alias & 0xff]]),
    payload,
  ]);
}

export interface PublishFields {
  readonly qos?: Qos;
  readonly id?: number;
  readonly retain?: boolean;
  /** Topic Alias; 0: none. MQTT 5.0 only. */
  readonly alias?: number;
}

/** `count` PUBLISH packets of one topic and QoS, back to back, all of one size. */
export interface PublishRun {
  readonly bytes: Uint8Array;
  /** Size of one packet in bytes. */
  readonly size: number;
  /** Offset of the packet id in a packet; 0 for QoS 0. */
  readonly idAt: number;
  /**
   * Offset of the payload in a packet. It begins with the sequence number (32 bit) and the number of
   * the flow (16 bit), so it has 6 bytes at least.
   */
  readonly payloadAt: number;
}

export function publishRun(
  version: Version,
  topic: string,
  qos: Qos,
  flow: number,
  payloadBytes: number,
  count: number,
): PublishRun {
  const payload = new Uint8Array(payloadBytes).map((_, at) => (at * 7 + topic.length) & 0xff);
  payload.set([flow >> 8, flow & 0xff], 4);
  const one = publish(version, topic, payload, { qos });
  const payloadAt = one.length - payloadBytes;
  const idAt = qos === 0 ? 0 : payloadAt - (version === 5 ? 3 : 2);
  return { bytes: repeated(one, count), size: one.length, idAt, payloadAt };
}

/** The bytes `count` times, back to back. */
export function repeated(one: Uint8Array, count: number): Uint8Array {
  const bytes = new Uint8Array(one.length * count);
  for (let at = 0; at < count; at++) bytes.set(one, at * one.length);
  return bytes;
}

/** A packet of any type; `header` is its first byte. */
export function packet(header: number, parts: readonly ArrayLike<number>[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const start = [header, ...variableInteger(length)];
  const bytes = new Uint8Array(start.length + length);
  bytes.set(start);
  let at = start.length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A UTF-8 string with its length. */
export function text(value: string): Uint8Array {
  return binary(new TextEncoder().encode(value));
}

function binary(value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(2 + value.length);
  bytes.set([value.length >> 8, value.length & 0xff]);
  bytes.set(value, 2);
  return bytes;
}

/** Property Length and properties of MQTT 5.0; nothing for 3.1.1. */
export function properties(
  version: Version,
  parts: readonly ArrayLike<number>[],
): ArrayLike<number>[] {
  if (version !== 5) return [];
  return [variableInteger(parts.reduce((sum, part) => sum + part.length, 0)), ...parts];
}

function variableInteger(value: number): Uint8Array {
  const bytes = new Uint8Array(variableSize(value));
  writeVariable(bytes, 0, value);
  return bytes;
}

function uint32(value: number): number[] {
  return [(value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

export function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** The topic of a PUBLISH with one byte of Remaining Length. */
export function shortTopic(bytes: Uint8Array, start: number): string {
  const topicAt = start + 4;
  return new TextDecoder().decode(bytes.subarray(topicAt, topicAt + uint16(bytes, start + 2)));
}

/** The Packet Identifier of a PUBLISH of QoS 1 or 2. */
export function packetIdOf(bytes: Uint8Array, start: number): number {
  let topicAt = start + 1;
  while (((bytes[topicAt] ?? 0) & 0x80) !== 0) topicAt++;
  topicAt++;
  return uint16(bytes, topicAt + 2 + uint16(bytes, topicAt));
}

/** Receive Maximum of a version 5 CONNACK in bytes[start..end); 65,535 if the CONNACK has none. */
export function receiveMaximum(bytes: Uint8Array, start: number, end: number): number {
  // Header, flags and reason take four bytes; the property length after them takes one byte or two.
  let at = start + 4;
  while (((bytes[at] ?? 0) & 0x80) !== 0) at++;
  at++;
  while (at < end) {
    const id = bytes[at] ?? 0;
    if (id === 0x21) return uint16(bytes, at + 1);
    at += 1 + propertySize(id, bytes, at + 1);
  }
  return 65_535;
}

/** Properties of a CONNACK, by type (v5 section 3.2.2.3). */
function propertySize(id: number, bytes: Uint8Array, at: number): number {
  const field = (from: number) => 2 + (((bytes[from] ?? 0) << 8) | (bytes[from + 1] ?? 0));
  if ([0x24, 0x25, 0x28, 0x29, 0x2a].includes(id)) return 1;
  if ([0x13, 0x22].includes(id)) return 2;
  if ([0x11, 0x27].includes(id)) return 4;
  if (id === 0x26) return field(at) + field(at + field(at));
  return field(at);
}
