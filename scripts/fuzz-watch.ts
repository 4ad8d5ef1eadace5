/**
 * The thread beside the fuzzer: it reports an endless loop in the broker, which blocks the main thread.
 * Reads the current input as bytes from shared memory, and kills the process when an input takes too long.
 */
import { writeFileSync } from "node:fs";

export interface Watch {
  /** [0]: number of the current input, [1]: its size in bytes. */
  readonly count: Int32Array<SharedArrayBuffer>;
  readonly input: Uint8Array<SharedArrayBuffer>;
  /** The longest time for one input, milliseconds. */
  readonly boundMs: number;
  /** Receives the input that takes longer. */
  readonly file: string;
}

if (!Bun.isMainThread) {
  globalThis.addEventListener("message", (message: MessageEvent<Watch>) => watch(message.data));
}

function watch({ count, input, boundMs, file }: Watch): void {
  let seen = -1;
  setInterval(() => {
    const now = Atomics.load(count, 0);
    if (now !== seen) {
      seen = now;
      return;
    }
    const text = new TextDecoder().decode(input.slice(0, Atomics.load(count, 1)));
    writeFileSync(file, `# It did not end within ${boundMs} ms.\n${text}`);
    console.error(`HANGS: an input did not end within ${boundMs} ms; it is kept in ${file}`);
    process.kill(process.pid, "SIGKILL");
  }, boundMs);
}
