import { assert } from "../../core/assert.ts";
import type { Delivery } from "../../core/io.ts";
import {
  isReferable,
  payloadBytesOf,
  referredBytes,
  type Frame,
  type Message,
} from "../../core/packet.ts";
import {
  firstByte,
  packetIdOffset,
  patchPublish,
  publishSize,
  writePublish,
  writePublishHead,
} from "../../wire/publish.ts";
import { patchedPacketBytes, type Outbox } from "./outbox.ts";

/** Bits of the first byte of a PUBLISH that hold its QoS. */
const qosBits = 0x06;
/** From so many copies on, a large message gets memory of its own, which all links share. */
const sharedCopies = 8;

/** One encoding of the current message: for v5 or older, with or without a packet id. */
interface Encoded {
  /** Room for the next encodings as well. */
  room: Uint8Array;
  /** The encoding, at the beginning of the room. */
  bytes: Uint8Array;
  idOffset: number;
  isMade: boolean;
}

/**
 * Writes the copies of one message after another with the least work: the input's own bytes if they
 * fit the delivery, at QoS 1 and 2 with another packet id, else one encoding shared by all, copied
 * and patched.
 */
export class DeliveryWriter {
  #message: Message | null = null;
  /** An equal payload in memory that links share; null: take the message's. */
  #sharedPayload: Uint8Array | null = null;
  #expirySeconds: number | null = null;
  /** The message as it arrived; null: its copies differ. */
  #frame: Frame | null = null;
  /** The first byte of copies that are equal to the frame, but for the packet id. */
  #frameFirst = 0;
  /** There are several copies, so one encoding for all of them saves work. */
  #isShared = false;
  /** The outbox refers to the payload instead of copying it. */
  #isLarge = false;
  /** Where packet ids stand in the chunk of recent frames, and which of them is this frame's. */
  #idsAt: number[] = [];
  #idsOf: Uint8Array | null = null;
  readonly #encoded: readonly [Encoded, Encoded, Encoded, Encoded] = [
    notMade(),
    notMade(),
    notMade(),
    notMade(),
  ];

  /**
   * Starts the `copies` of another message. `frame`: the bytes that brought it; null: its copies
   * differ from these.
   */
  begin(message: Message, expirySeconds: number | null, frame: Frame | null, copies: number): void {
    this.#isShared = copies > 1;
    this.#message = message;
    this.#expirySeconds = expirySeconds;
    this.#frame = frame;
    this.#sharedPayload = null;
    const isLarge = payloadBytesOf(message) >= referredBytes;
    if (isLarge && copies >= sharedCopies) this.#ownLarge();
    if (this.#frame !== null) this.#beginFrame(this.#frame);
    this.#isLarge = isLarge && isReferable(this.#payload, this.#payload.length);
    for (const encoded of this.#encoded) encoded.isMade = false;
  }

  /** Copies a large message out of its input chunk: else each link copies it for itself. */
  #ownLarge(): void {
    const frame = this.#frame;
    const payload = this.#payload;
    if (frame !== null && isLargePart(frame.bytes, frame.end - frame.start)) {
      const bytes = frame.bytes.slice(frame.start, frame.end);
      this.#frame = { bytes, start: 0, end: bytes.length, version: frame.version };
      this.#sharedPayload = bytes.subarray(bytes.length - payload.length);
    } else if (isLargePart(payload, payload.length)) {
      this.#sharedPayload = payload.slice();
    }
  }

  #beginFrame({ bytes, start, end }: Frame): void {
    this.#frameFirst = bytes[start]!;
    if ((this.#frameFirst & qosBits) === 0) return;
    if (end - start > patchedPacketBytes) {
      this.#frame = null;
      return;
    }
    if (this.#idsOf !== bytes) {
      this.#idsOf = bytes;
      this.#idsAt = [];
    }
    this.#idsAt.push(start + packetIdOffset(bytes, start));
  }

  write(outbox: Outbox, delivery: Delivery, packetId: number): void {
    if (delivery.plain) {
      const frame = this.#frame;
      if (
        frame !== null &&
        firstByte(delivery) === this.#frameFirst &&
        (frame.version === 5) === (delivery.version === 5)
      ) {
        return this.#forward(outbox, frame, packetId);
      }
      if (this.#isShared && !this.#isLarge) return this.#copy(outbox, delivery, packetId);
    }
    const message = this.#begun;
    if (this.#isLarge) return this.#refer(outbox, message, delivery, packetId);
    const offset = outbox.reserve(publishSize(message, delivery, this.#expirySeconds));
    const { buffer } = outbox;
    outbox.commit(writePublish(buffer, offset, message, delivery, packetId, this.#expirySeconds));
  }

  #forward(outbox: Outbox, { bytes, start, end }: Frame, packetId: number): void {
    if (packetId === 0) return outbox.forward(bytes, start, end);
    outbox.forwardWithId(bytes, start, end, this.#idsAt, this.#idsAt.length - 1, packetId);
  }

  get #payload(): Uint8Array {
    return this.#sharedPayload ?? this.#begun.payload;
  }

  get #begun(): Message {
    assert(this.#message !== null, "begin precedes write");
    return this.#message;
  }

  /** All copies share a large payload; each has only its own header. */
  #refer(outbox: Outbox, message: Message, delivery: Delivery, packetId: number): void {
    const payload = this.#payload;
    const size = publishSize(message, delivery, this.#expirySeconds);
    const offset = outbox.reserve(size - payload.length);
    const { buffer } = outbox;
    outbox.commit(
      writePublishHead(buffer, offset, message, delivery, packetId, this.#expirySeconds),
    );
    outbox.refer(payload, 0, payload.length);
  }

  /** Copies the shared encoding and patches it for this delivery. */
  #copy(outbox: Outbox, delivery: Delivery, packetId: number): void {
    const place = (delivery.version === 5 ? 2 : 0) + (delivery.qos === 0 ? 0 : 1);
    const encoded = this.#encoded[place]!;
    if (!encoded.isMade) this.#encode(encoded, delivery);
    const offset = outbox.appendAll(encoded.bytes);
    patchPublish(outbox.buffer, offset, encoded.idOffset, delivery, packetId);
  }

  #encode(encoded: Encoded, delivery: Delivery): void {
    const message = this.#begun;
    const size = publishSize(message, delivery, this.#expirySeconds);
    if (size > encoded.room.length) encoded.room = new Uint8Array(size * 2);
    const length = writePublish(encoded.room, 0, message, delivery, 0, this.#expirySeconds);
    encoded.bytes = encoded.room.subarray(0, length);
    encoded.idOffset = delivery.qos === 0 ? 0 : packetIdOffset(encoded.bytes, 0);
    encoded.isMade = true;
  }
}

/** Whether bytes of a buffer are large but too small a part of it to keep it for them. */
function isLargePart(of: Uint8Array, bytes: number): boolean {
  return bytes >= referredBytes && !isReferable(of, bytes);
}

function notMade(): Encoded {
  const room = new Uint8Array(1024);
  return { room, bytes: room, idOffset: 0, isMade: false };
}
