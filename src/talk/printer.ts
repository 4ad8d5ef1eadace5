import { formatted } from "./format.ts";
import { jsonMessage } from "./message-json.ts";
import { payloadOf, type Printed } from "./printed.ts";
import type { PrintOptions } from "./request.ts";

/** What the printer needs of the command's surroundings. */
export interface PrintedTo {
  /** Writes to stdout. */
  readonly print: (text: string | Uint8Array) => void;
  /** Resolves to true once all output is written, to false once its reader has closed stdout. */
  readonly flushed: () => Promise<boolean>;
}

/** Bytes that wait for the reader of stdout before the source is paused. */
export const waitingMaxBytes = 1024 * 1024;

const encoder = new TextEncoder();

/** Prints messages no faster than stdout is read: beyond a bound it pauses where they come from. */
export class Printer {
  /** Resolves when the reader has closed stdout; rejects when it can't be written. */
  readonly outputClosed: Promise<void>;
  readonly #options: PrintOptions;
  readonly #to: PrintedTo;
  readonly #flow: { pause(): void; resume(): void };
  readonly #closed = Promise.withResolvers<void>();
  /** Of this turn of the loop, written at its end. */
  #parts: Uint8Array[] = [];
  #waiting = 0;
  #isPaused = false;

  constructor(options: PrintOptions, to: PrintedTo, flow: { pause(): void; resume(): void }) {
    this.#options = options;
    this.#to = to;
    this.#flow = flow;
    this.outputClosed = this.#closed.promise;
    this.outputClosed.catch(() => {});
  }

  /** Why it was not printed, as a clause; null: it was. */
  add(message: Printed): string | null {
    const text = printed(message, this.#options);
    if ("wrong" in text) return text.wrong;
    for (const part of text) {
      const bytes = typeof part === "string" ? encoder.encode(part) : part;
      if (bytes.length === 0) continue;
      if (this.#parts.length === 0) queueMicrotask(() => this.#write());
      this.#parts.push(bytes);
      this.#waiting += bytes.length;
    }
    return null;
  }

  /** Resolves when all lines have been taken, or nobody takes them any more. */
  async flushed(): Promise<void> {
    this.#write();
    await this.#to.flushed();
  }

  #write(): void {
    if (this.#parts.length === 0) return;
    const bytes = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#to.print(bytes);
    if (this.#waiting > waitingMaxBytes && !this.#isPaused) {
      this.#isPaused = true;
      this.#flow.pause();
    }
    this.#to.flushed().then((isRead) => {
      this.#waiting -= bytes.length;
      if (!isRead) return this.#closed.resolve();
      if (!this.#isPaused || this.#waiting > waitingMaxBytes / 2) return;
      this.#isPaused = false;
      this.#flow.resume();
    }, this.#closed.reject);
  }
}

/** A message as stdout gets it, with its line feed. */
export function printed(
  message: Printed,
  { form, endsLines }: PrintOptions,
): readonly (string | Uint8Array)[] | { readonly wrong: string } {
  const end = endsLines ? "\n" : "";
  const payload = payloadOf(message.packet);
  switch (form.type) {
    case "payload":
      // As mosquitto_sub: an empty message is no line.
      return payload.length === 0 ? [] : [payload, end];
    case "verbose": {
      const { topic } = message.packet;
      if (payload.length > 0) return [`${topic} `, payload, end];
      return endsLines ? [`${topic} (null)`, end] : [];
    }
    case "json":
      return [jsonMessage(message, form.pretty), "\n"];
    case "format": {
      const text = formatted(form.pieces, message, form.pretty);
      return "wrong" in text ? text : [...text, end];
    }
  }
}
