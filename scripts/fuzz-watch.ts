/**
 * The thread beside the fuzzer: a loop without an end in the broker leaves nobody else to tell of it.
 * Gets the input that is played as bytes in shared memory, and ends the process when it does not change.
 */
import { writeFileSync } from "node:fs";

export interface Watch {
  /** [0]: counts the inputs, [1]: bytes of the current one. */
  readonly count: Int32Array<SharedArrayBuffer>;
  readonly input: Uint8Array<SharedArrayBuffer>;
  /** Milliseconds that one input may take. */
  readonly boundMs: number;
  /** Where the input goes that takes longer. */
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
    console.error(`HANGS: an input does not end within ${boundMs} ms; it is in ${file}`);
    process.kill(process.pid, "SIGKILL");
  }, boundMs);
}
