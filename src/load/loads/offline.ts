import { Client, forAll, type LoadTarget } from "../client.ts";
import { type Load, type LoadContext, until } from "../load.ts";
import { type PublishRun, publishRun, uint16 } from "../packets.ts";
import { Flow, type Lane } from "./flow.ts";
import { Subscriber } from "./subscriber.ts";

export interface Offline {
  /** Persistent sessions whose clients are away, each with a topic of its own. */
  readonly sessions: number;
  /** For each of them; QoS 1. */
  readonly messages: number;
  readonly publishers: number;
  /** The most messages of a publisher that the broker has not acknowledged. */
  readonly window: number;
  readonly payloadBytes: number;
}

const lasting = { keepAlive: 600, isClean: false, sessionExpiry: 3600 };

/** How long the messages may take, each way. */
const patienceMs = 120_000;

/**
 * Messages for sessions whose clients are away: the time until the broker has acknowledged them all.
 * Then the clients come back, and each has to get its own, in order: a queue that drops makes no
 * figure.
 */
export function offline(shape: Offline): Load {
  const { sessions, messages, publishers: count, window } = shape;
  return async (context) => {
    const { target } = context;
    const away = Array.from({ length: sessions }, (_, number) => ({ number, lane: newLane() }));
    await forAll(away, async ({ number, lane }) => {
      const client = returning(shape, context, number, lane);
      await client.open(lasting);
      await client.subscribe(topicOf(target, number));
      client.leave();
    });
    const senders = Array.from({ length: count }, (_, number) => {
      const own = away.filter((one) => one.number % count === number);
      const runs = own.map((one) => runOf(target, shape, one.number));
      const name = `${target.prefix}-pub-${number}`;
      return new Sender(name, target, runs, messages, window);
    });
    for (const sender of senders) {
      context.keep(sender);
      sender.onEnded = () => context.fail(`${sender.id}: the broker ended the connection`);
    }
    await forAll(senders, async (sender) => sender.open({ keepAlive: 600 }));
    return async () => {
      const began = performance.now();
      for (const sender of senders) sender.send();
      if (!(await until(() => senders.every(({ isDone }) => isDone), patienceMs))) {
        context.fail(`not all messages were acknowledged within ${patienceMs / 1000} s`);
      }
      const queued = performance.now();
      context.stopClock();
      await forAll(away, async ({ number, lane }) => {
        const client = returning(shape, context, number, lane);
        client.onEnded = () => context.fail(`${client.id}: the broker ended the connection`);
        context.keep(client);
        await client.open(lasting);
      });
      const isThere = (): boolean => away.every(({ lane }) => lane.count === messages);
      if (!(await until(isThere, patienceMs))) {
        const least = Math.min(...away.map(({ lane }) => lane.count));
        context.fail(`a session got ${least} of ${messages} messages`);
      }
      return [
        { name: "queued", value: (queued - began) / 1000, unit: "s" },
        { name: "returned", value: (performance.now() - queued) / 1000, unit: "s" },
      ];
    };
  };
}

function newLane(): Lane {
  return new Flow(0).addLane();
}

function topicOf({ prefix }: LoadTarget, number: number): string {
  return `${prefix}/away/${String(number).padStart(4, "0")}`;
}

function runOf(target: LoadTarget, { payloadBytes }: Offline, number: number): PublishRun {
  return publishRun(target.version, topicOf(target, number), 1, number, payloadBytes, 1);
}

function returning(shape: Offline, context: LoadContext, number: number, lane: Lane): Subscriber {
  const { target } = context;
  const complain = (error: string): void => context.fail(error);
  const expected = runOf(target, shape, number);
  return new Subscriber(`${target.prefix}-away-${number}`, target, complain, expected, [lane]);
}

/** Publishes a number of messages on each of its topics in turn, as the window allows. */
class Sender extends Client {
  readonly #runs: readonly PublishRun[];
  readonly #all: number;
  readonly #window: number;
  #published = 0;
  #acknowledged = 0;

  constructor(
    id: string,
    target: LoadTarget,
    runs: readonly PublishRun[],
    messages: number,
    window: number,
  ) {
    super(id, target);
    this.#runs = runs;
    this.#all = runs.length * messages;
    this.#window = window;
  }

  get isDone(): boolean {
    return this.#acknowledged === this.#all;
  }

  send(): void {
    const most = Math.min(this.#window, this.receiveMaximum);
    const last = Math.min(this.#all, this.#acknowledged + most);
    while (this.#published < last && this.isDrained) {
      const run = this.#runs[this.#published % this.#runs.length];
      if (run === undefined) return;
      const { bytes, idAt, payloadAt } = run;
      const sequence = Math.floor(this.#published / this.#runs.length) + 1;
      this.#published += 1;
      new DataView(bytes.buffer).setUint32(payloadAt, sequence);
      new DataView(bytes.buffer).setUint16(idAt, packetId(this.#published));
      this.write(bytes);
    }
  }

  override frame(bytes: Uint8Array, start: number, size: number): void {
    if (this.isAsking) return super.frame(bytes, start, size);
    this.#acknowledged += 1;
    const isNext =
      bytes[start] === 0x40 && uint16(bytes, start + 2) === packetId(this.#acknowledged);
    if (!isNext) this.ended("an acknowledgement came that was not due");
  }

  protected override readEnded(): void {
    if (!this.isAsking && this.#published > 0) this.send();
  }
}

/** 1 to 65,535, in turn. */
function packetId(sequence: number): number {
  return ((sequence - 1) % 65_535) + 1;
}
