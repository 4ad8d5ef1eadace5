import { firstByteViolation, PacketType } from "../../wire/grammar.ts";
import {
  walkAcknowledgement,
  walkAuth,
  walkConnack,
  walkDisconnect,
  walkPing,
  walkSuback,
  walkUnsuback,
} from "./answers.ts";
import { walkConnect } from "./connect.ts";
import type { Frame, Spoken } from "./frame.ts";
import { type Draft, type PacketTree, type Sender, violationsOf } from "./node.ts";
import { publishFlags, walkPublish } from "./publish.ts";
import { walkSubscribe, walkUnsubscribe } from "./subscribe.ts";
import { Walk } from "./walk.ts";

/** A packet and its context. */
export interface Place {
  readonly bytes: Uint8Array;
  readonly frame: Frame;
  readonly spoken: Spoken;
  /** An earlier packet in the bytes is a CONNECT. */
  readonly connected: boolean;
  /** Show passwords and Authentication Data. */
  readonly secrets: boolean;
}

/** Decoded as sent by `from`, else by the sender with fewer violations. */
export function treeOf(place: Place, from: Sender | undefined): PacketTree {
  if (from !== undefined) return walkPacket(place, from);
  const asClient = walkPacket(place, "client");
  if (asClient.violations.length === 0) {
    const asServer = walkPacket(place, "server");
    return asServer.violations.length === 0 ? { ...asClient, from: null } : asClient;
  }
  const asServer = walkPacket(place, "server");
  return asServer.violations.length < asClient.violations.length ? asServer : asClient;
}

function walkPacket(place: Place, from: Sender): PacketTree {
  const { bytes, frame, spoken, secrets } = place;
  const { start } = frame;
  // After an unreadable length all bytes belong to this packet.
  const end = frame.lengthFlaw === "endless" ? bytes.length : frame.end;
  const walk = new Walk(bytes, start, end, { protocol: spoken.protocol, from, secrets });
  const first = bytes[start] ?? 0;
  walk.guarded = withSecrets.includes(first >> 4);
  let qos = 0;
  walk.group("Fixed header", () => {
    qos = walkFirstByte(walk, place, first);
    walk.variable("Remaining Length");
  });
  if (frame.lengthFlaw !== "incomplete") {
    if (frame.lengthFlaw === null) walkBody(walk, first >> 4, qos);
    if (!walk.incomplete && walk.position < end) walk.leave();
  }
  return {
    type: names[first >> 4] ?? "bytes",
    offset: start,
    length: Math.min(end, bytes.length) - start,
    missing: frame.lengthFlaw === null ? Math.max(0, end - bytes.length) : null,
    protocol: spoken.protocol,
    protocolBy: spoken.by,
    from,
    nodes: walk.nodes,
    violations: violationsOf(walk.nodes),
  };
}

/** Packets that can carry a password or Authentication Data. */
const withSecrets: readonly number[] = [PacketType.connect, PacketType.connack, PacketType.auth];

/** By type, 0 to 15. */
const names: readonly (string | undefined)[] = (() => {
  const byType: (string | undefined)[] = [];
  for (const [name, type] of Object.entries(PacketType)) byType[type] = name.toUpperCase();
  return byType;
})();

const onlyFromClient: readonly number[] = [
  PacketType.connect,
  PacketType.subscribe,
  PacketType.unsubscribe,
  PacketType.pingreq,
];
const onlyFromServer: readonly number[] = [
  PacketType.connack,
  PacketType.suback,
  PacketType.unsuback,
  PacketType.pingresp,
];

/** Type and flags. Returns the QoS of a PUBLISH. */
function walkFirstByte(walk: Walk, { connected }: Place, first: number): number {
  const found = walk.integer(1, "Type and flags");
  if (found === null) return 0;
  const { node } = found;
  const type = first >> 4;
  const kind = walk.flag(node, "Packet type", first, 0xf0, names[type] ?? null);
  if (connected && type === PacketType.connect) {
    walk.violate(kind, "3.1.0-2", "3.1.0-2", "second CONNECT");
  }
  if (type === PacketType.publish) return publishFlags(walk, node, first);
  const flags = walk.flag(node, "Flags", first, 0x0f);
  const violation = firstByteViolation(first, walk.protocol);
  const isServers = onlyFromServer.includes(type);
  if (walk.from === "client" || (type !== 0 && !isServers)) {
    const { statement, detail } = violation ?? {};
    const at = detail?.startsWith("reserved flags") === true ? flags : kind;
    if (statement !== undefined && detail !== undefined) at.violations.push({ statement, detail });
  }
  // In MQTT 3.1 (section 2.1) these flags are not used and may have any value.
  if (isServers && (first & 0x0f) !== 0 && walk.protocol !== 3) {
    const detail = `reserved flags of ${names[type] ?? ""} are wrong`;
    walk.violate(flags, "2.2.2-2", "2.1.3-1", detail);
  }
  if (walk.from === "server") judgeServer(walk, kind, type);
  return 0;
}

/** Before v5 only a client may send DISCONNECT. */
function judgeServer(walk: Walk, kind: Draft, type: number): void {
  const isClients =
    onlyFromClient.includes(type) || (type === PacketType.disconnect && walk.protocol !== 5);
  if (isClients) {
    walk.violate(kind, "2.2.1", "2.1.2", `${names[type] ?? ""} comes only from a client`);
  }
  if (type === 0) walk.violate(kind, "2.2.1", "2.1.2", "packet type 0 is reserved");
}

/** Leaves undecodable bytes for the caller to show. */
function walkBody(walk: Walk, type: number, qos: number): void {
  switch (type) {
    case PacketType.connect:
      return walkConnect(walk);
    case PacketType.connack:
      return walkConnack(walk);
    case PacketType.publish:
      return walkPublish(walk, qos);
    case PacketType.puback:
      return walkAcknowledgement(walk, "puback");
    case PacketType.pubrec:
      return walkAcknowledgement(walk, "pubrec");
    case PacketType.pubrel:
      return walkAcknowledgement(walk, "pubrel");
    case PacketType.pubcomp:
      return walkAcknowledgement(walk, "pubcomp");
    case PacketType.subscribe:
      return walkSubscribe(walk);
    case PacketType.suback:
      return walkSuback(walk);
    case PacketType.unsubscribe:
      return walkUnsubscribe(walk);
    case PacketType.unsuback:
      return walkUnsuback(walk);
    case PacketType.pingreq:
      return walkPing(walk, "PINGREQ");
    case PacketType.pingresp:
      return walkPing(walk, "PINGRESP");
    case PacketType.disconnect:
      return walkDisconnect(walk);
    case PacketType.auth:
      if (walk.protocol === 5) walkAuth(walk);
  }
}
