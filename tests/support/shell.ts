import { readdirSync, readFileSync } from "node:fs";
import { spawn } from "./child.ts";
import { eventually } from "./inbox.ts";

/** Starts a shell that reads none of the user's files. */
const commands = {
  bash: ["bash", "--norc", "--noprofile", "-i"],
  zsh: ["zsh", "-f", "-i"],
} as const;

export type ShellName = keyof typeof commands;

const promptText = "<ready>";
/** For a command, or what it prints. */
const boundMs = 60_000;

/** An interactive shell on its own terminal; tests type into it. */
export class InteractiveShell implements AsyncDisposable {
  #raw = "";
  readonly #child: Bun.Subprocess;
  /** Output up to here was examined already. */
  #seen = 0;

  static async start(
    name: ShellName,
    folder: string,
    env: Readonly<Record<string, string>>,
  ): Promise<InteractiveShell> {
    const shell = new InteractiveShell(name, folder, env);
    try {
      await shell.until(promptText, "the first prompt");
      return shell;
    } catch (error) {
      await shell[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(name: ShellName, folder: string, env: Readonly<Record<string, string>>) {
    const decoder = new TextDecoder();
    this.#child = spawn(commands[name], {
      cwd: folder,
      env: { ...env, TERM: "xterm", PS1: promptText, PS2: "", HISTFILE: "/dev/null" },
      terminal: {
        cols: 100,
        rows: 40,
        data: (_, bytes) => {
          this.#raw += decoder.decode(bytes, { stream: true });
        },
      },
    });
  }

  /** Everything the terminal received, without colours and carriage returns. */
  get output(): string {
    return Bun.stripANSI(this.#raw).replaceAll("\r", "");
  }

  /** Types all lines at once, as a paste does, including the last line's Enter. */
  type(text: string): void {
    this.#child.terminal?.write(text.endsWith("\n") ? text : `${text}\n`);
  }

  /** Types a block and waits for its end; returns its output and exit code. */
  async run(block: string, bound = boundMs): Promise<{ code: number; output: string }> {
    const start = this.output.length;
    this.type(block);
    const code = await this.#code(`the end of\n${block}`, bound);
    return { code, output: this.output.slice(start) };
  }

  /** Types a command that keeps running, and waits for the text that it prints when it is ready. */
  async begin(command: string, ready: string | RegExp): Promise<void> {
    this.type(command);
    await this.until(ready, `what \`${command}\` says when it is ready`);
  }

  /** Sends Ctrl-C; returns the exit code of the command that it ends. */
  async interrupt(): Promise<number> {
    this.#child.terminal?.write("\u0003");
    // The terminal may discard what is typed before the shell reads again.
    await this.until(promptText, "the prompt after Ctrl-C");
    return this.#code("the exit code", boundMs);
  }

  /** Of the previous command. */
  async #code(what: string, bound: number): Promise<number> {
    // Split, so that the echo of these words differs from their output.
    this.type('echo "<$?>"');
    const [, code] = await this.until(/<(\d+)>\n/, what, bound);
    return Number(code);
  }

  /** Waits for a text after the last one waited for. */
  async until(
    expected: string | RegExp,
    what: string,
    bound = boundMs,
  ): Promise<readonly (string | undefined)[]> {
    const pattern = typeof expected === "string" ? new RegExp(RegExp.escape(expected)) : expected;
    let found: readonly string[] = [];
    await eventually(
      () => {
        const match = pattern.exec(this.output.slice(this.#seen));
        if (match === null) return false;
        this.#seen += match.index + match[0].length;
        found = [...match];
        return true;
      },
      () => `${what}; the terminal has: ${this.output.slice(-3000)}`,
      bound,
    );
    return found;
  }

  /** Ends the shell and all processes that it started. */
  async [Symbol.asyncDispose](): Promise<void> {
    await endSession(this.#child);
  }
}

/** Kills a shell on a terminal of its own, and all processes that it started. */
export async function endSession(shell: Bun.Subprocess): Promise<void> {
  for (const pid of processesOf(shell.pid)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
  shell.kill("SIGKILL");
  await shell.exited;
  shell.terminal?.close();
}

/** The processes of a session, which a shell on a terminal leads, according to Linux. */
function processesOf(session: number): number[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && sessionOf(pid) === session);
}

function sessionOf(pid: number): number | null {
  try {
    // The program's name is in parentheses and may contain any; the session is the fourth field
    // behind.
    const [, rest = ""] = /\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    return Number(rest.split(" ")[3]);
  } catch {
    return null;
  }
}
