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
import { eventually, Inbox, now } from "./inbox.ts";
import { spawn } from "./child.ts";

const root = path.resolve(import.meta.dir, "../..");
const stopBoundMs = 4500;
/** The longest that a test takes. */
const testMs = 30_000;

/** One NDJSON line of the broker's log. */
export interface LogLine {
  readonly time: string;
  readonly level: string;
  readonly event: string;
  readonly client?: string | null;
  readonly [fact: string]: unknown;
}

/** The line of a connection's end; the facts that tests look at. */
export interface EndedLine extends LogLine {
  readonly client: string | null;
  readonly cause: string;
  readonly detail: string | null;
  readonly silentMs: number;
  readonly allowedMs: number | null;
  readonly will: { readonly fate: string; readonly [fact: string]: unknown } | null;
}

export interface Surroundings {
  /** Default 0: a free one. */
  readonly port?: number;
  /** Arguments after `serve --port PORT --ready-file ready --log-format FORMAT`. */
  readonly args?: readonly string[];
  /** Default: json, for `log`; the lines of the human form are in `lines`. */
  readonly logFormat?: "json" | "human";
  /** Beside PATH, and HOME, which is the temporary folder. */
  readonly env?: Readonly<Record<string, string>>;
  /** Put into the folder before the start, by their names. */
  readonly files?: Readonly<Record<string, string>>;
  /** Another way to run mqttd than the executable. */
  readonly command?: readonly string[];
  /** How long it may take to become ready. */
  readonly readyBoundMs?: number;
  /** A script for `sh` that runs it: `"$0" "$@"`. */
  readonly through?: string;
}

/**
 * The executable under test: MQTTD_EXECUTABLE, or dist/mqttd. Throws when there is none, or one that
 * was made from other sources than those that are there now.
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

/** A folder of a test's own, where a program is started. */
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
    writeFileSync(this.file(name), text);
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

/** What a program gets to see of this process's environment: no MQTTD_ variable, for one. */
export function environment(folder: Folder, more: Readonly<Record<string, string>> = {}) {
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: folder.path,
    MQTTD_RUN_DIR: `${folder.path}-run`,
    ...more,
  };
}

export interface Ended {
  /** Null: ended by a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the executable in a folder until it ends by itself, for at most a few seconds. */
export async function run(
  folder: Folder,
  args: readonly string[],
  { through, boundMs = stopBoundMs }: Pick<Surroundings, "through"> & { boundMs?: number } = {},
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

/** A broker in a process and a folder of its own, on ports of its own, as a user would run it. */
export class RunningBroker implements AsyncDisposable {
  readonly folder: Folder;
  readonly log = new Inbox<LogLine>();
  /** The log as a person reads it, where its format is human. */
  readonly lines = new Inbox<string>();
  /** What it wrote to stderr that is no log line. */
  otherWords = "";
  /** One a listening address. */
  urls: readonly string[] = [];
  readonly #child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #reading: Promise<void>;
  readonly #namesBefore: readonly string[];
  readonly #logFormat: "json" | "human";

  /** Starts it, and waits until it is ready. */
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

  /** Whether its ready file is there. */
  get isAnnounced(): boolean {
    return this.folder.names().includes("ready");
  }

  /** The first log line that fits, of those so far and those within the bound. */
  async line(what: string, fits: (line: LogLine) => boolean, boundMs?: number): Promise<LogLine> {
    return this.log.first(what, fits, boundMs);
  }

  /** The line of a client's end; fails when there is not exactly one so far. */
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

  /** Its exit code, once it has ended and all that it wrote is here; null: a signal killed it. */
  async exit(boundMs = stopBoundMs): Promise<number | null> {
    const bound = setTimeout(() => {
      this.otherWords += `(killed: it had not ended within ${boundMs} ms)\n`;
      this.#child.kill("SIGKILL");
    }, boundMs);
    await this.#child.exited;
    clearTimeout(bound);
    await this.#reading;
    return this.#child.exitCode;
  }

  /** Asks it to end, as a user would, and looks whether anything of it is left. */
  async stop(signal: "SIGTERM" | "SIGINT" = "SIGTERM"): Promise<void> {
    this.signal(signal);
    const code = await this.exit();
    expect({ code, otherWords: this.otherWords }).toEqual({ code: 0, otherWords: "" });
    await this.expectNothingLeft();
  }

  /** Nobody listens on its port, and its folder is as it was. */
  async expectNothingLeft(): Promise<void> {
    expect(this.folder.names()).toEqual([...this.#namesBefore]);
    for (const url of this.urls) expect(await accepts(url)).toBe(false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.hasEnded) this.#child.kill("SIGKILL");
    await this.exit();
    this.folder[Symbol.dispose]();
  }

  async #becomeReady(boundMs?: number): Promise<void> {
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
    // One that is killed may be in the middle of a line.
    if (rest !== "" && this.#child.signalCode === null) this.#take(rest);
    this.log.end("the broker has ended");
    this.lines.end("the broker has ended");
  }

  #take(text: string): void {
    if (this.#logFormat === "human") return this.lines.add(text);
    // Other lines are for people: a fault of the broker's own, or a refusal to start.
    if (!text.startsWith("{")) this.otherWords += `${text}\n`;
    // Every line of a log in this format has these keys; a test that reads others looks at them.
    else this.log.add(JSON.parse(text) as LogLine);
  }

  #said(): string {
    const log = this.log.items.map((line) => JSON.stringify(line));
    return this.otherWords + [...log, ...this.lines.items].join("\n");
  }
}

/** Whether somebody accepts connections there. */
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
