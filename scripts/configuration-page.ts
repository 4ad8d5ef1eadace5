import { configKeys, dotted, type Key, type Path, variableOf } from "../src/config/keys.ts";
import { listOf } from "../src/config/load.ts";
import { type Reload, reloadOf } from "../src/config/reloads.ts";
import { valueKinds } from "../src/config/value-kinds.ts";
import { folded } from "../src/log/columns.ts";

const columns = 120;

/** Paragraphs before the keys of a group; a text in a list is pasted as it is. */
const introductions: Readonly<Record<string, readonly (string | readonly string[])[]>> = {
  listeners: [
    "A list: `listeners[0]` is the first listener, which `serve --port` and `--host` change, and each further one " +
      "opens another address. Without the list there is one listener, on port 1883 of this machine's loopback " +
      "addresses. N in the keys below is its place, from 0 on; two listeners may not have the same address.",
    "**Addresses.** `host` null, or `localhost`, means 127.0.0.1 and ::1, so only programs on this machine connect. " +
      "`0.0.0.0` means all IPv4 addresses, `::` all addresses of IPv6 and IPv4: the log then warns of what that opens, " +
      "and names the address for other machines.",
    "**Transports.** `tcp` is MQTT on TCP, `tls` the same in TLS (port 8883), `ws` MQTT over WebSocket (port 9001), " +
      "`wss` that in TLS, and `unix` a socket that is a file. `path` is that file for `unix`; for `ws` and `wss` it is " +
      "the path of the URL, and null accepts any. `origins` is for `ws` and `wss`: which pages a browser may connect " +
      "from. With `proxyProtocol` the listener is behind a proxy that names each client in a PROXY header; whoever " +
      "connects without one, or from an address that `from` lacks, is closed. A unix socket needs no `from`: who may " +
      "write to its file is trusted.",
    "**TLS.** `tls` and `wss` need `tls.cert` and `tls.key`, PEM files. Further certificates for other names of the " +
      "server stand in `tls.certificates`, and the name that the client asks for (SNI) decides; the first one is for " +
      "clients that ask for none. With `tls.requestCert` each client has to give a certificate that one of the CAs in " +
      "`tls.ca` has signed, and that `tls.crl` does not revoke; `tls.identityAsUsername` makes its common name the " +
      "user name, so that an access list can name it and no password is needed. Without `requestCert`, `ca`, `crl` and " +
      "`identityAsUsername` are an error, since they would keep nobody out. A client without a certificate gets the " +
      "alert `certificate required`. One whose certificate is refused is closed without an alert, which the runtime " +
      "cannot send: its program says that the connection was lost, and the broker's log why, with the certificate's " +
      "name and serial number. A reload reads all of these files again: " +
      "open connections keep their certificate.",
    "**Who may connect.** `allowAnonymous`, `passwordFile` and `aclFile` of a listener replace those of `auth` for its " +
      "clients: absent, those of `auth` apply; null, none does. So one port can be open on this machine, and another " +
      "one, for the network, closed:",
    [
      "```jsonc",
      "{",
      '  "listeners": [',
      "    {}, // 127.0.0.1 and ::1, port 1883, without accounts",
      '    { "host": "::", "port": 1884, "allowAnonymous": false, "passwordFile": "mqttd.passwd" },',
      "  ],",
      "}",
      "```",
    ],
    "**Limits.** `connections` is a listener's own share of `limits.connections`, so that one of them can't take all " +
      "places. All other limits apply to every listener. `mountPoint` keeps the clients of a listener below a topic of " +
      "their own: each topic and filter that they send gets the prefix, those of their wills too, and loses it on the " +
      "way back.",
  ],
  auth: [
    "These apply to each listener that does not say otherwise. Files are in mosquitto's format: accounts are made by " +
      "`mqttd passwd`, access lists by an editor. A client without a user name is anonymous; with a user name, it needs " +
      "the right password if a password file applies.",
  ],
  limits: [
    "What a client may take. Each is enforced before memory is taken, and a client that goes beyond one hears the " +
      "reason code of the standard. A reload changes all of them for the next packet; connections stay.",
  ],
  admin: [
    "On loopback by default, where it needs no token. On another address it requires the token of its token file " +
      "([administration.md](administration.md)).",
  ],
};

/** docs/configuration.md: every key, from the schema. */
export function configurationPage(): string {
  const root = configKeys();
  const keys = root.kind === "group" ? [...root.keys] : [];
  const blocks = [
    "# Configuration",
    "<!-- Made from the schema (src/config) by npm run configuration; not to be edited by hand. -->",
    ...general.map(block),
    ...keys.flatMap(([name, key]) =>
      key.kind === "value" ? keyBlocks(key, [name]) : groupBlocks(name, key),
    ),
  ];
  return `${blocks.join("\n\n")}\n`;
}

const general: readonly (string | readonly string[])[] = [
  "mqttd needs no configuration. What it can be told stands in one file, JSON with comments and trailing commas:",
  [
    "```jsonc",
    "{",
    '  "$schema": "./mqttd.schema.json", // for editors: mqttd config init writes it',
    '  "listeners": [{ "port": 1883 }, { "transport": "ws" }],',
    '  "limits": { "keepAliveMax": "10m", "packetSize": "64KiB" },',
    "}",
    "```",
  ],
  "**Where it is.** `--config FILE`, else the environment's `MQTTD_CONFIG`, else `mqttd.json` or `mqttd.jsonc` in the " +
    "current folder, else `mqttd/config.json` in `XDG_CONFIG_HOME` (default `~/.config`).",
  "**Which value wins.** A flag of `mqttd serve`, then the environment, then the file, then the default. `--set " +
    "limits.packetSize=64KiB` sets any key. A variable is `MQTTD_` and the path in capitals, with `__` between levels: " +
    "`MQTTD_LIMITS__PACKET_SIZE`, `MQTTD_LISTENERS__0__PORT`. `mqttd config print --origin` shows each value in force " +
    "with the flag, the variable, or the line that won.",
  "**How values are written.** A size is a number of bytes, or has a unit: `512B`, `64KiB`, `1MiB`, `2GiB`. A duration " +
    "always has one: `500ms`, `90s`, `10m`, `2h`, `30d` (m is a minute). Paths of files are as seen from the folder in " +
    "which mqttd starts.",
  "**Checking it.** `mqttd config check` names every error at once, with line, key, what was found and what is allowed, " +
    "and the errors of the files that it names. `mqttd config schema` prints a JSON Schema for other tools.",
  "**Coming from mosquitto.** `mqttd config import mosquitto.conf --out mqttd.jsonc` translates its configuration, with " +
    "the files that it includes, and accounts for each line: the key that it became, or why it has none. Nothing is " +
    "written if a line that keeps somebody out can't be taken.",
  "**Changing it under a running broker.** SIGHUP and `mqttd inspect reload` read it again. What does not check changes " +
    "nothing. Each key below says whether a reload applies it; the log names those that wait for a restart.",
];

function groupBlocks(name: string, key: Key): string[] {
  const intro = (introductions[name] ?? []).map(block);
  return [`## \`${name}\``, block(key.text), ...intro, ...keyBlocks(key, [name])];
}

/** One block with all keys at and below a path; numbers in a path are places in lists. */
function keyBlocks(key: Key, path: Path): string[] {
  return [rows(key, path).flat().join("\n")];
}

function rows(key: Key, path: Path): string[][] {
  if (key.kind === "group") {
    const own = [...key.keys].flatMap(([name, inner]) => rows(inner, [...path, name]));
    const isTop = path.length === 1 || typeof path.at(-1) === "number";
    return isTop ? own : [row(path, key.text, "an object with the keys below"), ...own];
  }
  if (key.kind === "list") {
    const { least, most, what } = listOf(path);
    const allowed = `a list of ${least} to ${most} ${what}`;
    const own = rows(key.item, [...path, 0]);
    return path.length === 1 ? own : [row(path, key.text, allowed), ...own];
  }
  const kind = valueKinds.get(key.schema);
  const initial = key.fallback === undefined ? "absent" : `\`${JSON.stringify(key.fallback)}\``;
  return [row(path, key.text, `${kind?.allowed}; default: ${initial}`, variableOf(path))];
}

/** The lines of one key: what it is for, what it may be, its variable, and its reload. */
function row(path: Path, text: string, allowed: string, variable?: string): string[] {
  if (path[0] === "$schema") return item([`\`$schema\`: ${text}`]);
  const named = `\`${dotted(path).replace(/\.0(?=\.|$)/g, "[N]")}\``;
  const facts = [sentence(`Value: ${allowed}`)];
  if (variable !== undefined) facts.push(`Variable: \`${variable}\`.`);
  if (variable !== undefined) facts.push(reloads[reloadOf(dotted(path))]);
  return item([`${named}: ${text}`, facts.join(" ")]);
}

const reloads: Readonly<Record<Reload, string>> = {
  always: "Reload: yes.",
  "same address": "Reload: yes, if the listener keeps its address.",
  "both with TLS": "Reload: yes, if the listener had TLS before.",
  never: "Reload: no, restart.",
};

function item(paragraphs: readonly string[]): string[] {
  const [first = "", ...more] = paragraphs;
  return [
    ...folded(`- ${first}`, columns, { indent: 2 }),
    ...more.flatMap((text) => folded(text, columns - 2).map((line) => `  ${line}`)),
  ];
}

function sentence(text: string): string {
  return text.endsWith(".") ? text : `${text}.`;
}

function block(text: string | readonly string[]): string {
  return (typeof text === "string" ? folded(text, columns) : text).join("\n");
}
