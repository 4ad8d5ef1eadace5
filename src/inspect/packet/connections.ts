import type { Dump, Piece } from "./dumps.ts";
import type { Framed, Segment } from "./headers.ts";
import { otherSender, type Sender } from "./node.ts";

/** What one side of a connection sent, put together from dumps. */
export interface Stream {
  readonly bytes: Uint8Array;
  /** Where bytes are missing, and how many, in order. */
  readonly holes: readonly { readonly at: number; readonly missing: number }[];
  /** Where bytes that came together begin, in order. */
  readonly pieces: readonly Piece[];
}

/** One or both directions of one connection. */
export interface Connection {
  /** `127.0.0.1:43808 > 127.0.0.1:1883`; null: there are no addresses. */
  readonly name: string | null;
  /** The second: what came back, if any did. */
  readonly streams: readonly [Stream] | readonly [Stream, Stream];
  /** Who probably sent the first; null: nobody knows. */
  readonly first: Sender | null;
}

/** One direction, of bytes that came at once. */
export function streamOf(bytes: Uint8Array): Stream {
  return { bytes, holes: [], pieces: [{ offset: 0, order: 0 }] };
}

/**
 * Dumps without headers. Two indents are the two directions of Follow > Hex Dump; dumps of one indent follow each other.
 */
export function connectionsOfDumps(dumps: readonly Dump[]): Connection[] {
  const outer = Math.min(...dumps.map(({ indent }) => indent));
  const isFollow = dumps.some(({ indent }) => indent > outer);
  if (!isFollow) return [{ name: null, streams: [joined(dumps)], first: null }];
  const connections: Dump[][] = [];
  for (const dump of dumps) {
    // A direction begins once in each connection.
    const last = connections.at(-1);
    const isNew = last === undefined || last.some(({ indent }) => indent === dump.indent);
    if (isNew) connections.push([dump]);
    else last.push(dump);
  }
  return connections.map((own, index) => {
    const [one, other] = own.toSorted((a, b) => a.indent - b.indent).map((dump) => joined([dump]));
    const name = connections.length === 1 ? null : `connection ${index + 1}`;
    const [first] = own;
    const isLone = other === undefined && first !== undefined && first.indent > outer;
    return {
      name,
      streams: other === undefined ? [one ?? joined([])] : [one ?? joined([]), other],
      first: other === undefined ? (isLone ? "server" : null) : "client",
    };
  });
}

function joined(dumps: readonly Dump[]): Stream {
  const pieces: Piece[] = [];
  let offset = 0;
  for (const dump of dumps) {
    pieces.push(...dump.pieces.map((piece) => ({ ...piece, offset: piece.offset + offset })));
    offset += dump.bytes.length;
  }
  return { bytes: joinedBytes(dumps.map(({ bytes }) => bytes)), holes: [], pieces };
}

function joinedBytes(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

/** A segment, and its place among all. */
interface Placed extends Segment {
  readonly order: number;
}

/** Segments of one connection, by who sent them. */
interface Flow {
  readonly source: string;
  readonly target: string;
  readonly there: Placed[];
  readonly back: Placed[];
}

/** TCP segments by their connections, each direction in the order of its sequence numbers. */
export function connectionsOfSegments(all: readonly Framed[]): Connection[] {
  const flows: Flow[] = [];
  const open = new Map<string, Flow>();
  for (const [order, framed] of all.entries()) {
    if (framed.type !== "segment") continue;
    const { source, target, isSyn, length } = framed;
    const key = [source, target].toSorted().join(" ");
    let flow = open.get(key);
    // The same ports again, after the end of a connection.
    const isAgain = flow !== undefined && isSyn && startsAnew(flow, framed);
    if (flow === undefined || isAgain) {
      flow = { source, target, there: [], back: [] };
      flows.push(flow);
      open.set(key, flow);
    }
    if (length > 0 || isSyn)
      (source === flow.source ? flow.there : flow.back).push({ ...framed, order });
  }
  return flows.flatMap((flow) => connectionOf(flow) ?? []);
}

function startsAnew({ source, there, back }: Flow, syn: Segment): boolean {
  const own = source === syn.source ? there : back;
  const hasData = [...there, ...back].some(({ length }) => length > 0);
  return hasData && !own.some(({ isSyn, sequence }) => isSyn && sequence === syn.sequence);
}

function connectionOf({ source, target, there, back }: Flow): Connection | null {
  const streams = [there, back].map(reassembled);
  const [one, other] = streams;
  if (one === undefined || other === undefined) return null;
  const [sample = back[0]] = there;
  const isFromServer = sample !== undefined && isServers(sample) !== (sample.source !== source);
  const first: Sender = isFromServer ? "server" : "client";
  const name = `${source} > ${target}`;
  if (one.bytes.length > 0 && other.bytes.length > 0) return { name, streams: [one, other], first };
  if (one.bytes.length > 0) return { name, streams: [one], first };
  if (other.bytes.length === 0) return null;
  return { name: `${target} > ${source}`, streams: [other], first: otherSender(first) };
}

/** By the lower port: whether the server of the connection sent it. */
function isServers({ sourcePort, targetPort }: Segment): boolean {
  return sourcePort < targetPort;
}

/** Sequence numbers wrap: the distance of two, positive if `b` is behind `a`. */
function distance(a: number, b: number): number {
  return (b - a) | 0;
}

function reassembled(segments: readonly Placed[]): Stream {
  const [first] = segments;
  if (first === undefined) return { bytes: new Uint8Array(0), holes: [], pieces: [] };
  const placed = segments
    .map((one) => ({ ...one, at: distance(first.sequence, one.sequence) + (one.isSyn ? 1 : 0) }))
    .toSorted((a, b) => a.at - b.at);
  const parts: Uint8Array[] = [];
  const holes: { at: number; missing: number }[] = [];
  const pieces: Piece[] = [];
  let size = 0;
  // Where the stream is known up to, in sequence numbers; null: nothing yet.
  let known: number | null = null;
  for (const { at, data, length, order, isSyn } of placed) {
    known ??= at;
    if (isSyn && length === 0) continue;
    const hole = at - known;
    // What was sent again is there already.
    const fresh = hole < 0 ? data.subarray(Math.min(-hole, data.length)) : data;
    if (fresh.length === 0 && at + length <= known) continue;
    if (hole > 0) holes.push({ at: size, missing: hole });
    if (fresh.length > 0) pieces.push({ offset: size, order });
    parts.push(fresh);
    size += fresh.length;
    known = Math.max(known, at + data.length);
  }
  return { bytes: joinedBytes(parts), holes, pieces };
}
