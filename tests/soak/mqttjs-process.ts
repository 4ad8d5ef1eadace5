import { Inbox } from "../support/inbox.ts";
import type { JsOptions, JsTold } from "./mqttjs-program.ts";
import { spawn } from "../support/child.ts";

const program = Bun.fileURLToPath(import.meta.resolve("./mqttjs-program.ts"));
/** Until the last publication is acknowledged, possibly over a new connection. */
const settleMs = 30_000;

/** The process of mqttjs-program.ts. */
export class MqttJsProcess implements AsyncDisposable {
  onTold: (told: JsTold) => void = () => {};
  readonly #steps = new Inbox<JsTold>();
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;

  constructor(options: JsOptions) {
    this.#child = spawn([process.execPath, program, JSON.stringify(options)], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    void this.#listen();
  }

  async ready(): Promise<void> {
    await this.#steps.first("ready", ({ did }) => did === "ready");
  }

  /** Publishes nothing more, and everything published was acknowledged. */
  async settled(): Promise<void> {
    await this.#order("settle", "settle");
  }

  async end(): Promise<void> {
    await this.#order("end", "end");
    await this.#child.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  async #order(order: string, did: JsTold["did"]): Promise<void> {
    await this.#child.stdin.write(`${order}\n`);
    await this.#child.stdin.flush();
    await this.#steps.first(did, (told) => told.did === did, settleMs);
  }

  async #listen(): Promise<void> {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(JSON.parse(line) as JsTold); // `tell` in that program writes it.
    }
    this.#steps.end("mqtt.js has ended");
  }

  #take(told: JsTold): void {
    this.onTold(told);
    if (told.did !== "send" && told.did !== "receive") this.#steps.add(told);
  }
}
