import { Bystander } from "./bystander.ts";
import type { LoadTarget } from "./client.ts";
import { serveEcho } from "./echo.ts";
import { JsonLines } from "./json-lines.ts";
import { Keeper } from "./keeper.ts";
import { LoadContext, type LoadPlan } from "./load.ts";
import { rowNamed } from "./loads/rows.ts";

/**
 * A process of the bench: this very program once more, as the hidden command `bench-part`. It reads orders
 * from its stdin, a line of JSON each, the first of which says what it is. It answers in lines of JSON
 * on its stdout, and ends with its stdin, so also with the bench.
 */

export type PartOrder =
  | { readonly part: "echo" }
  | { readonly part: "bystander"; readonly target: LoadTarget; readonly echoPort: number }
  | { readonly part: "load"; readonly row: string; readonly plan: LoadPlan }
  | { readonly part: "keeper"; readonly command: readonly string[]; readonly log: string };

/** Orders after the first. */
export type NextOrder = "go" | "end";

/** An answer; a part that failed says why, in `failed`. */
export type PartWord = Readonly<Record<string, unknown>>;

/** The name of the hidden command. */
export const partCommand = "bench-part";

/** Runs one part until it is done or its stdin ends. Resolves to the exit code: 2 without an order. */
export async function runPart(
  input: AsyncIterable<Uint8Array>,
  print: (text: string) => void,
): Promise<number> {
  const orders = new Orders(input);
  const first = await orders.next();
  if (first === null) return 2;
  // Written by parts.ts of the same program.
  const work = play(first as PartOrder, orders, (word) => print(`${JSON.stringify(word)}\n`));
  await Promise.race([work, orders.ended]);
  return 0;
}

async function play(order: PartOrder, orders: Orders, say: (word: object) => void): Promise<void> {
  try {
    await playPart(order, orders, say);
  } catch (error) {
    say({ failed: error instanceof Error ? error.message : String(error) });
  }
}

async function playPart(
  order: PartOrder,
  orders: Orders,
  say: (word: object) => void,
): Promise<void> {
  switch (order.part) {
    case "echo": {
      const echo = await serveEcho();
      say({ port: echo.port });
      await orders.ended;
      echo.stop();
      return;
    }
    case "bystander": {
      const bystander = new Bystander(order.target, order.echoPort);
      await bystander.open();
      say({ ready: true });
      await orders.next();
      bystander.begin();
      await orders.next();
      say(await bystander.end());
      return;
    }
    case "load": {
      const context = new LoadContext(order.plan);
      const report = await context.play(rowNamed(order.row).load, async () => {
        say({ ready: true });
        await orders.next();
      });
      say(report);
      return;
    }
    case "keeper": {
      // Not part of the race: the broker ends first.
      const keeper = new Keeper(order.command, order.log);
      orders.before(async () => keeper.end());
      say({ pid: keeper.pid });
      await keeper.ended;
      say({ failed: "the broker's command has ended" });
    }
  }
}

/** The lines of stdin. */
class Orders {
  /** Resolves when there are no more, after what `before` has added. */
  readonly ended: Promise<void>;
  readonly #lines: unknown[] = [];
  readonly #last: (() => Promise<void>)[] = [];
  #waiting: (() => void) | null = null;
  #isOver = false;

  constructor(input: AsyncIterable<Uint8Array>) {
    this.ended = this.#read(input);
  }

  before(work: () => Promise<void>): void {
    this.#last.push(work);
  }

  /** Null: there are no more. */
  async next(): Promise<unknown> {
    while (this.#lines.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    return this.#lines.shift() ?? null;
  }

  async #read(input: AsyncIterable<Uint8Array>): Promise<void> {
    const lines = new JsonLines();
    for await (const chunk of input) {
      this.#lines.push(...lines.push(chunk));
      this.#waiting?.();
    }
    this.#isOver = true;
    this.#waiting?.();
    for (const work of this.#last) await work();
  }
}
