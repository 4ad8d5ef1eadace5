import { expect } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expectNotHeldUp } from "./held-up.ts";
import { eventually, Inbox, now, patienceMs } from "./inbox.ts";
import { spawn } from "./child.ts";

const root = path.resolve(import.meta.dir, "../..");
/** For a program that starts, and for one that does its work and ends, on a slow machine. */
const programMs = 60_000;
/** About the longest time that a test takes, beside others on a slow machine. */
const testMs = 60_000;

/** One NDJSON line of the broker's log. */
export interface LogLine {
  readonly time: string;
  readonly level: string;
  readonly event: string;
  readonly client?: string | null;
  readonly [fact: string]: unknown;
}

/** The log line of a connection's end; the fields that tests read. */
export interface EndedLine extends LogLine {
  readonly client: string | null;
  readonly cause: string;
  readonly detail: string | null;
  readonly silentMs: number;
  readonly allowedMs: number | null;
  readonly will: { readonly fate: string; readonly [fact: string]: unknown } | null;
}

export interface Surroundings {
  /** Default 0: a free port. */
  readonly port?: number;
  /** Arguments after `serve --port PORT --ready-file ready --log-format FORMAT`. */
  readonly args?: readonly string[];
  /** Default: json, parsed into `log`; `lines` has the lines of the human form. */
  readonly logFormat?: "json" | "human";
  /** In addition to PATH, and HOME, which is the temporary folder. */
  readonly env?: Readonly<Record<string, string>>;
  /** Files written to the folder before the start, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** A command that runs mqttd other than the executable. */
  readonly command?: readonly string[];
  /** The time allowed until it is ready. */
  readonly readyBoundMs?: number;
  /** A script for `sh` that runs it: `"$0" "$@"`. */
  readonly through?: string;
}

/**
 * The executable under test: MQTTD_EXECUTABLE, or dist/mqttd. Throws when it is missing or was
 * built from other sources than the present ones.
 */
export function executable(): string {
  const named = process.env["MQTTD_EXECUTABLE"];
  const file = named ?? path.join(root, "dist/mqttd");
  const made = statSync(file, { throwIfNoEntry: false });
  if (made === undefined) {
    const hint = named === undefined ? "npm run build makes it" : "MQTTD_EXECUTABLE names it";
    throw new Error(`${file} does not exist: ${hint}`);
  }
  if (named !== undefined) return file;
  for (const name of readdirSync(path.join(root, "src"), { recursive: true, encoding: "utf8" })) {
    const source = path.join(root, "src", name);
    if (name.endsWith(".ts") && statSync(source).mtimeMs > made.mtimeMs) {
      throw new Error(`${file} is older than src/${name}: npm run build makes it anew`);
    }
  }
  return file;
}

/** A temporary folder for one test, the working directory of its program. */
export class Folder implements Disposable {
  readonly path = mkdtempSync(path.join(tmpdir(), "mqttd-binary-"));

  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  file(name: string): string {
    return path.join(this.path, name);
  }

  text(name: string): string {
    return readFileSync(this.file(name), "utf8");
  }

  write(name: string, text: string): void {
    mkdirSync(path.dirname(this.file(name)), { recursive: true });
    // A private key that others may read gets a warning.
    writeFileSync(this.file(name), text, { mode: name.endsWith(".key") ? 0o600 : 0o666 });
  }

  remove(name: string): void {
    rmSync(this.file(name));
  }

  names(): string[] {
    return readdirSync(this.path, { recursive: true, encoding: "utf8" }).sort();
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
    rmSync(`${this.path}-run`, { recursive: true, force: true });
  }
}

/** The part of this process's environment that a program gets: no MQTTD_ variable, for one. */
export function environment(folder: Folder, more: Readonly<Record<string, string>> = {}) {
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: folder.path,
    MQTTD_RUN_DIR: `${folder.path}-run`,
    ...more,
  };
}

export interface Ended {
  /** Null: a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the executable in a folder until it exits; kills it after `boundMs`. */
export async function run(
  folder: Folder,
  args: readonly string[],
  { through, boundMs = programMs }: Pick<Surroundings, "through"> & { boundMs?: number } = {},
): Promise<Ended> {
  await using child = spawn([...shell(through), executable(), ...args], {
    cwd: folder.path,
    env: environment(folder),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: boundMs,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  await child.exited;
  // Of a broker that the test has started.
  expectNotHeldUp(args.join(" "), stdout, now() - testMs);
  return { code: child.exitCode, stdout, stderr };
}

function shell(script: string | undefined): string[] {
  return script === undefined ? [] : ["sh", "-c", script];
}

/** A broker in its own process and folder, on its own ports, as a user would run it. */
export class RunningBroker implements AsyncDisposable {
  readonly folder: Folder;
  readonly log = new Inbox<LogLine>();
  /** The log as a person reads it, when its format is human. */
  readonly lines = new Inbox<string>();
  /** What the broker wrote to stderr outside the log. */
  otherWords = "";
  /** One for each listening address. */
  urls: readonly string[] = [];
  readonly #child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #reading: Promise<void>;
  readonly #namesBefore: readonly string[];
  readonly #logFormat: "json" | "human";

  /** Starts the broker and waits until it is ready. */
  static async start(surroundings: Surroundings = {}): Promise<RunningBroker> {
    const broker = new RunningBroker(surroundings);
    try {
      await broker.#becomeReady(surroundings.readyBoundMs);
      return broker;
    } catch (error) {
      await broker[Symbol.asyncDispose]();
      throw error;
    }
  }

  constructor(surroundings: Surroundings) {
    const { port = 0, args = [], env = {}, files = {}, command, through } = surroundings;
    const program = [...shell(through), ...(command ?? [executable()])];
    this.#logFormat = surroundings.logFormat ?? "json";
    this.folder = new Folder(files);
    this.#namesBefore = this.folder.names();
    const own = [
      ...["serve", "--port", String(port), "--ready-file", "ready"],
      ...["--log-format", this.#logFormat],
    ];
    this.#child = spawn([...program, ...own, ...args], {
      cwd: this.folder.path,
      env: environment(this.folder, env),
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#reading = this.#listen();
  }

  get pid(): number {
    return this.#child.pid;
  }

  get port(): number {
    return Number(new URL(this.urls[0] ?? "").port);
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Whether the ready file exists. */
  get isAnnounced(): boolean {
    return this.folder.names().includes("ready");
  }

  /** The first matching log line, of those so far and those within the bound. */
  async line(what: string, fits: (line: LogLine) => boolean, boundMs?: number): Promise<LogLine> {
    return this.log.first(what, fits, boundMs);
  }

  /** The URL of its administration interface, once that listens; without a slash at the end. */
  async administration(): Promise<string> {
    const { urls } = await this.line("administration", ({ event }) => event === "administration");
    return String([urls].flat()[0]).replace(/\/$/, "");
  }

  /** The log line of a client's end; throws unless there is exactly one so far. */
  async ended(clientId: string, boundMs?: number): Promise<EndedLine> {
    const isEnd = (line: LogLine): line is EndedLine =>
      line.event === "ended" && line.client === clientId;
    const ended = await this.log.first(`the end of ${clientId}`, isEnd, boundMs);
    expect(this.log.items.filter(isEnd)).toHaveLength(1);
    return ended;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /**
   * The exit code, once the process has ended and all its output has arrived; null: a signal killed
   * it.
   */
  async exit(boundMs = patienceMs): Promise<number | null> {
    const bound = setTimeout(() => {
      this.otherWords += `(killed: it had not ended within ${boundMs} ms)\n`;
      this.#child.kill("SIGKILL");
    }, boundMs);
    await this.#child.exited;
    clearTimeout(bound);
    await this.#reading;
    return this.#child.exitCode;
  }

  /** Writes `mqttd.json` and has it read, as `systemctl reload` does; resolves once it applies. */
  async reload(config: object): Promise<LogLine> {
    const known = new Set(this.log.items);
    this.folder.write("mqttd.json", JSON.stringify(config));
    this.signal("SIGHUP");
    const isReload = (line: LogLine): boolean => line.event === "configurationReloaded";
    return this.line("the reload", (line) => isReload(line) && !known.has(line));
  }

  /** Ends the broker as a user would, and checks that it leaves nothing behind. */
  async stop(signal: "SIGTERM" | "SIGINT" = "SIGTERM"): Promise<void> {
    this.signal(signal);
    const code = await this.exit();
    expect({ code, otherWords: this.otherWords }).toEqual({ code: 0, otherWords: "" });
    await this.expectNothingLeft();
  }

  /** Nothing listens on its port, and its folder is unchanged. */
  async expectNothingLeft(): Promise<void> {
    expect(this.folder.names()).toEqual([...this.#namesBefore]);
    for (const url of this.urls) expect(await accepts(url)).toBe(false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.hasEnded) this.#child.kill("SIGKILL");
    await this.exit();
    this.folder[Symbol.dispose]();
  }

  async #becomeReady(boundMs = programMs): Promise<void> {
    await eventually(
      () => this.isAnnounced || this.hasEnded,
      () => `the ready file; it said: ${this.#said()}`,
      boundMs,
    );
    if (this.hasEnded) {
      const code = await this.exit();
      throw new Error(`it ended with ${code} before it was ready: ${this.#said()}`);
    }
    this.urls = this.folder.text("ready").trimEnd().split("\n");
  }

  async #listen(): Promise<void> {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stderr) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(line);
    }
    await this.#child.exited;
    // A killed broker may leave half a line.
    if (rest !== "" && this.#child.signalCode === null) this.#take(rest);
    this.log.end("the broker has ended");
    this.lines.end("the broker has ended");
  }

  #take(text: string): void {
    if (this.#logFormat === "human") return this.lines.add(text);
    // Other lines are for people: a fault of the broker, or a refusal to start.
    if (!text.startsWith("{")) this.otherWords += `${text}\n`;
    // Every line of this log format has these keys; a test checks the other keys that it reads.
    else this.log.add(JSON.parse(text) as LogLine);
  }

  #said(): string {
    const log = this.log.items.map((line) => JSON.stringify(line));
    return this.otherWords + [...log, ...this.lines.items].join("\n");
  }
}

/** Whether a server accepts connections there. */
export async function accepts(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  try {
    const socket = await Bun.connect({
      hostname: hostname.replace(/^\[|\]$/g, ""),
      port: Number(port),
      socket: { data() {} },
    });
    socket.terminate();
    return true;
  } catch {
    return false;
  }
}
