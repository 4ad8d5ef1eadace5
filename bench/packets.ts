/** The few packets of the load, encoded once and then patched in place. */

export type Version = 4 | 5;

/** `count` PUBLISH packets of one topic and QoS, back to back, all of one size. */
export interface PublishRun {
  readonly bytes: Uint8Array;
  /** Size of one packet in bytes. */
  readonly size: number;
  /** Offset of the packet id in a packet; 0 for QoS 0. */
  readonly idAt: number;
  /** Offset of the payload in a packet; the payload begins with the sequence number (32 bit). */
  readonly payloadAt: number;
}

export function publishRun(
  version: Version,
  topic: string,
  qos: 0 | 1,
  payloadBytes: number,
  count: number,
): PublishRun {
  const name = field(topic);
  const idAt = qos === 0 ? 0 : 2 + name.length;
  const payload = new Uint8Array(payloadBytes).map((_, at) => (at * 7 + topic.length) & 0xff);
  const one = packet(0x30 | (qos << 1), [
    ...name,
    ...(qos === 0 ? [] : [0, 0]),
    ...noProperties(version),
    ...payload,
  ]);
  const bytes = new Uint8Array(one.length * count);
  for (let at = 0; at < count; at++) bytes.set(one, at * one.length);
  return { bytes, size: one.length, idAt, payloadAt: one.length - payloadBytes };
}

/** Clean Session; `keepAlive` in seconds. */
export function connect(version: Version, clientId: string, keepAlive: number): Uint8Array {
  return packet(0x10, [
    ...field("MQTT"),
    version,
    0x02,
    keepAlive >> 8,
    keepAlive & 0xff,
    ...noProperties(version),
    ...field(clientId),
  ]);
}

export function subscribe(version: Version, filter: string, qos: 0 | 1): Uint8Array {
  return packet(0x82, [0, 1, ...noProperties(version), ...field(filter), qos]);
}

export const disconnect: Uint8Array = packet(0xe0, []);

/** Receive Maximum of a version 5 CONNACK in bytes[start..end); 65,535 if the CONNACK has none. */
export function receiveMaximum(bytes: Uint8Array, start: number, end: number): number {
  // Header, flags and reason take four bytes; the property length after them takes one byte or two.
  let at = start + 4;
  while (((bytes[at] ?? 0) & 0x80) !== 0) at++;
  at++;
  while (at < end) {
    const id = bytes[at] ?? 0;
    if (id === 0x21) return ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    at += 1 + propertySize(id, bytes, at + 1);
  }
  return 65_535;
}

/** Properties of a CONNACK, by type (v5 section 3.2.2.3). */
function propertySize(id: number, bytes: Uint8Array, at: number): number {
  const text = (from: number) => 2 + (((bytes[from] ?? 0) << 8) | (bytes[from + 1] ?? 0));
  if ([0x24, 0x25, 0x28, 0x29, 0x2a].includes(id)) return 1;
  if ([0x13, 0x22].includes(id)) return 2;
  if ([0x11, 0x27].includes(id)) return 4;
  if (id === 0x26) return text(at) + text(at + text(at));
  return text(at);
}

function packet(header: number, body: readonly number[]): Uint8Array {
  const high = body.length >> 7;
  const length = high === 0 ? [body.length] : [(body.length & 0x7f) | 0x80, high];
  return Uint8Array.from([header, ...length, ...body]);
}

function field(text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  return [bytes.length >> 8, bytes.length & 0xff, ...bytes];
}

function noProperties(version: Version): number[] {
  return version === 5 ? [0] : [];
}
