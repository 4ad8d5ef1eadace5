import { endSession } from "../../tests/support/shell.ts";
import { type Run, Screen } from "./screen.ts";

/** How long a program may take to say what is waited for, on a busy machine. */
export const boundMs = 120_000;
const prompt = "$ ";

/** A shell on a terminal, into which the script types. */
export class Pane implements AsyncDisposable {
  readonly #child: Bun.Subprocess;
  readonly #screen: Screen;
  readonly #changed: () => void;
  readonly #decoder = new TextDecoder();
  #output = "";
  /** Output up to here was waited for. */
  #seen = 0;

  /** `changed` is called after each piece of output. */
  constructor(
    size: { readonly columns: number; readonly rows: number },
    folder: string,
    env: Readonly<Record<string, string>>,
    changed: () => void,
  ) {
    this.#screen = new Screen(size.columns, size.rows);
    this.#changed = changed;
    this.#child = Bun.spawn(["bash", "--norc", "--noprofile", "-i"], {
      cwd: folder,
      env: { ...env, TERM: "xterm", PS1: prompt, HISTFILE: "/dev/null" },
      terminal: {
        cols: size.columns,
        rows: size.rows,
        data: (_, bytes) => {
          this.#output += this.#decoder.decode(bytes, { stream: true });
          this.#screen.write(bytes);
          this.#changed();
        },
      },
    });
  }

  lines(): Run[][] {
    return this.#screen.lines();
  }

  /** Types a command as a person does, and Enter. */
  async type(command: string): Promise<void> {
    for (const part of command.match(/[\s\S]{1,3}/g) ?? []) {
      this.#child.terminal?.write(part);
      await Bun.sleep(60);
    }
    await Bun.sleep(400);
    this.#child.terminal?.write("\r");
  }

  /** Presses a key, such as Ctrl-Z. */
  press(key: string): void {
    this.#child.terminal?.write(key);
  }

  /** Waits for text after that which was waited for before; throws after two minutes. */
  async until(expected: RegExp): Promise<void> {
    const until = performance.now() + boundMs;
    for (;;) {
      // A terminal breaks long lines wherever they are full.
      const text = Bun.stripANSI(this.#output).replaceAll("\r", "");
      const found = expected.exec(text.slice(this.#seen));
      if (found !== null) {
        this.#seen += found.index + found[0].length;
        return;
      }
      if (performance.now() > until) throw new Error(`${expected} did not come: ${text}`);
      await Bun.sleep(20);
    }
  }

  async promptAgain(): Promise<void> {
    await this.until(/\n\$ $/);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endSession(this.#child);
  }
}
