import * as z from "zod";
import {
  bytesOf,
  durationForm,
  durationPattern,
  millisecondsOf,
  second,
  sizeForm,
  sizePattern,
  writeDuration,
  writeSize,
} from "./quantity.ts";

/**
 * The kinds of values in a configuration. The message of each check is the text after "allowed:" in
 * an error.
 */

/** What a value may be, in words; the schema itself has the checks. */
export interface ValueKind {
  /** `a size from 64B to 256MiB`. */
  readonly allowed: string;
  /** What a number without a unit counts in; null: what the key names, or it is no number. */
  readonly unit: "bytes" | null;
  /** The words among the values: `true`, `never`, `debug`, `null`. */
  readonly words: readonly string[];
}

/** The kind of each value's schema. */
export const valueKinds = z.registry<ValueKind>();

/** A value's schema, with what it allows in words. */
export function kind<T extends z.ZodType>(
  schema: T,
  { allowed, unit = null, words = [] }: Partial<ValueKind> & { allowed: string },
): T {
  valueKinds.add(schema, { allowed, unit, words });
  return schema;
}

/** The name of a file, or null. */
export function file() {
  const error = "the name of a file, or null";
  const name = z.string({ error }).min(1, { error }).max(4096, { error });
  return kind(z.union([name, z.null()], { error }), {
    allowed: error,
    words: ["null"],
  });
}

/** An address or a host name, or null. */
export function address() {
  const error = 'an address or a host name, or null for "127.0.0.1" and "::1"';
  const named = z.string({ error }).regex(/^[\w.:%[\]-]{1,253}$/, { error });
  return kind(z.union([named, z.null()], { error }), {
    allowed: error,
    words: ["localhost", "0.0.0.0", "::", "null"],
  });
}

export function yesOrNo() {
  const error = "true or false";
  return kind(z.boolean({ error }), { allowed: error, words: ["true", "false"] });
}

export function choice<const T extends readonly [string, ...string[]]>(values: T) {
  const quoted = values.map((value) => `"${value}"`);
  const error = `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
  return kind(z.enum(values, { error }), { allowed: error, words: values });
}

export function count(bounds: { min: number; max: number; form?: string }) {
  const error = bounds.form ?? `a whole number from ${bounds.min} to ${bounds.max}`;
  const number = z.int({ error }).min(bounds.min, { error }).max(bounds.max, { error });
  return kind(number, { allowed: error });
}

/** A size; the bounds are bytes. */
export function size(bounds: { min: number; max: number }) {
  const error = sizeForm;
  const range = `from ${writeSize(bounds.min)} to ${writeSize(bounds.max)}`;
  const number = z.int({ error }).min(0, { error });
  const schema = z
    .union([number, z.string({ error }).regex(sizePattern, { error })], { error })
    .refine((written) => within(bytesOf(written), bounds), { error: range });
  return kind(schema, { allowed: `a size ${range}`, unit: "bytes" });
}

interface DurationBounds {
  readonly min: number;
  readonly max: number;
  /** Allows only multiples of it, for values that MQTT counts in seconds. */
  readonly step?: number;
  /** The word for no limit (`never`) or for disabled (`off`). */
  readonly word?: "never" | "off";
}

/** A duration; the bounds are milliseconds. */
export function duration(bounds: DurationBounds) {
  const { step = 1, word } = bounds;
  const or = word === undefined ? "" : ` or "${word}"`;
  const error = durationForm + or;
  const pattern =
    word === undefined ? durationPattern : new RegExp(`${durationPattern.source}|^${word}$`);
  const whole = step === second ? "of whole seconds " : "";
  const range = `from ${writeDuration(bounds.min)} to ${writeDuration(bounds.max)}${or}`;
  const schema = z
    .string({ error })
    .regex(pattern, { error })
    .refine(
      (written) => {
        if (written === word) return true;
        const milliseconds = millisecondsOf(written);
        return within(milliseconds, bounds) && (milliseconds ?? 0) % step === 0;
      },
      { error: step === second ? `whole seconds ${range}` : range },
    );
  return kind(schema, {
    allowed: `a duration ${whole}${range}`,
    words: word === undefined ? [] : [word],
  });
}

function within(value: number | null, bounds: { min: number; max: number }): boolean {
  return value !== null && value >= bounds.min && value <= bounds.max;
}
