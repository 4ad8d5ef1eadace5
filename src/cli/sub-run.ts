import type { ReceivedPublish } from "../client/machine.ts";
import { matches } from "../core/topic.ts";
import { name } from "../log/foreign.ts";
import { Printer } from "../talk/printer.ts";
import type { SubRequest } from "../talk/request.ts";
import { refusedFilters, type SessionEvents } from "../talk/session.ts";
import { type Talk, talk, type TalkSurroundings } from "./talk-run.ts";

/** `mqttd sub`. Resolves to the exit code; throws CliError. */
export async function subscribeTo(
  request: SubRequest,
  surroundings: TalkSurroundings,
): Promise<number> {
  const timeout = Promise.withResolvers<number>();
  return talk(
    request,
    surroundings,
    (one) => new Subscriber(request, surroundings, one, () => timeout.resolve(5)).events,
    async () => timeout.promise,
  );
}

class Subscriber {
  readonly events: SessionEvents;
  readonly #request: SubRequest;
  readonly #talk: Talk;
  readonly #printer: Printer;
  readonly #onTimeout: () => void;
  #printed = 0;
  #hasEnded = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #unacknowledged = 0;

  constructor(
    request: SubRequest,
    surroundings: TalkSurroundings,
    one: Talk,
    onTimeout: () => void,
  ) {
    this.#request = request;
    this.#talk = one;
    this.#onTimeout = onTimeout;
    this.#printer = new Printer(request, surroundings, one.session);
    // Nobody reads the lines any more; an error of stdout ends the program by itself.
    this.#printer.outputClosed.then(
      () => this.#end(0),
      () => this.#end(2),
    );
    this.events = {
      connected: () => this.#connected(),
      message: (packet) => this.#message(packet),
      subscribed: (suback) => {
        const { filters } = request;
        const refused = refusedFilters(filters, suback);
        for (const text of refused) one.say(text);
        if (refused.length === filters.length) return this.#end(4);
        this.#acknowledged();
      },
      unsubscribed: () => this.#acknowledged(),
    };
  }

  #connected(): void {
    const { session } = this.#talk;
    const { filters, qos, timeoutMs, unsubscribes, retainAsPublished: rap } = this.#request;
    if (timeoutMs !== null) this.#timer ??= setTimeout(() => this.#timedOut(timeoutMs), timeoutMs);
    this.#unacknowledged = 0;
    if (filters.length > 0) {
      this.#unacknowledged += 1;
      session.subscribe(filters, { qos, nl: false, rap, rh: 0 }, this.#request.subscribeProperties);
    }
    if (unsubscribes.length > 0) {
      this.#unacknowledged += 1;
      session.unsubscribe(unsubscribes, this.#request.unsubscribeProperties);
    }
  }

  #timedOut(timeoutMs: number): void {
    if (this.#hasEnded) return;
    const { count } = this.#request;
    const came = count === null ? `${this.#printed}` : `${this.#printed} of ${count}`;
    const messages = (count ?? this.#printed) === 1 ? "message" : "messages";
    this.#talk.say(`timed out after ${timeoutMs / 1000} s: ${came} ${messages}`);
    this.#onTimeout();
  }

  #acknowledged(): void {
    this.#unacknowledged -= 1;
    if (this.#unacknowledged === 0 && this.#request.endsSubscribed) this.#end(0);
  }

  #message(packet: ReceivedPublish): void {
    if (this.#hasEnded) return;
    const { retainedOnly, noRetained, removesRetained, filterOut, count, share } = this.#request;
    const { topic, retain } = packet;
    if (retainedOnly && !retain) return this.#end(0);
    if (filterOut.some((filter) => matches(filter, topic))) return;
    if (removesRetained && retain) {
      this.#talk.session.publish({ topic, payload: Buffer.alloc(0), qos: 0, retain: true });
    }
    if (noRetained && retain) return;
    if (share < 1 && Math.random() >= share) return;
    const atMicros = Math.round((performance.timeOrigin + performance.now()) * 1000);
    const wrong = this.#printer.add({ packet, atMicros });
    if (wrong !== null) this.#talk.say(`a message on ${name(topic)} is not printed: ${wrong}`);
    this.#printed += 1;
    if (this.#printed === count) this.#end(0);
  }

  #end(code: number): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#printer.flushed().then(
      () => this.#talk.end(code),
      () => this.#talk.end(code),
    );
  }
}
