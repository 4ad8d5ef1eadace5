import { type IPublishPacket, generate, type Packet, parser } from "mqtt-packet";

/** Misbehaviour from a certain message on, towards the first subscriber or the publisher. */
export const quirks = [
  "lose",
  "repeat",
  "swap",
  "spoil",
  "hang up",
  "fall silent",
  "forget acknowledgement",
] as const;
export type Quirk = (typeof quirks)[number];

const quirkFrom = 300;

interface Peer {
  readonly socket: Bun.Socket<Peer>;
  readonly parser: ReturnType<typeof parser>;
  version: 4 | 5;
  clientId: string;
  filter: string | null;
  qos: 0 | 1 | 2;
  nextId: number;
  published: number;
}

/** A broker for the loads of throughput, without sessions or limits, that can misbehave. */
export class QuirkyBroker implements Disposable {
  readonly port: number;
  /** PINGREQs that came; it answers none. */
  pings = 0;
  readonly #quirk: Quirk | null;
  readonly #peers = new Set<Peer>();
  readonly #listener: Bun.TCPSocketListener<Peer>;
  #kept: IPublishPacket | null = null;
  #hasForgotten = false;

  constructor(quirk: Quirk | null) {
    this.#quirk = quirk;
    this.#listener = Bun.listen<Peer>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: (socket) => this.#opened(socket),
        data: (socket, chunk) => {
          socket.data.parser.parse(chunk);
        },
        close: (socket) => {
          this.#peers.delete(socket.data);
        },
      },
    });
    this.port = this.#listener.port;
  }

  [Symbol.dispose](): void {
    this.#listener.stop(true);
  }

  /** Whose CONNECT ends the connection. */
  refuses: (clientId: string) => boolean = () => false;

  /** Ends the connections of some clients. */
  hangUp(isMeant: (clientId: string) => boolean): void {
    for (const peer of this.#peers) if (isMeant(peer.clientId)) peer.socket.terminate();
  }

  #opened(socket: Bun.Socket<Peer>): void {
    const peer: Peer = {
      socket,
      parser: parser({ protocolVersion: 4 }),
      version: 4,
      clientId: "",
      filter: null,
      qos: 0,
      nextId: 1,
      published: 0,
    };
    peer.parser.on("packet", (packet) => this.#received(peer, packet));
    socket.data = peer;
    this.#peers.add(peer);
  }

  #received(peer: Peer, packet: Packet): void {
    switch (packet.cmd) {
      case "connect":
        peer.version = packet.protocolVersion === 5 ? 5 : 4;
        peer.clientId = packet.clientId;
        if (this.refuses(packet.clientId)) return peer.socket.terminate();
        return send(peer, { cmd: "connack", sessionPresent: false, returnCode: 0, reasonCode: 0 });
      case "subscribe":
        peer.filter = packet.subscriptions[0]?.topic ?? null;
        peer.qos = packet.subscriptions[0]?.qos ?? 0;
        return send(peer, { cmd: "suback", messageId: packet.messageId ?? 0, granted: [peer.qos] });
      case "pingreq":
        this.pings++;
        return;
      case "publish":
        return this.#published(peer, packet);
      case "pubrec":
        return send(peer, { cmd: "pubrel", messageId: packet.messageId ?? 0 });
      case "pubrel":
        if (this.#forgets(peer)) return;
        return send(peer, { cmd: "pubcomp", messageId: packet.messageId ?? 0 });
      default:
    }
  }

  #published(publisher: Peer, packet: IPublishPacket): void {
    publisher.published++;
    const isForgotten = packet.qos === 1 && this.#forgets(publisher);
    if (packet.qos > 0 && !isForgotten) {
      const cmd = packet.qos === 1 ? ("puback" as const) : ("pubrec" as const);
      send(publisher, { cmd, messageId: packet.messageId ?? 0 });
    }
    const isQuirky = publisher.published >= quirkFrom;
    const prefix = packet.topic.replace(/\/[^/]*$/, "/+");
    let isFirst = true;
    for (const peer of this.#peers) {
      if (peer.filter !== packet.topic && peer.filter !== prefix) continue;
      const copies = isQuirky && isFirst ? this.#copies(packet, peer) : [packet];
      isFirst = false;
      for (const copy of copies) {
        const messageId = packet.qos === 0 ? undefined : peer.nextId++;
        if (peer.nextId > 65_535) peer.nextId = 1;
        send(peer, { ...copy, messageId } as Packet);
      }
    }
  }

  #copies(packet: IPublishPacket, peer: Peer): IPublishPacket[] {
    const kept = this.#kept;
    switch (this.#quirk) {
      case "lose":
        // One message: the next one shows it.
        return peer.published++ === 0 ? [] : [packet];
      case "repeat":
        return [packet, packet];
      case "swap":
        this.#kept = kept === null ? packet : null;
        return kept === null ? [] : [packet, kept];
      case "spoil": {
        const payload = Buffer.from(packet.payload);
        payload[payload.length - 1] = ~(payload.at(-1) ?? 0) & 0xff;
        return [{ ...packet, payload }];
      }
      case "hang up":
        peer.socket.terminate();
        return [];
      case "fall silent":
        return [];
      default:
        return [packet];
    }
  }

  /** One acknowledgement is forgotten, of the first publisher that gets there. */
  #forgets(publisher: Peer): boolean {
    if (this.#quirk !== "forget acknowledgement" || publisher.published < quirkFrom) return false;
    const isFirst = !this.#hasForgotten;
    this.#hasForgotten = true;
    return isFirst;
  }
}

function send(peer: Peer, packet: Packet): void {
  peer.socket.write(generate(packet, { protocolVersion: peer.version }));
}
