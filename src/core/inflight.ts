import { assert } from "./assert.ts";
import type { Copy } from "./copy.ts";
import { costs, messageBytes, type Memory } from "./memory.ts";
import type { Message } from "./packet.ts";
import type { SessionJournal } from "./session-journal.ts";

const largestPacketId = 65_535;

/** The acknowledgement that a message waits for next; null: its place is free. */
type Awaited = "puback" | "pubrec" | "pubcomp" | null;

/** What a free place refers to, so that it keeps nothing. */
const noCopy: Copy = { qos: 0, retain: false, identifiers: null, shared: null };

/** A place in the window. It serves one message after another, so that a copy allocates nothing. */
class Place {
  packetId = 0;
  /** Null: its session ends with its connection, so it is never sent again. */
  message: Message | null = null;
  copy = noCopy;
  /** Length of the mount point when it was first sent. */
  strip = 0;
  /** Position in the order of first sending, which resends keep (v5-4.6.0-1). */
  order = 0;
  awaited: Awaited = null;
}

/**
 * One unacknowledged QoS 1 or 2 message to a subscriber, until it is removed. QoS 1 awaits PUBACK;
 * QoS 2 awaits PUBREC, from then on PUBCOMP, and a resend then sends PUBREL (v5-4.3.3-4).
 */
export type Outgoing = Readonly<Place>;

/** The ring of every window that holds none; not to be changed. */
const noPlaces: Place[] = [];

/**
 * Outgoing messages that wait for an acknowledgement: a ring by packet id. Ids are assigned in
 * sequence; the ring grows only if an old message still occupies the next place [v4-2.3.1-4]
 * [v4-4.3.2-1] [v4-4.3.3-1] [v5-2.2.1-4] [v5-4.3.2-1] [v5-4.3.3-1].
 */
export class InflightWindow {
  /** Replaced as it grows and shrinks. */
  #ring = noPlaces;
  #mask = -1;
  #count = 0;
  #nextId = 1;
  #order = 0;
  readonly #memory: Memory;
  readonly #journal: SessionJournal | null;

  constructor(memory: Memory, journal: SessionJournal | null = null) {
    this.#memory = memory;
    this.#journal = journal;
  }

  get count(): number {
    return this.#count;
  }

  /** Places of the ring, free ones too: all of them take memory. */
  get places(): number {
    return this.#ring.length;
  }

  get(packetId: number): Outgoing | null {
    const place = this.#ring[packetId & this.#mask];
    return place?.packetId === packetId && place.awaited !== null ? place : null;
  }

  /** `message` null: only its acknowledgement matters. */
  add(message: Message | null, copy: Copy, strip: number): Outgoing {
    const place = this.#takePlace();
    if (message !== null) {
      this.#memory.hold(message);
      place.message = message;
    }
    place.copy = copy;
    place.strip = strip;
    place.order = this.#order++;
    place.awaited = copy.qos === 1 ? "puback" : "pubrec";
    this.#count += 1;
    if (this.#journal !== null) this.#journal.outgoingChanged(place.packetId, message);
    return place;
  }

  /** Adds one in the order of first sending, under its own packet id and with what it awaits. */
  restore(outgoing: Omit<Outgoing, "message"> & { readonly message: Message }): void {
    const { packetId, message, copy, strip, order, awaited } = outgoing;
    for (;;) {
      const place = this.#ring[packetId & this.#mask];
      if (place?.awaited !== null) {
        this.#grow();
        continue;
      }
      this.#memory.hold(message);
      Object.assign(place, { packetId, message, copy, strip, order, awaited });
      break;
    }
    this.#count += 1;
    this.#order = order + 1;
    this.#nextId = packetId === largestPacketId ? 1 : packetId + 1;
  }

  /** PUBREC was received. */
  released(outgoing: Outgoing): void {
    const place = this.#placeOf(outgoing);
    assert(place.copy.qos === 2, "only QoS 2 has a PUBREC");
    place.awaited = "pubcomp";
    this.#journal?.outgoingChanged(place.packetId, place.message);
  }

  remove(outgoing: Outgoing): void {
    this.#free(this.#placeOf(outgoing));
  }

  /**
   * Removes the messages whose next packet this acknowledgement is, and skips packet ids that are not
   * in flight. Stops at one that waits for another. Returns how many ids it went through.
   */
  finish(packetIds: readonly number[], by: "puback" | "pubcomp"): number {
    const ring = this.#ring;
    const mask = this.#mask;
    for (let at = 0; at < packetIds.length; at++) {
      const packetId = packetIds[at]!;
      const place = ring[packetId & mask];
      if (place?.packetId !== packetId || place.awaited === null) continue;
      if (place.awaited !== by) return at;
      this.#free(place);
    }
    return packetIds.length;
  }

  #free(place: Place): void {
    const { message } = place;
    place.copy = noCopy;
    place.awaited = null;
    this.#count -= 1;
    if (this.#journal !== null) this.#journal.outgoingChanged(place.packetId, message);
    if (message === null) return;
    place.message = null;
    this.#memory.release(message);
  }

  /** Forgets all messages, as their session ends. */
  clear(): void {
    for (const place of this.#ring) if (place.awaited !== null) this.remove(place);
    this.shrink();
  }

  /** Gives back the memory of an empty ring. */
  shrink(): void {
    if (this.#count > 0) return;
    this.#memory.inflight.give(this.#ring.length * costs.outgoing);
    this.#ring = noPlaces;
    this.#mask = -1;
  }

  /** Bytes of memory, with all of each message, whoever else keeps it. */
  get held(): number {
    let bytes = this.#ring.length * costs.outgoing;
    for (const { message } of this.#ring) if (message !== null) bytes += messageBytes(message);
    return bytes;
  }

  /** Of all messages in flight. */
  *packetIds(): Generator<number, void, void> {
    for (const { packetId, awaited } of this.#ring) if (awaited !== null) yield packetId;
  }

  /** In the order of first sending. */
  inOrder(): Outgoing[] {
    return this.#ring.filter(({ awaited }) => awaited !== null).sort((a, b) => a.order - b.order);
  }

  #placeOf({ packetId, awaited }: Outgoing): Place {
    const place = this.#ring[packetId & this.#mask];
    assert(
      place?.packetId === packetId && awaited !== null,
      "only what is in flight can leave the window",
    );
    return place;
  }

  /** The place of the next free packet id. */
  #takePlace(): Place {
    assert(this.#count < largestPacketId, "the window is smaller than the number of packet ids");
    for (;;) {
      const id = this.#nextId;
      const place = this.#ring[id & this.#mask];
      if (place?.awaited === null) {
        this.#nextId = id === largestPacketId ? 1 : id + 1;
        place.packetId = id;
        return place;
      }
      if (this.#ring.length <= largestPacketId) this.#grow();
      else this.#nextId = id === largestPacketId ? 1 : id + 1;
    }
  }

  #grow(): void {
    const old = this.#ring;
    const size = old.length === 0 ? 8 : old.length * 2;
    this.#mask = size - 1;
    this.#ring = Array.from({ length: size }, () => new Place());
    for (const place of old) {
      if (place.awaited !== null) this.#ring[place.packetId & this.#mask] = place;
    }
    this.#memory.inflight.take((size - old.length) * costs.outgoing);
  }
}
