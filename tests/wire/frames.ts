import { expect, test } from "bun:test";
import type { ClientPacket, ProtocolVersion } from "../../src/core/packet.ts";
import { Reason, type ProtocolError } from "../../src/core/reason.ts";
import { PacketReader, type WireViolation } from "../../src/wire/reader.ts";

/** Packets as bytes, so that wrong ones can be written too. */

export type Bytes = readonly number[];

export function text(value: string | Bytes): Bytes {
  const bytes = typeof value === "string" ? [...new TextEncoder().encode(value)] : value;
  return [bytes.length >> 8, bytes.length & 0xff, ...bytes];
}

export function length(value: number): Bytes {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...length(value >> 7)];
}

/** A packet with a correct Remaining Length. */
export function frame(first: number, ...parts: readonly Bytes[]): Bytes {
  const body = parts.flat();
  return [first, ...length(body.length), ...body];
}

/** A block of properties with its length; nothing in v3 and v4. */
export function properties(version: ProtocolVersion, ...parts: readonly Bytes[]): Bytes {
  const block = parts.flat();
  return version === 5 ? [...length(block.length), ...block] : [];
}

export interface ConnectParts {
  readonly first?: number;
  readonly name?: string | Bytes;
  readonly level?: number;
  readonly flags?: number;
  readonly properties?: readonly Bytes[];
  readonly clientId?: string | Bytes;
  /** The fields after the Client Identifier. */
  readonly rest?: readonly Bytes[];
}

export function connect(version: ProtocolVersion, parts: ConnectParts = {}): Bytes {
  return frame(
    parts.first ?? 0x10,
    text(parts.name ?? (version === 3 ? "MQIsdp" : "MQTT")),
    [parts.level ?? version, parts.flags ?? 0x02, 0, 60],
    properties(version, ...(parts.properties ?? [])),
    text(parts.clientId ?? "client"),
    ...(parts.rest ?? []),
  );
}

export interface PublishParts {
  readonly first?: number;
  readonly topic?: string | Bytes;
  readonly packetId?: number;
  readonly properties?: readonly Bytes[];
  readonly payload?: string | Bytes;
}

export function publish(version: ProtocolVersion, parts: PublishParts = {}): Bytes {
  const { packetId, payload = "" } = parts;
  return frame(
    parts.first ?? 0x30,
    text(parts.topic ?? "a/b"),
    packetId === undefined ? [] : [packetId >> 8, packetId & 0xff],
    properties(version, ...(parts.properties ?? [])),
    typeof payload === "string" ? [...new TextEncoder().encode(payload)] : payload,
  );
}

/** A reader that has read a CONNECT of that version. */
export function connected(version: ProtocolVersion, packetSize = 1024 * 1024): PacketReader {
  const reader = new PacketReader({ packetSize });
  reader.feed(Uint8Array.from(connect(version)));
  expect(reader.next()).toMatchObject({ type: "connect", version });
  return reader;
}

/** All packets from a reader, up to null. */
export function drain(reader: PacketReader): (ClientPacket | WireViolation)[] {
  const packets: (ClientPacket | WireViolation)[] = [];
  for (let packet = reader.next(); packet !== null; packet = reader.next()) packets.push(packet);
  return packets;
}

/** The packet read from these bytes, after a CONNECT of that version. */
export function read(version: ProtocolVersion, bytes: Bytes): ClientPacket | WireViolation {
  const reader = connected(version);
  reader.feed(Uint8Array.from(bytes));
  const packet = reader.next();
  if (packet === null) throw new Error("the packet is incomplete");
  expect(reader.next()).toBeNull();
  return packet;
}

/** The packet read from these bytes as the first one. */
export function readFirst(bytes: Bytes): ClientPacket | WireViolation {
  const reader = new PacketReader({ packetSize: 1024 * 1024 });
  reader.feed(Uint8Array.from(bytes));
  const packet = reader.next();
  if (packet === null) throw new Error("the packet is incomplete");
  return packet;
}

export interface RefusedCase {
  readonly name: string;
  readonly version: ProtocolVersion;
  readonly bytes: Bytes;
  readonly reason: keyof typeof Reason;
  readonly statement: string;
}

/**
 * One test a case: the packet is refused with that reason and statement, then nothing more is read.
 */
export function testRefused(cases: readonly RefusedCase[], first: boolean): void {
  for (const { name, version, bytes, reason, statement } of cases) {
    test(`${name} (${statement})`, () => {
      const reader = first ? new PacketReader({ packetSize: 1024 * 1024 }) : connected(version);
      reader.feed(Uint8Array.from([...bytes, 0xc0, 0x00]));
      const violation = reader.next();
      expect(violation).toMatchObject({
        type: "violation",
        error: { reason: Reason[reason], statement, detail: expect.any(String) },
        version,
        ...(!first && { clientId: null }),
      });
      expect(reader.next()).toBeNull();
      reader.feed(Uint8Array.of(0xc0, 0x00));
      expect(reader.next()).toBeNull();
    });
  }
}

export function errorOf(packet: ClientPacket | WireViolation): ProtocolError {
  if (packet.type !== "violation") throw new Error(`accepted as ${packet.type}`);
  return packet.error;
}
