import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Target } from "../../src/client/target.ts";
import { localTarget } from "./embedded.ts";
import { eventually } from "./inbox.ts";
import { reservedPort } from "./reserved-port.ts";
import { spawn } from "./child.ts";

// A package manager installs it where a user's PATH may not look.
const program =
  Bun.which("mosquitto") ?? Bun.which("mosquitto", { PATH: "/usr/sbin:/usr/local/sbin" });

/** Why no mosquitto with known quirks is installed; null: one is. */
export const mosquittoMissing: string | null = await whyMissing();

/** The same, for any mosquitto. */
export const mosquittoAbsent: string | null = program === null ? mosquittoMissing : null;

/** Free ports that are tried: each may be another program's before mosquitto listens on it. */
const portsTried = 5;

/** Debian's mosquitto, in its own process and folder, on a free port. */
export class Mosquitto implements AsyncDisposable {
  readonly port: number;
  readonly target: Target;
  readonly #folder: string;
  readonly #child: Bun.Subprocess;

  /** `lines`: configuration lines that follow those of its listener. */
  static async start(lines: readonly string[] = []): Promise<Mosquitto> {
    for (let left = portsTried; ; left--) {
      const mosquitto = new Mosquitto(reservedPort(), lines);
      try {
        // Not whether the port answers: another program may have taken it meanwhile.
        await eventually(
          () => mosquitto.log.includes(" running\n") || mosquitto.#child.exitCode !== null,
          () => `mosquitto does not listen: ${mosquitto.log}`,
        );
        if (mosquitto.#child.exitCode === null) return mosquitto;
        const isTaken = mosquitto.log.includes("Address already in use");
        if (!isTaken || left === 1) throw new Error(`mosquitto has ended: ${mosquitto.log}`);
      } catch (error) {
        await mosquitto[Symbol.asyncDispose]();
        throw error;
      }
      await mosquitto[Symbol.asyncDispose]();
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
    writeFileSync(this.#logFile, "");
    writeFileSync(config, `${[...user, ...listener, ...lines].join("\n")}\n`);
    this.#child = spawn([program, "-c", config], {
      cwd: this.#folder,
      stdin: "ignore",
      stdout: "ignore",
      stderr: Bun.file(this.#logFile),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #logFile(): string {
    return path.join(this.#folder, "mosquitto.log");
  }

  get log(): string {
    return readFileSync(this.#logFile, "utf8");
  }
}

async function whyMissing(): Promise<string | null> {
  if (program === null) return "mosquitto is not installed";
  await using child = spawn([program, "-h"], { stdin: "ignore", stdout: "pipe", stderr: "ignore" });
  const [first] = (await child.stdout.text()).split("\n");
  await child.exited;
  return first === "mosquitto version 2.0.11" ? null : `there is ${first ?? "another program"}`;
}
