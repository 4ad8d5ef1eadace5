import { heapStats } from "bun:jsc";

/** What a process takes, bytes. */
export interface ProcessSize {
  /** By the system: resident memory. */
  readonly resident: number;
  /** By the runtime: all that the collector keeps alive, array buffers included. */
  readonly live: number;
}

/** After a forced collection. The allocator gives memory back some time later: waits for the least. */
export function settledSize(): ProcessSize {
  let resident = Infinity;
  for (let unchanged = 0; unchanged < 10; unchanged++) {
    Bun.gc(true);
    Bun.sleepSync(50);
    const { rss } = process.memoryUsage();
    if (rss < resident) [resident, unchanged] = [rss, 0];
  }
  return { resident, live: heapStats().heapSize };
}
