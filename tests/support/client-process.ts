import { Inbox } from "./inbox.ts";
import type { ProgramOptions, Report } from "./client-program.ts";
import { spawn } from "./child.ts";

const program = Bun.fileURLToPath(import.meta.resolve("./client-program.ts"));

/** A process that runs client-program.ts. A test can stop and kill it like any client. */
export class ClientProcess implements AsyncDisposable {
  readonly reports = new Inbox<Report>();
  readonly #child: Bun.Subprocess<"ignore", "pipe", "inherit">;
  readonly #reading: Promise<void>;

  constructor(options: ProgramOptions) {
    this.#child = spawn([process.execPath, program, JSON.stringify(options)], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#reading = this.#listen();
  }

  /** When the broker answered its `times`-th PINGREQ, or its SUBSCRIBE. */
  async answered(times = 1): Promise<Report & { did: "ping" | "subscribe" }> {
    let seen = 0;
    return this.reports.first(
      `answer ${times}`,
      (report): report is Report & { did: "ping" | "subscribe" } =>
        report.did !== "receive" && ++seen === times,
    );
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async exit(): Promise<void> {
    await this.#child.exited;
    await this.#reading;
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
      // `tell` in client-program.ts writes these lines.
      for (const line of lines) this.reports.add(JSON.parse(line) as Report);
    }
    this.reports.end("the client's process has ended");
  }
}
