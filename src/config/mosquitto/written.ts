/** One value of the configuration that an import writes. */
export interface Written {
  /** `listeners.0.tls.cert`. */
  readonly path: string;
  readonly value: unknown;
  /** The line that it stands for: `mosquitto.conf:12`. */
  readonly at: string;
}

interface Group {
  readonly [name: string]: Group | Written;
}

/** The values as a configuration file, each with the line that it stands for in a comment. */
export function writtenConfig(written: readonly Written[]): string {
  const root: Record<string, unknown> = {};
  for (const one of written) {
    const names = one.path.split(".");
    let place = root;
    for (const name of names.slice(0, -1)) {
      place = (place[name] ??= {}) as Record<string, unknown>; // Only groups are on the way.
    }
    place[names.at(-1) ?? ""] = one;
  }
  const { listeners = {}, ...others } = root as Group;
  const lines = [
    "// Written by mqttd config import; behind each value the line of mosquitto's configuration.",
    "{",
    ...(isWritten(listeners) ? [] : listenerLines(listeners)),
    ...Object.entries(others).flatMap(([name, group]) => valueLines(name, group, "  ")),
    "}",
  ];
  return `${lines.join("\n")}\n`;
}

function listenerLines(listeners: Group): string[] {
  const items = Object.entries(listeners).toSorted(([a], [b]) => Number(a) - Number(b));
  if (items.length === 0) return [];
  return [
    '  "listeners": [',
    ...items.flatMap(([, item]) =>
      isWritten(item) ? [] : ["    {", ...groupLines(item, "      "), "    },"],
    ),
    "  ],",
  ];
}

function groupLines(group: Group, indent: string): string[] {
  return Object.entries(group).flatMap(([name, value]) => valueLines(name, value, indent));
}

function valueLines(name: string, value: Group | Written, indent: string): string[] {
  if (isWritten(value)) {
    // A comment ends with its line.
    const at = value.at.replace(/[\r\n\u2028\u2029]/g, " ");
    return [`${indent}${JSON.stringify(name)}: ${JSON.stringify(value.value)}, // ${at}`];
  }
  return [`${indent}"${name}": {`, ...groupLines(value, `${indent}  `), `${indent}},`];
}

function isWritten(value: Group | Written): value is Written {
  return typeof value["path"] === "string";
}
