import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { Client } from "../../src/client/client.ts";
import type { Target } from "../../src/client/target.ts";
import { localTarget } from "./embedded.ts";
import { eventually } from "./inbox.ts";
import { spawn } from "./child.ts";

// A package manager installs it where a user's PATH may not look.
const program =
  Bun.which("mosquitto") ?? Bun.which("mosquitto", { PATH: "/usr/sbin:/usr/local/sbin" });

/** Why no mosquitto with known quirks is installed; null: one is. */
export const mosquittoMissing: string | null = await whyMissing();

/** The same, for any mosquitto. */
export const mosquittoAbsent: string | null = program === null ? mosquittoMissing : null;

/** Debian's mosquitto, in its own process and folder, on a free port. */
export class Mosquitto implements AsyncDisposable {
  readonly port: number;
  readonly target: Target;
  readonly #folder: string;
  readonly #child: Bun.Subprocess<"ignore", "ignore", "ignore">;

  /** `lines`: configuration lines that follow those of its listener. */
  static async start(lines: readonly string[] = []): Promise<Mosquitto> {
    const mosquitto = new Mosquitto(await freePort(), lines);
    try {
      await eventually(
        async () => mosquitto.#answers(),
        () => "mosquitto does not listen",
      );
      return mosquitto;
    } catch (error) {
      await mosquitto[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(port: number, lines: readonly string[]) {
    if (program === null) throw new Error("mosquitto is not installed");
    this.port = port;
    this.target = localTarget(port);
    this.#folder = mkdtempSync(path.join(tmpdir(), "mqttd-mosquitto-"));
    const config = path.join(this.#folder, "mosquitto.conf");
    const listener = [`listener ${port} 127.0.0.1`, "allow_anonymous true", "persistence false"];
    // Started by root, it would become a user that can't read the keys and folders of a test.
    const user = process.getuid?.() === 0 ? ["user root"] : [];
    writeFileSync(config, `${[...user, ...listener, ...lines].join("\n")}\n`);
    this.#child = spawn([program, "-c", config], {
      cwd: this.#folder,
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #answers(): Promise<boolean> {
    try {
      (await Client.open(this.target, 4)).reset();
      return true;
    } catch {
      if (this.#child.exitCode !== null) throw new Error("mosquitto has ended");
      return false;
    }
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<number>();
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
  });
  return promise;
}

async function whyMissing(): Promise<string | null> {
  if (program === null) return "mosquitto is not installed";
  await using child = spawn([program, "-h"], { stdin: "ignore", stdout: "pipe", stderr: "ignore" });
  const [first] = (await child.stdout.text()).split("\n");
  await child.exited;
  return first === "mosquitto version 2.0.11" ? null : `there is ${first ?? "another program"}`;
}
