import type { Input, Millis } from "../../core/io.ts";

/** The way into the core for the parts of the driver. */
export interface Core {
  readonly now: () => Millis;
  /** Hands in one input, then the inputs that arise from its effects. */
  readonly handle: (input: Input) => void;
  /** Queues an input that arises while effects are executed. */
  readonly enqueue: (input: Input) => void;
  readonly handleQueued: () => void;
  /** A callback of the loop begins, and ends. */
  readonly beginCall: () => void;
  readonly endCall: () => void;
  /** Runs what a callback of the loop does. A fault ends it. */
  readonly guard: (work: () => void) => void;
  /** `work` as a whole callback of the loop, guarded. */
  readonly call: (work: () => void) => void;
}
