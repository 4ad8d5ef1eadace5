import { configKeys, keyAt, pathOf } from "./keys.ts";
import type { Loaded, Origin, ValueWithOrigin } from "./load.ts";
import { writeSize } from "./quantity.ts";
import type { ListenerSettings } from "./settings.ts";
import { valueKinds } from "./value-kinds.ts";

/** One value of a configuration in force, with the source that won; of an absent key, what decides. */
export interface ValueInForce extends ValueWithOrigin {
  readonly source: Origin["source"];
}

/**
 * Every value in the order of the schema, those of absent keys included, which other keys decide.
 * None is a secret: secrets are in files of their own.
 */
export function valuesInForce({ config, settings, origins }: Loaded): ValueInForce[] {
  const values: ValueInForce[] = [];
  const collect = (value: unknown, path: string): void => {
    const isEmpty = Array.isArray(value) && value.length === 0;
    if (typeof value === "object" && value !== null && !isEmpty) {
      for (const [name, inner] of Object.entries(value)) {
        if (inner !== undefined) collect(inner, path === "" ? name : `${path}.${name}`);
      }
      return;
    }
    const { source, name } = origins.get(path) ?? { source: "default", name: "" };
    values.push({ path, value, source, origin: name === "" ? "default" : name });
  };
  const { listeners, $schema: _, ...groups } = config;
  collect({ listeners, ...groups }, "");
  return withDecided(values, settings.listeners);
}

/** Adds, behind each listener's own keys, its absent ones, which other keys decide. */
export function withDecided<Value extends ValueWithOrigin>(
  values: readonly Value[],
  listeners: readonly ListenerSettings[],
): Value[] {
  const known = new Map(values.map((value) => [value.path, value]));
  const last = new Map(values.map((value, index) => [placeOf(value), index]));
  return values.flatMap((value, index) => {
    const place = placeOf(value);
    const listener = place === null || last.get(place) !== index ? undefined : listeners[place];
    return listener === undefined ? [value] : [value, ...decided(place ?? 0, listener, known)];
  });
}

/** The place of the listener that a value is of; null: of none. */
function placeOf({ path }: ValueWithOrigin): number | null {
  const [, place] = /^listeners\.(\d+)\./.exec(path) ?? [];
  return place === undefined ? null : Number(place);
}

function decided<Value extends ValueWithOrigin>(
  place: number,
  { allowAnonymous, passwordFile, aclFile }: ListenerSettings,
  known: ReadonlyMap<string, Value>,
): Value[] {
  const base = `listeners.${place}`;
  const own = known.has(`${base}.passwordFile`) ? `${base}.passwordFile` : "auth.passwordFile";
  const isDecided = known.has("auth.allowAnonymous");
  const deciders: readonly (readonly [key: string, decider: string, value: unknown])[] = [
    ["allowAnonymous", isDecided ? "auth.allowAnonymous" : own, allowAnonymous],
    ["passwordFile", "auth.passwordFile", passwordFile],
    ["aclFile", "auth.aclFile", aclFile],
    ["connections", "limits.connections", known.get("limits.connections")?.value],
  ];
  return deciders.flatMap(([key, decider, value]) => {
    const path = `${base}.${key}`;
    const from = known.get(decider);
    if (known.has(path) || from === undefined) return [];
    return [{ ...from, path, value, origin: `${decider} (${from.origin})` }];
  });
}

/** The value as a line shows it, with its unit: bytes without one get it. */
export function valueText({ path, value }: Pick<ValueInForce, "path" | "value">): string {
  const key = keyAt(configKeys(), pathOf(path));
  const unit = key?.kind === "value" ? valueKinds.get(key.schema)?.unit : null;
  if (unit === "bytes" && typeof value === "number") return writeSize(value);
  return typeof value === "string" && value !== "" ? value : JSON.stringify(value);
}
