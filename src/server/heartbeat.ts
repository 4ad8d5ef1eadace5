import type { Driver } from "./driver/driver.ts";
import type { Garbage } from "./garbage.ts";

/** Milliseconds between two heartbeats: the driver notices a blocked process within that time. */
export const heartbeatMs = 100;
const heartbeatsPerSecond = 10;

/**
 * Calls the driver's `heartbeat` every `heartbeatMs`, which detects a suspend and a blocked loop, and
 * keeps the garbage small.
 * `onSecond` gets the worst lateness of each second. Returns a function that stops it.
 */
export function startHeartbeat(
  driver: Driver,
  garbage: Garbage | null,
  onSecond: (lagMs: number) => void,
): () => void {
  driver.heartbeat();
  let before = performance.now();
  let worstMs = 0;
  let beats = 0;
  const interval = setInterval(() => {
    const now = performance.now();
    worstMs = Math.max(worstMs, now - before - heartbeatMs);
    before = now;
    driver.heartbeat();
    garbage?.look();
    beats += 1;
    if (beats < heartbeatsPerSecond) return;
    onSecond(worstMs);
    worstMs = 0;
    beats = 0;
  }, heartbeatMs);
  return () => clearInterval(interval);
}
