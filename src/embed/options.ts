import { nearest } from "../config/nearest.ts";

/** Names of options, which a type keeps complete. */
export type Names<T> = Readonly<Record<keyof T, true>>;

/** Throws a TypeError for what JavaScript lets pass: no object, or a name that is none of these. */
export function checkOptions<T extends object>(what: string, given: T, names: Names<T>): void {
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`${what}: found ${String(given)}, allowed: an object`);
  }
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(names, name)) continue;
    const meant = nearest(name, Object.keys(names));
    throw new TypeError(
      `${name}: unknown option${meant === null ? "" : `, did you mean ${meant}?`}`,
    );
  }
}
