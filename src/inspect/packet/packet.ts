import type { ProtocolVersion } from "../../core/packet.ts";
import { connectProtocol, firstByteViolation, PacketType } from "../../wire/grammar.ts";
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
import { type Draft, type PacketTree, type ProtocolBy, type Sender, violationsOf } from "./node.ts";
import { publishFlags, walkPublish } from "./publish.ts";
import { walkSubscribe, walkUnsubscribe } from "./subscribe.ts";
import { Walk } from "./walk.ts";

export type { PacketTree } from "./node.ts";
export { packetTreeText } from "./text.ts";

export interface PacketTreeOptions {
  /** `auto`: that of a CONNECT in the bytes, else the one with fewer violations. */
  readonly protocol: "auto" | ProtocolVersion;
  /** Default: the sender with fewer violations. */
  readonly from?: Sender;
}

/**
 * Decodes consecutive MQTT control packets, each into a tree of its fields, with each violation at
 * its field. The Remaining Length of a packet locates the next one; after an unreadable length all
 * bytes belong to that packet.
 */
export function packetTree(bytes: Uint8Array, options: PacketTreeOptions): PacketTree[] {
  const frames = framesOf(bytes);
  const trees: PacketTree[] = [];
  let spoken: Spoken | null =
    options.protocol === "auto" ? null : { protocol: options.protocol, by: "asked" };
  let connected = false;
  for (const frame of frames) {
    const own = isConnect(bytes, frame) ? connectSpeaks(bytes, frame, spoken) : null;
    if (own?.by === "CONNECT" && options.protocol === "auto") spoken = own;
    if (own === null) spoken ??= guess(bytes, frames, options.from);
    const place = { bytes, frame, spoken: own ?? spoken ?? unknown, connected };
    trees.push(treeOf(place, options.from));
    if (own !== null) connected = true;
  }
  return trees;
}

/** The number of trees that `packetTree` returns for these bytes. */
export function packetCount(bytes: Uint8Array): number {
  return framesOf(bytes).length;
}

/** The offsets of a packet: first byte, body, and end by its header. */
interface Frame {
  readonly start: number;
  readonly body: number;
  /** Infinity: the length can't be read. */
  readonly end: number;
  /** Why the length can't be read; null: it can. */
  readonly lengthFlaw: "incomplete" | "endless" | null;
}

interface Spoken {
  readonly protocol: ProtocolVersion;
  readonly by: ProtocolBy;
}

function framesOf(bytes: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  let start = 0;
  while (start < bytes.length) {
    const frame = frameAt(bytes, start);
    frames.push(frame);
    start = frame.end;
  }
  return frames;
}

function frameAt(bytes: Uint8Array, start: number): Frame {
  let remaining = 0;
  for (let size = 1; size <= 4; size++) {
    const at = start + size;
    if (at >= bytes.length) return { start, body: at, end: Infinity, lengthFlaw: "incomplete" };
    const part = bytes[at] ?? 0;
    remaining += (part & 0x7f) * 2 ** ((size - 1) * 7);
    if (part < 0x80) return { start, body: at + 1, end: at + 1 + remaining, lengthFlaw: null };
  }
  return { start, body: start + 5, end: Infinity, lengthFlaw: "endless" };
}

function isConnect(bytes: Uint8Array, { start }: Frame): boolean {
  return (bytes[start] ?? 0) >> 4 === PacketType.connect;
}

/** The protocol that a CONNECT names; an unreadable one is decoded as `spoken`, else as 3.1.1. */
function connectSpeaks(bytes: Uint8Array, frame: Frame, spoken: Spoken | null): Spoken {
  const isReadable = frame.lengthFlaw === null;
  const named = isReadable ? connectProtocol(bytes, frame.body, frame.end) : null;
  if (named !== null) return { protocol: named.version, by: "CONNECT" };
  return spoken ?? unknown;
}

const unknown: Spoken = { protocol: 4, by: "fits" };

/** Guesses the protocol of the packets before the first CONNECT. */
function guess(bytes: Uint8Array, frames: readonly Frame[], from: Sender | undefined): Spoken {
  const count = (protocol: ProtocolVersion): number => {
    let violations = 0;
    for (const frame of frames) {
      if (isConnect(bytes, frame)) break;
      const spoken: Spoken = { protocol, by: "fits" };
      violations += treeOf({ bytes, frame, spoken, connected: false }, from).violations.length;
    }
    return violations;
  };
  const old = count(4);
  const modern = count(5);
  if (old === modern) return { protocol: 5, by: "fits both" };
  return { protocol: old < modern ? 4 : 5, by: "fits" };
}

interface Place {
  readonly bytes: Uint8Array;
  readonly frame: Frame;
  readonly spoken: Spoken;
  /** An earlier packet in the bytes is a CONNECT. */
  readonly connected: boolean;
}

/** Decoded as sent by `from`, else by the sender with fewer violations. */
function treeOf(place: Place, from: Sender | undefined): PacketTree {
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
  const { bytes, frame, spoken } = place;
  const { start } = frame;
  // After an unreadable length all bytes belong to this packet.
  const end = frame.lengthFlaw === "endless" ? bytes.length : frame.end;
  const walk = new Walk(bytes, start, end, spoken.protocol, from);
  const first = bytes[start] ?? 0;
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
  if (isServers && (first & 0x0f) !== 0) {
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
