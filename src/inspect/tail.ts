import * as z from "zod";
import type { EventLine } from "../admin/api.ts";
import { CliError } from "../config/cli-error.ts";
import { levels } from "../log/events.ts";
import { jsonLine } from "../log/foreign.ts";
import { humanLine, type Style } from "../log/render.ts";
import { painted } from "./paint.ts";

/** Events that the broker left out, because this reader was too slow for it. */
export interface Missed {
  readonly missed: number;
}

/** The broker says something every 15 s; who says nothing for so long is hung, or out of reach. */
export const silenceMaxMs = 40_000;
/** Characters of one event; a broker of ours stays far below. */
const eventMax = 16 * 1024 * 1024;

/**
 * What a stream of server-sent events tells, until its orderly end. Throws CliError where it breaks off
 * (exit code 3), or nothing comes for `silenceMs` milliseconds (5).
 */
export async function* toldBy(
  stream: ReadableStream<Uint8Array>,
  silenceMs = silenceMaxMs,
): AsyncGenerator<EventLine | Missed, void, void> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const bytes = await next(reader, silenceMs);
      if (bytes === null) return;
      const blocks = (rest + decoder.decode(bytes, { stream: true })).split("\n\n");
      rest = blocks.pop() ?? "";
      if (rest.length > eventMax) throw brokenOff("it sends an event without an end");
      for (const block of blocks) {
        const told = read(block);
        if (told !== null) yield told;
      }
    }
  } finally {
    // A stream that has failed can't be cancelled.
    await reader.cancel().catch(() => {});
  }
}

/** Null: the end, in order. */
async function next(
  reader: { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }> },
  silenceMs: number,
): Promise<Uint8Array | null> {
  const silence = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const message = `the broker has said nothing for ${silenceMs / 1000} s`;
    silence.reject(
      new CliError(message, { exitCode: 5, hint: "is it stopped, or the link down?" }),
    );
  }, silenceMs);
  try {
    const { done, value } = await Promise.race([reader.read(), silence.promise]);
    return done ? null : (value ?? new Uint8Array());
  } catch (fault) {
    if (fault instanceof CliError || (fault instanceof Error && fault.name === "AbortError")) {
      throw fault;
    }
    throw brokenOff("the broker has gone, or the link is down");
  } finally {
    clearTimeout(timer);
  }
}

function brokenOff(hint: string): CliError {
  return new CliError("the broker's events broke off", { exitCode: 3, hint });
}

/** Null: a comment. */
function read(block: string): EventLine | Missed | null {
  const fields = new Map(
    block.split("\n").map((line): [string, string] => {
      const colon = line.indexOf(": ");
      return [line.slice(0, colon), line.slice(colon + 2)];
    }),
  );
  const data = fields.get("data");
  if (data === undefined) return null;
  const schema = fields.get("event") === "missed" ? missedSchema : eventSchema;
  const told = schema.safeParse(jsonIn(data));
  if (!told.success) throw brokenOff("it sends what is no event");
  return told.data;
}

/** Milliseconds that a date can have. */
const dateMax = 8.64e15;

const eventSchema = z.object({
  at: z.number().min(0).max(dateMax),
  level: z.enum(levels),
  event: z.string(),
  text: z.string(),
  facts: z.record(z.string(), z.unknown()),
});

const missedSchema = z
  .int()
  .min(1)
  .transform((missed): Missed => ({ missed }));

/** Undefined: it is none. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** One line, as the log has it; or as JSON. */
export function tailLine(
  told: EventLine | Missed,
  style: Style & { readonly json: boolean },
  now: number,
): string {
  if (style.json) return `${jsonLine("missed" in told ? { event: "missed", ...told } : told)}\n`;
  if ("missed" in told) {
    const { missed } = told;
    const events = missed === 1 ? "1 event" : `${missed} events`;
    return `${humanLine(`${events} missed: whoever reads this is too slow`, "warn", now, style)}\n`;
  }
  return `${humanLine(painted(told, style.colors), told.level, told.at, style)}\n`;
}
