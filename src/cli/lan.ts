import { networkInterfaces } from "node:os";
import { usageError } from "../config/cli-error.ts";
import type { Env } from "../config/environment.ts";
import type { Assignment } from "../config/load.ts";
import type { Settings } from "../config/settings.ts";
import { folded, proseMax, width } from "../log/columns.ts";
import { lanAddresses } from "../server/exposure.ts";
import type { Arguments } from "./arguments.ts";
import type { Surroundings } from "./command.ts";
import { textColumns } from "./help.ts";
import { qrLines } from "./qr-code.ts";
import { linesFor } from "./remark.ts";

/** What `--lan` and `--anonymous` set. Throws CliError for flags that contradict them. */
export function lanAssignments(given: Arguments): Assignment[] {
  const isAnonymous = given.has("anonymous");
  if (!given.has("lan")) {
    if (!isAnonymous) return [];
    throw usageError("--anonymous belongs to --lan", "on this machine clients need no password");
  }
  if (given.has("host")) throw usageError("--lan and --host both name the address", "give one");
  return [
    { path: "listeners.0.host", value: anyAddress(), name: "--lan" },
    ...(isAnonymous ? [{ path: "auth.allowAnonymous", value: "true", name: "--anonymous" }] : []),
  ];
}

/** All addresses of both families; of IPv4 alone on a machine that has no IPv6. */
function anyAddress(interfaces = networkInterfaces()): string {
  const has6 = Object.values(interfaces).some((found) =>
    (found ?? []).some(({ family }) => family === "IPv6"),
  );
  return has6 ? "::" : "0.0.0.0";
}

/** Whether clients of the first listener have to prove who they are. */
function isGuarded({ listeners: [first] }: Settings): boolean {
  if (first === undefined) return true;
  return !first.allowAnonymous || first.tls?.requestCert === true;
}

/**
 * Nobody opens the network without a password by mistake: asks for a password file on a terminal.
 * Returns what the answer sets; an exit code if the question was interrupted. Throws CliError.
 */
export async function guardLan(
  given: Arguments,
  settings: Settings,
  { askLine, printError, screen }: Surroundings,
): Promise<Assignment[] | number> {
  if (!given.has("lan") || given.has("anonymous") || isGuarded(settings)) return [];
  const choice = "--set auth.passwordFile=FILE (mqttd passwd FILE USER makes one), or --anonymous";
  const refusal = usageError(
    "--lan: every machine of the network could connect, without a password",
    choice,
  );
  if (askLine === null) throw refusal;
  printError(
    linesFor(
      screen("stderr"),
      "With --lan every machine of the network can connect. mqttd passwd FILE USER makes a password " +
        "file; --anonymous serves without one.\n",
      0,
    ),
  );
  const typed = await askLine("Password file: ");
  if (typed.type === "interrupted") return typed.exitCode;
  const file = typed.type === "typed" ? typed.text.trim() : "";
  if (file === "") throw refusal;
  return [{ path: "auth.passwordFile", value: file, name: "--lan" }];
}

/** The addresses of the first listener for other machines: `mqtt://192.168.1.20:1883`. */
export function lanUrls(url: string, addresses = lanAddresses()): string[] {
  const [, scheme = "mqtt", port = "", path = ""] = /^(\w+):\/\/.*:(\d+)(\/.*)?$/.exec(url) ?? [];
  return addresses.map((address) => `${scheme}://${address}:${port}${path}`);
}

/** What a person needs who holds a board. */
export function lanText(
  urls: readonly string[],
  settings: Settings,
  { screen, env }: Pick<Surroundings, "screen" | "env">,
): string {
  const terminal = screen("stdout");
  const columns = terminal === null ? Infinity : Math.min(proseMax, textColumns(terminal));
  const say = (text: string): string => `${folded(text, columns).join("\n")}\n`;
  const [first, ...others] = urls;
  if (first === undefined) {
    return say(
      "This machine has no address in a network: no board can connect. mqttd doctor says more.",
    );
  }
  const who = isGuarded(settings)
    ? "with a user name and password (or a certificate)"
    : "without a password (--anonymous)";
  const plain = settings.listeners[0]?.tls === null ? " Nothing on the way is encrypted." : "";
  const code = qrLines(first);
  const missing = codeMissing(code, terminal?.columns ?? null, env);
  return [
    "\n",
    say(`For your firmware: ${first}`),
    ...others.map((url) => say(`also: ${url}`)),
    "\n",
    missing === null ? `${code.join("\n")}\n` : say(`(no QR code: ${missing})`),
    "\n",
    say(
      `Every machine of the network can connect, ${who}, and publish, subscribe and read retained ` +
        `messages${settings.listeners[0]?.aclFile === null ? "" : " as the access list allows"}.${plain}`,
    ),
    say(
      settings.admin.host === null
        ? "The administration stays on this machine. mqttd doctor looks at firewalls."
        : "mqttd doctor looks at firewalls.",
    ),
    "\n",
  ].join("");
}

/** Why no code is drawn; null: it can be. `columns`: of the terminal; null: there is none. */
function codeMissing(code: readonly string[], columns: number | null, env: Env): string | null {
  if (columns === null) return "the output is no terminal";
  const locale = env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "";
  if (locale !== "" && !/utf-?8/i.test(locale))
    return `the locale ${locale} has no block characters`;
  const needed = Math.max(...code.map(width));
  return needed <= columns ? null : `it needs ${needed} columns, the terminal has ${columns}`;
}
