import { join } from "node:path";
import type { z } from "zod";

interface Job<Report> {
  /** A file of this folder, without `.ts`. */
  readonly script: "loader" | "crowd";
  /** Its only argument, as JSON. */
  readonly plan: object;
  readonly shape: z.ZodType<Report>;
  /** A prefix of its command. */
  readonly before: readonly string[];
  /** It is killed after that time. */
  readonly limitMs: number;
}

/** The processes that a benchmark has started. It always ends these, and no others. */
export class Children {
  readonly #running = new Set<Bun.Subprocess>();

  spawn<Out extends "ignore" | "pipe">(
    command: readonly string[],
    options: { readonly stdout: Out; readonly stderr: "inherit" | Bun.BunFile },
  ): Bun.Subprocess<"ignore", Out, "inherit" | Bun.BunFile> {
    const child = Bun.spawn([...command], { env: process.env, ...options, stdin: "ignore" });
    this.#running.add(child);
    void child.exited.then(() => this.#running.delete(child));
    return child;
  }

  /** Runs a script that prints one report. Returns the report, or as a string how the script ended. */
  async report<Report>(job: Job<Report>): Promise<Report | string> {
    const file = join(import.meta.dir, `${job.script}.ts`);
    const command = [...job.before, process.execPath, file, JSON.stringify(job.plan)];
    const child = this.spawn(command, { stdout: "pipe", stderr: "inherit" });
    const timer = setTimeout(() => child.kill("SIGKILL"), job.limitMs);
    const text = await new Response(child.stdout).text();
    const exitCode = await child.exited;
    clearTimeout(timer);
    if (exitCode !== 0) return `the ${job.script} ended with ${child.signalCode ?? exitCode}`;
    return job.shape.parse(JSON.parse(text));
  }

  /** Ends one of them: SIGTERM, then SIGKILL. */
  async end(child: Bun.Subprocess): Promise<void> {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 3000);
    await child.exited;
    clearTimeout(timer);
  }

  /** For an exit that can't wait. */
  killAll(): void {
    for (const child of this.#running) child.kill("SIGKILL");
  }
}
