import { Client, type LoadTarget } from "../client.ts";
import { type Load, type LoadContext, warmedUp } from "../load.ts";
import { connect, disconnect, subscribe } from "../packets.ts";

/**
 * Clients that connect, subscribe, disconnect, and begin again, so many at a time. The system chooses
 * their ports as they connect: it takes one in TIME_WAIT again after a second. With a source address that
 * is bound first it would search all ports, 1.6 ms each time, once some thousand are in TIME_WAIT.
 */
export function churn(parallel: number): Load {
  return async (context) => {
    const { target } = context;
    const filter = subscribe(target.version, 1, [`${target.prefix}/churn`], 0);
    return async () => {
      const state = { isOver: false, done: 0 };
      const slots = Array.from({ length: parallel }, (_, slot) =>
        runSlot(context, filter, slot, state),
      );
      await warmedUp(context);
      context.startClock();
      const before = state.done;
      const began = performance.now();
      await Bun.sleep(context.seconds * 1000);
      const count = state.done - before;
      const took = (performance.now() - began) / 1000;
      context.stopClock();
      state.isOver = true;
      await Promise.all(slots);
      return [{ name: "clients", value: count / took, unit: "/s" }];
    };
  };
}

interface ChurnState {
  isOver: boolean;
  done: number;
}

/** One client at a time; each has the id of its slot, so that CONNECT is made once. */
async function runSlot(
  context: LoadContext,
  filter: Uint8Array,
  slot: number,
  state: ChurnState,
): Promise<void> {
  const { target } = context;
  const { version, username, password, prefix } = target;
  const clientId = `${prefix}-churn-${slot}`;
  const hello = connect(version, { clientId, keepAlive: 60, username, password });
  while (!state.isOver) {
    const client = new ShortLife(clientId, target, hello, filter);
    try {
      await client.live();
    } catch (error) {
      context.fail(`${clientId}: ${error instanceof Error ? error.message : String(error)}`);
      return;
    }
    state.done++;
  }
}

/** Reacts to the first byte of each answer: CONNACK, then SUBACK. */
class ShortLife extends Client {
  readonly #hello: Uint8Array;
  readonly #filter: Uint8Array;
  readonly #over = Promise.withResolvers<void>();

  constructor(id: string, target: LoadTarget, hello: Uint8Array, filter: Uint8Array) {
    super(id, target);
    this.#hello = hello;
    this.#filter = filter;
  }

  async live(): Promise<void> {
    this.onEnded = () => this.#over.reject(new Error("the broker ended the connection"));
    await this.dial();
    this.write(this.#hello);
    await this.#over.promise;
  }

  override frame(bytes: Uint8Array, start: number, size: number): void {
    const type = bytes[start];
    const code = bytes[type === 0x20 ? start + 3 : start + size - 1] ?? 0xff;
    if (code > 2) this.#over.reject(new Error(`refused with code ${code}`));
    else if (type === 0x20) this.write(this.#filter);
    else {
      this.fin(disconnect);
      this.#over.resolve();
    }
  }
}
