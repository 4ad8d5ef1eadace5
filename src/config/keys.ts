import * as z from "zod";
import { configSchema } from "./schema.ts";
import { nearest } from "./nearest.ts";

/** A path into the configuration; numbers are list indexes. */
export type Path = readonly (string | number)[];

/** The schema at one path of the configuration; `text` says what it is for. */
export type Key = { readonly text: string } & (
  | { readonly kind: "group"; readonly keys: ReadonlyMap<string, Key> }
  | { readonly kind: "list"; readonly item: Key }
  /** `fallback`: the default; undefined: an absent value has a meaning of its own. */
  | { readonly kind: "value"; readonly schema: z.core.$ZodType; readonly fallback: unknown }
);

/** The tree of all keys, from the schema. */
export function configKeys(): Key {
  return keyOf(configSchema);
}

/** `text`, `fallback`: of the schema around this one, which has them if it is optional. */
function keyOf(schema: z.core.$ZodType, outer = "", fallback?: unknown): Key {
  const text = z.globalRegistry.get(schema)?.description ?? outer;
  if (schema instanceof z.ZodDefault) return keyOf(schema.unwrap(), text, schema.def.defaultValue);
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return keyOf(schema.unwrap(), text);
  }
  if (schema instanceof z.ZodObject) {
    const keys = new Map<string, Key>();
    const shape: Readonly<Record<string, z.core.$ZodType>> = schema.shape;
    for (const [name, inner] of Object.entries(shape)) keys.set(name, keyOf(inner));
    return { kind: "group", text, keys };
  }
  if (schema instanceof z.ZodArray) return { kind: "list", text, item: keyOf(schema.element) };
  return { kind: "value", text, schema, fallback };
}

/** `limits.packetSize`, `listeners.0.port`. */
export function dotted(path: Path): string {
  return path.join(".");
}

/** Parses `listeners.0.port` or `listeners[0].port`. */
export function pathOf(text: string): Path {
  const parts = text.replace(/\[(\d+)\]/g, ".$1").split(".");
  return parts.map((part) => (isIndex(part) ? Number(part) : part));
}

export function isIndex(part: string): boolean {
  return /^(0|[1-9]\d{0,8})$/.test(part);
}

/** `MQTTD_LIMITS__PACKET_SIZE` for `limits.packetSize`. */
export function variableOf(path: Path): string {
  const words = path.map((part) =>
    String(part)
      .replace(/[A-Z0-9]+/g, (run) => (/^\d+$/.test(run) ? run : `_${run}`))
      .toUpperCase(),
  );
  return `MQTTD_${words.join("__")}`;
}

/** Null: no such key, or `path` continues below a value. */
export function keyAt(root: Key, path: Path): Key | null {
  let key: Key = root;
  for (const part of path) {
    const next = inner(key, part);
    if (next === null) return null;
    key = next;
  }
  return key;
}

function inner(key: Key, part: string | number): Key | null {
  if (key.kind === "group") return key.keys.get(String(part)) ?? null;
  if (key.kind === "list") return typeof part === "number" ? key.item : null;
  return null;
}

/** Every path to a value, without `$schema`; every list index is `index`. */
export function valuePaths(key: Key, index: number, base: Path = []): Path[] {
  if (key.kind === "value") return [base];
  if (key.kind === "list") return valuePaths(key.item, index, [...base, index]);
  return [...key.keys]
    .filter(([name]) => name !== "$schema")
    .flatMap(([name, next]) => valuePaths(next, index, [...base, name]));
}

/** Every path to a value, those with the fewest names first; every list index is 0. */
export function shortestFirst(root: Key): Path[] {
  const names = (path: Path): number => path.filter((part) => typeof part === "string").length;
  return valuePaths(root, 0).sort((a, b) => names(a) - names(b));
}

/** The nearest valid path, dotted; null: none is near. */
export function nearestPath(root: Key, path: Path): string | null {
  const corrected: (string | number)[] = [];
  let key: Key = root;
  for (const part of path) {
    const next = inner(key, part);
    const below = next === null ? namedWithFile(key, String(part)) : null;
    if (below !== null) return dotted([...corrected, ...below]);
    const right =
      next === null && key.kind === "group" ? nearest(String(part), key.keys.keys()) : part;
    const found = right === null ? null : (next ?? inner(key, right));
    if (right === null || found === null) return namedAlike(root, path);
    corrected.push(right);
    key = found;
  }
  return dotted(corrected);
}

/** `caFile` is `ca` or `tls.ca`, `acl` is `aclFile`: names of files as other brokers spell them. */
function namedWithFile(key: Key, name: string): Path | null {
  const bare = (one: string): string => one.toLowerCase().replace(/_?file$/, "");
  const paths = key.kind === "group" ? shortestFirst(key) : [];
  return paths.find((path) => bare(String(path.at(-1))) === bare(name)) ?? null;
}

/** A key of that name in another group: `packetSize` is in `limits`. */
function namedAlike(root: Key, path: Path): string | null {
  const last = String(path.at(-1));
  const paths = shortestFirst(root);
  const name = nearest(
    last,
    paths.map((other) => String(other.at(-1))),
  );
  const alike = paths.find((other) => other.at(-1) === name);
  return alike === undefined ? null : dotted(alike);
}
