import { configKeys, dotted, keyAt, valuePaths } from "./keys.ts";
import { valueKinds } from "./value-kinds.ts";

/** A key of `--set PATH=VALUE`, as a shell completes it. */
export interface SettableKey {
  /** `listeners.0.port`. */
  readonly path: string;
  /** What it is for: one sentence. */
  readonly text: string;
  /** `a size from 64B to 256MiB`. */
  readonly allowed: string;
  /** The words among its values; numbers, sizes and durations have none. */
  readonly words: readonly string[];
}

/** Every key of `--set`, in the order of the schema; of lists, the item at `index`. */
export function settableKeys(index = 0): readonly SettableKey[] {
  const root = configKeys();
  return valuePaths(root, index).flatMap((path) => {
    const key = keyAt(root, path);
    const kind = key?.kind === "value" ? valueKinds.get(key.schema) : undefined;
    if (key === null || kind === undefined) return [];
    const { allowed, words } = kind;
    return [{ path: dotted(path), text: key.text, allowed, words }];
  });
}
