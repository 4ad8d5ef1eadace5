import * as z from "zod";

/**
 * The shapes of api.ts, to check answers of an untrusted server. Unknown keys are passed on; known
 * keys must match. The compiler keeps each shape in step with its type: a surplus key, a missing
 * key and a word missing from a union are errors.
 */

export type Shape<Answer> = z.ZodType<Answer>;

/** The largest time of a Date, in milliseconds; also bounds differences and seconds. */
const timeMax = 8.64e15;

/** A foreign string; views cut it. */
export const text = z.string();
/** Characters of the broker's own words, which views show whole. */
const wordsMax = 1000;
export const words = z.string().max(wordsMax);
export const flag = z.boolean();
export const moment = z.number().min(-timeMax).max(timeMax);
/** A time span; negative for something early. */
export const span = z.number().min(-timeMax).max(timeMax);
export const count = z.int().min(0);
export const amount = z.number().min(0);

export function object<Value extends object>(keys: {
  readonly [Key in keyof Value]-?: Shape<Value[Key]>;
}): Shape<Value> {
  return z.object(keys) as unknown as Shape<Value>; // It has the keys of Value, each with its shape.
}

/**
 * Items of a list without a requested limit. `few`: what the broker remembers of one client, a
 * dozen or two. `many`: what one client or one topic owns.
 */
export const few = 1000;
export const many = 100_000;

export function list<Value>(item: Shape<Value>, most: number): Shape<readonly Value[]> {
  return z.array(item).max(most);
}

export function orNull<Value>(shape: Shape<Value>): Shape<Value | null> {
  return z.nullable(shape);
}

/** A key that may be absent. */
export function optional<Value>(shape: Shape<Value>): Shape<Value | undefined> {
  return z.optional(shape);
}

/** One word of a union; the table lists them all. */
export function word<Word extends string>(words: Readonly<Record<Word, true>>): Shape<Word> {
  return z.enum(Object.keys(words)) as unknown as Shape<Word>; // The words of the table.
}

/** One of several objects that differ in a word. */
export function oneOf<Value extends object>(
  shapes: Readonly<Record<string, Shape<Value>>>,
): Shape<Value> {
  return z.union(Object.values(shapes));
}
