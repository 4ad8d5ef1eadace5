import { folded } from "../log/columns.ts";
import { dotted, type Key, keyAt, configKeys, type Path } from "./keys.ts";

/** The keys that most configurations need, by their group; the rest is in the schema. */
const groups: Readonly<Record<string, readonly string[]>> = {
  listeners: ["port", "host", "transport", "mountPoint"],
  auth: ["allowAnonymous", "passwordFile", "aclFile"],
  limits: [
    "connections",
    "packetSize",
    "payloadSize",
    "memory",
    "keepAliveMax",
    "sessionExpiryMax",
    "queuedMessages",
    "retainedMessages",
  ],
  log: ["level", "format"],
  admin: ["port"],
  store: ["path", "durability"],
  sys: ["interval"],
};

/** Examples for keys that are absent, null or empty by default: each changes something. */
const examples: Readonly<Record<string, unknown>> = {
  "listeners.0.host": "0.0.0.0",
  "listeners.0.mountPoint": "lab/",
  "auth.allowAnonymous": false,
  "auth.passwordFile": "mqttd.passwd",
  "auth.aclFile": "mqttd.acl",
  "store.path": "mqttd-data",
};

const columns = 96;

/**
 * The text of a new configuration file: each of the keys above with its meaning, in a comment with
 * its default. It changes nothing until a comment is removed. `schema`: for `$schema`.
 */
export function templateText(schema: string): string {
  const root = configKeys();
  const lines = [
    "// Configuration of mqttd. Each key in a comment shows its default, or an example where it says",
    "// so; remove the // to change it.",
    "// After a change: mqttd config check, and for a running broker mqttd inspect reload.",
    "{",
    `  "$schema": ${JSON.stringify(schema)},`,
    ...Object.entries(groups).flatMap(([group, names]) => groupLines(root, group, names)),
    "}",
  ];
  return `${lines.join("\n")}\n`;
}

function groupLines(root: Key, group: string, names: readonly string[]): string[] {
  const key = keyAt(root, [group]);
  const isList = key?.kind === "list";
  const base = isList ? [group, 0] : [group];
  const lines = names.flatMap((name) => keyLines(root, [...base, name]));
  const intro = comment(key?.text ?? "");
  const inner = isList ? ["{", ...lines.map(indented), "},"] : lines;
  const [open, close] = isList ? ["[", "],"] : ["{", "},"];
  const all = [...intro, `"${group}": ${open}`, ...inner.map(indented), close];
  return ["", ...all.map(indented)];
}

function keyLines(root: Key, path: Path): string[] {
  const key = keyAt(root, path);
  if (key?.kind !== "value") return [];
  const example = examples[dotted(path)];
  const value = example ?? key.fallback ?? null;
  const mark = example === undefined ? "" : " // an example";
  return [...comment(key.text), `// "${path.at(-1)}": ${JSON.stringify(value)},${mark}`];
}

function comment(text: string): string[] {
  return folded(text, columns - 3).map((line) => `// ${line}`);
}

function indented(line: string): string {
  return line === "" ? line : `  ${line}`;
}
