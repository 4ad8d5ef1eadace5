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

function hostForm(): string {
  return 'an address or a host name, or null for "127.0.0.1" and "::1"';
}

function fileForm(): string {
  return "the name of a file, or null";
}

export function file() {
  const error = fileForm();
  return z.union([z.string({ error }).min(1, { error }).max(4096, { error }), z.null()], { error });
}

export function address() {
  const error = hostForm();
  const named = z.string({ error }).regex(/^[\w.:%[\]-]{1,253}$/, { error });
  return z.union([named, z.null()], { error });
}

export function yesOrNo() {
  return z.boolean({ error: "true or false" });
}

export function choice<const T extends readonly [string, ...string[]]>(values: T) {
  const quoted = values.map((value) => `"${value}"`);
  return z.enum(values, { error: `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}` });
}

export function count(bounds: { min: number; max: number; form?: string }) {
  const error = bounds.form ?? `a whole number from ${bounds.min} to ${bounds.max}`;
  return z.int({ error }).min(bounds.min, { error }).max(bounds.max, { error });
}

/** A size; the bounds are bytes. */
export function size(bounds: { min: number; max: number }) {
  const error = sizeForm;
  const range = `from ${writeSize(bounds.min)} to ${writeSize(bounds.max)}`;
  return z
    .union(
      [z.int({ error }).min(0, { error }), z.string({ error }).regex(sizePattern, { error })],
      {
        error,
      },
    )
    .refine((written) => within(bytesOf(written), bounds), { error: range });
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
  const whole = step === second ? "whole seconds " : "";
  const range = `${whole}from ${writeDuration(bounds.min)} to ${writeDuration(bounds.max)}${or}`;
  return z
    .string({ error })
    .regex(pattern, { error })
    .refine(
      (written) => {
        if (written === word) return true;
        const milliseconds = millisecondsOf(written);
        return within(milliseconds, bounds) && (milliseconds ?? 0) % step === 0;
      },
      { error: range },
    );
}

function within(value: number | null, bounds: { min: number; max: number }): boolean {
  return value !== null && value >= bounds.min && value <= bounds.max;
}
