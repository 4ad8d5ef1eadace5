import type { Connection, Stream } from "./connections.ts";
import type { Piece } from "./dumps.ts";
import { type Foreign, foreignBeginning } from "./foreign.ts";
import { connectSpeaks, frameAt, isConnect } from "./frame.ts";
import { bytesText, otherSender, type PacketTree, type Sender } from "./node.ts";
import {
  type Direction,
  oneDirection,
  oneSide,
  type PacketTreeOptions,
  twoDirections,
} from "./packet.ts";
import type { PacketSource } from "./source.ts";
import { unframed } from "./websocket.ts";

/** The packets of one connection, both directions in the order in which they came. */
export interface Section {
  /** Null: there is one connection, and nothing to say about it. */
  readonly title: string | null;
  readonly notes: readonly string[];
  readonly packets: readonly StreamPacket[];
}

export interface StreamPacket {
  readonly tree: PacketTree;
  /** Index in `streams`: offsets count in that direction. */
  readonly stream: number;
}

/** One direction of one connection, as JSON has it. */
export interface StreamView {
  readonly connection: number;
  readonly name: string | null;
  readonly from: Sender | null;
  readonly bytes: number;
  /** Bytes that the capture lacks between them. */
  readonly missing: number;
  /** Frames of WebSocket that its bytes came in; 0: none. */
  readonly webSocketFrames: number;
}

export interface PacketReading {
  readonly sections: readonly Section[];
  readonly streams: readonly StreamView[];
  /** Set if nothing is MQTT: what it is instead. */
  readonly foreign: Foreign | null;
}

/** Ports on which bytes that do not fit are still meant to be MQTT. */
const mqttPort = /:(?:1883|8883|1884|8080|8083|8084|9001)\b/;

const noPackets: Foreign = {
  what: "not MQTT: nowhere do three packets fit in a row",
  hint: "it may be encrypted, compressed, or bytes of something else",
};

/** Decodes all connections of a source. */
export function readPackets(source: PacketSource, options: PacketTreeOptions): PacketReading {
  const sections: Section[] = [];
  const streams: StreamView[] = [];
  const strangers: Foreign[] = [];
  const isOne = source.connections.length === 1;
  for (const [index, connection] of source.connections.entries()) {
    const plain = connection.streams.map(plainStream);
    const [foreign] = plain.flatMap((one) => ("what" in one ? [one] : []));
    const readable = plain.flatMap((one) => ("what" in one ? [] : [one]));
    const { first, read } = decoded(readable, connection, options);
    const isStrange = readable.length === 0 || !isMqtt(connection, readable, read, isOne);
    if (isStrange) strangers.push(foreign ?? noPackets);
    const title = titleOf(connection, readable);
    const about = foreign === undefined ? [] : [`${foreign.what}: ${foreign.hint}`];
    if (isStrange) {
      sections.push({ title, notes: [foreign?.what ?? "no MQTT in it"], packets: [] });
      continue;
    }
    const sides = readable.map((_, at) => (at === 0 ? first : first && otherSender(first)));
    const base = streams.length;
    for (const [at, { bytes, holes, frames }] of readable.entries()) {
      const missing = holes.reduce((sum, hole) => sum + hole.missing, 0);
      streams.push({
        ...{ connection: index, name: connection.name, from: options.from ?? sides[at] ?? null },
        ...{ bytes: bytes.length, missing, webSocketFrames: frames },
      });
    }
    const isBoth = readable.length > 1;
    const notes = [
      ...about,
      ...readable.flatMap((stream, at) => notesOf(stream, isBoth ? (sides[at] ?? null) : null)),
    ];
    sections.push({ title: isOne ? null : title, notes, packets: inOrder(readable, read, base) });
  }
  const isForeign = strangers.length === source.connections.length;
  return { sections, streams, foreign: isForeign ? (strangers[0] ?? noPackets) : null };
}

interface PlainStream extends Stream {
  readonly frames: number;
  readonly notes: readonly string[];
}

/** Without WebSocket frames around it. */
function plainStream(stream: Stream): PlainStream | Foreign {
  const { bytes, holes, pieces } = stream;
  const foreign = foreignBeginning(bytes);
  if (foreign !== null) return foreign;
  const found = unframed(bytes);
  if (found === null) return { ...stream, frames: 0, notes: [] };
  if ("what" in found) return found;
  const places = found.places.map(({ at, from }) => ({ offset: at, order: orderAt(pieces, from) }));
  return {
    ...{ bytes: found.bytes, pieces: places, frames: found.frames, notes: found.notes },
    holes: holes.flatMap(({ at, missing }) => {
      const behind = found.places.find(({ from }) => from >= at);
      return behind === undefined ? [] : [{ at: behind.at, missing }];
    }),
  };
}

/** The place of what lies at an offset among the pieces of both directions. */
function orderAt(pieces: readonly Piece[], offset: number): number {
  let low = 0;
  let high = pieces.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((pieces[middle]?.offset ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return pieces[low]?.order ?? 0;
}

interface Decoded {
  readonly first: Sender | null;
  readonly read: readonly (readonly PacketTree[])[];
}

function decoded(
  streams: readonly PlainStream[],
  { first, streams: all }: Connection,
  options: PacketTreeOptions,
): Decoded {
  const directions = streams.map(({ bytes, holes }): Direction => ({
    bytes,
    breaks: holes.map(({ at }) => at),
  }));
  const [one, two] = directions;
  if (one === undefined) return { first, read: [] };
  if (two !== undefined) {
    const { first: sender, trees } = twoDirections([one, two], first ?? "client", options);
    return { first: sender, read: trees };
  }
  // What is left of two directions may be the second.
  const sender = all.length === streams.length ? first : null;
  if (options.from !== undefined || sender === null) {
    return { first: null, read: [oneDirection(one, options)] };
  }
  const side = oneSide(one, sender, options);
  return { first: side.first, read: [side.trees] };
}

/** Of several connections, one without a sound packet counts as MQTT only by its port, or by a CONNECT. */
function isMqtt(
  { name }: Connection,
  streams: readonly PlainStream[],
  read: readonly (readonly PacketTree[])[],
  isOne: boolean,
): boolean {
  const trees = read.flat();
  if (isOne) return !trees.every(({ note }) => note !== undefined);
  if (trees.some((tree) => isSound(tree))) return true;
  if (mqttPort.test(name ?? "")) return true;
  return streams.some(({ bytes }) => {
    const frame = frameAt(bytes, 0);
    return isConnect(bytes, frame) && connectSpeaks(bytes, frame) !== null;
  });
}

function isSound({ note, missing, violations }: PacketTree): boolean {
  return note === undefined && missing === 0 && violations.length === 0;
}

function titleOf({ name }: Connection, streams: readonly PlainStream[]): string | null {
  if (name === null) return null;
  const sizes = streams.map(({ bytes }) => bytesText(bytes.length));
  return [name, sizes.join(" and back ")].filter((part) => part !== "").join(", ");
}

/** Holes that are listed one by one. */
const holesListed = 3;

/** `whose`: of the two directions; null: there is one. */
function notesOf({ holes, frames, notes }: PlainStream, whose: Sender | null): string[] {
  const gaps = holes.map(({ at, missing }) => `${bytesText(missing)} missing at offset ${at}`);
  const total = holes.reduce((sum, { missing }) => sum + missing, 0);
  const many = `${bytesText(total)} missing at ${gaps.length} places`;
  const listed = gaps.length > holesListed ? [many] : gaps;
  const framed = frames === 1 ? "1 WebSocket frame" : `${frames} WebSocket frames`;
  const all = [...(frames === 0 ? [] : [framed]), ...notes, ...listed];
  return whose === null ? all : all.map((note) => `From the ${whose}: ${note}`);
}

/** Both directions by when the first byte of each packet came. */
function inOrder(
  streams: readonly PlainStream[],
  read: readonly (readonly PacketTree[])[],
  base: number,
): StreamPacket[] {
  const placed = read.flatMap((trees, at) =>
    trees.map((tree) => ({
      ...{ tree, stream: base + at },
      order: orderAt(streams[at]?.pieces ?? [], tree.offset),
    })),
  );
  if (read.length > 1) placed.sort((a, b) => a.order - b.order);
  return placed.map(({ tree, stream }) => ({ tree, stream }));
}
