import type { ProtocolVersion, PublishRun, Qos } from "../core/packet.ts";
import { qosOf } from "./publish.ts";
import type { TopicNames } from "./topics.ts";

/** The most packets of a run, and the most bytes: an output buffer holds them. */
const packetsMaximum = 64;
const bytesMaximum = 64 * 1024;

const retainBit = 0x01;
const dupBit = 0x08;

/**
 * Finds PUBLISHes that follow each other in a chunk and differ only in packet id and payload: of one
 * topic and QoS, without DUP, RETAIN and properties, each in its shortest form.
 */
export class PublishRuns {
  /** Where packet ids stand in the chunk, of all its runs: what refers to it may go on from one to the next. */
  #idsAt: number[] = [];
  #chunk: Uint8Array | null = null;
  /** Packets before this offset of the chunk were looked at, and are to be read one by one. */
  #alone = 0;

  /** The packets at chunk[start..] are a run, but not to be taken as one. */
  leave(run: PublishRun): void {
    this.#alone = run.bounds.at(-1)!;
    this.#idsAt.length = run.place;
  }

  /** Lets go of the chunk, which is read to its end. */
  endChunk(): void {
    if (this.#chunk === null) return;
    this.#chunk = null;
    this.#idsAt = [];
  }

  /** So many packets of the run are taken. */
  take(run: PublishRun, count: number): void {
    if (run.qos > 0) this.#idsAt.length = run.place + count;
  }

  /**
   * The run that begins at chunk[start], where `beginsRun` says so, of at least two packets, none
   * longer than `packetSize`; null: none does. `version` is the connection's.
   */
  read(
    chunk: Uint8Array,
    start: number,
    version: ProtocolVersion,
    packetSize: number,
    topics: TopicNames,
  ): PublishRun | null {
    if (this.#chunk !== chunk) {
      this.#chunk = chunk;
      this.#idsAt = [];
      this.#alone = 0;
    }
    if (start < this.#alone) return null;
    const header = headerOf(chunk, start);
    const qos = qosOf(chunk[start]!);
    if (qos === null) return null;
    const topicAt = start + (header & 7) + 2;
    const topicBytes = (chunk[topicAt - 2]! << 8) | chunk[topicAt - 1]!;
    if (topicBytes === 0 || topicBytes + 2 > header >> 3) return null;
    // Before anything is made: it may well be on another topic.
    const second = start + (header & 7) + (header >> 3);
    const secondTopic = second + (headerOf(chunk, second) & 7) + 2;
    if (!isSameTopic(chunk, topicAt, secondTopic, topicBytes)) return null;
    const topic = topics.read(chunk, topicAt, topicAt + topicBytes, version);
    if (typeof topic !== "string") return null;
    return this.#readAs({ topic, topicAt, topicBytes, qos, version }, chunk, start, packetSize);
  }

  #readAs(
    { topic, topicAt, topicBytes, qos, version }: Alike,
    chunk: Uint8Array,
    start: number,
    packetSize: number,
  ): PublishRun | null {
    const first = chunk[start]!;
    const idsAt = this.#idsAt;
    const place = idsAt.length;
    const bounds = [start];
    const packetIds: number[] = [];
    const rest = topicBytes + (qos === 0 ? 0 : 2) + (version === 5 ? 1 : 0);
    let payloadBytes = 0;
    let lastId = 0;
    for (let at = start; bounds.length <= packetsMaximum;) {
      if (chunk[at] !== first) break;
      const found = headerOf(chunk, at);
      const header = found & 7;
      const end = at + header + (found >> 3);
      const ownTopic = at + header + 2;
      const payload = end - ownTopic - rest;
      if (found === 0 || payload < 0 || end > chunk.length) break;
      if (end - at > packetSize || end - start > bytesMaximum) break;
      if (!isSameTopic(chunk, topicAt, ownTopic, topicBytes)) break;
      const idAt = ownTopic + topicBytes;
      if (version === 5 && chunk[end - payload - 1] !== 0) break;
      if (qos > 0) {
        const packetId = (chunk[idAt]! << 8) | chunk[idAt + 1]!;
        // With QoS 2 an id that comes again would be a resend.
        if (packetId === 0 || (qos === 2 && packetId <= lastId)) break;
        lastId = packetId;
        packetIds.push(packetId);
        idsAt.push(idAt);
      }
      if (payload > payloadBytes) payloadBytes = payload;
      bounds.push(end);
      at = end;
    }
    const count = bounds.length - 1;
    if (count > 1) {
      const found = { topic, qos, version, bytes: chunk, bounds, packetIds, idsAt, place };
      const before = 2 + rest;
      return {
        ...found,
        payloadBytes,
        payload: (of) =>
          chunk.subarray(bounds[of]! + (headerOf(chunk, bounds[of]!) & 7) + before, bounds[of + 1]),
      };
    }
    idsAt.length = place;
    return null;
  }
}

/** Whether a run may begin at chunk[start]: most packets are alone, and this finds out soon. */
export function beginsRun(chunk: Uint8Array, start: number): boolean {
  const first = chunk[start]!;
  if (first >> 4 !== 3 || (first & (retainBit | dupBit)) !== 0) return false;
  const header = headerOf(chunk, start);
  return header > 0 && chunk[start + (header & 7) + (header >> 3)] === first;
}

/** What the packets of a run have in common. */
interface Alike {
  readonly topic: string;
  readonly topicAt: number;
  readonly topicBytes: number;
  readonly qos: Qos;
  readonly version: ProtocolVersion;
}

/** Whether the topic at chunk[other..], behind its length, is that of `length` bytes at chunk[one..]. */
function isSameTopic(chunk: Uint8Array, one: number, other: number, length: number): boolean {
  if (((chunk[other - 2]! << 8) | chunk[other - 1]!) !== length) return false;
  for (let at = 0; at < length; at++) if (chunk[one + at] !== chunk[other + at]) return false;
  return true;
}

/**
 * Size of a fixed header, and above its three lowest bits the Remaining Length; 0: it is
 * incomplete, too long for a run, or not in its shortest form.
 */
function headerOf(chunk: Uint8Array, at: number): number {
  const low = chunk[at + 1];
  if (low === undefined) return 0;
  if (low < 0x80) return (low << 3) | 2;
  const middle = chunk[at + 2];
  if (middle === undefined || middle === 0) return 0;
  const two = (low & 0x7f) | ((middle & 0x7f) << 7);
  if (middle < 0x80) return (two << 3) | 3;
  const high = chunk[at + 3];
  if (high === undefined || high === 0 || high >= 0x80) return 0;
  return ((two | (high << 14)) << 3) | 4;
}
