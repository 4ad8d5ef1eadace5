import { CliError } from "../config/cli-error.ts";
import { errorCode } from "../log/system-error.ts";

/** The part of a Node stream (`process.stdout`) that output needs. */
export interface OutputStream {
  write(text: string | Uint8Array, done: (error?: Error | null) => void): boolean;
  on(event: "error", listener: (error: Error) => void): unknown;
}

/**
 * The output of commands. A reader that closes early (`mqttd --help | head -1`) is not an error.
 */
export class StandardOutput {
  readonly #stream: OutputStream;
  #written: Promise<Error | null> = Promise.resolve(null);

  constructor(stream: OutputStream) {
    this.#stream = stream;
    // Without a listener Node ends the process with a stack; the write's callback gets the error too.
    stream.on("error", () => {});
  }

  print(text: string | Uint8Array): void {
    const before = this.#written;
    const now = new Promise<Error | null>((resolve) => {
      this.#stream.write(text, (error) => resolve(error ?? null));
    });
    this.#written = before.then(async (error) => error ?? now);
  }

  /**
   * Resolves when all output has left the process. Rejects with CliError if it can't be written.
   */
  async written(): Promise<void> {
    await this.flushed();
  }

  /** As `written`. False: the reader has closed the output. */
  async flushed(): Promise<boolean> {
    const error = await this.#written;
    if (error === null) return true;
    if (errorCode(error) === "EPIPE") return false;
    throw new CliError(`can't write the output: ${error.message}`, { exitCode: 2 });
  }
}
