import { assert, unreachable } from "../../core/assert.ts";
import type { Broker } from "../../core/broker.ts";
import type { Effect, Input, Millis } from "../../core/io.ts";
import type { ProtocolVersion, ServerPacket } from "../../core/packet.ts";
import type { Arrivals } from "./arrivals.ts";
import type { Channel } from "./channel.ts";
import type { Channels } from "./channels.ts";
import type { Commits } from "./commits.ts";
import type { EventLog } from "./driver.ts";
import type { Ends } from "./ends.ts";
import type { Output } from "./output.ts";
import type { PacketTrace } from "./packet-trace.ts";
import type { PeerCloses } from "./peer-closes.ts";
import type { ReadAhead } from "./read-ahead.ts";
import type { Reading } from "./reading.ts";

interface HandlingParts {
  readonly broker: Broker;
  readonly channels: Channels;
  readonly output: Output;
  /** Null: nothing outlives the process. */
  readonly commits: Commits | null;
  readonly arrivals: Arrivals;
  readonly readAhead: ReadAhead;
  readonly peerCloses: PeerCloses;
  readonly reading: Reading;
  readonly ends: Ends;
  readonly packets: PacketTrace;
  readonly log: EventLog;
}

/** Hands inputs to the core, one at a time, and executes their effects in order. */
export class Handling {
  /** Time of the inputs: when the current call of the loop began. */
  now: Millis;
  /** Inputs that arose while executing effects. */
  readonly #inputs: Input[] = [];
  readonly #broker: Broker;
  readonly #channels: Channels;
  readonly #output: Output;
  readonly #commits: Commits | null;
  readonly #arrivals: Arrivals;
  readonly #readAhead: ReadAhead;
  readonly #peerCloses: PeerCloses;
  readonly #reading: Reading;
  readonly #ends: Ends;
  readonly #packets: PacketTrace;
  readonly #log: EventLog;

  constructor(now: Millis, parts: HandlingParts) {
    this.now = now;
    this.#broker = parts.broker;
    this.#channels = parts.channels;
    this.#output = parts.output;
    this.#commits = parts.commits;
    this.#arrivals = parts.arrivals;
    this.#readAhead = parts.readAhead;
    this.#peerCloses = parts.peerCloses;
    this.#reading = parts.reading;
    this.#ends = parts.ends;
    this.#packets = parts.packets;
    this.#log = parts.log;
  }

  /** Hands in one input, then the inputs that arise from its effects. */
  handle(input: Input): void {
    this.#execute(this.#broker.handle(input, this.now));
    if (this.#inputs.length > 0) this.handleQueued();
  }

  /** Queues an input that arises while effects are executed. */
  enqueue(input: Input): void {
    this.#inputs.push(input);
  }

  handleQueued(): void {
    for (let input = this.#inputs.shift(); input !== undefined; input = this.#inputs.shift()) {
      if ("connection" in input && !this.#channels.has(input.connection)) continue;
      this.#execute(this.#broker.handle(input, this.now));
    }
  }

  #execute(effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case "deliver":
          this.#deliver(effect);
          break;
        case "send":
          this.#send(this.#channels.get(effect.connection), effect.version, effect.packet);
          break;
        case "forward":
          this.#forward(effect);
          break;
        case "acknowledge":
          this.#output.acknowledge(this.#channels.get(effect.connection), effect);
          break;
        case "persist":
          assert(this.#commits !== null, "a journal has a store that takes it");
          this.#output.isPromise = true;
          this.#commits.changed();
          break;
        case "note":
          this.#log.note(effect.event, this.now);
          break;
        case "watch": {
          const channel = this.#channels.get(effect.connection);
          channel.clientId = effect.clientId;
          this.#arrivals.settled(channel);
          this.#readAhead.connected(channel);
          channel.link.watch(effect.allowedMs);
          break;
        }
        case "authenticate":
          this.#reading.authenticate(this.#channels.get(effect.connection), effect);
          break;
        case "cut":
          this.#channels.get(effect.connection).isCut = true;
          break;
        case "hold":
          this.#hold(this.#channels.get(effect.connection), true);
          break;
        case "release":
          this.#hold(this.#channels.get(effect.connection), false);
          break;
        case "close":
          this.#ends.close(this.#channels.get(effect.connection), effect.how);
          break;
        default:
          unreachable(effect);
      }
    }
    this.#output.isPromise = false;
  }

  #deliver(effect: Effect & { readonly type: "deliver" }): void {
    const { message, to, packetIds, isWill } = effect;
    if (isWill && this.#output.isPromise) this.#commits?.hurry();
    this.#output.begin(effect);
    for (let place = 0; place < to.length; place++) {
      const delivery = to[place]!;
      const packetId = packetIds === null ? 0 : packetIds[place]!;
      const channel = this.#channels.get(delivery.connection);
      if (this.#packets.isOn)
        this.#packets.delivery(channel, message, delivery, packetId, this.now);
      this.#output.deliver(channel, delivery, packetId);
    }
  }

  #forward(effect: Effect & { readonly type: "forward" }): void {
    const { to, packetIds } = effect;
    for (let place = 0; place < to.length; place++) {
      const ids = packetIds === null ? null : packetIds[place]!;
      this.#output.forward(this.#channels.get(to[place]!.connection), effect, ids);
    }
  }

  #send(channel: Channel, version: ProtocolVersion, packet: ServerPacket): void {
    if (this.#packets.isOn) this.#packets.packet(channel, "sent", packet, this.now);
    this.#output.send(channel, version, packet);
  }

  #hold(channel: Channel, on: boolean): void {
    channel.holdPublisher = on;
    if (on) this.#peerCloses.watch(channel, this.now);
    else this.#peerCloses.forget(channel);
    this.#reading.update(channel);
    if (!on) this.#reading.moreLater(channel);
  }
}
