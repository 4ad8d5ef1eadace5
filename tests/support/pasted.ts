import { expect } from "bun:test";
import path from "node:path";
import { connectBytes } from "./connect-bytes.ts";
import { commandRowsOf, consoleCommandsOf, documents, fencesOf } from "./documents.ts";
import { environment, Folder, RunningBroker } from "./executable.ts";
import { expectNotHeldUp, HeldUp } from "./held-up.ts";
import { eventually, now } from "./inbox.ts";
import { Lag, tellingMs } from "./lag.ts";
import { InteractiveShell, type ShellName } from "./shell.ts";

// Types the commands of documents into an interactive shell, as a newcomer does.

const root = path.resolve(import.meta.dir, "../..");

/** For documents that need not be typed into both. */
export const anyShell: ShellName = Bun.which("bash") === null ? "zsh" : "bash";

/** Why neither can be used; "": one can. */
export const shellMissing = Bun.which(anyShell) === null ? "neither bash nor zsh is installed" : "";

/** The commands that a document shows: blocks for a shell, tables of commands, and sessions. */
export function commandsOf(document: string): string[] {
  const text = textOf(document);
  const blocks = fencesOf(text).filter(({ language }) => language === "sh");
  return [
    ...blocks.map((block) => block.text.trimEnd()),
    ...commandRowsOf(text),
    ...consoleCommandsOf(text),
  ];
}

export function textOf(document: string): string {
  const text = documents().get(document);
  if (text === undefined) throw new Error(`there is no ${document}`);
  return text;
}

export const firstLineOf = (command: string): string => command.split("\n")[0] ?? "";

/** The ports of the test's broker, which stand for mqttd's own. */
export interface Ports {
  readonly first: number;
  readonly second: number;
  readonly admin: number;
}

/** Replaces a part of a command. */
export type Replacement = readonly [written: string, typed: string];

/** All commands, on made-up ports. Each replacement has to be needed. */
export function allReplaced(
  commands: readonly string[],
  replacements: readonly Replacement[],
): string[] {
  const isNeeded = ([written]: Replacement): boolean =>
    commands.some((command) => command.includes(written));
  expect(replacements.filter((one) => !isNeeded(one))).toEqual([]);
  const ports = { first: 7001, second: 7002, admin: 7003 };
  return commands.map((command) => replaced(command, ports, replacements));
}

/** The command on the test's ports, and with what a document replaces. */
export function replaced(
  command: string,
  ports: Ports,
  replacements: readonly Replacement[],
): string {
  const typed = replacements.reduce(
    (text, [written, instead]) => text.replaceAll(written, instead),
    command,
  );
  return typed
    .split("\n")
    .map(withPort)
    .join("\n")
    .replaceAll("localhost:1883", "localhost:PORT")
    .replaceAll("localhost:1884", "localhost:SECOND")
    .replaceAll("localhost:1888", "localhost:ADMIN")
    .replaceAll("PORT", String(ports.first))
    .replaceAll("SECOND", String(ports.second))
    .replaceAll("ADMIN", String(ports.admin));
}

/** Names the port where a command would take mqttd's own. */
function withPort(line: string): string {
  if (
    / (?:-L|-p|--port|--url|--embedded|--list|--show|--compare|--help|--test-config)\b/.test(line)
  )
    return line;
  return line
    .replace(/^mqttd (sub|pub|rr|simulate-drop)\b/, "mqttd $1 -p PORT")
    .replace(/^( *)mqttd serve\b/, "$1mqttd serve --port 0");
}

/** A session's tools. */
export interface Session {
  readonly shell: InteractiveShell;
  readonly broker: RunningBroker;
  readonly ports: Ports;
  readonly folder: Folder;
}

/** Plays a command, whose exit code it has read. */
export type Play = (session: Session, typed: string) => Promise<void>;

export const ends =
  (expected: { readonly code?: number; readonly says: RegExp }, boundMs?: number): Play =>
  async ({ shell }, typed) => {
    const { code, output } = await shell.run(typed, boundMs);
    expect(output, typed).toMatch(expected.says);
    expect({ typed, code }).toEqual({ typed, code: expected.code ?? 0 });
  };

/** A run of simulate-drop, whose output reports a stall of the machine. */
export const judges =
  (boundMs = 90_000): Play =>
  async ({ shell }, typed) => {
    const began = now();
    using lag = new Lag();
    const { code, output } = await shell.run(typed, boundMs);
    expectNotHeldUp(typed, output, began);
    const passed = /\n[1-9]\d* passed, 0 failed\b.* in \d/;
    // This process mostly waits: what it lost, simulate-drop lost too.
    if (!passed.test(output) && lag.lostMs > tellingMs) throw new HeldUp(typed, lag.lostMs, began);
    expect(output, typed).toMatch(passed);
    expect({ typed, code }).toEqual({ typed, code: 0 });
  };

const interrupted =
  (code: number) =>
  (ready: RegExp): Play =>
  async ({ shell }, typed) => {
    await shell.begin(typed, ready);
    expect({ typed, code: await shell.interrupt() }).toEqual({ typed, code });
  };

/** A broker, until Ctrl-C. */
export const serves = interrupted(0);

/** A client that prints, until Ctrl-C. */
export const follows = interrupted(130);

/** A client with a will that stays connected as long as the test needs it. */
export async function device(broker: RunningBroker, clientId: string): Promise<Disposable> {
  const { port } = broker;
  let answered = false;
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: { data: () => void (answered = true) },
  });
  const willTopic = `home/${clientId}/status`;
  socket.write(connectBytes({ version: 4, clientId, keepAlive: 60, willTopic }));
  // Its CONNACK: the log has lines of earlier connections with the same id.
  await eventually(
    () => answered,
    () => `no CONNACK for ${clientId}`,
  );
  return { [Symbol.dispose]: () => socket.terminate() };
}

/** Where the administration interface of a broker is. */
/** Resolves once somebody follows a broker's events. */
export async function followed(broker: RunningBroker): Promise<void> {
  const metrics = new URL("/metrics", await broker.administration());
  await eventually(
    async () => (await (await fetch(metrics)).text()).includes("mqttd_event_streams 1"),
    () => "nobody follows the events",
  );
}

/** Opens a terminal with `mqttd` on the PATH beside a broker, and checks that it is left clean. */
export async function inTerminal(
  name: ShellName,
  act: (session: Session) => Promise<void>,
): Promise<void> {
  const args = ["--set", "listeners.1.port=0", "--set", "admin.port=0"];
  await using broker = await RunningBroker.start({ args });
  const [first = "", , second = ""] = broker.urls;
  const ports = {
    first: Number(new URL(first).port),
    second: Number(new URL(second).port),
    admin: Number(new URL(await broker.administration()).port),
  };
  using folder = new Folder();
  await using shell = await InteractiveShell.start(name, root, environment(broker.folder));
  expect(await shell.run(ontoPath)).toMatchObject({ code: 0 });
  expect((await shell.run("command -v mqttd")).output).toContain(`${root}/dist/mqttd\n`);
  await shell.run(`cd ${folder.path}`);
  await act({ shell, broker, ports, folder });
  // Pasting has not ended the shell.
  await jobsEnded(shell);
}

/** Nothing that the shell started is left. */
export async function jobsEnded(shell: InteractiveShell): Promise<void> {
  await eventually(
    async () => !/mqttd/.test((await shell.run("jobs")).output.replace(/^.*jobs\n/s, "")),
    () => "there are jobs left",
  );
}

/** Typed first, in each terminal. */
export const ontoPath = 'export PATH="$PWD/dist:$PATH"';

/** Commands by their first lines, in the order in which one terminal plays them. */
export type Plays = readonly (readonly [first: string, play: Play])[];

/** Plays a document's commands in one terminal, which leaves no file behind. */
export async function playAll(
  name: ShellName,
  commands: readonly string[],
  plays: Plays,
  replacements: readonly Replacement[],
): Promise<void> {
  await inTerminal(name, async (session) => {
    const { shell, broker, ports, folder } = session;
    for (const [start, play] of plays) {
      const command = commands.find((one) => firstLineOf(one) === start);
      if (command === undefined) throw new Error(`no document has a command that begins ${start}`);
      // Scripts belong to the project's folder; every other command works in any folder.
      if (start.startsWith("npm ")) await shell.run(`cd ${root}`);
      using _ = start.startsWith("mqttd inspect") ? await device(broker, "dev-42") : null;
      await play(session, replaced(command, ports, replacements));
      if (start.startsWith("npm ")) await shell.run(`cd ${folder.path}`);
    }
    expect(folder.names()).toEqual([]);
  });
}

/** What a document shows below a command of a pasted session, up to the next prompt. */
export function promisedOf(document: string, command: string): string {
  const sessions = fencesOf(textOf(document)).filter(({ language }) => language === "");
  for (const { text } of sessions) {
    const [, output] = text.split(`$ ${command}\n`);
    if (output !== undefined) return output.replace(/^\$ [\s\S]*/m, "");
  }
  throw new Error(`${document} has no session with ${command}`);
}

/** A text as words, without what differs from one run to the next and from one terminal's width to another's. */
function steady(text: string): string {
  return text
    .replace(/\d[\d.]* (?:ms|s|min|h)\b(?: \d+ (?:s|min)\b)?/g, "TIME")
    .replace(/\s+/g, " ")
    .trim();
}

/** The parts of the promised output that did not come, in their order. */
export function missingOf(promised: string, output: string): string[] {
  let rest = steady(output);
  return promised.split(/^\.\.\.$/m).filter((part) => {
    const index = rest.indexOf(steady(part));
    if (index >= 0) rest = rest.slice(index + steady(part).length);
    return index < 0;
  });
}
