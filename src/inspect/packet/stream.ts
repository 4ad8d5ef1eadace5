import type { ProtocolVersion } from "../../core/packet.ts";
import { treeOf } from "./decode.ts";
import {
  connectSpeaks,
  type Frame,
  frameAt,
  isConnect,
  isPlausible,
  type Spoken,
} from "./frame.ts";
import { bytesText, type PacketTree, type Sender, violationsOf } from "./node.ts";

/** How the bytes of one direction are read. */
export interface StreamReading {
  readonly from: Sender | undefined;
  /** Before the first CONNECT. */
  readonly spoken: Spoken;
  /** What a CONNECT says does not count: the version was asked for. */
  readonly isAsked: boolean;
  /** Skip what is no packet, up to the next place where packets fit. */
  readonly skips: boolean;
  readonly secrets: boolean;
  /** Offsets where bytes are missing, in order: a packet does not go on behind one. */
  readonly breaks: readonly number[];
  /** Trees that are made at most. */
  readonly most: number;
}

/** For a CONNECT that names no known protocol. */
const unknown: Spoken = { protocol: 4, by: "fits" };

/** Packets that have to fit one behind the other before a place counts as the start of one. */
const inRow = 3;

/** Packets in a row that break rules before the rest counts as no MQTT. */
const brokenInRow = 4;

/** Bytes that one search may decode: in bytes made for that, each offset begins three long packets. */
const searchedBytesMax = 64 * 1024 * 1024;

/** The last packets, if they break rules: they are not looked at again for each that follows. */
interface BrokenRun {
  readonly packets: number;
  /** The first of them whose type, flags or length no packet has; null: none yet. */
  readonly noPacket: PacketTree | null;
}

const soundRun: BrokenRun = { packets: 0, noPacket: null };

function longer({ packets, noPacket }: BrokenRun, tree: PacketTree): BrokenRun {
  const isNoPacket = violationsOf(tree.nodes.slice(0, 1)).length > 0;
  return { packets: packets + 1, noPacket: noPacket ?? (isNoPacket ? tree : null) };
}

/** All packets of one direction, one tree after the other, without a byte between them. */
export function readStream(bytes: Uint8Array, reading: StreamReading): PacketTree[] {
  const reader = new StreamReader(reading);
  const ends = [...reading.breaks.filter((at) => at > 0 && at < bytes.length), bytes.length];
  let start = 0;
  for (const end of ends) {
    reader.read(bytes.subarray(0, end), start);
    start = end;
  }
  return reader.trees;
}

class StreamReader {
  readonly trees: PacketTree[] = [];
  readonly #reading: StreamReading;
  #spoken: Spoken;
  #connected = false;
  #searchedBytes = 0;

  constructor(reading: StreamReading) {
    this.#reading = reading;
    this.#spoken = reading.spoken;
  }

  /** From `start` to the end of the bytes. */
  read(bytes: Uint8Array, start: number): void {
    const { skips, most } = this.#reading;
    let at = start;
    let isSearched = !skips;
    let run: BrokenRun = soundRun;
    while (at < bytes.length && this.trees.length <= most) {
      const frame = frameAt(bytes, at);
      const tree = this.#decode(bytes, frame);
      const isBroken = skips && tree.violations.length > 0;
      const next = isBroken && !isSearched ? this.#nextPlace(bytes, frame) : null;
      if (next !== null) {
        this.#skip(at, next, skippedText(at, next));
        at = next;
        run = soundRun;
        continue;
      }
      this.trees.push(tree);
      at = Math.min(frame.end, bytes.length);
      if (!isBroken || this.#fitsBehind(bytes, frame)) {
        run = soundRun;
        continue;
      }
      // There is no place behind `at` either.
      isSearched = true;
      run = longer(run, tree);
      const isOver = run.packets >= brokenInRow || frame.end > bytes.length;
      if (isOver && this.#giveUp(bytes, run)) return;
    }
  }

  /**
   * Replaces the last packets, all broken, and the rest of the bytes by one sentence, from the first that is no packet.
   * Returns false for so few bytes that somebody typed them and wants to see each.
   */
  #giveUp(bytes: Uint8Array, { noPacket: first }: BrokenRun): boolean {
    if (first === null || bytes.length - first.offset <= typedBytesMax) return false;
    this.trees.splice(this.trees.indexOf(first));
    this.#skip(first.offset, bytes.length, restText(first.offset, bytes.length));
    return true;
  }

  #skip(start: number, end: number, note: string): void {
    const { protocol, by } = this.#spoken;
    this.trees.push({
      ...{ type: "bytes", offset: start, length: end - start, missing: 0 },
      ...{ protocol, protocolBy: by, from: this.#reading.from ?? null },
      ...{ nodes: [], violations: [], note },
    });
  }

  #decode(bytes: Uint8Array, frame: Frame): PacketTree {
    const { from, isAsked, secrets } = this.#reading;
    const hasConnect = isConnect(bytes, frame);
    const named = hasConnect ? connectSpeaks(bytes, frame) : null;
    if (named !== null && !isAsked) this.#spoken = named;
    // The broker answers a CONNECT that names no protocol in the form of 3.1.1.
    const isFirst = hasConnect && this.trees.length === 0 && !isAsked;
    const spoken = named ?? (isFirst ? unknown : this.#spoken);
    const tree = treeOf({ bytes, frame, spoken, connected: this.#connected, secrets }, from);
    if (hasConnect) this.#connected = true;
    return tree;
  }

  /** Whether packets without a violation follow, or nothing: then its length is right at least. */
  #fitsBehind(bytes: Uint8Array, { end }: Frame): boolean {
    if (end >= bytes.length) return end === bytes.length;
    let at = end;
    for (let count = 0; count < inRow && at < bytes.length; count++) {
      const frame = frameAt(bytes, at);
      if (this.#violates(bytes, frame)) return false;
      at = frame.end;
    }
    return true;
  }

  /**
   * The next offset behind a packet's first byte at which a CONNECT, or several packets in a row, break no rule;
   * null: none. If packets fit behind this one, only what lies within it can prove its length wrong.
   */
  #nextPlace(bytes: Uint8Array, frame: Frame): number | null {
    const isAligned = this.#fitsBehind(bytes, frame);
    const within = isAligned ? bytes.subarray(0, frame.end) : bytes;
    for (let at = frame.start + 1; at < within.length; at++) {
      if (this.#fits(within, at)) return at;
      if (this.#searchedBytes > searchedBytesMax) return null;
    }
    return null;
  }

  #fits(bytes: Uint8Array, start: number): boolean {
    const frames: Frame[] = [];
    let { protocol } = this.#spoken;
    let at = start;
    while (frames.length < inRow) {
      if (at >= bytes.length) return false;
      const frame = frameAt(bytes, at);
      if (isConnect(bytes, frame)) protocol = connectSpeaks(bytes, frame)?.protocol ?? protocol;
      if (!isPlausible(bytes, frame, protocol)) return false;
      frames.push(frame);
      at = frame.end;
      // Its name and level are no chance.
      if (isConnect(bytes, frame)) break;
    }
    this.#searchedBytes += at - start;
    return !frames.some((frame) => this.#violates(bytes, frame));
  }

  #violates(bytes: Uint8Array, frame: Frame): boolean {
    const { from } = this.#reading;
    const spoken = (isConnect(bytes, frame) ? connectSpeaks(bytes, frame) : null) ?? this.#spoken;
    const place = { bytes, frame, spoken, connected: false, secrets: false };
    return treeOf(place, from).violations.length > 0;
  }
}

const typedBytesMax = 64;

function skippedText(start: number, end: number): string {
  const head = `${bytesText(end - start)} at offset ${start} skipped`;
  const why =
    start === 0
      ? "the bytes begin in the middle of a packet"
      : "no packet begins there, or bytes before it are missing";
  return `${head}: ${why}. The next packets that fit begin at offset ${end}.`;
}

function restText(start: number, end: number): string {
  return (
    `${bytesText(end - start)} at offset ${start} not decoded: nowhere in them do ${inRow} packets ` +
    "fit in a row, so they are not MQTT, or a part is missing."
  );
}

/** How badly a version fits: bytes outside of sound packets, then violations. Less is better. */
export interface Misfit {
  readonly bytes: number;
  readonly violations: number;
}

export function misfitOf(trees: readonly PacketTree[]): Misfit {
  const unfit = trees.filter(({ note, violations }) => note !== undefined || violations.length > 0);
  return {
    bytes: unfit.reduce((sum, tree) => sum + tree.length, 0),
    violations: unfit.reduce((sum, tree) => sum + tree.violations.length, 0),
  };
}

/** Of the packets before the first CONNECT that names a protocol, for itself and for those behind it. */
export function misfitBeforeConnect(trees: readonly PacketTree[]): Misfit {
  const connect = trees.findIndex(
    ({ type, protocolBy }) => type === "CONNECT" && protocolBy === "CONNECT",
  );
  return misfitOf(connect < 0 ? trees : trees.slice(0, connect));
}

export function sumOf(misfits: readonly Misfit[]): Misfit {
  const sum = (of: (one: Misfit) => number): number =>
    misfits.reduce((total, one) => total + of(one), 0);
  return { bytes: sum((one) => one.bytes), violations: sum((one) => one.violations) };
}

/** Negative: `a` fits better. */
export function compareMisfits(a: Misfit, b: Misfit): number {
  return a.bytes - b.bytes || a.violations - b.violations;
}

/** The version for bytes without a CONNECT at their start, given how badly each would fit. */
export function guessFrom(misfit: (protocol: ProtocolVersion) => Misfit): Spoken {
  const compared = compareMisfits(misfit(4), misfit(5));
  if (compared === 0) return { protocol: 5, by: "fits both" };
  return { protocol: compared < 0 ? 4 : 5, by: "fits" };
}
