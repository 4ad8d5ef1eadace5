import { configKeys, keyAt, pathOf } from "./keys.ts";
import type { Loaded, Origin } from "./load.ts";
import { writeSize } from "./quantity.ts";
import { valueKinds } from "./value-kinds.ts";

/** One value of a configuration in force, with the source that won. */
export interface ValueInForce {
  /** `limits.packetSize`, dotted. */
  readonly path: string;
  /** In its written form. */
  readonly value: unknown;
  readonly source: Origin["source"];
  /** `default`, `mqttd.json:7:15`, `MQTTD_LOG__LEVEL`, `--port`; of an absent key, what decides. */
  readonly origin: string;
}

/**
 * Every value in the order of the schema, those of absent keys included, which other keys decide.
 * None is a secret: secrets are in files of their own.
 */
export function valuesInForce({ config, settings, origins }: Loaded): ValueInForce[] {
  const values: ValueInForce[] = [];
  const put = (path: string, value: unknown, decided?: string): void => {
    const { source, name } = origins.get(decided ?? path) ?? { source: "default", name: "" };
    const own = name === "" ? "default" : name;
    const origin = decided === undefined ? own : `${decided} (${own})`;
    values.push({ path, value, source, origin });
  };
  const collect = (value: unknown, path: string): void => {
    const isEmpty = Array.isArray(value) && value.length === 0;
    if (typeof value !== "object" || value === null || isEmpty) return put(path, value);
    for (const [name, inner] of Object.entries(value)) {
      if (inner !== undefined) collect(inner, path === "" ? name : `${path}.${name}`);
    }
  };
  const { listeners, $schema: _, ...groups } = config;
  for (const [index, listener] of listeners.entries()) {
    const base = `listeners.${index}`;
    collect(listener, base);
    const inForce = settings.listeners[index];
    if (inForce === undefined) continue;
    const own = listener.passwordFile === undefined ? "auth.passwordFile" : `${base}.passwordFile`;
    const absent = {
      allowAnonymous: [
        inForce.allowAnonymous,
        config.auth.allowAnonymous === undefined ? own : "auth.allowAnonymous",
      ],
      passwordFile: [inForce.passwordFile, "auth.passwordFile"],
      aclFile: [inForce.aclFile, "auth.aclFile"],
      connections: [config.limits.connections, "limits.connections"],
    } as const;
    for (const [key, [value, decider]] of Object.entries(absent)) {
      const isAbsent = listener[key as keyof typeof absent] === undefined; // A key of the table.
      if (isAbsent) put(`${base}.${key}`, value, decider);
    }
  }
  collect(groups, "");
  return values;
}

/** The value as a line shows it, with its unit: bytes without one get it. */
export function valueText({ path, value }: Pick<ValueInForce, "path" | "value">): string {
  const key = keyAt(configKeys(), pathOf(path));
  const unit = key?.kind === "value" ? valueKinds.get(key.schema)?.unit : null;
  if (unit === "bytes" && typeof value === "number") return writeSize(value);
  return typeof value === "string" && value !== "" ? value : JSON.stringify(value);
}
