/**
 * What the driver takes from the process beside the time: turns of its loop, delays, and what nobody
 * can guess. A simulation hands in its own, so that a run depends on nothing but its seed.
 */
export interface Loop {
  /** Runs after the sockets had their turn. */
  soon(work: () => void): void;
  /** Runs once after so many milliseconds, unless what it returns is called before. */
  after(milliseconds: number, work: () => void): () => void;
  /** Becomes the Assigned Client Identifier of a client that has none. */
  token(): string;
}

export const processLoop: Loop = {
  soon: (work) => void setImmediate(work),
  after: (milliseconds, work) => {
    const timer = setTimeout(work, milliseconds);
    return () => clearTimeout(timer);
  },
  token: () => `auto-${crypto.randomUUID()}`,
};
