/**
 * What the driver takes from the process besides time: turns of the event loop, delays, random
 * tokens. A simulation passes its own, so that a run depends only on its seed.
 */
export interface Loop {
  /** Runs `work` in the next turn of the loop: before that, the loop reads its sockets. */
  soon(work: () => void): void;
  /** Runs `work` once after the delay. Returns a function that cancels it. */
  after(milliseconds: number, work: () => void): () => void;
  /** A unique, unguessable Assigned Client Identifier. */
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

/** For a loop whose immediates run without a poll between them; its timers do not. */
export const timerLoop: Loop = { ...processLoop, soon: (work) => void setTimeout(work, 0) };
