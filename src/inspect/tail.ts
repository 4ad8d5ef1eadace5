import * as z from "zod";
import type { StreamedEvent, TonedLength } from "../api/api.ts";
import { CliError } from "../config/cli-error.ts";
import { counted } from "../log/counted.ts";
import { escapeUnprintable, jsonLine } from "../log/foreign.ts";
import { humanLine, type Style } from "../log/render.ts";
import { isTone, type Part, plain, unpainted } from "../log/tone.ts";
import { jsonIn } from "./answers/body.ts";
import { streamedEventShape } from "./answers/answer-shape.ts";

/** The number of events that the broker dropped because this reader was too slow. */
export interface Missed {
  readonly missed: number;
}

/** The broker sends something every 15 s; after a longer silence it hangs or is unreachable. */
export const silenceMaxMs = 40_000;
/**
 * Characters of one event. Our broker stays below: each string that a client chooses (id, topic,
 * user name) has at most 64 KiB, and an unprintable byte takes six characters.
 */
export const eventMax = 4 * 1024 * 1024;

/**
 * The events of a stream of server-sent events, until its orderly end. Throws CliError if the
 * stream breaks off (exit code 3), sends something other than our events (4), or completes no event
 * for `silenceMs` milliseconds (5).
 */
export async function* toldBy(
  stream: ReadableStream<Uint8Array>,
  silenceMs = silenceMaxMs,
): AsyncGenerator<StreamedEvent | Missed, void, void> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let until = performance.now() + silenceMs;
  try {
    for (;;) {
      const bytes = await next(reader, until, silenceMs);
      if (bytes === null) return;
      const before = rest.length;
      rest += decoder.decode(bytes, { stream: true });
      // The earlier part contains no end, but its last character may be the first half of one.
      let end = rest.indexOf("\n\n", Math.max(0, before - 1));
      for (; end >= 0; end = rest.indexOf("\n\n")) {
        const told = read(rest.slice(0, end));
        rest = rest.slice(end + 2);
        if (told !== null) yield told;
        // The time until here was the reader's.
        until = performance.now() + silenceMs;
      }
      if (rest.length > eventMax) throw strange("one has no end");
    }
  } finally {
    // Cancelling a failed stream rejects.
    await reader.cancel().catch(() => {});
  }
}

/** Null: the orderly end. */
async function next(
  reader: { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }> },
  until: number,
  silenceMs: number,
): Promise<Uint8Array | null> {
  const silence = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => {
      const message = `the broker has sent nothing for ${silenceMs / 1000} s`;
      silence.reject(
        new CliError(message, { exitCode: 5, hint: "is it stopped, or the link down?" }),
      );
    },
    Math.max(0, until - performance.now()),
  );
  try {
    const { done, value } = await Promise.race([reader.read(), silence.promise]);
    return done ? null : (value ?? new Uint8Array());
  } catch (error) {
    if (error instanceof CliError || (error instanceof Error && error.name === "AbortError")) {
      throw error;
    }
    throw new CliError("the broker's events broke off", {
      exitCode: 3,
      hint: "the broker has gone, or the link is down",
    });
  } finally {
    clearTimeout(timer);
  }
}

function strange(what: string): CliError {
  return new CliError(`among the broker's events ${what}`, {
    exitCode: 4,
    hint: "no broker of this version of mqttd sends that",
  });
}

/** Null: a comment. */
function read(block: string): StreamedEvent | Missed | null {
  const fields = new Map(
    block.split("\n").map((line): [string, string] => {
      const colon = line.indexOf(": ");
      return [line.slice(0, colon), line.slice(colon + 2)];
    }),
  );
  const data = fields.get("data");
  if (data === undefined) return null;
  const isMissed = fields.get("event") === "missed";
  const told = (isMissed ? missedShape : streamedEventShape).safeParse(jsonIn(data, eventMax));
  if (!told.success) throw strange("one is of another kind");
  return told.data;
}

const missedShape = z
  .int()
  .min(1)
  .transform((missed): Missed => ({ missed }));

/** One event as a line of the log, or as JSON. */
export function tailLine(
  told: StreamedEvent | Missed,
  style: Style & { readonly json: boolean },
  now: number,
): string {
  if ("missed" in told) {
    const { missed } = told;
    if (style.json) return `${jsonLine({ event: "missed", missed })}\n`;
    const events = counted(missed, "event");
    const said = [plain(`${events} missed: the reader of this output is too slow`)];
    return `${humanLine(said, "warn", now, style)}\n`;
  }
  const { tones, ...line } = told;
  if (style.json) return `${jsonLine(line)}\n`;
  return `${humanLine(partsOf(line.text, tones ?? []), line.level, line.at, style)}\n`;
}

/** Untrusted input: escapes unprintable characters, and drops tones that do not fit the text. */
function partsOf(text: string, tones: readonly TonedLength[]): readonly Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const { length, tone } of [...tones, { length: text.length, tone: null }]) {
    const part = escapeUnprintable(text.slice(at, at + length));
    if (part !== "") parts.push({ text: part, tone: tone !== null && isTone(tone) ? tone : null });
    at += length;
  }
  const whole = escapeUnprintable(text);
  // A cut within a character or among its combining marks changes what is escaped.
  return unpainted(parts) === whole ? parts : [plain(whole)];
}
