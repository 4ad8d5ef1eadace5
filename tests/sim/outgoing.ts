import type { BrokerEvent } from "../../src/core/events.ts";
import type { LogEvent } from "../../src/log/events.ts";
import { Reason } from "../../src/core/reason.ts";
import { isAnswer, owedOf } from "./answers.ts";
import { demand, type Books } from "./books.ts";
import type { Connection } from "./connection.ts";
import { keyOf, type Delivery } from "./delivery.ts";
import type { Fates } from "./fates.ts";
import { checkReason, type Incoming } from "./incoming.ts";
import { checkLetIn } from "./let-in.ts";
import type { Copy } from "./session.ts";
import { firstByteOf } from "./tap.ts";

type Traced = LogEvent & { readonly event: "packet" };
type TracedPublish = Traced["packet"] & { readonly type: "publish" };
type NotSent = BrokerEvent & { readonly event: "notSent" };

/** Whether an answer promises that something is kept; a refusal does not. */
function isPromise(packet: Traced["packet"]): boolean {
  if (packet.type === "pingresp") return false;
  return !("reason" in packet) || packet.reason < Reason.unspecifiedError;
}

/** The packets that the broker announces: receiver, reason, and required bytes. */
export class Outgoing {
  readonly #books: Books;
  readonly #delivery: Delivery;
  readonly #fates: Fates;
  readonly #incoming: Incoming;

  constructor(books: Books, delivery: Delivery, fates: Fates, incoming: Incoming) {
    this.#incoming = incoming;
    this.#books = books;
    this.#delivery = delivery;
    this.#fates = fates;
  }

  sent({ peer, packet }: Traced, now: number): void {
    const connection = this.#books.connection(peer.remote);
    demand(connection.isOpen, "nothing is sent to who has ended", {
      connection: connection.number,
      packet,
    });
    if (packet.type === "publish") {
      this.#publish(connection, packet, now);
      return;
    }
    if (packet.type === "disconnect") {
      if (connection.ask?.version === 5) this.#say(connection, 0xe0, 0, "", null, null, now);
      return;
    }
    if (!isAnswer(packet.type)) return demand(false, "a broker sends what a broker may", packet);
    const packetId = "packetId" in packet ? packet.packetId : 0;
    let codes: readonly number[] | null = null;
    if (packet.type === "connack") {
      connection.connack = packet;
      checkLetIn(this.#books, connection, packet.reason, packet.properties);
    } else {
      const owed = connection.owed.shift();
      demand(
        owed === owedOf(packet.type, packetId),
        "answers come in the order of what they answer",
        {
          connection: connection.number,
          packet,
          owed,
        },
      );
      if (packet.type === "pubrel" && packet.reason === Reason.packetIdentifierNotFound) {
        this.#notFound(connection, packetId);
      }
      if (packet.type === "suback" || packet.type === "unsuback") {
        codes = this.#codes(connection, packet.type, [...packet.reasons]);
      } else if (packet.type === "puback" || packet.type === "pubrec") {
        checkReason(connection, packet.reason);
      }
    }
    const first = firstByteOf(packet.type);
    if (connection.isSilenced) return;
    connection.said.push({
      first,
      packetId,
      codes,
      topic: "",
      copy: null,
      payload: null,
      expirySeconds: null,
      needed: isPromise(packet) ? (this.#books.store?.needed ?? 0) : 0,
      isPromise: isPromise(packet),
    });
  }

  #publish(connection: Connection, packet: TracedPublish, now: number): void {
    const { session, mountPoint } = connection;
    demand(session !== null, "messages are for who was let in", {
      connection: connection.number,
      packet,
    });
    const { qos, retain, dup, packetId, payload } = packet;
    const key = keyOf(payload);
    const topic = mountPoint + packet.topic;
    const isSys = topic.startsWith("$SYS");
    const sent = { topic, qos, retain, dup, packetId, key };
    const isWill = (): boolean => this.#fates.seen(key, topic, now);
    const copy = isSys ? null : this.#delivery.sent(connection, session, sent, now, isWill);
    const first = 0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
    this.#say(connection, first, packetId, packet.topic, copy, payload, now);
  }

  /** A message that did not fit counts as acknowledged; only the broker knows whether it fitted. */
  #notFound(connection: Connection, packetId: number): void {
    const { session } = connection;
    const copy = session?.inflight.get(packetId);
    demand(copy === undefined || copy.mayBeLost !== null, "what is in flight is known", copy);
    session?.inflight.delete(packetId);
  }

  /** [v5-3.1.2-25]: a packet too large for its client is omitted. */
  notSent(event: NotSent): void {
    const connection = this.#books.connection(event.peer.remote);
    const { maximumPacketSize, owed } = connection;
    demand(event.bytes > maximumPacketSize, "only what is too large is not sent", event);
    if (event.packet !== "suback" && event.packet !== "unsuback") return;
    owed.shift();
    this.#incoming.answered(connection);
  }

  #codes(
    connection: Connection,
    type: string,
    reasons: readonly number[],
  ): readonly number[] | null {
    const granted = this.#incoming.answered(connection);
    demand(reasons.join() === granted.join(), "SUBACK says what was granted", {
      connection: connection.number,
      reasons,
      granted,
    });
    if (connection.ask?.version === 5) return reasons;
    return type === "unsuback" ? [] : reasons.map((reason) => (reason >= 0x80 ? 0x80 : reason));
  }

  #say(
    connection: Connection,
    first: number,
    packetId: number,
    topic: string,
    copy: Copy | null,
    payload: Uint8Array | null,
    now: number,
  ): void {
    if (connection.isSilenced) return;
    const left = (copy?.publication.expiresAt ?? Infinity) - now;
    const expirySeconds = left === Infinity ? null : Math.max(0, Math.ceil(left / 1000));
    const isQos2 = (first & 0x06) === 4;
    const changed = this.#books.store?.needed ?? 0;
    // A will waits where it is published; copies that left a queue later do not.
    const needed = isQos2 || copy?.publication.keptWith === changed ? changed : 0;
    connection.said.push({
      ...{ first, packetId, codes: null, topic, copy, payload, expirySeconds, needed },
      isPromise: isQos2,
    });
  }
}
