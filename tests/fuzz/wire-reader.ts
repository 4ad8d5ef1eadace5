import { parser, type Packet } from "mqtt-packet";
import type { ClientPacket, ConnectPacket, ProtocolVersion } from "../../src/core/packet.ts";
import { Reason } from "../../src/core/reason.ts";
import { packetTree } from "../../src/inspect/packet/packet.ts";
import { disregardedIn31 } from "../../src/wire/connect.ts";
import { PacketReader, type WireViolation } from "../../src/wire/reader.ts";
import { Broken, frameSize } from "./hostile-link.ts";

const packetSize = 16_384;

type Read = ClientPacket | WireViolation;

/**
 * Checks the broker's reader in three ways: the same chunks in one piece give the same packets,
 * mqtt-packet decodes accepted packets to the same values, and `inspect packet` agrees on the
 * errors.
 */
export function judgeWire(parts: readonly Uint8Array[]): void {
  const whole = Uint8Array.from(parts.flatMap((part) => [...part]));
  const inPieces = readAll(parts);
  const atOnce = readAll([whole]);
  const [a, b] = [comparable(inPieces), comparable(atOnce)];
  if (a !== b) throw new Broken(`in pieces ${a}, at once ${b}`);
  let at = 0;
  let version: ProtocolVersion | null = null;
  for (const packet of atOnce) {
    const size = frameSize(whole.subarray(at)) ?? whole.length - at;
    const frame = whole.subarray(at, at + size);
    if (packet.type === "violation") return judgeViolation(packet, frame, version);
    if (packet.type === "connect") version = packet.version;
    judgePacket(packet, frame, version ?? 4);
    at += size;
  }
}

function readAll(parts: readonly Uint8Array[]): Read[] {
  const reader = new PacketReader({ packetSize });
  const packets: Read[] = [];
  for (const part of parts) {
    // The reader keeps its chunks, and its packets refer to them.
    reader.feed(part.slice());
    for (let packet = reader.next(); packet !== null; packet = reader.next()) packets.push(packet);
    if (reader.buffered > packetSize) throw new Broken(`${reader.buffered} bytes are kept`);
  }
  return packets;
}

/**
 * Only a PUBLISH's place in memory depends on the chunks, and whether the client id of a CONNECT
 * that is too large has arrived when it is refused.
 */
function comparable(packets: readonly Read[]): string {
  const isTooLarge = packets.some(
    (packet) => packet.type === "violation" && packet.error.reason === Reason.packetTooLarge,
  );
  return JSON.stringify(packets, (name, value: unknown) => {
    if (name === "frame" || (name === "clientId" && isTooLarge)) return undefined;
    return value instanceof Uint8Array ? value.toHex() : value;
  });
}

function judgeViolation(
  { error }: WireViolation,
  frame: Uint8Array,
  version: ProtocolVersion | null,
): void {
  // The reader refuses by the header alone packets that are too large, and first ones other than
  // CONNECT.
  if (error.reason === Reason.packetTooLarge || version === null) return;
  const [tree] = packetTree(frame, { protocol: version, from: "client" });
  const named = tree?.violations.some(({ statement }) => statement === error.statement) ?? false;
  if (named || error.detail === "second CONNECT") return;
  throw new Broken(`inspect does not name ${error.statement} (${error.detail}): ${frame.toHex()}`);
}

function judgePacket(packet: ClientPacket, frame: Uint8Array, version: ProtocolVersion): void {
  const [tree] = packetTree(frame, { protocol: version, from: "client" });
  // The broker accepts what only MQTT 3.1 forbids, for example long client ids.
  const [wrong] = tree?.violations.filter(({ statement }) => !statement.startsWith("v3-")) ?? [];
  if (wrong !== undefined) {
    throw new Broken(`inspect names ${wrong.statement} where the reader accepts: ${frame.toHex()}`);
  }
  const read = oracle(frame, version, packet);
  const ours = JSON.stringify(known(packet));
  const theirs = JSON.stringify(knownOf(read));
  if (ours !== theirs) throw new Broken(`${frame.toHex()} is ${ours}, for mqtt-packet ${theirs}`);
}

function oracle(frame: Uint8Array, version: ProtocolVersion, ours: ClientPacket): Packet {
  const packets: Packet[] = [];
  const parse = parser({ protocolVersion: version });
  parse.on("packet", (packet) => packets.push(packet));
  parse.on("error", (error) => {
    throw new Broken(`mqtt-packet refuses, ${error.message}: ${frame.toHex()}`);
  });
  const copy = Buffer.from(frame);
  // In MQTT 3.1 a packet's unused flags may have any value, which mqtt-packet refuses.
  const type = (copy[0] ?? 0) >> 4;
  const usesQos = type === 6 || type === 8 || type === 10;
  if (version === 3 && type !== 3) copy[0] = (type << 4) | (usesQos ? 2 : 0);
  if (version === 3 && ours.type === "connect") clearUnusedConnectFlags(copy, ours);
  parse.parse(copy);
  const [packet] = packets;
  if (packet === undefined) throw new Broken(`mqtt-packet sees no packet: ${frame.toHex()}`);
  return packet;
}

/** Connect Flags that 3.1 ignores, or announce a name or a password that the packet leaves out. */
function clearUnusedConnectFlags(frame: Uint8Array, { username, password }: ConnectPacket): void {
  const body = frame.findIndex((byte, at) => at > 0 && byte < 0x80) + 1;
  // Behind the name, `MQIsdp`, and the level.
  const at = body + 9;
  let flags = frame[at] ?? 0;
  flags &= ~disregardedIn31(flags);
  if (username === null) flags &= ~0x80;
  if (password === null) flags &= ~0x40;
  frame[at] = flags;
}

/** A packet as either reader decodes it, in one form. */
function known(packet: ClientPacket): unknown[] {
  switch (packet.type) {
    case "publish": {
      const { topic, qos, retain, dup, packetId, payload, expirySeconds, topicAlias } = packet;
      return [topic, qos, retain, dup, packetId, hexOf(payload), expirySeconds ?? 0, topicAlias];
    }
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return [packet.type, packet.packetId, packet.reason];
    case "connect": {
      const {
        clientId,
        cleanStart,
        keepAliveSeconds: keepAlive,
        username,
        password,
        will,
      } = packet;
      const last = will && [
        will.topic,
        will.qos,
        will.retain,
        hexOf(will.payload),
        will.delayIntervalSeconds,
      ];
      return [clientId, cleanStart, keepAlive, username, hexOf(password), last];
    }
    case "subscribe":
      return [packet.packetId, packet.subscriptions.map(({ filter, qos }) => [filter, qos])];
    case "unsubscribe":
      return [packet.packetId, packet.filters];
    case "disconnect":
      return ["disconnect", packet.reason, packet.sessionExpiryInterval ?? 0];
    case "auth":
      return ["auth", packet.reason];
    case "pingreq":
      return ["pingreq"];
  }
}

function knownOf(packet: Packet): unknown[] {
  switch (packet.cmd) {
    case "publish": {
      const { topic, qos, retain, dup, messageId, payload, properties } = packet;
      const { messageExpiryInterval, topicAlias } = properties ?? {};
      const more = [hexOf(payload), messageExpiryInterval ?? 0, topicAlias ?? 0];
      return [topic, qos, retain, dup, messageId ?? 0, ...more];
    }
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return [packet.cmd, packet.messageId, packet.reasonCode ?? 0];
    case "connect": {
      const { clientId, clean, keepalive, username, password, will } = packet;
      const delay = will?.properties?.willDelayInterval ?? 0;
      const last = will && [will.topic, will.qos, will.retain, hexOf(will.payload), delay];
      const own = [clientId, clean, keepalive, username ?? null];
      return [...own, hexOf(password ?? null), last ?? null];
    }
    case "subscribe":
      return [packet.messageId, packet.subscriptions.map(({ topic, qos }) => [topic, qos])];
    case "unsubscribe":
      return [packet.messageId, packet.unsubscriptions];
    case "disconnect":
      return ["disconnect", packet.reasonCode ?? 0, packet.properties?.sessionExpiryInterval ?? 0];
    case "auth":
      return ["auth", packet.reasonCode];
    default:
      return [packet.cmd];
  }
}

function hexOf(bytes: Uint8Array | string | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString("hex");
}
