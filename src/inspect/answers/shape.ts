import * as z from "zod";

/**
 * The shapes of api.ts, for answers of whatever listens at an address. More keys than these may be
 * there, and are passed on; those that are read have to be right. The compiler keeps each in step with
 * its type: a key too many, one too few, and a word that is missing from a union are errors.
 */

export type Shape<Answer> = z.ZodType<Answer>;

/** Milliseconds, or seconds, that a date and a difference of two can have. */
const timeMax = 8.64e15;

/** Of anybody's choosing; shown up to some length. */
export const text = z.string();
/** The broker's own words, shown whole: characters. */
const wordsMax = 1000;
export const words = z.string().max(wordsMax);
export const flag = z.boolean();
export const moment = z.number().min(-timeMax).max(timeMax);
/** Of time, and below zero where something came early. */
export const span = z.number().min(-timeMax).max(timeMax);
export const count = z.int().min(0);
export const amount = z.number().min(0);

export function object<Value extends object>(keys: {
  readonly [Key in keyof Value]-?: Shape<Value[Key]>;
}): Shape<Value> {
  return z.object(keys) as unknown as Shape<Value>; // It has the keys of Value, each in its shape.
}

/**
 * Items of a list that nobody asked a number of: of what is remembered of one client, a dozen or two, and
 * of what one client or one topic has of its own, which may be many.
 */
export const few = 1000;
export const many = 100_000;

export function list<Value>(item: Shape<Value>, most: number): Shape<readonly Value[]> {
  return z.array(item).max(most);
}

export function orNull<Value>(shape: Shape<Value>): Shape<Value | null> {
  return z.nullable(shape);
}

/** What may be absent. */
export function optional<Value>(shape: Shape<Value>): Shape<Value | undefined> {
  return z.optional(shape);
}

/** One word of a union, all of which stand in the table. */
export function word<Word extends string>(words: Readonly<Record<Word, true>>): Shape<Word> {
  return z.enum(Object.keys(words)) as unknown as Shape<Word>; // Its words are those of the table.
}

/** One of several objects, by a word that each has. */
export function oneOf<Value extends object>(
  shapes: Readonly<Record<string, Shape<Value>>>,
): Shape<Value> {
  return z.union(Object.values(shapes));
}
