import type { Node } from "jsonc-parser";
import * as z from "zod";
import { assert } from "../core/assert.ts";
import { type Document, readDocument } from "./document.ts";
import { assignedByEnvironment, type Env } from "./environment.ts";
import { findConfigFile } from "./find.ts";
import type { ReadFile } from "./file.ts";
import {
  configKeys,
  dotted,
  type Key,
  keyAt,
  nearestPath,
  type Path,
  pathOf,
  valuePaths,
} from "./keys.ts";
import { clashes, namesWholeFiles } from "./clashes.ts";
import { bare, type Problem, problemLines, shown } from "./problem.ts";
import { certificatesMax, defaultPorts, originsMax, proxiesMax } from "./listener-schema.ts";
import { type Config, configSchema, listenersMax } from "./schema.ts";
import { type Settings, settingsOf } from "./settings.ts";

/** The sources of a configuration. A load reads nothing else, so it is a pure function. */
export interface Sources {
  /** Of `--config`; null: the environment names it, or it is in a default place. */
  readonly configFile: string | null;
  readonly flags: readonly Assignment[];
  readonly env: Env;
  readonly readFile: ReadFile;
}

/** One value from a flag or a variable, as typed. */
export interface Assignment {
  /** `limits.packetSize`, dotted. */
  readonly path: string;
  readonly value: string;
  /** Its name in errors and origins: `--port`, `MQTTD_LOG__LEVEL`. */
  readonly name: string;
}

/** The source that won for one value. */
export interface Origin {
  readonly source: "flag" | "environment" | "file" | "default";
  /** `--port`, `MQTTD_LOG__LEVEL`, `mqttd.json:7:15`; empty for a default. */
  readonly name: string;
}

export type LoadResult = Loaded | NotLoaded;

export interface Loaded {
  readonly ok: true;
  readonly config: Config;
  readonly settings: Settings;
  /** The origin of every value of `config`, by dotted path. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** The file that was read; null: none. */
  readonly file: string | null;
  /** Dotted paths whose values differ from `before`. */
  readonly changed: readonly string[];
}

export interface NotLoaded {
  readonly ok: false;
  readonly file: string | null;
  /** Every problem of every source, one line each. */
  readonly problems: readonly string[];
  /** What is valid of it, defaults for the rest: to look at the files that it names; null: too little. */
  readonly valid: Loaded | null;
}

/** One value of a configuration, and its origin. */
export interface ValueWithOrigin {
  /** `limits.packetSize`, dotted. */
  readonly path: string;
  /** In its written form. */
  readonly value: unknown;
  /** `default`, `mqttd.json:7:15`, `MQTTD_LOG__LEVEL`, `--port`. */
  readonly origin: string;
}

/**
 * A flag wins over the environment, the environment over the file, the file over the default.
 * `before` is the configuration of an earlier load, for `changed`. Never throws for an operator's
 * input.
 */
export function load(sources: Sources, before: Config | null = null): LoadResult {
  const draft = new Draft();
  const file = findConfigFile(sources);
  draft.problems.push(...file.problems);
  if (file.read?.content.type === "missing") {
    const text = `no such file (named by ${file.namedBy})`;
    draft.problems.push({ at: file.read.name, text });
  } else if (file.read !== null) draft.readFile(file.read.name, file.read.content);
  const variables = assignedByEnvironment(sources.env, draft.keys);
  draft.problems.push(...variables.problems);
  draft.assign("environment", variables.assignments);
  draft.assign("flag", sources.flags);
  return draft.finish(file.read?.name ?? null, before);
}

/** Every value in the order of the schema. None is a secret: secrets are in files of their own. */
export function valuesWithOrigins({ config, origins }: Loaded): ValueWithOrigin[] {
  return [...flat(config)].map(([path, value]) => ({
    path,
    value,
    origin: origins.get(path)?.name || "default",
  }));
}

type Plain = { [name: string]: unknown };

/** The values so far; a later source overwrites an earlier one. */
class Draft {
  readonly keys: Key = configKeys();
  readonly problems: Problem[] = [];
  readonly #origins = new Map<string, Origin>();
  readonly #values: Plain = { listeners: [{}] };

  readFile(name: string, content: Parameters<typeof readDocument>[1]): void {
    const document = readDocument(name, content);
    if ("root" in document) this.#read(document, document.root, this.keys, []);
    else this.problems.push(...document);
  }

  #read(document: Document, node: Node, key: Key, path: Path): void {
    if (key.kind === "value") this.#readValue(document, node, key.schema, path);
    else if (key.kind === "list") this.#readList(document, node, key.item, path);
    else this.#readGroup(document, node, key.keys, path);
  }

  #readGroup(document: Document, node: Node, keys: ReadonlyMap<string, Key>, path: Path): void {
    if (node.type !== "object") return this.#wrongKind(document, node, "an object, { ... }", path);
    const seen = new Map<string, Node>();
    for (const property of node.children ?? []) {
      const [nameNode, valueNode] = property.children ?? [];
      if (nameNode === undefined || valueNode === undefined) continue;
      const name = String(nameNode.value);
      const here = [...path, name];
      const first = seen.get(name);
      if (first !== undefined) {
        const text = `given twice, the first time in line ${document.lineOf(first)}`;
        this.#problem(`${document.at(nameNode)} ${bare(dotted(here))}`, text);
        continue;
      }
      seen.set(name, nameNode);
      const key = keys.get(name);
      if (key === undefined) this.#unknown(`${document.at(nameNode)} ${bare(dotted(here))}`, here);
      else this.#read(document, valueNode, key, here);
    }
  }

  #readList(document: Document, node: Node, item: Key, path: Path): void {
    if (node.type !== "array") return this.#wrongKind(document, node, "a list, [ ... ]", path);
    const items = node.children ?? [];
    const { least, most, what } = listOf(path);
    if (items.length < least || items.length > most) {
      const found = items.length === 0 ? "none" : items.length;
      const text = `found ${found}, allowed: ${least} to ${most} ${what}`;
      return this.#problem(`${document.at(node)} ${dotted(path)}`, text);
    }
    this.#put(
      path,
      items.map(() => ({})),
    );
    items.forEach((value, index) => this.#read(document, value, item, [...path, index]));
  }

  #readValue(document: Document, node: Node, schema: z.core.$ZodType, path: Path): void {
    const value: unknown = primitive(node);
    const result = z.safeParse(schema, value);
    if (!result.success) return this.#wrongKind(document, node, allowedText(result.error), path);
    this.#put(path, value);
    this.#origins.set(dotted(path), { source: "file", name: document.at(node) });
  }

  #wrongKind(document: Document, node: Node, allowed: string, path: Path): void {
    const found = shown(primitive(node));
    this.#problem(`${document.at(node)} ${dotted(path)}`, `found ${found}, allowed: ${allowed}`);
  }

  /** Applies flags or variables; two of one source for one path are a problem. */
  assign(source: "flag" | "environment", assignments: readonly Assignment[]): void {
    const taken = new Map<string, string>();
    for (const { path: written, value, name } of assignments) {
      const path = pathOf(written);
      const canonical = dotted(path);
      const key = keyAt(this.keys, path);
      const other = taken.get(canonical);
      if (key === null) this.#unknown(name, path);
      else if (path[0] === "$schema") this.#problem(name, "can be set in a file only");
      else if (key.kind !== "value") this.#problem(name, this.#notAValue(key, canonical));
      else if (other === name) this.#problem(name, "given twice");
      else if (other !== undefined) this.#problem(name, `${canonical} is set by ${other} already`);
      else if (this.#hasPlace(name, path)) {
        taken.set(canonical, name);
        this.#assignValue(source, name, path, key.schema, value);
      }
    }
  }

  #assignValue(
    source: "flag" | "environment",
    name: string,
    path: Path,
    schema: z.core.$ZodType,
    text: string,
  ): void {
    const value = [...literals(text), text].find((meant) => z.safeParse(schema, meant).success);
    if (value === undefined) {
      const result = z.safeParse(schema, literals(text)[0] ?? text);
      const allowed = result.success ? "" : allowedText(result.error);
      return this.#problem(name, `found ${shown(text)}, allowed: ${allowed}`);
    }
    this.#put(path, value);
    this.#origins.set(dotted(path), { source, name });
  }

  /** A list grows by one item at a time, so that an index in `path` can't allocate memory. */
  #hasPlace(name: string, path: Path): boolean {
    let place: unknown = this.#values;
    for (const [depth, part] of path.entries()) {
      if (typeof part === "number") {
        const list = path.slice(0, depth);
        const { length } = Array.isArray(place) ? place : [];
        const last = Math.min(length, listOf(list).most - 1);
        if (part > last) {
          const first = dotted([...list, 0]);
          const allowed = last === 0 ? first : `${first} to ${dotted([...list, last])}`;
          this.#problem(name, `found ${dotted(path)}, allowed: ${allowed}`);
          return false;
        }
      }
      place = isPlain(place) ? place[part] : undefined;
    }
    return true;
  }

  #notAValue(key: Key, path: string): string {
    const inside = valuePaths(key, 0, pathOf(path)).slice(0, 3).map(dotted);
    return `${path === "" ? "this" : path} contains other keys, for example ${inside.join(", ")}`;
  }

  #unknown(at: string, path: Path): void {
    const meant = nearestPath(this.keys, path);
    this.#problem(at, meant === null ? "unknown key" : `unknown key, did you mean ${meant}?`);
  }

  #problem(at: string, text: string): void {
    this.problems.push({ at, text });
  }

  /** `path` is in the schema, so it contains no name like `__proto__`. */
  #put(path: Path, value: unknown): void {
    let place: Plain = this.#values;
    for (const [depth, part] of path.slice(0, -1).entries()) {
      place[part] ??= typeof path[depth + 1] === "number" ? [] : {};
      place = place[part] as Plain; // Only objects and lists are on the way to a value.
    }
    const last = path.at(-1);
    assert(last !== undefined, "a value has a path");
    place[last] = value;
  }

  /** The default port depends on the transport. */
  #fillPorts(): void {
    const { listeners } = this.#values;
    if (!Array.isArray(listeners)) return;
    for (const listener of listeners as Plain[]) {
      const transport = listener["transport"] as keyof typeof defaultPorts | undefined;
      listener["port"] ??= defaultPorts[transport ?? "tcp"];
    }
  }

  finish(file: string | null, before: Config | null): LoadResult {
    this.#fillPorts();
    if (this.problems.length === 0) {
      const config = configSchema.parse(this.#values);
      const clashing = clashes(config, this.#origins);
      if (clashing.length === 0) return this.#loaded(config, file, before);
      this.problems.push(...clashing);
    }
    // A value that is not valid is not among the values; its place in a list is.
    const { data } = configSchema.safeParse(this.#values);
    const isWhole = data !== undefined && namesWholeFiles(data);
    const valid = isWhole ? this.#loaded(data, file, before) : null;
    return { ok: false, file, problems: problemLines(this.problems), valid };
  }

  #loaded(config: Config, file: string | null, before: Config | null): Loaded {
    const values = flat(config);
    const origins = new Map<string, Origin>();
    for (const path of values.keys()) {
      origins.set(path, this.#origins.get(path) ?? { source: "default", name: "" });
    }
    const changed = before === null ? [] : differing(flat(before), values);
    return { ok: true, config, settings: settingsOf(config), origins, file, changed };
  }
}

/** Every value by its dotted path, in the order of the schema. */
function flat(
  value: unknown,
  base = "",
  values = new Map<string, unknown>(),
): Map<string, unknown> {
  if (typeof value !== "object" || value === null) return values.set(base, value);
  for (const [name, inner] of Object.entries(value)) {
    if (inner !== undefined) flat(inner, base === "" ? name : `${base}.${name}`, values);
  }
  return values;
}

function differing(
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): string[] {
  const paths = new Set([...after.keys(), ...before.keys()]);
  return [...paths].filter((path) => before.get(path) !== after.get(path));
}

/** How many items a list may have. */
export function listOf(path: Path): { least: number; most: number; what: string } {
  switch (path.at(-1)) {
    case "listeners":
      return { least: 1, most: listenersMax, what: "listeners" };
    case "from":
      return { least: 0, most: proxiesMax, what: "addresses" };
    case "origins":
      return { least: 0, most: originsMax, what: "origins" };
    default:
      return { least: 0, most: certificatesMax, what: "certificates" };
  }
}

function isPlain(value: unknown): value is Plain {
  return typeof value === "object" && value !== null;
}

/** Objects and lists become empty: no key of the schema takes one as its value. */
function primitive(node: Node): unknown {
  if (node.type === "object") return {};
  if (node.type === "array") return [];
  const value: unknown = node.value;
  return node.type === "null" ? null : value;
}

/** Other readings of a string, for keys that take no string. */
function literals(text: string): (number | boolean | null)[] {
  if (text === "true") return [true];
  if (text === "false") return [false];
  if (text === "null") return [null];
  return /^-?(0|[1-9]\d{0,15})$/.test(text) ? [Number(text)] : [];
}

function allowedText(error: z.core.$ZodError): string {
  return error.issues[0]?.message ?? "";
}
