import { Inbox } from "./inbox.ts";
import type { ProgramOptions, Told } from "./client-program.ts";
import { spawn } from "./child.ts";

const program = Bun.fileURLToPath(import.meta.resolve("./client-program.ts"));

/** The process that runs client-program.ts: it can be stopped and killed like any client. */
export class ClientProcess implements AsyncDisposable {
  readonly told = new Inbox<Told>();
  readonly #child: Bun.Subprocess<"ignore", "pipe", "inherit">;
  readonly #heard: Promise<void>;

  constructor(options: ProgramOptions) {
    this.#child = spawn([process.execPath, program, JSON.stringify(options)], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#heard = this.#listen();
  }

  /** When the broker had answered its `times`-th PINGREQ, or its SUBSCRIBE. */
  async answered(times = 1): Promise<Told & { did: "ping" | "subscribe" }> {
    let seen = 0;
    return this.told.first(
      `answer ${times}`,
      (told): told is Told & { did: "ping" | "subscribe" } =>
        told.did !== "receive" && ++seen === times,
    );
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async exit(): Promise<void> {
    await this.#child.exited;
    await this.#heard;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exit();
  }

  async #listen(): Promise<void> {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      // Its lines are made by `tell` in client-program.ts.
      for (const line of lines) this.told.add(JSON.parse(line) as Told);
    }
    this.told.end("the client's process has ended");
  }
}
