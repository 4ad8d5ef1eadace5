/**
 * A forwarder with almost no MQTT: `npx bun bench/forwarder.ts PORT [QUIRK]`. It forwards the
 * bytes of PUBLISH unchanged to the subscribers of exactly that topic, one write per subscriber
 * and read, without sessions, windows or validation. It shows how much the load can take, and a
 * broker's upper limit. A quirk proves that the load notices it.
 */

/** Misbehaviour from a certain message on, towards one subscriber or publisher. */
const quirks = ["lose", "repeat", "spoil", "hang up", "fall silent", "forget PUBACK"] as const;
type Quirk = (typeof quirks)[number];
const quirkFrom = 5000;

interface Peer {
  readonly socket: Bun.Socket<Peer>;
  version: number;
  /** The topic that it publishes on: read once, since every publisher of the load uses one topic. */
  topic: string | null;
  published: number;
  partial: Uint8Array;
}

class Forwarder {
  readonly #quirk: Quirk | null;
  readonly #subscribers = new Map<string, Peer[]>();
  readonly #acks = new Uint8Array(65_536);

  constructor(quirk: Quirk | null) {
    this.#quirk = quirk;
  }

  listen(port: number): void {
    Bun.listen<Peer>({
      hostname: "127.0.0.1",
      port,
      socket: {
        open(socket) {
          const partial = new Uint8Array();
          socket.data = { socket, version: 4, topic: null, published: 0, partial };
        },
        data: (socket, chunk) => this.#received(socket.data, chunk),
        close: (socket) => this.#forget(socket.data),
      },
    });
  }

  #received(peer: Peer, chunk: Uint8Array): void {
    const bytes = peer.partial.length === 0 ? chunk : Buffer.concat([peer.partial, chunk]);
    let at = 0;
    let publishStart = -1;
    let publishEnd = -1;
    let ackBytes = 0;
    while (at + 2 <= bytes.length && at + 2 + (bytes[at + 1] ?? 0) <= bytes.length) {
      const end = at + 2 + (bytes[at + 1] ?? 0);
      const header = bytes[at] ?? 0;
      if ((header & 0xf0) === 0x30) {
        if (publishStart < 0) publishStart = at;
        publishEnd = end;
        peer.published++;
        peer.topic ??= text(bytes, at + 2);
        if (header === 0x32) ackBytes = this.#acknowledge(bytes, at, ackBytes);
      } else {
        this.#other(peer, bytes, at, end);
      }
      at = end;
    }
    peer.partial = at < bytes.length ? bytes.slice(at) : new Uint8Array();
    if (publishStart < 0) return;
    const isQuirky = this.#quirk !== null && peer.published >= quirkFrom;
    if (isQuirky && this.#quirk === "forget PUBACK") ackBytes -= 4;
    if (ackBytes > 0) write(peer, this.#acks, 0, ackBytes);
    this.#forward(peer, bytes.subarray(publishStart, publishEnd), isQuirky);
  }

  #forward(publisher: Peer, run: Uint8Array, isQuirky: boolean): void {
    const subscribers = this.#subscribers.get(publisher.topic ?? "") ?? [];
    for (const subscriber of subscribers) {
      const spoilt = isQuirky && subscriber === subscribers[0];
      write(subscriber, spoilt ? this.#spoil(subscriber, run) : run, 0);
    }
  }

  #spoil(subscriber: Peer, run: Uint8Array): Uint8Array {
    const size = 2 + (run[1] ?? 0);
    if (this.#quirk === "lose") return run.subarray(size);
    if (this.#quirk === "repeat") return Buffer.concat([run.subarray(0, size), run]);
    if (this.#quirk === "spoil")
      return run.map((byte, at) => (at % size === size - 1 ? ~byte : byte));
    if (this.#quirk === "hang up") subscriber.socket.terminate();
    return this.#quirk === "forget PUBACK" ? run : new Uint8Array();
  }

  #acknowledge(bytes: Uint8Array, at: number, ackBytes: number): number {
    const idAt = at + 4 + (((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0));
    this.#acks[ackBytes] = 0x40;
    this.#acks[ackBytes + 1] = 2;
    this.#acks[ackBytes + 2] = bytes[idAt] ?? 0;
    this.#acks[ackBytes + 3] = bytes[idAt + 1] ?? 0;
    return ackBytes + 4;
  }

  #other(peer: Peer, bytes: Uint8Array, at: number, end: number): void {
    const packetType = (bytes[at] ?? 0) >> 4;
    if (packetType === 1) {
      peer.version = bytes[at + 8] ?? 4;
      const connack = peer.version === 5 ? [0x20, 3, 0, 0, 0] : [0x20, 2, 0, 0];
      peer.socket.write(Uint8Array.from(connack));
    } else if (packetType === 8) {
      const filter = text(bytes, at + (peer.version === 5 ? 5 : 4));
      this.#subscribers.set(filter, [...(this.#subscribers.get(filter) ?? []), peer]);
      const qos = bytes[end - 1] ?? 0;
      const suback = peer.version === 5 ? [0x90, 4, 0, 1, 0, qos] : [0x90, 3, 0, 1, qos];
      peer.socket.write(Uint8Array.from(suback));
    }
  }

  #forget(peer: Peer): void {
    for (const peers of this.#subscribers.values())
      if (peers.includes(peer)) peers.splice(peers.indexOf(peer), 1);
  }
}

/** A window is far smaller than a socket's buffer, so a partial write is an error in the load. */
function write(peer: Peer, bytes: Uint8Array, start: number, length = bytes.length): void {
  if (length === 0) return;
  const taken = peer.socket.write(bytes, start, length);
  if (taken >= 0 && taken < length)
    throw new Error(`the forwarder could write ${taken} of ${length}`);
}

function text(bytes: Uint8Array, at: number): string {
  const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  return new TextDecoder().decode(bytes.subarray(at + 2, at + 2 + length));
}

new Forwarder(quirks.find((quirk) => quirk === process.argv[3]) ?? null).listen(
  Number(process.argv[2]),
);
