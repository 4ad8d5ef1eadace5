import { setTimeout as pause } from "node:timers/promises";
import { Client, type ConnectOptions } from "../../src/client/client.ts";
import { localTarget } from "../support/embedded.ts";
import type { Dice } from "../support/dice.ts";

/** How a life ends. */
const deaths = [
  ...["rst", "rst", "fin", "fin", "silence", "disconnect", "disconnect-will"],
  ...["protocol-error", "takeover", "takeover"],
] as const;
type Death = (typeof deaths)[number];

/** The required fate of a will; `either`: the due time and the return were too close to tell. */
export type Expected = "published" | "none" | "either";

/** A will whose connection has ended, while its delay runs. Milliseconds of the monotonic clock. */
interface Delayed {
  readonly text: string;
  readonly due: number;
}

/** Closer to a due time than this, the result of a return is unknown. */
export const marginMs = 500;

/** The totals of all lives. */
export class WillBook {
  readonly expected = new Map<string, Expected>();
  /** When a silent client's will is due, by its payload. */
  readonly due = new Map<string, number>();
  readonly faults: string[] = [];
  lives = 0;
}

/**
 * One client id and its lives: repeatedly connects with a new will, acts a little, and dies in some
 * way. Its pauses are random traffic, no waits for an event.
 */
export class MortalLives {
  readonly #id: string;
  readonly #port: number;
  readonly #dice: Dice;
  readonly #book: WillBook;
  /** Acknowledges its messages, so that it is never silent for long. */
  readonly #acknowledges: boolean;
  #life = 0;
  #delayed: Delayed | null = null;
  /** The last acknowledged retained message. */
  #retained = "";

  constructor(port: number, id: string, dice: Dice, book: WillBook) {
    this.#acknowledges = dice.chance(50);
    this.#port = port;
    this.#id = id;
    this.#dice = dice;
    this.#book = book;
  }

  get #retainedTopic(): string {
    return `retained/${this.#id}`;
  }

  /** Runs until `isOver`. Then ends the last session and deletes retained messages. */
  async run(isOver: () => boolean): Promise<void> {
    let successor: Life | null = null;
    while (!isOver() || successor !== null) {
      try {
        successor = await this.#live(successor, isOver());
      } catch (fault) {
        this.#book.faults.push(`${this.#id}, life ${this.#life}: ${String(fault)}`);
        successor = null;
      }
      // How long it stays away.
      if (successor === null) await pause(this.#dice.between(50, 1500));
    }
    await this.#end();
  }

  /** Returns the life that has taken over, if this one ended by a takeover. */
  async #live(begun: Life | null, isLast: boolean): Promise<Life | null> {
    const { client, text, delay, version } = begun ?? (await this.#begin());
    await this.#act(client);
    let death: Death = isLast ? "rst" : this.#dice.pick(deaths);
    if (death === "disconnect-will" && version === 4) death = "rst";
    const keepAlive = client.keepAliveSeconds;
    if (death === "silence" && (this.#acknowledges || keepAlive > 3)) death = "fin";
    if (death === "takeover") return this.#takenOver(client, text, delay);
    await this.#die(client, death);
    if (death === "silence") {
      // The broker has ended the connection by then, so the delay has started.
      this.#book.due.set(text, client.lastSentAt + keepAlive * 1500 + delay * 1000);
    }
    if (death === "disconnect") this.#expect(text, "none");
    else if (delay === 0) this.#expect(text, "published");
    else this.#delayed = { text, due: performance.now() + delay * 1000 };
    return null;
  }

  async #die(client: Client, death: Exclude<Death, "takeover">): Promise<void> {
    switch (death) {
      case "rst":
        return client.reset();
      case "fin":
        return client.fin();
      case "disconnect":
        return client.leave();
      case "disconnect-will":
        return client.leave(0x04);
      case "protocol-error":
        client.sendBytes(client.encode(connectPacket(this.#id)));
        await client.ended;
        return;
      case "silence":
        await client.ended;
        return;
    }
  }

  /** Connects, which decides the fate of a waiting will. */
  async #begin(): Promise<Life> {
    const version = this.#dice.pick([4, 5, 5] as const);
    const clean = this.#dice.chance(50);
    const delay = version === 5 && this.#dice.chance(50) ? this.#dice.between(1, 2) : 0;
    const text = `${this.#id} ${++this.#life}`;
    const client = await Client.open(localTarget(this.#port), version);
    const before = this.#delayed;
    this.#delayed = null;
    const sent = performance.now();
    await client.connect(this.#options({ version, clean, delay, text }));
    const answered = performance.now();
    this.#book.lives += 1;
    if (before !== null) {
      const isEarly = answered < before.due - marginMs;
      const isLate = sent > before.due + marginMs;
      if (clean || isLate) this.#expect(before.text, "published");
      else this.#expect(before.text, isEarly ? "none" : "either");
    }
    return { client, text, delay, version, clean };
  }

  #options(life: Omit<Life, "client">): ConnectOptions {
    const { version, clean, delay, text } = life;
    const qos = this.#dice.pick([0, 1, 2] as const);
    return {
      ...{ clientId: this.#id, clean, keepalive: this.#dice.pick([2, 3, 60]) },
      will: {
        ...{ topic: `wills/${this.#id}`, payload: Buffer.from(text), qos, retain: false },
        ...(version === 5 && { properties: { willDelayInterval: delay } }),
      },
      ...(version === 5 && { properties: { sessionExpiryInterval: this.#dice.pick([3, 4, 5]) } }),
    };
  }

  async #takenOver(client: Client, text: string, delay: number): Promise<Life> {
    const next = await this.#begin();
    await client.ended;
    // A resumed session cancels a delayed will; all others are due.
    this.#expect(text, delay > 0 && !next.clean ? "none" : "published");
    return next;
  }

  async #act(client: Client): Promise<void> {
    const things = this.#dice.below(4);
    for (let done = 0; done < things; done++) {
      const filter = this.#dice.pick(["flow/#", "churn/+", "$share/g/churn/#", "retained/#"]);
      const qos = this.#acknowledges ? this.#dice.pick([0, 1, 2] as const) : 0;
      const what = this.#dice.pick(["subscribe", "subscribe", "retain", "publish"]);
      if (what === "subscribe") await client.subscribe(filter, { qos });
      else if (what === "publish") {
        await client.publish(`churn/${this.#id}`, "x", { qos: this.#dice.pick([0, 1, 2]) });
      } else {
        this.#retained = `${this.#id} ${this.#life}.${done}`;
        await client.publish(this.#retainedTopic, this.#retained, { qos: 1, retain: true });
      }
      // Its own rhythm.
      await pause(this.#dice.between(0, 200));
    }
  }

  async #end(): Promise<void> {
    const before = this.#delayed;
    const client = await Client.open(localTarget(this.#port), 5);
    await client.connect({ clientId: this.#id, clean: true, keepalive: 60 });
    if (before !== null) this.#expect(before.text, "published");
    await client.subscribe(this.#retainedTopic);
    // Its answer follows the messages that the subscription causes.
    await client.publish(`churn/${this.#id}`, "x", { qos: 1 });
    const [arrival] = client.arrivals;
    const retained = arrival?.packet.payload.toString() ?? "";
    if (retained !== this.#retained) {
      this.#book.faults.push(`${this.#id} had retained ${this.#retained}, and finds ${retained}`);
    }
    await client.publish(this.#retainedTopic, "", { qos: 1, retain: true });
    client.leave();
  }

  #expect(text: string, expected: Expected): void {
    this.#book.expected.set(text, expected);
  }
}

interface Life {
  readonly client: Client;
  /** The will's payload, unique to this will. */
  readonly text: string;
  /** Seconds. */
  readonly delay: number;
  readonly version: 4 | 5;
  readonly clean: boolean;
}

function connectPacket(clientId: string) {
  const level = { protocolId: "MQTT", protocolVersion: 4 } as const;
  return { cmd: "connect", ...level, clientId, clean: true, keepalive: 0 } as const;
}
