import { isOfBridge } from "./bridges.ts";
import { optionOf } from "./known-options.ts";
import type { ConfLine } from "./lines.ts";
import type { Scope } from "./option.ts";

/** Which lines belong together. */
export interface Scopes {
  readonly global: Scope;
  /** Of `port` and the lines above the first `listener`; it listens only if `listeners` has it. */
  readonly first: Scope;
  /** Those that listen, in order. */
  readonly listeners: readonly Scope[];
  /** Whether accounts and access lists belong to the listener above them. */
  readonly isPerListener: boolean;
  /** Of lines that are neither `listener` nor part of a bridge. */
  readonly of: ReadonlyMap<ConfLine, Scope>;
  /** All lines of its bridge, for each line of one; empty: it stands above the first. */
  readonly bridges: ReadonlyMap<ConfLine, readonly ConfLine[]>;
}

export function scopesOf(lines: readonly ConfLine[]): Scopes {
  const setting = lines.findLast(({ option }) => option === "per_listener_settings");
  const isPerListener = /^(?:true|1)(?: |$)/.test(setting?.value ?? "");
  const global: Scope = { start: null, lines: new Map() };
  const first: Scope = { start: null, lines: new Map() };
  const listeners: Scope[] = [];
  const of = new Map<ConfLine, Scope>();
  const bridges = new Map<ConfLine, readonly ConfLine[]>();
  let bridge: ConfLine[] | null = null;
  for (const line of lines) {
    if (line.option === "listener") listeners.push({ start: line, lines: new Map() });
    else if (isOfBridge(line.option)) {
      if (line.option === "connection") bridge = [];
      bridge?.push(line);
      bridges.set(line, bridge ?? []);
    } else {
      const scope = isOfListener(line.option, isPerListener) ? (listeners.at(-1) ?? first) : global;
      of.set(line, scope);
      scope.lines.set(line.option, [...(scope.lines.get(line.option) ?? []), line]);
    }
  }
  const all = listens(first, global) ? [first, ...listeners] : listeners;
  return { global, first, listeners: all, isPerListener, of, bridges };
}

function isOfListener(option: string, isPerListener: boolean): boolean {
  const scope = optionOf(option)?.scope;
  return scope === "listener" || scope === "below" || (scope === "security" && isPerListener);
}

/** Values that say what mosquitto does anyway. */
const idle: Readonly<Record<string, string>> = {
  max_connections: "-1",
  protocol: "mqtt",
  max_qos: "2",
};

/** Options of a listener above the first `listener` make mosquitto listen on 1883 as well. */
function listens(first: Scope, global: Scope): boolean {
  if (global.lines.has("port") || global.lines.has("bind_address")) return true;
  return [...first.lines].some(([name, lines]) => {
    const isIdle = lines.every(({ value }) => value.split(" ")[0] === idle[name]);
    return optionOf(name)?.scope === "listener" && !isIdle;
  });
}
