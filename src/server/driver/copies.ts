import { assert } from "../../core/assert.ts";
import type { Delivery } from "../../core/io.ts";
import type { Frame, Message } from "../../core/packet.ts";
import {
  packetIdOffset,
  patchPublish,
  publishSize,
  writePublish,
  writePublishHead,
} from "../../wire/publish.ts";
import { isReferable, type Outbox } from "./outbox.ts";

/** First byte of a PUBLISH with QoS 0, no DUP and no RETAIN. */
const plainPublish = 0x30;

/** One encoding of the current message: for v5 or older, with or without a packet id. */
interface Encoded {
  bytes: Uint8Array;
  length: number;
  idOffset: number;
  isMade: boolean;
}

/**
 * Writes the copies of one message after another with the least work: the input's own bytes if they
 * fit the delivery, else one encoding shared by all, copied and patched.
 */
export class DeliveryWriter {
  #message: Message | null = null;
  #expirySeconds: number | null = null;
  /** The message's frame, if a QoS 0 copy for the same version equals it byte for byte. */
  #frame: Frame | null = null;
  #frameIsV5 = false;
  /** The outbox refers to the payload instead of copying it. */
  #isLarge = false;
  readonly #encoded: readonly [Encoded, Encoded, Encoded, Encoded] = [
    notMade(),
    notMade(),
    notMade(),
    notMade(),
  ];

  /** Starts the copies of another message. */
  begin(message: Message, expirySeconds: number | null): void {
    this.#message = message;
    this.#expirySeconds = expirySeconds;
    const { frame } = message;
    this.#frame = frame !== null && frame.bytes[frame.start] === plainPublish ? frame : null;
    this.#frameIsV5 = frame?.version === 5;
    const { payload } = message;
    this.#isLarge = isReferable(payload, payload.length);
    for (const encoded of this.#encoded) encoded.isMade = false;
  }

  write(outbox: Outbox, delivery: Delivery): void {
    const frame = this.#frame;
    if (delivery.plain) {
      if (
        frame !== null &&
        delivery.qos === 0 &&
        !delivery.retain &&
        this.#frameIsV5 === (delivery.version === 5)
      ) {
        outbox.forward(frame.bytes, frame.start, frame.end);
        return;
      }
      if (!this.#isLarge) return this.#copy(outbox, delivery);
    }
    const message = this.#begun;
    if (this.#isLarge) return this.#refer(outbox, message, delivery);
    const offset = outbox.reserve(publishSize(message, delivery, this.#expirySeconds));
    outbox.commit(writePublish(outbox.buffer, offset, message, delivery, this.#expirySeconds));
  }

  get #begun(): Message {
    assert(this.#message !== null, "begin precedes write");
    return this.#message;
  }

  /** All copies share a large payload; each has only its own header. */
  #refer(outbox: Outbox, message: Message, delivery: Delivery): void {
    const { payload } = message;
    const size = publishSize(message, delivery, this.#expirySeconds);
    const offset = outbox.reserve(size - payload.length);
    outbox.commit(writePublishHead(outbox.buffer, offset, message, delivery, this.#expirySeconds));
    outbox.refer(payload, 0, payload.length);
  }

  /** Copies the shared encoding and patches it for this delivery. */
  #copy(outbox: Outbox, delivery: Delivery): void {
    const place = (delivery.version === 5 ? 2 : 0) + (delivery.qos === 0 ? 0 : 1);
    const encoded = this.#encoded[place]!;
    if (!encoded.isMade) this.#encode(encoded, delivery);
    const offset = outbox.append(encoded.bytes, 0, encoded.length);
    patchPublish(outbox.buffer, offset, encoded.idOffset, delivery);
  }

  #encode(encoded: Encoded, delivery: Delivery): void {
    const message = this.#begun;
    const size = publishSize(message, delivery, this.#expirySeconds);
    if (size > encoded.bytes.length) encoded.bytes = new Uint8Array(size * 2);
    encoded.length = writePublish(encoded.bytes, 0, message, delivery, this.#expirySeconds);
    encoded.idOffset = delivery.qos === 0 ? 0 : packetIdOffset(encoded.bytes, 0);
    encoded.isMade = true;
  }
}

function notMade(): Encoded {
  return { bytes: new Uint8Array(1024), length: 0, idOffset: 0, isMade: false };
}
