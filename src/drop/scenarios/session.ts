import { type Client, type ConnectOptions, NoAnswer } from "../../client/client.ts";
import { NotOffered } from "../no-verdict.ts";
import type { Stage } from "../stage.ts";

/** How long sessions that outlive their connections are asked for, beyond what a scenario waits. */
export const keptSeconds = 60;

/** CONNECT's options for a session that outlives its connection: by `seconds` (v5), or for good. */
export function kept(stage: Stage, seconds = keptSeconds): Partial<ConnectOptions> {
  const properties = { sessionExpiryInterval: seconds };
  return { clean: false, ...(stage.isV5 && { properties }) };
}

/**
 * Seconds for which the session outlives its connection: the broker's value, if it said one
 * (v5-3.2.2.3.2), else what was asked for.
 */
export function sessionExpiry(client: Client, asked: number): number {
  return client.connack?.properties?.sessionExpiryInterval ?? asked;
}

/** Throws NotOffered when the broker keeps the session for less than `seconds` (v5). */
export function needsSession(client: Client, seconds = 1): void {
  const inForce = sessionExpiry(client, Infinity);
  if (inForce < seconds) {
    throw new NotOffered(`the broker cuts the session expiry to ${inForce} s, below ${seconds} s`);
  }
}

/** Whether CONNACK says that the session goes on; MQTT 3.1 cannot say. */
export function isResumed(client: Client): boolean {
  return client.version === 3 || client.connack?.sessionPresent === true;
}

/** How long a broker may take to close a connection after its DISCONNECT, and after its FIN. */
const closeMs = 500;
/** How long a client that is refused without a CONNACK tries again. */
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

/** A client id that comes back: its CONNECTs, and how many of them the broker did not answer. */
export class Returning {
  readonly #stage: Stage;
  /** CONNECTs after which the broker closed the connection without a CONNACK. */
  unanswered = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /**
   * Connects, and tries again where the broker closes the connection before its CONNACK, as real
   * clients do. Rejects with NoAnswer where that goes on for 5 s.
   */
  async connect(options: Partial<ConnectOptions>): Promise<Client> {
    const until = this.#stage.now + returnMs;
    for (;;) {
      try {
        return await this.#stage.victim(options);
      } catch (error) {
        const isClosed = error instanceof NoAnswer && error.isClosed;
        if (!isClosed || this.#stage.now > until) throw error;
        this.unanswered += 1;
        await this.#stage.pause(retryMs, "another CONNECT");
      }
    }
  }

  /** One clause: what happened to CONNECTs; null: each was answered. */
  get problem(): string | null {
    const count = this.unanswered === 1 ? "a CONNECT" : `${this.unanswered} CONNECTs`;
    const what = `the broker closed the connection after ${count} without a CONNACK`;
    return this.unanswered === 0 ? null : what;
  }
}
