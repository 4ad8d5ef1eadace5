import type { PubRequest, SubRequest, TalkRequest } from "../../src/talk/request.ts";
import type { Target } from "../../src/client/target.ts";
import type { TalkSurroundings } from "../../src/cli/talk-run.ts";

/** Requests of `pub` and `sub` as their flags make them, for tests without a command line. */

export function talkRequest(target: Target, clientId: string): TalkRequest {
  return {
    target,
    version: 5,
    connect: { clientId, keepalive: 60, clean: true, properties: {} },
    reconnects: true,
    goodbye: { disconnects: true, reasonCode: 0, properties: undefined, isChosen: false },
    quiet: false,
    debug: false,
  };
}

export function pubRequest(target: Target, more: Partial<PubRequest> = {}): PubRequest {
  return {
    ...talkRequest(target, "publisher"),
    ...{ topic: "t", qos: 1, retain: false, properties: undefined },
    source: { type: "lines" },
    ...{ repeats: 1, repeatDelayMs: 0, inflightMax: 20 },
    ...more,
  };
}

export function subRequest(target: Target, more: Partial<SubRequest> = {}): SubRequest {
  return {
    ...talkRequest(target, "subscriber"),
    ...{ form: { type: "verbose" }, endsLines: true },
    ...{ filters: ["#"], qos: 1, retainAsPublished: false, subscribeProperties: undefined },
    ...{ unsubscribes: [], unsubscribeProperties: undefined, filterOut: [] },
    ...{ count: null, timeoutMs: null, noRetained: false, retainedOnly: false },
    ...{ removesRetained: false, endsSubscribed: false, share: 1 },
    ...more,
  };
}

/** Standard streams of a command in this process. */
export class Streams implements TalkSurroundings {
  readonly printed: Uint8Array[] = [];
  errors = "";
  /** Whether lines are taken; else they wait for `take`. */
  #taken = Promise.withResolvers<void>();
  readonly #input: AsyncIterable<Uint8Array>;

  constructor(input: AsyncIterable<Uint8Array> | string = "", takes = true) {
    this.#input = typeof input === "string" ? one(input) : input;
    if (takes) this.#taken.resolve();
  }

  get text(): string {
    return Buffer.concat(this.printed).toString();
  }

  get bytes(): number {
    return this.printed.reduce((sum, { length }) => sum + length, 0);
  }

  take(): void {
    this.#taken.resolve();
  }

  readonly print = (text: string | Uint8Array): void => {
    this.printed.push(typeof text === "string" ? Buffer.from(text) : text);
  };

  readonly flushed = async (): Promise<boolean> => {
    await this.#taken.promise;
    return true;
  };

  readonly printError = (text: string): void => {
    this.errors += text;
  };

  readonly stdin = (): AsyncIterable<Uint8Array> => this.#input;
}

async function* one(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
