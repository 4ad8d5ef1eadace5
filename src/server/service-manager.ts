import type { Env } from "../config/environment.ts";
import { notifySocket } from "./platform.ts";

/**
 * systemd, or another service manager that listens on the socket in NOTIFY_SOCKET (sd_notify): it
 * learns when clients can connect, that the loop still turns, and that the broker stops.
 */
export class ServiceManager {
  readonly #send: (text: string) => boolean;
  readonly #onUnsent: (text: string) => void;
  readonly #watchdogMs: number | null;
  #watchdog: ReturnType<typeof setInterval> | undefined;
  #isUnsent = false;

  /**
   * `send`: false if the manager did not take it; `onUnsent` gets the first such message.
   * `watchdogMs`: after how long without a sign of life the manager ends this process; null: never.
   */
  constructor(
    send: (text: string) => boolean,
    watchdogMs: number | null,
    onUnsent: (text: string) => void,
  ) {
    this.#send = send;
    this.#watchdogMs = watchdogMs;
    this.#onUnsent = onUnsent;
  }

  /**
   * Clients can connect. From now on it sends a sign of life at half of the watchdog's time, by a timer
   * of the loop that serves clients: it stays away when the loop is held up.
   */
  ready(urls: readonly string[]): void {
    this.#notify(`READY=1\nSTATUS=Listening on ${urls.join(", ")}`);
    if (this.#watchdogMs === null) return;
    this.#watchdog = setInterval(() => this.#notify("WATCHDOG=1"), this.#watchdogMs / 2);
  }

  stopping(): void {
    this.#notify("STOPPING=1\nSTATUS=Stopping");
  }

  close(): void {
    clearInterval(this.#watchdog);
  }

  #notify(text: string): void {
    if (this.#send(text) || this.#isUnsent) return;
    this.#isUnsent = true;
    this.#onUnsent(text);
  }
}

/** The manager that started this process; null: none. `warn` gets what keeps it from being told. */
export async function serviceManager(
  env: Env,
  pid: number,
  warn: (text: string) => void,
): Promise<ServiceManager | null> {
  const address = env["NOTIFY_SOCKET"];
  if (address === undefined || address === "") return null;
  const where = `the service manager (NOTIFY_SOCKET=${address})`;
  const send = await notifySocket(address);
  if (typeof send === "string") {
    warn(`${where} can't be told when clients can connect: ${send}`);
    return null;
  }
  return new ServiceManager(send, watchdogMs(env, pid), (text) =>
    warn(`${where} did not take ${text.split("\n", 1)[0]}`),
  );
}

/** WATCHDOG_PID: for which process WATCHDOG_USEC is; children inherit both. */
function watchdogMs(env: Env, pid: number): number | null {
  const { WATCHDOG_USEC: microseconds, WATCHDOG_PID: meant } = env;
  if (meant !== undefined && meant !== String(pid)) return null;
  const value = Number(microseconds);
  return Number.isFinite(value) && value > 0 ? value / 1000 : null;
}
