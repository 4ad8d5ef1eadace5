/**
 * A process that stops another process for a time, and continues it even if its parent dies: by its own
 * timer, or as soon as its stdin ends. It runs in its own session, so that signals for its parent's process
 * group do not reach it.
 */

/** Its order: one line of JSON on its stdin. */
export interface GuardOrder {
  readonly pid: number;
  readonly forMs: number;
}

/** Its reports: a line of JSON each on its stdout. */
export type GuardWord =
  | { readonly did: "start" }
  | { readonly did: "stop" }
  | { readonly did: "continue" }
  /** The process cannot be stopped. */
  | { readonly did: "fail"; readonly message: string };

/** The guard's side. Resolves to the exit code. */
export async function runGuard(
  input: AsyncIterable<Uint8Array>,
  print: (text: string) => void,
): Promise<number> {
  const send = (word: GuardWord): void => print(`${JSON.stringify(word)}\n`);
  let stopped: number | null = null;
  const release = (): void => {
    if (stopped === null) return;
    const pid = stopped;
    stopped = null;
    process.kill(pid, "SIGCONT");
    send({ did: "continue" });
  };
  process.on("exit", release);
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, release);
  send({ did: "start" });
  let text = "";
  let isOrdered = false;
  const decoder = new TextDecoder();
  for await (const chunk of input) {
    text += decoder.decode(chunk, { stream: true });
    if (isOrdered || !text.includes("\n")) continue;
    isOrdered = true;
    // Written by guard.ts of the same program.
    const { pid, forMs } = JSON.parse(text) as GuardOrder;
    try {
      process.kill(pid, "SIGSTOP");
      stopped = pid;
      send({ did: "stop" });
      setTimeout(release, forMs);
    } catch (error) {
      send({ did: "fail", message: error instanceof Error ? error.message : String(error) });
    }
  }
  release();
  return isOrdered ? 0 : 2;
}
