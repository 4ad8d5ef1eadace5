import { counted } from "../support/connect-bytes.ts";

/** Packets built by hand, so that each part of them can be wrong: no encoder would write these. */

export type Bytes = readonly number[];

/** A string after its two length bytes; numbers give bytes that are no UTF-8. */
export const text: (field: string | Bytes) => Bytes = counted;

export function twoBytes(value: number): Bytes {
  return [value >> 8, value & 0xff];
}

/** A Variable Byte Integer, in the fewest bytes. */
export function variable(value: number): Bytes {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>= 7;
  } while (rest > 0);
  return bytes;
}

/** A block of properties; nothing in 3.1.1, which has none. */
export function block(version: 4 | 5, properties: Bytes = []): Bytes {
  return version === 5 ? [...variable(properties.length), ...properties] : [];
}

/** A packet with its fixed header. */
export function frame(first: number, ...parts: Bytes[]): Uint8Array {
  const body = parts.flat();
  return Uint8Array.from([first, ...variable(body.length), ...body]);
}

export const flag = {
  reserved: 0x01,
  clean: 0x02,
  will: 0x04,
  willQos1: 0x08,
  willQos3: 0x18,
  willRetain: 0x20,
  password: 0x40,
  username: 0x80,
} as const;

export interface ConnectParts {
  readonly name?: string;
  readonly level?: number;
  /** Default: Clean Start alone. */
  readonly flags?: number;
  readonly keepAlive?: number;
  readonly properties?: Bytes;
  /** The fields after the client id, in wire order. */
  readonly fields?: readonly Bytes[];
}

/** CONNECT. `clientId` null: the payload has none. */
export function connect(
  version: 4 | 5,
  clientId: string | Bytes | null,
  parts: ConnectParts = {},
): Uint8Array {
  return frame(
    0x10,
    text(parts.name ?? "MQTT"),
    [parts.level ?? version, parts.flags ?? flag.clean],
    twoBytes(parts.keepAlive ?? 0),
    block(version, parts.properties),
    clientId === null ? [] : text(clientId),
    ...(parts.fields ?? []),
  );
}

/** The fields of a will, in their place after the client id. */
export function will(
  version: 4 | 5,
  topic: string | Bytes,
  payload: string,
  properties: Bytes = [],
): Bytes {
  return [...block(version, properties), ...text(topic), ...text(payload)];
}

export interface PublishParts {
  /** DUP, QoS and RETAIN. */
  readonly flags?: number;
  /** Written if the QoS in `flags` requires one. */
  readonly packetId?: number;
  readonly properties?: Bytes;
  readonly payload?: string;
}

export function publish(
  version: 4 | 5,
  topic: string | Bytes,
  parts: PublishParts = {},
): Uint8Array {
  const flags = parts.flags ?? 0;
  return frame(
    0x30 | flags,
    text(topic),
    (flags & 0x06) === 0 ? [] : twoBytes(parts.packetId ?? 1),
    block(version, parts.properties),
    [...Buffer.from(parts.payload ?? "")],
  );
}

/** SUBSCRIBE with one filter. */
export function subscribe(
  version: 4 | 5,
  filter: string | Bytes,
  options = 0,
  packetId = 1,
): Uint8Array {
  return frame(0x82, twoBytes(packetId), block(version), text(filter), [options]);
}

export function unsubscribe(version: 4 | 5, filter: string | Bytes, packetId = 1): Uint8Array {
  return frame(0xa2, twoBytes(packetId), block(version), text(filter));
}

/** Properties by their identifiers. */
export const property = {
  payloadFormat: (value: number): Bytes => [0x01, value],
  messageExpiry: (seconds: number): Bytes => [0x02, 0, 0, ...twoBytes(seconds)],
  contentType: (value: string | Bytes): Bytes => [0x03, ...text(value)],
  responseTopic: (value: string | Bytes): Bytes => [0x08, ...text(value)],
  subscriptionIdentifier: (value: number): Bytes => [0x0b, ...variable(value)],
  authenticationMethod: (value: string): Bytes => [0x15, ...text(value)],
  reasonString: (value: string | Bytes): Bytes => [0x1f, ...text(value)],
  topicAlias: (value: number): Bytes => [0x23, ...twoBytes(value)],
  user: (name: string | Bytes, value: string | Bytes): Bytes => [
    0x26,
    ...text(name),
    ...text(value),
  ],
} as const;
