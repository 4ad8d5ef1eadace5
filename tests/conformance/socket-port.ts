import { dial } from "../../src/client/dial.ts";
import { isWebSocket, type Target } from "../../src/client/target.ts";
import type { Line, LineEvents, Port } from "./port.ts";

const dialMs = 5000;
const lookMs = 5;

/** Any broker over a real socket, in real time. */
export class SocketPort implements Port {
  readonly patienceMs: number;
  readonly quietMs = 300;
  readonly marginMs = 150;
  readonly isShared = true;
  readonly #target: Target;

  constructor(target: Target, patienceMs: number) {
    this.#target = target;
    this.patienceMs = patienceMs;
  }

  /** Rejects with DialError. */
  async open(events: LineEvents): Promise<Line> {
    return dial(this.#target, dialMs, () => ({
      data: (chunk) => events.data(chunk),
      closed: () => events.closed(),
    }));
  }

  openWebSocket(events: LineEvents): Promise<Line> | null {
    const { transport } = this.#target;
    if (!isWebSocket(transport)) return null;
    const below = { ...this.#target, transport: transport === "ws" ? "tcp" : "tls" } as const;
    return dial(below, dialMs, () => ({
      data: (chunk) => events.data(chunk),
      closed: () => events.closed(),
    }));
  }

  async pass(milliseconds: number): Promise<void> {
    // A silence that is judged, or a time of the standard that runs off: neither has an event.
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
  }

  async until(isSo: () => boolean, boundMs: number): Promise<boolean> {
    const end = performance.now() + boundMs;
    while (!isSo()) {
      if (performance.now() > end) return false;
      await this.pass(lookMs);
    }
    return true;
  }
}
