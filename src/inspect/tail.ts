import * as z from "zod";
import type { StreamedEvent, TonedLength } from "../api/api.ts";
import { CliError } from "../config/cli-error.ts";
import { escapeUnprintable, jsonLine } from "../log/foreign.ts";
import { humanLine, type Style } from "../log/render.ts";
import { isTone, type Part, plain, unpainted } from "../log/tone.ts";
import { jsonIn } from "./answers/body.ts";
import { streamedEventShape } from "./answers/answer-shape.ts";

/** Events that the broker left out, because this reader was too slow for it. */
export interface Missed {
  readonly missed: number;
}

/** The broker says something every 15 s; who says nothing for so long is hung, or out of reach. */
export const silenceMaxMs = 40_000;
/**
 * Characters of one event. A broker of ours stays below: what a client chooses in it (an id, a topic, a
 * user name) is 64 KiB at most, six characters for each byte where that does not print.
 */
export const eventMax = 4 * 1024 * 1024;

/**
 * What a stream of server-sent events tells, until its orderly end. Throws CliError where it breaks off
 * (exit code 3), tells what is no event of ours (4), or tells nothing whole for `silenceMs`
 * milliseconds (5).
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
      // What had come before has no end in it; the end's first half may be its last character.
      let end = rest.indexOf("\n\n", Math.max(0, before - 1));
      for (; end >= 0; end = rest.indexOf("\n\n")) {
        const told = read(rest.slice(0, end));
        rest = rest.slice(end + 2);
        if (told !== null) yield told;
        // While one is shown, the time is the reader's.
        until = performance.now() + silenceMs;
      }
      if (rest.length > eventMax) throw strange("is an event without an end");
    }
  } finally {
    // A stream that has failed can't be cancelled.
    await reader.cancel().catch(() => {});
  }
}

/** Null: the end, in order. */
async function next(
  reader: { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }> },
  until: number,
  silenceMs: number,
): Promise<Uint8Array | null> {
  const silence = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => {
      const message = `the broker has said nothing for ${silenceMs / 1000} s`;
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
    hint: "no broker of this mqttd's version tells that",
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
  if (!told.success) throw strange("is something else");
  return told.data;
}

const missedShape = z
  .int()
  .min(1)
  .transform((missed): Missed => ({ missed }));

/** One line, as the log has it; or as JSON. */
export function tailLine(
  told: StreamedEvent | Missed,
  style: Style & { readonly json: boolean },
  now: number,
): string {
  if ("missed" in told) {
    const { missed } = told;
    if (style.json) return `${jsonLine({ event: "missed", missed })}\n`;
    const events = missed === 1 ? "1 event" : `${missed} events`;
    const said = [plain(`${events} missed: whoever reads this is too slow`)];
    return `${humanLine(said, "warn", now, style)}\n`;
  }
  const { tones, ...line } = told;
  if (style.json) return `${jsonLine(line)}\n`;
  return `${humanLine(partsOf(line.text, tones ?? []), line.level, line.at, style)}\n`;
}

/** A broker may be any program: what does not print is escaped, and tones that do not fit are left out. */
function partsOf(text: string, tones: readonly TonedLength[]): readonly Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const { length, tone } of [...tones, { length: text.length, tone: null }]) {
    const part = escapeUnprintable(text.slice(at, at + length));
    if (part !== "") parts.push({ text: part, tone: tone !== null && isTone(tone) ? tone : null });
    at += length;
  }
  const whole = escapeUnprintable(text);
  // A cut within a character, or among marks that are heaped on one, escapes other things.
  return unpainted(parts) === whole ? parts : [plain(whole)];
}
