import type { Broker } from "../../core/broker.ts";
import type { Effect, Input } from "../../core/io.ts";
import type { ClientPacket, ConnectPacket } from "../../core/packet.ts";
import type { Link } from "../../transport/transport.ts";
import type { AckRun } from "../../wire/ack.ts";
import { type Authenticate, byCertificate } from "../auth.ts";
import type { Arrivals } from "./arrivals.ts";
import type { Channel, Withheld } from "./channel.ts";
import type { Channels } from "./channels.ts";
import type { Core } from "./core.ts";
import type { Loop } from "./loop.ts";
import type { Output } from "./output.ts";
import type { PacketTrace } from "./packet-trace.ts";
import { Takeovers } from "./takeovers.ts";
import type { Turns } from "./turns.ts";
import type { Uncommitted } from "./uncommitted.ts";

/** Work of reading one packet, and bytes whose reading costs as much as a unit of work. */
const unitsOfPacket = 1;
const bytesReadInUnit = 5000;
/** Work of one of several acknowledgements that are handled together. */
const unitsOfAck = 0.2;
/** Filters of a SUBSCRIBE whose check, and whose answers, cost as much as a unit of work. */
const filtersInUnit = 50;

type Answer = Input & { readonly type: "authenticated" };

interface ReadingParts {
  readonly broker: Broker;
  readonly channels: Channels;
  readonly output: Output;
  readonly turns: Turns<Channel>;
  readonly packets: PacketTrace;
  readonly arrivals: Arrivals;
  readonly loop: Loop;
  readonly core: Core;
  /** Null: nothing outlives the process. */
  readonly uncommitted: Uncommitted | null;
  readonly authenticate: Authenticate;
  /** Hands in what follows the packets that were read. */
  readonly last: (channel: Channel) => void;
}

/**
 * Reads the packets of the channels: hands them in one by one while the turn lasts and nothing holds
 * the channel, and pauses the links of those that are held.
 */
export class Reading {
  readonly #broker: Broker;
  readonly #channels: Channels;
  readonly #output: Output;
  readonly #turns: Turns<Channel>;
  readonly #packets: PacketTrace;
  readonly #takeovers: Takeovers;
  readonly #core: Core;
  readonly #uncommitted: Uncommitted | null;
  readonly #authenticate: Authenticate;
  readonly #last: (channel: Channel) => void;

  constructor(parts: ReadingParts) {
    const { broker, channels, output, turns, packets, arrivals, loop, core } = parts;
    this.#broker = broker;
    this.#channels = channels;
    this.#output = output;
    this.#turns = turns;
    this.#packets = packets;
    this.#core = core;
    this.#uncommitted = parts.uncommitted;
    this.#authenticate = parts.authenticate;
    this.#last = parts.last;
    this.#takeovers = new Takeovers(loop, arrivals, (channel, old) =>
      core.guard(() => {
        core.beginCall();
        this.#receiveWithheld(channel, old);
        this.on(channel);
      }),
    );
  }

  /** Takes bytes that a link has received. */
  feed(channel: Channel, chunk: Uint8Array): void {
    this.#broker.budget.spent += unitsOfPacket + chunk.length / bytesReadInUnit;
    channel.reader.feed(chunk);
    if (channel.admitted) {
      if (!channel.held) this.more(channel);
      else this.update(channel);
    }
    channel.countUnread();
  }

  /** Hands in complete packets. What the turn's budget leaves waits for a later turn. */
  more(channel: Channel): void {
    if (channel.reader.buffered === 0 && channel.last === null) return;
    if (channel.hasOnlyEnded && !this.#turns.isOver) return this.#end(channel);
    if (!this.#turns.mayWork(channel) || this.#read(channel)) this.#later(channel);
    // Its answers do not wait behind output that others have caused.
    this.#output.flushOwn(channel);
  }

  /** Hands in complete packets, and `last` after them. True: the turn is over, packets are left. */
  #read(channel: Channel): boolean {
    const { budget } = this.#broker;
    const before = budget.spent;
    const isLeft = this.#readOn(channel);
    this.#turns.charge(channel, budget.spent - before);
    this.#output.sourceIsCut(channel.id, isLeft);
    this.#uncommitted?.readIfRoomy();
    return isLeft;
  }

  #readOn(channel: Channel): boolean {
    this.#output.source = channel.id;
    while (channel.open && (channel.isCut || !channel.held)) {
      if (channel.isCut) this.#goOn(channel);
      else if (!this.#one(channel)) {
        this.#incomplete(channel);
        this.#last(channel);
        return false;
      }
      if (channel.isCut) return true;
      if (!this.#turns.mayWork(channel) && channel.reader.buffered > 0) return true;
    }
    this.#endUnanswered(channel);
    return false;
  }

  /** Of a client that is gone, the answer to its CONNECT matters only to packets behind that. */
  #endUnanswered(channel: Channel): void {
    if (channel.holdAuthentication && channel.reader.buffered === 0) this.#last(channel);
  }

  /** Yields to other connections and deadlines, and reads on in a later turn. */
  #later(channel: Channel): void {
    channel.holdTurn = true;
    this.update(channel);
    if (channel.reader.isLeaving) this.#turns.addEnd(channel);
    else if (channel.clientId === null) this.#turns.addNewcomer(channel);
    else this.#turns.add(channel);
  }

  /** Reads on in a turn. True: the turn is over, packets are left. */
  continue(channel: Channel): boolean {
    channel.holdTurn = false;
    if (channel.hasOnlyEnded) {
      this.#end(channel);
      this.#core.handleQueued();
      return false;
    }
    // A packet that was cut goes on, whatever holds.
    const mayWait = channel.last === null && !channel.isCut;
    const isPutOff = mayWait && this.#uncommitted?.putsOff(channel) === true;
    // Its own packets may have made room in the batch, so that it has a turn to come already.
    if (!isPutOff && this.#read(channel)) channel.holdTurn = true;
    if (channel.open) this.update(channel);
    this.#core.handleQueued();
    this.#output.flushOwn(channel);
    channel.countUnread();
    return channel.holdTurn;
  }

  /** Hands in an end with nothing before it: thousands may come at once. */
  #end(channel: Channel): void {
    this.#output.source = channel.id;
    this.#last(channel);
  }

  /** Has the core go on with a packet that its budget has cut. */
  #goOn(channel: Channel): void {
    channel.isCut = false;
    this.#core.handle({ type: "continued", connection: channel.id });
  }

  /** Tells the core what has arrived of a packet that is not complete. */
  #incomplete(channel: Channel): void {
    const packet = channel.reader.incomplete;
    if (packet === null) return;
    channel.reader.grownAt = this.#core.now();
    this.#core.handle({ type: "incomplete", connection: channel.id, packet });
  }

  /** Hands in one packet. False: no complete packet. */
  #one(channel: Channel): boolean {
    const acks = this.#packets.isOn ? null : channel.reader.nextAcks();
    if (acks !== null) return this.#acknowledged(channel, acks);
    if (!this.#packets.isOn && this.#run(channel)) return true;
    const packet = channel.reader.next();
    if (packet === null) return false;
    const connection = channel.id;
    this.#broker.budget.spent += unitsOfPacket;
    channel.messagesSent = 0;
    if (packet.type === "violation") {
      const { error, version, clientId } = packet;
      this.#core.handle({ type: "malformed", connection, error, version, clientId });
      return true;
    }
    if (packet.type === "subscribe") {
      const filters = packet.subscriptions.length + packet.undecoded;
      this.#broker.budget.spent += filters / filtersInUnit;
    }
    if (packet.type === "connect") {
      const { clientId } = packet;
      const connect = named(packet, channel.link);
      this.#inTurn(channel, { clientId, handIn: () => this.#received(channel, connect) });
    } else this.#received(channel, packet);
    return true;
  }

  /** Hands in several PUBLISHes that are alike at once. False: the next packet has to be read alone. */
  #run(channel: Channel): boolean {
    const { id: connection, reader } = channel;
    const run = reader.nextRun();
    if (run === null) return false;
    const count = this.#broker.takenAtOnce(connection, run, this.#core.now());
    if (count === 0) {
      reader.leaveRun(run);
      return false;
    }
    reader.takeRun(run, count);
    channel.messagesSent = 0;
    this.#core.handle({ type: "published", connection, run, count });
    return true;
  }

  #acknowledged(channel: Channel, { type: by, packetIds }: AckRun): true {
    this.#broker.budget.spent += unitsOfAck * packetIds.length;
    channel.messagesSent = 0;
    const changes = this.#uncommitted?.changes;
    this.#core.handle({ type: "acknowledged", connection: channel.id, by, packetIds });
    if (this.#uncommitted?.changes !== changes) this.#changedBy(channel, null);
    return true;
  }

  #received(channel: Channel, packet: ClientPacket): void {
    if (this.#packets.isOn) this.#packets.packet(channel, "received", packet, this.#core.now());
    const changes = this.#uncommitted?.changes;
    this.#core.handle({ type: "received", connection: channel.id, packet });
    if (this.#uncommitted?.changes === changes) return;
    this.#changedBy(channel, packet.type === "publish" ? packet.payload.length : null);
  }

  /** Its packet changed something that the store has to keep: the next one may have to wait. */
  #changedBy(channel: Channel, payload: number | null): void {
    if (!channel.open) return;
    this.#uncommitted?.changedBy(channel, payload);
    if (channel.holdStore) this.update(channel);
  }

  /** Reads what has arrived on a connection that is about to end, without waiting for others. */
  readToEnd(channel: Channel): void {
    channel.isEnding = true;
    this.#core.handle({ type: "ending", connection: channel.id });
    if (channel.holdStore) this.readOn(channel);
  }

  /** It waits no longer: reads what was buffered meanwhile, in the next turn. */
  readOn(channel: Channel): void {
    this.moreLater(channel);
    this.update(channel);
  }

  /** A client id's connection, if packets, even a DISCONNECT, wait in the driver. */
  unreadChannelOf(clientId: string): Channel | null {
    const old = this.#broker.sessions.get(clientId)?.connection ?? null;
    const channel = old === null ? null : this.#channels.get(old.id);
    return channel?.isUnread === true ? channel : null;
  }

  /** Checks the credentials of a CONNECT. Until the answer its channel is not read. */
  authenticate(channel: Channel, effect: Effect & { type: "authenticate" }): void {
    let isLater = false;
    channel.holdAuthentication = true;
    const authenticate = byCertificate(channel.link) ?? this.#authenticate;
    const whenGone = (work: () => void): void => void (channel.whenGone = work);
    authenticate({ ...effect, whenGone }, (refused) => {
      channel.holdAuthentication = false;
      channel.whenGone = null;
      if (!channel.open) return;
      const answer = { type: "authenticated", connection: channel.id, refused } as const;
      if (!isLater) this.#core.enqueue(answer);
      else this.#core.guard(() => this.#answered(channel, effect.clientId, answer));
    });
    isLater = true;
    if (channel.holdAuthentication) this.update(channel);
  }

  /** The check of a CONNECT's credentials was answered in a later turn. */
  #answered(channel: Channel, clientId: string, answer: Answer): void {
    this.#core.beginCall();
    const handIn = (): void => this.#core.handle(answer);
    if (answer.refused === null) this.#inTurn(channel, { clientId, handIn });
    else handIn();
    this.on(channel);
  }

  /** Hands in what takes over a connection, behind what has arrived on that one. */
  #inTurn(channel: Channel, takeover: Withheld): void {
    const old = this.unreadChannelOf(takeover.clientId);
    // A second CONNECT on the same connection is a violation, not a takeover.
    if (old === null || old === channel) takeover.handIn();
    else this.#withhold(channel, takeover, old);
  }

  #withhold(channel: Channel, takeover: Withheld, old: Channel): void {
    channel.withheld = takeover;
    this.update(channel);
    this.readToEnd(old);
    this.#takeovers.wait(channel, old);
  }

  #receiveWithheld(channel: Channel, waitedFor: Channel): void {
    const { withheld } = channel;
    channel.withheld = null;
    if (withheld === null || !channel.open) return;
    // Meanwhile another connection may have taken over, and have packets that wait.
    const old = this.unreadChannelOf(withheld.clientId);
    if (old === null || old === waitedFor) withheld.handIn();
    else this.#withhold(channel, withheld, old);
  }

  /** Pauses or resumes the link, and reports a hold to the core: the keepalive stops meanwhile. */
  update(channel: Channel): void {
    const { held, stops, link, id: connection } = channel;
    if (channel.stopped !== stops) {
      channel.stopped = stops;
      if (stops) link.pause();
      else link.resume();
    }
    if (channel.paused === held) return;
    channel.paused = held;
    this.#core.enqueue({ type: held ? "paused" : "resumed", connection });
  }

  /** A hold has ended: reads what was buffered meanwhile, in the next turn. */
  moreLater(channel: Channel): void {
    if (!channel.held && channel.reader.buffered > 0) this.#later(channel);
  }

  /** Reads as far as nothing holds the channel any more, then ends the turn. */
  on(channel: Channel): void {
    this.update(channel);
    this.#core.handleQueued();
    if (!channel.held) this.more(channel);
    else this.#endUnanswered(channel);
    channel.countUnread();
    this.#core.endCall();
  }
}

/** The CONNECT with the user name that the client's certificate proves, if that is to count. */
function named(packet: ConnectPacket, { identity }: Link): ConnectPacket {
  return identity === undefined ? packet : { ...packet, username: identity, password: null };
}
