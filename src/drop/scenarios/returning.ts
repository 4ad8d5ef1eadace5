import { NoAnswer, Refused } from "../../client/client-error.ts";
import type { Client, ConnectOptions } from "../../client/client.ts";
import { refusalText } from "../../client/refusal.ts";
import type { Stage } from "../stage.ts";

/** How long a broker may take to close a connection after its DISCONNECT, and after its FIN. */
const closeMs = 500;
/** How long a client that is not accepted tries again. */
const returnMs = 5000;
/** Between two tries. */
const retryMs = 100;

/**
 * Sends DISCONNECT and waits until the broker has closed the connection, so that the next CONNECT
 * cannot overtake it. A broker that does not close (it only should) gets a FIN and as much time again.
 */
export async function leaveInOrder(stage: Stage, client: Client): Promise<void> {
  client.disconnect();
  const isClosed = await stage.until(closeMs, "the broker's FIN", () => client.isOver);
  if (isClosed) return;
  client.fin();
  await stage.pause(closeMs, "the end of the connection");
}

/** Refusals that pass: v3's server unavailable, and MQTT 5's server unavailable, busy and rate exceeded. */
const passing: ReadonlySet<number> = new Set([0x03, 0x88, 0x89, 0x9f]);

/** A client id that comes back: its CONNECTs, and what became of those that the broker did not accept. */
export class Returning {
  readonly #stage: Stage;
  /** CONNECTs after which the broker closed the connection without a CONNACK. */
  #unanswered = 0;
  /** The first of the refusals that pass, and their number. */
  #refusal: Refused | null = null;
  #refused = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /**
   * Connects, and tries again where the broker closes the connection before its CONNACK or is not
   * available, as real clients do. Rejects with that reason where it goes on for 5 s.
   */
  async connect(options: Partial<ConnectOptions>): Promise<Client> {
    const until = this.#stage.now + returnMs;
    for (;;) {
      try {
        return await this.#stage.victim(options);
      } catch (error) {
        if (!this.#passes(error) || this.#stage.now > until) throw error;
        await this.#stage.pause(retryMs, "another CONNECT");
      }
    }
  }

  #passes(error: unknown): boolean {
    if (error instanceof NoAnswer && error.isClosed) {
      this.#unanswered += 1;
      return true;
    }
    if (!(error instanceof Refused && passing.has(error.code))) return false;
    this.#refusal ??= error;
    this.#refused += 1;
    return true;
  }

  /** One clause: what happened to CONNECTs; null: each was accepted at once. */
  get problem(): string | null {
    const refusal = this.#refusal;
    const clauses = [
      ...(refusal === null
        ? []
        : [`the broker refused ${connects(this.#refused)}: ${refusalText(refusal)}`]),
      ...(this.#unanswered === 0
        ? []
        : [
            `the broker closed the connection after ${connects(this.#unanswered)} without a CONNACK`,
          ]),
    ];
    return clauses.length === 0 ? null : clauses.join("; ");
  }
}

function connects(count: number): string {
  return count === 1 ? "a CONNECT" : `${count} CONNECTs`;
}
